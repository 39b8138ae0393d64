//! What was taken too much of, or should not have been: `amitriptyline 900 mg, 3 h ago` is no measurement, and no medicine
//! that the patient takes.

use std::sync::LazyLock;

use clinstruct_schema::{FactName, Language, StatedFact};
use regex::Regex;

use super::lexicon::{Kind, kinds};
use crate::case::numbers::numbers;
use crate::case::statement::{content, fact_of};
use crate::case::view::View;

/// Units of what is taken.
const TAKEN: [&str; 5] = ["mg", "ug", "g", "mL", "[IU]"];
/// Forms in which it is counted, by the beginnings of words.
const COUNTED: [&str; 12] = [
    "tablet",
    "pill",
    "capsule",
    "tablett",
    "comprimid",
    "pastilla",
    "comprim",
    "compress",
    "capsul",
    "गोली",
    "गोलियाँ",
    "เม็ด",
];
/// Words by which a text gives what is measured in the body.
const LEVELS: [&str; 10] = [
    "level",
    "concentration",
    "spiegel",
    "nivel",
    "nível",
    "taux",
    "livello",
    "serum",
    "plasma",
    "ระดับ",
];
/// Verbs by which a statement says that something was taken.
const VERBS: [&str; 8] =
    ["taken", "took", "swallow", "ingest", "overdose", "drank", "ate ", "injected"];

/// A time behind what was taken.
static AGO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)[,;]?\s*\(?((?:about |around |some )?[0-9a-z.,]+\s*(?:h|hrs?|hours?|min|mins|minutes?|days?) ago)\)?").ok()
});

/// Files what was taken in an overdose as a complaint, and a single dose listed as a measurement as an event.
pub(in crate::case) fn settle_intakes(message: &View<'_>, facts: &mut Vec<StatedFact>) {
    let overdosed = |text: &str| {
        let lower = crate::dose::lower_case(text);
        kinds(text, &lower).iter().any(|hit| hit.class == Kind::Overdose)
    };
    let settled = |fact: &StatedFact| {
        let value = crate::dose::lower_case(&fact.value);
        let near = || overdosed(&fact.value) || sentence(message, &value).is_some_and(overdosed);
        match fact.name {
            // One dose at one time is what an overdose is about, wherever the message names it.
            FactName::Medicine => {
                let overdose = near() || (is_once(&value) && overdosed(message.text));
                overdose.then_some(FactName::Complaint)
            }
            FactName::Other if is_intake(message, &fact.value, &value) => {
                // A message about an overdose may name what was taken in another sentence.
                let complaint = near() || overdosed(message.text);
                Some(if complaint { FactName::Complaint } else { FactName::History })
            }
            _ => None,
        }
    };
    let mut all: Vec<StatedFact> = Vec::new();
    let mut taken: Vec<StatedFact> = Vec::new();
    for fact in std::mem::take(facts) {
        match settled(&fact) {
            Some(name) => taken.push(fact_of(name, &said(&fact.value), "1")),
            None => all.push(fact),
        }
    }
    for fact in taken {
        // `took 30 tablets of amitriptyline` says it already.
        let own: Vec<String> = named(&fact.value);
        let told = all.iter().any(|known| {
            let text = matches!(
                known.name,
                FactName::Complaint | FactName::Condition | FactName::History | FactName::Finding
            );
            let words: Vec<String> = content(&known.value).collect();
            text && !own.is_empty() && own.iter().all(|word| words.contains(word))
        });
        if !told {
            all.push(fact);
        }
    }
    *facts = all;
}

/// The words of a text that tell one intake from another: the name, and its numbers.
fn named(text: &str) -> Vec<String> {
    let amount = |word: &String| {
        word.chars().all(|c| c.is_ascii_digit())
            || (word.chars().count() >= 5 && !VERBS.iter().any(|verb| verb.trim() == word))
    };
    content(text).filter(amount).collect()
}

/// Words of a time at which something was taken once.
const ONCE: [&str; 9] = [" ago", "vor ", "hace ", "il y a ", " fa", "há ", "पहले", "ก่อน", "at once"];

/// Whether a text in lower case says when something was taken once.
fn is_once(lower: &str) -> bool {
    lower.contains(|c: char| c.is_ascii_digit()) && ONCE.iter().any(|time| lower.contains(time))
}

/// Whether a listed measurement is something that was taken.
fn is_intake(message: &View<'_>, value: &str, lower: &str) -> bool {
    let amount = numbers(value, lower).iter().any(|n| n.unit.is_some_and(|u| TAKEN.contains(&u)))
        || COUNTED.iter().any(|form| lower.contains(form));
    let measured = LEVELS.iter().any(|word| lower.contains(word))
        || kinds(value, lower).iter().any(|hit| matches!(hit.class, Kind::Test | Kind::Analyte));
    let mut languages = crate::language::likely(message.text);
    languages.push(Language::English);
    let named = || {
        languages.iter().any(|l| !crate::dose::medicine_words(lower, *l).is_empty())
            || VERBS.iter().any(|verb| lower.contains(verb))
            || kinds(value, lower).iter().any(|hit| hit.class == Kind::Overdose)
    };
    amount && !measured && named()
}

/// The sentence of the message that has the first word of a listed medicine.
fn sentence<'v>(message: &'v View<'_>, value: &str) -> Option<&'v str> {
    let word = value.split(|c: char| !c.is_alphabetic()).find(|word| word.chars().count() >= 4)?;
    let at = message.lower.find(word)?;
    message.text.get(message.sentence(at))
}

/// What was taken, with a verb where an English text has none.
fn said(value: &str) -> String {
    let lower = value.to_lowercase();
    let verb = VERBS.iter().any(|verb| lower.contains(verb));
    match AGO.as_ref() {
        Some(ago) if !verb => ago.replace(value, " taken $1").into_owned(),
        _ => value.to_owned(),
    }
}
