//! A message in another language than its conversation, or an answer in another one than requested.

use clinstruct_schema::{Language, Speaker};

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::language::{
    foreign_paragraph, foreign_script, identify, identify_other, is_of_foreign_script,
};

/// The check.
pub const CHECK: Check = Check {
    id: "language",
    former_ids: &[],
    repair_name: None,
    summary: "A message in another language than its conversation, or an answer in another one than requested.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Stops),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Stops),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Give small sips of water and look at the child again after an hour.",
        "Oui.",
        "Give small sips of water, and say to her:\n\n\"Donnez de petites gorgées d'eau toutes les cinq minutes à l'enfant.\"",
        "Paracetamol 500 mg, ibuprofen 400 mg, amoxicillin 250 mg",
    ],
    bad: &[
        "Donnez de petites gorgées d'eau et revoyez l'enfant au bout d'une heure.",
        "Geben Sie dem Kind viel Wasser.",
        "Give small sips of water and look at the child again after an hour.\n\nWenn das Kind erbricht, warten Sie zehn Minuten und geben Sie ihm dann wieder etwas.",
        "Ask the ward for the form (转诊手续) before you leave.",
    ],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    if turn.translates {
        return Vec::new();
    }
    if turn.speaker != Speaker::Assistant {
        return another_message(turn.text, turn.language).into_iter().collect();
    }
    let found = other_language(turn.text, turn.language);
    found
        .filter(|finding| {
            !is_local(turn, finding) && !leads_up(turn.text, turn.language, turn.spoken)
        })
        .into_iter()
        .collect()
}

/// Share of the words of an answer that are in the requested language where the rest leads up to them.
const LED_UP: f64 = 1.0 / 3.0;

/// Whether an answer has a text in the requested language, and says the rest in that of the conversation: a letter in Portuguese
/// for a nurse who asks in English, because her Portuguese is weak.
fn leads_up(text: &str, asked: Language, spoken: Language) -> bool {
    if asked == spoken {
        return false;
    }
    let (mut of_asked, mut all) = (0_u32, 0_u32);
    let mut led = false;
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let words = u32::try_from(paragraph.split_whitespace().count()).unwrap_or(u32::MAX);
        match identify(paragraph) {
            Some(found) if found == asked => of_asked += words,
            Some(found) if found != spoken => return false,
            Some(_) => led |= of_asked == 0,
            None => {}
        }
        all += words;
    }
    led && f64::from(of_asked) >= LED_UP * f64::from(all)
}

/// Scripts by their first and last letters, and the countries that write in them: an answer may quote what a form or a law is
/// called there.
const SCRIPTS: [((u32, u32), &[&str]); 6] = [
    (
        (0x400, 0x52f),
        &["ru", "by", "ua", "bg", "rs", "mk", "me", "ba", "kz", "kg", "tj", "mn", "uz"],
    ),
    ((0x531, 0x58f), &["am"]),
    ((0x590, 0x5ff), &["il"]),
    (
        (0x600, 0x6ff),
        &[
            "dz", "bh", "td", "km", "dj", "eg", "iq", "jo", "kw", "lb", "ly", "mr", "ma", "om",
            "ps", "qa", "sa", "so", "sd", "sy", "tn", "ae", "ye", "ir", "af", "pk",
        ],
    ),
    ((0x3040, 0x9fff), &["cn", "jp", "sg"]),
    ((0xac00, 0xd7af), &["kr", "kp"]),
];

/// Letters of a local name, at most.
const LOCAL: usize = 80;

/// Whether what is in another script is a name in the script of the country: `(ювенильный идиопатический артрит)`.
fn is_local(turn: &Turn<'_>, finding: &Finding) -> bool {
    let (Some(place), Some(span)) = (&turn.place, &finding.span) else { return false };
    let is_of = |c: char| {
        SCRIPTS.iter().any(|((from, to), countries)| {
            (*from..=*to).contains(&u32::from(c)) && countries.contains(&place.country)
        })
    };
    let before = turn.text.get(..span.start).unwrap_or_default().trim_end();
    let is_set_apart = before.ends_with(['(', '"', '“', '„', '«', '\'', '‘', '*', ':']);
    let foreign = turn.text.chars().filter(|c| is_of_foreign_script(*c));
    let is_name = turn.text.get(span.clone()).is_some_and(|said| said.chars().all(is_of));
    is_set_apart && is_name && foreign.clone().all(is_of) && foreign.count() <= LOCAL
}

