//! What a rewritten text must keep of the first one: doses, the warning to verify them, signs of danger.

use clinstruct_schema::Language;

use crate::check::Finding;
use crate::dose::find;
use crate::identify;
use crate::lexicon::lexicon;

/// What the text `after` has lost of the text `before` that it replaces; empty where nothing medical is lost.
///
/// Every number of a dose in `before` must be in `after`, whatever its unit and language; a warning to verify a dose stays
/// as long as there is a dose; and a text that asks for urgent help or names signs of danger still does. `language` is the one
/// that was asked for.
pub fn lost(before: &str, after: &str, language: Language) -> Vec<Finding> {
    let written_in = identify(before).unwrap_or(language);
    let mut found = Vec::new();
    let kept = numbers(after);
    let (first, second) = (find(before, written_in), find(after, language));
    for dose in &first.stated {
        let words = before.get(dose.place.clone()).unwrap_or_default();
        if numbers(words).iter().any(|number| !kept.contains(number)) {
            found.push(Finding::at(dose.place.clone(), format!("the dose \"{words}\" is gone")));
        }
    }
    let warned = !first.stated.is_empty() && first.unwarned.is_none();
    if warned && (second.unwarned.is_some() || second.stated.is_empty()) {
        found.push(Finding::new("the sentence that asks to verify the dose is gone"));
    }
    if let Some(word) = urgent(before, written_in)
        && urgent(after, language).is_none()
    {
        found.push(Finding::new(format!("what was said about \"{word}\" is gone")));
    }
    found
}

/// The first phrase that asks for urgent help or names signs of danger.
fn urgent(text: &str, language: Language) -> Option<&'static str> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    lexicon(language).urgent.iter().map(String::as_str).find(|word| lower.contains(word))
}

/// A digit of any script that the languages have, as ASCII.
fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => return Some(c),
        '\u{966}'..='\u{96f}' => 0x966,
        '\u{e50}'..='\u{e59}' => 0xe50,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

/// The numbers of a text, with ASCII digits and a full stop before decimals.
fn numbers(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut number = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let digit_follows = chars.peek().is_some_and(|next| digit(*next).is_some());
        match digit(c) {
            Some(digit) => number.push(digit),
            None if matches!(c, '.' | ',') && !number.is_empty() && digit_follows => {
                number.push('.');
            }
            None => all.extend(Some(std::mem::take(&mut number)).filter(|n| !n.is_empty())),
        }
    }
    all.extend(Some(number).filter(|n| !n.is_empty()));
    for number in &mut all {
        // A point before three digits groups thousands: 1,000 and 1.000 and 1000 are one number.
        if let Some((whole, rest)) = number.split_once('.')
            && rest.len() == 3
            && whole != "0"
        {
            *number = format!("{whole}{rest}");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(before: &str, after: &str, language: Language) -> Vec<String> {
        lost(before, after, language).into_iter().map(|f| f.detail).collect()
    }

    #[test]
    fn a_rewrite_keeps_doses_warnings_and_signs_of_danger() {
        let before = "Give amoxicillin 500 mg three times a day. Please verify the dose before use. \
                      Refer urgently if he cannot drink.";
        let all = details(before, "Give an antibiotic.", Language::English);
        assert_eq!(
            all,
            [
                "the dose \"500 mg\" is gone",
                "the sentence that asks to verify the dose is gone",
                "what was said about \"urgent\" is gone",
            ]
        );
        let shorter = "Amoxicillin 500 mg three times a day; verify the dose. Urgent referral if he cannot drink.";
        assert_eq!(details(before, shorter, Language::English), [] as [&str; 0]);
    }

    #[test]
    fn another_language_writes_the_same_numbers_otherwise() {
        let before = "Give adrenaline 0.15 mg at once. Verify the dose.";
        let german = "Geben Sie sofort Adrenalin 0,15 mg. Bitte prüfen Sie die Dosis.";
        assert_eq!(details(before, german, Language::German), [] as [&str; 0]);
        let less = "Geben Sie sofort Adrenalin 0,5 mg. Bitte prüfen Sie die Dosis.";
        assert_eq!(details(before, less, Language::German), ["the dose \"0.15 mg\" is gone"]);
        let hindi = "तुरंत एड्रेनालिन ०.१५ mg दें। कृपया खुराक की पुष्टि करें।";
        assert_eq!(details(before, hindi, Language::Hindi), [] as [&str; 0]);
    }

    #[test]
    fn what_is_no_dose_may_go() {
        let before = "The ward has 24 beds. Her haemoglobin is 9 g/dL.";
        assert_eq!(details(before, "Her haemoglobin is low.", Language::English), [] as [&str; 0]);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert_eq!(numbers("1,000 mg, 2.5–5 mL"), ["1000", "2.5", "5"]);
        assert_eq!(numbers("๕๐๐ มก."), ["500"]);
        assert_eq!(numbers("0.125"), ["0.125"]);
    }
}
