//! An emergency number, a law, an authority or a brand of another country.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::CountryBound;
use regex::Regex;

use crate::Turn;
use crate::card::{CountryTerms, Place};
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::of_all;

/// The check.
pub const CHECK: Check = Check {
    id: "other_country",
    former_ids: &[],
    repair_name: None,
    summary: "An emergency number, a law, an authority or a brand of another country.",
    group: Group::Facts,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example },
    good: &[
        "Ask for consent; HIPAAX is nothing.",
        "Call 999 or dial 112 now; 911 cases were seen.",
    ],
    bad: &["HIPAA asks for consent.", "Call 911 now."],
};

static EXAMPLE: LazyLock<CountryTerms> = LazyLock::new(|| {
    CountryTerms::new(vec![CountryBound { term: "HIPAA".into(), countries: vec!["us".into()] }])
});

fn example(text: &'static str) -> Turn<'static> {
    let place = Place { country: "ke", emergency: "999", terms: &EXAMPLE };
    Turn { place: Some(place), ..Turn::answer(text) }
}

/// Only a number to call: `call 911`, `dial 112`, `appelez le 15`, `rufen Sie die 112`.
static CALLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // ASCII word boundaries: Unicode ones would need a slower engine on every answer.
    let calls: Vec<String> = of_all(|l| &l.calls).map(|c| format!(r"(?-u:\b){c}")).collect();
    let between: Vec<&str> = of_all(|l| &l.before_numbers).collect();
    let (calls, between) = (calls.join("|"), between.join("|"));
    Regex::new(&format!(r"(?i)(?:{calls})\s+(?:{between})*([0-9]{{2,4}})(?-u:\b)")).ok()
});

/// What people dial for an ambulance somewhere, as in `countries.toml`. Any other number is that of a helpline or of a ward.
const NUMBERS: [&str; 70] = [
    "000", "101", "102", "103", "104", "105", "106", "107", "108", "110", "111", "112", "1122",
    "113", "114", "115", "116", "117", "118", "119", "1195", "120", "121", "122", "1220", "123",
    "124", "127", "128", "130", "1300", "131", "132", "14", "140", "141", "144", "15", "150",
    "151", "1515", "155", "166", "1669", "18", "185", "19", "190", "191", "192", "194", "1990",
    "333", "511", "811", "8200", "907", "911", "912", "913", "933", "977", "991", "994", "995",
    "996", "997", "998", "999", "9999",
];

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let Some(place) = turn.place else { return Vec::new() };
    let found = emergency_number(turn.text, place.emergency);
    found.or_else(|| foreign_term(turn.text, &place)).into_iter().collect()
}

/// A law, an authority or a brand name of another country.
pub(crate) fn foreign_term(text: &str, place: &Place<'_>) -> Option<Finding> {
    place.terms.find(text).find(|(term, _)| !term.countries.iter().any(|c| c == place.country)).map(
        |(term, span)| {
            Finding::at(span, format!("{} does not belong to the patient's country", term.term))
        },
    )
}

/// An emergency number to call that is not the country's.
///
/// `known` is the country's number, such as `15`; if it is unknown, every number passes. 112 works from mobile
/// telephones nearly everywhere (GSM) and passes in every country. So do numbers that are nobody's for an ambulance: `call
/// 1098` is a helpline for children.
pub(crate) fn emergency_number(text: &str, known: &str) -> Option<Finding> {
    if known.is_empty() {
        return None;
    }
    let called = CALLED.as_ref()?;
    for number in numbers(text) {
        let own = &text[number.clone()];
        if own == "112" || own == known || NUMBERS.binary_search(&own).is_err() {
            continue;
        }
        // The words of a call are letters and spaces; the character before them tells whether they begin a word.
        let is_of_call = |c: char| c.is_alphabetic() || c.is_whitespace();
        let said = text[..number.start].trim_end_matches(is_of_call);
        let before = said.chars().next_back().map_or(0, char::len_utf8);
        if called.is_match(&text[said.len() - before..number.end]) {
            let seen = format!("{own} where the country's number is {known}");
            return Some(Finding::at(number, seen));
        }
    }
    None
}

/// Numbers of two to four digits behind a space.
fn numbers(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes.get(at..)?.iter().position(u8::is_ascii_digit)?;
            let end = start + bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            at = end;
            let behind = bytes.get(end).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
            if (2..=4).contains(&(end - start))
                && !behind
                && text[..start].ends_with(char::is_whitespace)
            {
                return Some(start..end);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_call_are_letters_and_spaces() {
        // Only such a stretch of a text before a number is looked at. What is not a letter belongs to the pattern.
        let plain = |c: char| c.is_alphabetic() || " (?:|)[]*".contains(c);
        for words in of_all(|l| &l.calls).chain(of_all(|l| &l.before_numbers)) {
            assert!(words.replace("a-z", "a").chars().all(plain), "{words}");
        }
        assert!(of_all(|l| &l.before_numbers).all(|words| words.ends_with(' ')));
    }

    #[test]
    fn a_number_is_called_as_the_pattern_says() {
        let called = CALLED.as_ref().unwrap();
        let parts = [
            "call", "Ring", " the", " on", "  ", "\n", "9", "91", "911", "9111", "_", "x", ". ",
            "é",
        ];
        let mut found = 0;
        let all = || parts.iter();
        for (one, two) in all().flat_map(|one| all().map(move |two| (one, two))) {
            for (three, four) in all().flat_map(|three| all().map(move |four| (three, four))) {
                let text = format!("{one}{two}{three} 102 {four}");
                let text = text.as_str();
                let expected = called.captures_iter(text).filter_map(|hit| hit.get(1));
                let is_foreign =
                    |number: &str| !["112", "15"].contains(&number) && NUMBERS.contains(&number);
                let mut expected = expected.filter(|number| is_foreign(number.as_str()));
                let expected = expected.next().map(|number| number.range());
                found += usize::from(expected.is_some());
                let seen = emergency_number(text, "15").and_then(|finding| finding.span);
                assert_eq!(seen, expected, "{text:?}");
            }
        }
        assert!(found > 100, "{found}");
    }

    #[test]
    fn the_numbers_are_those_of_the_countries() {
        let catalog = clinstruct_catalog::Catalog::embedded().unwrap();
        let is_short = |number: &&str| {
            (2..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
        };
        let mut all: Vec<&str> =
            catalog.countries.iter().map(|c| c.emergency.as_str()).filter(is_short).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, NUMBERS);
        // Helplines, for children and others.
        for text in ["Call 1098 for the child.", "Or call 116 and then dial 1091.", "call 555"] {
            assert!(emergency_number(text, "116").is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_are_found_in_other_languages() {
        assert!(emergency_number("Rufen Sie die 911.", "112").is_some());
        assert!(emergency_number("Appelez le 911 tout de suite.", "15").is_some());
        assert!(emergency_number("Appelez le 15.", "15").is_none());
        assert!(emergency_number("Llame al 911.", "112").is_some());
        assert!(emergency_number("Call 911 now.", "").is_none());
    }
}
