//! What a writer lists in the wrong place, by what it says: a brother's heart attack among the social facts, a habit or good
//! health among the complaints, how long something has lasted among the measurements.

use clinstruct_schema::{FactName, Language, StatedFact};

use super::lexicon::{Kind, kinds};
use crate::case::household;
use crate::case::view::View;
use crate::case::words::Class;

/// Bytes before the relative of whom a statement is: `the patient's mother had a stroke`.
const BEFORE: usize = 16;
/// Units of time, which no unnamed measurement has.
const TIMES: [&str; 6] = ["min", "h", "d", "wk", "mo", "a"];
/// What is measured in time.
const TIMED: [&str; 12] = [
    "interval",
    "time",
    "refill",
    "duration",
    "latency",
    "half-life",
    "apnoea",
    "apnea",
    "zeit",
    "tiempo",
    "temps",
    "tempo",
];

/// The same statement under the name that what it says has.
pub(super) fn placed(fact: StatedFact) -> StatedFact {
    let view = View::new(&fact.value);
    let hits = kinds(&fact.value, &view.lower);
    let has = |kind| hits.iter().any(|hit| hit.class == kind);
    let name = match fact.name {
        FactName::Complaint if has(Kind::Symptom) => return fact,
        FactName::Complaint if has(Kind::Well) => FactName::Finding,
        FactName::Complaint if has(Kind::Drinking) && has(Kind::Alcohol) => FactName::Social,
        FactName::Complaint if is_medicine(&view) => FactName::Medicine,
        FactName::Other if is_duration(&view, &fact.unit) => FactName::History,
        _ => return fact,
    };
    let unit = "1".to_owned();
    StatedFact { name, unit, ..fact }
}

/// Words of what a test showed that make a sentence of its result, in all and between commas.
const SENTENCE: (usize, usize) = (10, 5);

/// Whether a result is told in a sentence rather than in values: `punch biopsy back after nine days: superficial spreading
/// melanoma, invasion depth 3 mm`. A list of results is none, however long.
pub(super) fn is_sentence(value: &str) -> bool {
    let words = |part: &str| {
        part.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic)).count()
    };
    let longest = value.split([',', ';', ':']).map(words).max().unwrap_or_default();
    words(value) >= SENTENCE.0 && longest >= SENTENCE.1 && View::new(value).numbers.len() < 2
}

/// Whether a statement is a medicine with its amount and nothing before: `tiotropium 18 µg capsule daily`. What is said of it
/// further on is another matter.
fn is_medicine(view: &View<'_>) -> bool {
    let names = crate::dose::medicine_words(&view.lower, Language::English);
    names.iter().any(|name| {
        name.start == 0
            && crate::case::medicines::dose_behind(view, name)
                .is_some_and(|(at, _)| at.start < name.end + 12)
    }) && !view.text.contains([',', ';', '.'])
}

/// Whether all numbers of a statement without a test are lengths of time: `cow's milk formula for 3 weeks`.
fn is_duration(view: &View<'_>, unit: &str) -> bool {
    let timed = |number: &super::super::numbers::Number| {
        number.unit.is_none_or(|unit| TIMES.contains(&unit))
    };
    TIMES.contains(&unit)
        && view.numbers.iter().all(timed)
        && !TIMED.iter().any(|word| view.lower.contains(word))
        && !view.hits.iter().any(|hit| matches!(hit.class, Class::Label(_) | Class::Resembling))
        && !kinds(view.text, &view.lower).iter().any(|hit| {
            matches!(hit.class, Kind::Test | Kind::Analyte | Kind::Lasting | Kind::Refill)
        })
}

/// Puts the diseases of relatives into the family history. Only where a health worker writes: elsewhere, `my mother` is the
/// patient.
pub(in crate::case) fn settle_relatives(facts: &mut [StatedFact]) {
    for fact in facts {
        let elsewhere = matches!(fact.name, FactName::Social | FactName::Other | FactName::History);
        if elsewhere && is_family(&fact.value) {
            fact.name = FactName::Family;
            "1".clone_into(&mut fact.unit);
        }
    }
}

/// Whether a statement begins with a relative and names a disease behind: `brother had a heart attack at 52`.
fn is_family(value: &str) -> bool {
    let view = View::new(value);
    let Some(relative) = view.hits.iter().find(|hit| hit.class == Class::Person) else {
        return false;
    };
    relative.start <= BEFORE
        && !view.hits.iter().any(|hit| hit.class == Class::Report && hit.start >= relative.end)
        && kinds(value, &view.lower)
            .iter()
            .any(|hit| hit.class == Kind::Illness && hit.start >= relative.end)
        && household::said(&view).is_empty()
}
