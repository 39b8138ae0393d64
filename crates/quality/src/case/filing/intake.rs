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
const VERBS: [&str; 9] =
    ["taken", "took", "swallow", "ingest", "overdose", "drank", "ate", "eaten", "injected"];

/// A time behind what was taken.
static AGO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)[,;]?\s*\(?((?:about |around |some )?[0-9a-z.,]+\s*(?:h|hrs?|hours?|min|mins|minutes?|days?) ago)\)?").ok()
});

/// Files what was taken in an overdose as a complaint, and a single dose listed as a measurement as an event.
pub(in crate::case) fn settle_intakes(message: &View<'_>, facts: &mut Vec<StatedFact>) {
    let overdosed = |text: &str| {
        let lower = crate::dose::lower_case(text);
        kinds(text, &lower).iter().any(|hit| hit.class == Kind::Overdose) || is_many(&lower)
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

/// The words of a text that name what was taken.
fn named(text: &str) -> Vec<String> {
    let is_name = |word: &String| {
        word.chars().all(char::is_alphabetic)
            && word.chars().count() >= 5
            && !has_verb(word)
            && !COUNTED.iter().any(|form| word.starts_with(form))
    };
    content(text).filter(is_name).collect()
}

/// Tablets that nobody takes at a time, by a number before them.
static MANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?-u:\b)(?:[1-9][0-9]{1,2}|ten|twelve|fifteen|twenty|thirty|forty|fifty|sixty|zehn|zwanzig|dreißig|vierzig|diez|veinte|treinta|dix|vingt|trente|dieci|venti|trenta|dez|vinte|trinta)(?: of (?:her|his|the))? (?:tablets?|tabs?|pills?|capsules?|tabletten|pillen|kapseln|comprimidos|pastillas|cápsulas|comprimés|gélules|compresse|pastiglie|capsule|गोलियां|गोलियाँ|เม็ด)").ok()
});
/// What else tablets are counted for.
const SUPPLIES: [&str; 10] =
    ["pack", "supply", "dispens", "prescri", "left", "month", "box", "packung", "caja", "boîte"];

/// Whether a text in lower case counts more tablets than anybody takes at a time.
fn is_many(lower: &str) -> bool {
    MANY.as_ref().is_some_and(|many| many.is_match(lower))
        && !SUPPLIES.iter().any(|word| lower.contains(word))
}

/// Whether a text has one of the verbs.
fn has_verb(lower: &str) -> bool {
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    words.any(|word| {
        VERBS.iter().any(|verb| word == *verb || verb.len() > 5 && word.starts_with(verb))
    })
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
            || has_verb(lower)
            || is_once(lower)
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
    match AGO.as_ref() {
        Some(ago) if !has_verb(&lower) => ago.replace(value, " taken $1").into_owned(),
        _ => value.to_owned(),
    }
}
