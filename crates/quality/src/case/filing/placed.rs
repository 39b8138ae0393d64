//! What a writer lists in the wrong place, by what it says: a brother's heart attack among the social facts, a habit or good
//! health among the complaints, how long something has lasted among the measurements.

use std::sync::LazyLock;

use clinstruct_schema::{FactName, Language, StatedFact};
use regex::Regex;

use super::lexicon::{Kind, kinds};
use super::own::Own;
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

/// The same statement, which is `own`, under the name that what it says has.
pub(super) fn placed(fact: StatedFact, own: &Own<'_>, message: &View<'_>) -> StatedFact {
    let view = &own.view;
    let has = |kind| own.has(kind);
    let name = match fact.name {
        FactName::Complaint if has(Kind::Symptom) && is_absent(&view.lower) => FactName::Finding,
        FactName::Complaint if has(Kind::Symptom) => return fact,
        FactName::Complaint if has(Kind::Well) => FactName::Finding,
        FactName::Complaint if has(Kind::Drinking) && has(Kind::Alcohol) => FactName::Social,
        FactName::Complaint if is_medicine(view) => FactName::Medicine,
        FactName::Complaint if is_course(&view.lower) => FactName::History,
        FactName::History if is_taken(view) && !is_given_up(view, message) => FactName::Medicine,
        FactName::Other if is_duration(own, &fact.unit) || is_worn(own) => FactName::History,
        _ => return fact,
    };
    let unit = "1".to_owned();
    StatedFact { name, unit, ..fact }
}

/// How a statement begins that only says how an illness went.
const COURSE: [&str; 8] = [
    "began ",
    "started ",
    "onset ",
    "it began ",
    "it started ",
    "begann ",
    "a commencé ",
    "empezó ",
];

fn is_course(lower: &str) -> bool {
    COURSE.iter().any(|start| lower.trim_start().starts_with(start))
}

/// What a strip shows in urine, before a grade.
const STRIP: [&str; 10] = [
    "blood",
    "protein",
    "glucose",
    "ketone",
    "ketones",
    "leucocytes",
    "leukocytes",
    "nitrite",
    "nitrites",
    "bilirubin",
];

/// The grade of a strip with what it was dipped in, where the message says so elsewhere: `urine blood 3+`.
pub(super) fn of_urine(value: String, message: &View<'_>) -> String {
    let lower = value.to_lowercase();
    let graded = lower.split_once(' ').is_some_and(|(name, grade)| {
        STRIP.contains(&name)
            && grade.ends_with('+')
            && grade.chars().all(|c| c.is_ascii_digit() || c == '+')
    });
    let dipped = ["urine", "dipstick", "dipped"].iter().any(|word| message.lower.contains(word));
    if graded && dipped { format!("urine {value}") } else { value }
}

/// How a statement begins of a symptom that is looked for and not there, and how it ends of one that is over.
const ABSENT: [&str; 16] = [
    "nil ", "no ", "denies ", "without ", "never ", "kein ", "keine ", "keinen ", "ohne ",
    "pas de ", "sans ", "sin ", "niega ", "senza ", "sem ", "nega ",
];
const OVER: [&str; 14] = [
    " gone",
    " resolved",
    " settled",
    " subsided",
    " is over",
    " are over",
    " has stopped",
    " weg",
    " verschwunden",
    " disparu",
    " ha cedido",
    " scomparso",
    " scomparsa",
    " passou",
];

/// Whether a symptom is not there, or is over: `nil fever since discharge`, `calf pain gone`.
fn is_absent(lower: &str) -> bool {
    let lower = lower.trim().trim_end_matches('.');
    // `No relief of the pain`, `no sleep because of the pain`.
    let lacks = ["relief", "sleep", "better", "improve", "response", "because", "effect", "but "];
    (ABSENT.iter().any(|word| lower.starts_with(word))
        || OVER.iter().any(|word| lower.ends_with(word)))
        && !lacks.iter().any(|word| lower.contains(word))
}

/// Words of what a test showed that make a sentence of its result, in all and between commas.
const SENTENCE: (usize, usize) = (10, 5);

/// Whether a result is told in a sentence rather than in values: `punch biopsy back after nine days: superficial spreading
/// melanoma, invasion depth 3 mm`. A list of results is none, however long.
pub(super) fn is_sentence(own: &Own<'_>) -> bool {
    let value = own.view.text;
    let words = |part: &str| {
        part.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic)).count()
    };
    let longest = value.split([',', ';', ':']).map(words).max().unwrap_or_default();
    words(value) >= SENTENCE.0 && longest >= SENTENCE.1 && own.view.numbers.len() < 2
}

/// Whether the amount of a medicine stands right behind its name.
fn has_amount(view: &View<'_>, name: &std::ops::Range<usize>) -> bool {
    crate::case::medicines::dose_behind(view, name).is_some_and(|(at, _)| at.start < name.end + 12)
}