/// What is wrong with the language of a health worker's message. Such a message may quote a letter, a leaflet or a patient, so
/// that one paragraph in the language of the conversation is enough.
fn another_message(text: &str, asked: Language) -> Option<Finding> {
    let found = identify_other(text, asked)?;
    let mut paragraphs = text.split('\n');
    if paragraphs.any(|paragraph| identify(paragraph) == Some(asked)) {
        return None;
    }
    let seen = format!("to be written in {}, is in {}", asked.name(), found.name());
    Some(Finding::new(seen))
}

/// What is wrong with the language of a text; texts that are too short to detect pass.
pub(crate) fn other_language(text: &str, asked: Language) -> Option<Finding> {
    if let Some(found) = identify_other(text, asked) {
        let seen = format!("asked for {}, written in {}", asked.code(), found.code());
        return Some(Finding::new(seen));
    }
    if let Some((span, found)) = foreign_paragraph(text, asked) {
        let seen =
            format!("asked for {}, a paragraph is written in {}", asked.code(), found.code());
        return Some(Finding::at(span, seen));
    }
    let span = foreign_script(text)?;
    let seen = format!("asked for {}, {} is in another script", asked.code(), &text[span.clone()]);
    Some(Finding::at(span, seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_lead_up_to_a_letter_in_the_requested_language() {
        let letter = "Ex.mo Senhor Doutor,\n\nPeço a sua decisão, ainda hoje, sobre a transferência desta criança do sexo masculino, \
                      de quatro anos, com suspeita de glomerulonefrite aguda e hipertensão grave.\n\nHá cinco dias que tem a face \
                      inchada de manhã e a urina cor de chá. Não dispomos de creatinina nem de imagem. Com os melhores \
                      cumprimentos,";
        let lead = "This pressure is dangerously high at four years, so phone first and do not wait for the letter.";
        let finds = |text: &str, spoken| {
            let turn = Turn { language: Language::Portuguese, spoken, ..Turn::answer(text) };
            !find(&turn).is_empty()
        };
        let both = format!("{lead}\n\n{letter}\n\nFill in every bracket before you sign it.");
        assert!(!finds(&both, Language::English) && !finds(letter, Language::English));
        // In the requested language alone where the conversation has it, too, and not for want of it.
        assert!(finds(&both, Language::Portuguese) && finds(lead, Language::English));
        let other = format!(
            "{both}\n\nWenn das Kind erbricht, warten Sie zehn Minuten und geben Sie ihm dann wieder etwas."
        );
        assert!(finds(&other, Language::English));
    }

    #[test]
    fn a_health_worker_writes_in_the_language_of_the_conversation() {
        let german =
            "Die Patientin hat seit drei Tagen Fieber und trinkt kaum. Was ist jetzt zu tun?";
        let english =
            "She has had a fever for three days and hardly drinks. What is to be done now?";
        let in_german = |text| find(&Turn { language: Language::German, ..Turn::prompt(text) });
        assert!(in_german(german).is_empty());
        let finding = in_german(english);
        assert_eq!(finding[0].detail, "to be written in German, is in English");
        assert_eq!(find(&Turn::follow_up(german)).len(), 1);
    }

    #[test]
    fn an_answer_may_name_what_something_is_called_in_the_country() {
        let text = "Look up the protocol on juvenile idiopathic arthritis (ювенильный идиопатический артрит) in the ministry's register.";
        let terms = crate::CountryTerms::default();
        let found = |country, text| {
            let place = crate::Place { country, emergency: "", terms: &terms };
            find(&Turn { place: Some(place), ..Turn::answer(text) }).len()
        };
        assert_eq!((found("kg", text), found("np", text), found("cn", text)), (0, 1, 1));
        let much = format!("{text} {}", "Общие рекомендации для врача. ".repeat(3));
        assert_eq!(found("kg", &much), 1);
        assert_eq!(found("cn", "Ask the ward for the form (转诊手续) before you leave."), 0);
        assert_eq!(found("ke", "Ask the ward for the form (转诊手续) before you leave."), 1);
    }

    #[test]
    fn a_quoted_letter_may_be_in_any_language() {
        let text = "Please put this letter into English for the family:\nDie Patientin hat seit drei Tagen Fieber und trinkt kaum. Bitte geben Sie ihr alle zehn Minuten einen Schluck Wasser, und rufen Sie uns an, wenn das Fieber steigt.";
        assert!(find(&Turn::prompt(text)).is_empty());
    }
}
