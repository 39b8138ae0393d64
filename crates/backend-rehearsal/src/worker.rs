//! The health worker's messages: first prompts here, follow-ups and answers to questions in `follow`.

use clinstruct_draw::Draw;
use clinstruct_schema::Language;

use crate::grammar::{grammar, worker};
use crate::read::{ParsedRequest, Voice, value};
pub(crate) use first::Written;

mod first;

mod follow;

mod layperson;

pub(crate) use follow::follow_up;

type Facts = [(String, String)];

/// Writes a first message.
pub(crate) fn prompt(
    parsed: &ParsedRequest,
    patient: &Facts,
    voice: &Voice,
    draw: &mut Draw,
) -> Written {
    match &voice.persona {
        Some(persona) => layperson::prompt(patient, persona, voice, draw),
        None => first::prompt(parsed, patient, voice, draw),
    }
}

fn fits(text: &str, sex: &str) -> bool {
    let words = &worker().words;
    let lower = text.to_lowercase();
    let female = words.female.iter().any(|w| lower.contains(w.as_str()));
    let male = words.male.iter().any(|w| lower.contains(w.as_str()));
    match sex {
        "male" => !female,
        "female" => !male,
        _ => !(female || male),
    }
}

/// The sex by which a message speaks of the patient: by the gender, as a transgender man is a man.
fn spoken_sex(patient: &Facts) -> &str {
    match value(patient, "gender") {
        // `woman` contains `man`.
        Some(gender) if gender.contains("woman") || gender.contains("girl") => "female",
        Some(gender) if gender.contains("man") || gender.contains("boy") => "male",
        _ => value(patient, "sex").unwrap_or("female"),
    }
}

/// `63 years` before a noun: `63-year-old`.
fn age_text(age: &str) -> String {
    if age.starts_with("less") {
        return "newborn".into();
    }
    let mut parts = age.split_whitespace();
    let (number, unit) = (parts.next().unwrap_or("40"), parts.next().unwrap_or("years"));
    format!("{number}-{}-old", unit.trim_end_matches('s'))
}

/// An item of `list` that does not contradict the sex.
fn fitting(group: &str, name: &str, sex: &str, draw: &mut Draw) -> String {
    let list = worker().all(group, name);
    for _ in 0..16 {
        if let Some(template) = draw.pick(list) {
            // Plain phrases have no slots and stay in lower case.
            let text = template.plain();
            if fits(&text, sex) {
                return text;
            }
        }
    }
    "a change that is hard to name".into()
}

/// A term inside a sentence: its capital is dropped, except in names and abbreviations.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

/// A sentence with its topic in front.
fn lead(sentence: &str, draw: &mut Draw) -> String {
    let words = &worker().words;
    let (Some(lead), Some(list)) = (draw.pick(&words.leads), draw.pick(&words.about)) else {
        return sentence.to_owned();
    };
    let about = grammar(Language::English).map(|g| g.item(list, draw)).unwrap_or_default();
    format!("{} {}", lead.replace("{}", &about), lower_start(sentence))
}

/// The first letter becomes lower case if the first word is an ordinary one.
fn lower_start(sentence: &str) -> String {
    let first = sentence.split_whitespace().next().unwrap_or_default();
    if matches!(first, "I" | "I'm" | "I've" | "I'll" | "I'd") {
        sentence.to_owned()
    } else {
        lower_first(sentence)
    }
}