/// Whether a statement is a medicine with its amount and nothing before: `tiotropium 18 µg capsule daily`. What is said of it
/// further on is another matter.
fn is_medicine(view: &View<'_>) -> bool {
    let names = crate::dose::medicine_words(&view.lower, Language::English);
    names.iter().any(|name| name.start == 0 && has_amount(view, name))
        && !view.text.contains([',', ';', '.'])
}

/// Words that say that a medicine is not taken any more, or belongs to another time.
const ENDED: [&str; 25] = [
    "stopped",
    "stop ",
    "ran out",
    "run out",
    "finished",
    "completed",
    "until",
    "ended",
    "discontinued",
    "withdrawn",
    "withheld",
    "held ",
    "course",
    "before",
    "previous",
    "earlier",
    "instead",
    "missed",
    "no longer",
    " not ",
    "switched",
    "replaced",
    "once took",
    "had been",
    "was on",
];
/// Words before the dose that a medicine has now.
const NOW: [&str; 7] =
    ["titrated to", "increased to", "raised to", "reduced to", "lowered to", "now on", "now "];
/// Words that say how often it is taken, or that it was just given.
const REGULARLY: [&str; 20] = [
    "daily",
    "a day",
    "per day",
    "bd",
    "bid",
    "od",
    "tds",
    "tid",
    "qds",
    "qid",
    "nocte",
    "at night",
    "weekly",
    "every night",
    "every morning",
    "every day",
    "given once",
    "given twice",
    "given today",
    "just given",
];

/// Words that say since when it is taken, whatever the time.
const SINCE: [&str; 5] = ["since", "started", "begun", "new from", "added"];

/// Words that say of a medicine that it is not taken any more, in the sentence that names it or the next.
const GIVEN_UP: [&str; 26] = [
    "stopped",
    "discontinu",
    "withdr",
    "withheld",
    "ran out",
    "no longer",
    "finished",
    "completed",
    "gave up",
    "given up",
    "held",
    "ceased",
    "abandon",
    "refus",
    "abgesetzt",
    "beendet",
    "arrêt",
    "interromp",
    "suspend",
    "dejó",
    "deixou",
    "parou",
    "sospes",
    "smesso",
    "बंद",
    "หยุด",
];

/// Whether the message says, where it names a medicine, that it is not taken any more: `lactulose 5 mL twice daily was
/// prescribed; her grandmother discontinued it after four days`.
fn is_given_up(view: &View<'_>, message: &View<'_>) -> bool {
    let Some(at) = message.lower.find(view.lower.trim()) else { return false };
    let own = message.sentence(at);
    let next = message.sentence((own.end + 1).min(message.lower.len().saturating_sub(1)));
    let said = [message.between(at, own.end), message.between(next.start, next.end)];
    said.iter().any(|text| GIVEN_UP.iter().any(|word| text.contains(word)))
}

/// Words of a result in words, whatever was tested.
const GRADED: [&str; 22] = [
    "positive",
    "negative",
    "reactive",
    "non-reactive",
    "wnl",
    "raised",
    "elevated",
    "detected",
    "undetectable",
    "borderline",
    "equivocal",
    "positiv",
    "negativ",
    "erhöht",
    "positif",
    "négatif",
    "positivo",
    "negativo",
    "positiva",
    "negativa",
    "सकारात्मक",
    "ผลบวก",
];
/// Words of one, at most.
const GRADE: usize = 6;

/// Whether a short text gives the result of a test, also of one that code does not know: `sickling test positive`, `amylase WNL`.
pub(super) fn is_graded(text: &str) -> bool {
    let lower = crate::dose::lower_case(text);
    let mut words = lower.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '.'));
    words.clone().filter(|word| !word.is_empty()).count() <= GRADE
        && words.any(|word| GRADED.contains(&word))
}

/// Words of what somebody is fed with, by their beginnings.
const FEEDS: [&str; 14] = [
    "formula",
    "breastfe",
    "breast milk",
    "breast-fed",
    "bottle-fed",
    "diet",
    "gestillt",
    "säuglingsnahrung",
    "lait ",
    "allait",
    "leche ",
    "lactancia",
    "latte ",
    "aleitament",
];

/// Whether a text says what somebody is fed with: `amino acid-based formula exclusively`.
pub(super) fn is_feed(text: &str) -> bool {
    let lower = format!("{} ", crate::dose::lower_case(text));
    FEEDS.iter().any(|feed| lower.contains(feed))
}

/// Words that say of a medicine named before that it ended.
const STOPPED: [&str; 15] = [
    " stopped",
    " discontinued",
    " withdrawn",
    " ceased",
    " off since",
    " abgesetzt",
    " arrêté",
    " interrompu",
    " suspendid",
    " interrumpid",
    " sospes",
    " interrott",
    " suspens",
    " interrompid",
    " बंद",
];
/// Words that say that it was begun again.
const RESUMED: [&str; 12] = [
    "restart",
    "resum",
    "again",
    "back on",
    "wieder",
    "repris",
    "reanud",
    "de nuevo",
    "ripres",
    "retomad",
    "फिर",
    "อีกครั้ง",
];

/// Moves a listed medicine into the history where the history says that it was stopped: `oxybutynin 5 mg TDS` beside `oxybutynin
/// stopped 4 d ago`. A change of its dose stops nothing.
pub(in crate::case) fn settle_stopped(facts: &mut [StatedFact]) {
    let stopped: Vec<String> = facts
        .iter()
        .filter(|fact| fact.name == FactName::History)
        .filter_map(|fact| {
            let lower = crate::dose::lower_case(fact.value.trim());
            let at = STOPPED.iter().filter_map(|word| lower.find(word)).min()?;
            let name = lower.get(..at)?.trim();
            let again = RESUMED.iter().any(|word| lower.contains(word));
            let plain = !again && !name.contains(|c: char| c.is_ascii_digit() || c == ',');
            (plain && (4..=30).contains(&name.len())).then(|| name.to_owned())
        })
        .collect();
    for fact in facts.iter_mut().filter(|fact| fact.name == FactName::Medicine) {
        let lower = crate::dose::lower_case(fact.value.trim());
        let is = |name: &String| {
            lower
                .strip_prefix(name.as_str())
                .is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
        };
        if stopped.iter().any(is) {
            fact.name = FactName::History;
        }
    }
}

/// What a text of several sentences is quoted in, opening and closing.
const QUOTES: [(char, char); 4] = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»')];

/// Whether a statement is part of a text of several sentences that the message quotes, to be translated or handed on: what it
/// tells its reader to do was not found.
pub(super) fn is_passed_on(value: &str, message: &View<'_>) -> bool {
    let lower = crate::dose::lower_case(value.trim());
    let Some(at) = message.lower.find(lower.as_str()) else { return false };
    QUOTES.iter().any(|(open, close)| {
        let head = message.lower.get(..at).unwrap_or_default();
        let Some(start) = head.rfind(*open) else { return false };
        // The second mark of a pair that looks alike closes.
        let closes = open == close && head.matches(*open).count() % 2 == 0;
        let from = start + open.len_utf8();
        let quoted = message.lower.get(from..).and_then(|rest| rest.split(*close).next());
        !closes
            && quoted.is_some_and(|text| {
                from + text.len() >= at + lower.len()
                    && text.trim_end_matches(['.', '!', '।', ' ']).contains(['.', '!', '।'])
            })
    })
}

/// Hours a day in which something is worn or used: `TLSO 18 h/day`.
static WORN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)[0-9] ?(?:h|hrs?|hours?|std\.?|stunden|heures?|horas?|ore|घंटे|ชั่วโมง) ?(?:/|a|per|pro|am|par|al|por|ao)? ?(?:d|day|tag|jour|día|dia|giorno|दिन|วัน)(?:\W|$)",
    )
    .ok()
});

fn is_worn(own: &Own<'_>) -> bool {
    WORN.as_ref().is_some_and(|worn| worn.is_match(own.view.text))
        && !own.kinds.iter().any(|hit| matches!(hit.class, Kind::Test | Kind::Analyte))
}

/// Whether a statement begins with a medicine that the patient takes now, with its amount: `carbamazepine started on day 2,
/// titrated to 400 mg BD`, `3% saline 150 mL given twice`. What ended, or was taken at another time, is history.
fn is_taken(view: &View<'_>) -> bool {
    let lower = view.lower.as_str();
    let first = |name: &std::ops::Range<usize>| {
        lower.get(..name.start).is_some_and(|head| head.chars().all(|c| !c.is_alphabetic()))
    };
    let changed = |from: usize| {
        let rest = view.between(from, lower.len());
        NOW.iter().any(|now| {
            let behind = rest.split_once(now).map_or("", |(_, behind)| behind);
            behind.trim_start().starts_with(|c: char| c.is_ascii_digit())
        })
    };
    let dosed = |name: &std::ops::Range<usize>| changed(name.end) || has_amount(view, name);
    let regularly = || {
        REGULARLY.iter().any(|often| {
            lower.match_indices(often).any(|(at, _)| {
                let ends = lower.get(at + often.len()..).unwrap_or_default();
                lower.get(..at).unwrap_or_default().ends_with(' ')
                    && !ends.starts_with(char::is_alphanumeric)
            })
        })
    };
    let names = crate::dose::medicine_words(lower, Language::English);
    names.iter().any(|name| first(name) && dosed(name))
        && regularly()
        && !ENDED.iter().any(|word| lower.contains(word))
        // `new since last month`.
        && (SINCE.iter().any(|word| lower.contains(word)) || !view.has(0..lower.len(), Class::Past))
}

/// Whether all numbers of a statement without a test are lengths of time: `cow's milk formula for 3 weeks`.
fn is_duration(own: &Own<'_>, unit: &str) -> bool {
    let view = &own.view;
    let timed = |number: &super::super::numbers::Number| {
        number.unit.is_none_or(|unit| TIMES.contains(&unit))
    };
    TIMES.contains(&unit)
        && view.numbers.iter().all(timed)
        && !TIMED.iter().any(|word| view.lower.contains(word))
        && !view.hits.iter().any(|hit| matches!(hit.class, Class::Label(_) | Class::Resembling))
        && !own.kinds.iter().any(|hit| {
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
