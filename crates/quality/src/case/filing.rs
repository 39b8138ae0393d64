//! In which list of a case a statement belongs.
//!
//! A writer files in haste: a test among the complaints, a laboratory value in the history, a piece of the message among the social
//! facts. Each kind has one place: results of tests, in numbers or in words, are measurements; a social fact says how the
//! patient lives; what another list has is not said again.

mod graded;
mod intake;
pub(super) mod lexicon;
mod own;
mod pieces;
mod placed;
mod quoted;
pub(super) mod results;

use clinstruct_schema::{FactKind, FactName, StatedFact};

use self::graded::results;
pub(super) use self::intake::settle_intakes;
use self::lexicon::{Kind, kinds};
use self::own::Own;
pub(super) use self::pieces::whole;
use self::placed::placed;
pub(super) use self::placed::{settle_relatives, settle_stopped};
pub(super) use self::quoted::{settle_complaints, without_repeated_complaints};
pub(super) use self::results::extent;
use super::contradictions::is_same;
use super::statement::{content, fact_of};
use super::view::View;
use super::vitals::Reading;
use super::words::{Class, Found};
use super::{household, standing};

/// Letters before a number in which what it measures is named.
const NAMED: usize = 40;
/// Share of the words of a statement that the result in it has.
const RESULT: f64 = 0.6;
/// Share of the words of a social fact that make another statement the same.
const REPEATED: f64 = 0.7;
/// Letters between a relative and the word by which they say something.
const REPORT: usize = 25;

/// A listed fact where it belongs; several where it holds results beside something else, and none where code reads it from
/// the message itself.
pub(super) fn filed(fact: StatedFact, message: &View<'_>, readings: &[Reading]) -> Vec<StatedFact> {
    match fact.name {
        FactName::Complaint
        | FactName::Finding
        | FactName::History
        | FactName::Condition
        | FactName::Other => {}
        _ => return vec![fact],
    }
    let value = fact.value.clone();
    let own = Own::new(&value);
    let fact = placed(fact, &own, message);
    if matches!(fact.name, FactName::Other | FactName::Finding)
        && placed::is_passed_on(&fact.value, message)
    {
        return Vec::new();
    }
    let is_told = || placed::is_sentence(&own) && !is_result(fact.name, &own);
    if fact.name == FactName::Other && is_told() {
        return vec![fact_of(FactName::Finding, &fact.value, "1")];
    }
    if let Some(measured) = measured(&fact, &own.view, readings) {
        return measured;
    }
    if fact.name == FactName::History && is_present(&own) {
        return filed(StatedFact { name: FactName::Complaint, ..fact }, message, readings);
    }
    let (result, other) = parted(&fact, &own);
    let mut all = Vec::new();
    if let Some(result) = result {
        all.push(fact_of(FactName::Other, &placed::of_urine(result, message), "1"));
    }
    if let Some(other) = other {
        if fact.name != FactName::Other {
            all.insert(0, StatedFact { value: other, ..fact });
        } else if other.contains(char::is_numeric) {
            let value = placed::of_urine(other, message);
            all.insert(0, united(StatedFact { value, ..fact }, message));
        } else if !household::said(&View::new(&other)).is_empty() {
            all.insert(0, fact_of(FactName::Social, &other, "1"));
        } else if is_measured(&other) || placed::is_graded(&other) {
            all.insert(0, fact_of(FactName::Other, &other, "1"));
        } else {
            // A result in words of a test that code does not know: `barium swallow: aspiration of thin liquids`.
            let name = if placed::is_feed(&other) { FactName::History } else { FactName::Finding };
            all.insert(0, fact_of(name, &other, "1"));
        }
    }
    all
}

/// Whether a text without a number names what is measured: `troponin raised`.
fn is_measured(text: &str) -> bool {
    let view = View::new(text);
    let label = |class| matches!(class, Class::Label(name) if name.kind() == FactKind::Measurement);
    view.hits.iter().any(|hit| label(hit.class) || hit.class == Class::Resembling)
        || kinds(text, &view.lower)
            .iter()
            .any(|hit| matches!(hit.class, Kind::Test | Kind::Analyte | Kind::Lasting))
}

/// Words of something that has lasted until now.
const LASTS: [&str; 10] =
    [" since ", " for ", " seit ", " depuis ", " desde ", " da ", " há ", " hace ", " से", "มา"];
/// Beginnings of words for times of the present illness.
const RECENT: [&str; 40] = [
    "minute",
    "hour",
    "day",
    "yesterday",
    "morning",
    "evening",
    "night",
    "today",
    "week",
    "stunde",
    "tag",
    "gestern",
    "heute",
    "woche",
    "heure",
    "jour",
    "hier",
    "matin",
    "semaine",
    "hora",
    "día",
    "dia",
    "ayer",
    "mañana",
    "ontem",
    "hoje",
    "manhã",
    "semana",
    "ore",
    "giorn",
    "ieri",
    "oggi",
    "settiman",
    "घंट",
    "दिन",
    "कल",
    "हफ़्त",
    "ชั่วโมง",
    "วัน",
    "สัปดาห์",
];

/// Whether a statement of the history is what the patient has now: `temperature of 38.9 since yesterday`.
fn is_present(own: &Own<'_>) -> bool {
    let view = &own.view;
    let lower = view.lower.as_str();
    let lasts = LASTS.iter().filter_map(|word| Some(lower.find(word)? + word.trim_end().len()));
    let Some(from) = lasts.min() else { return false };
    let rest = lower.get(from..).unwrap_or_default();
    // Scripts without spaces between words have no beginnings of them.
    let is_time = |word: &str, time: &str| {
        word.starts_with(time) || (!time.is_ascii() && word.contains(time))
    };
    let recent = rest
        .split(|c: char| c.is_whitespace() || c.is_ascii_punctuation())
        .any(|word| RECENT.iter().any(|time| is_time(word, time)));
    let ill = own.kinds.iter().any(|hit| hit.class == Kind::Symptom && hit.start < from)
        || view.hits.iter().any(|hit| {
            let sign = matches!(hit.class, Class::Label(name) if name.kind() == FactKind::Vital
                && !matches!(name, FactName::Weight | FactName::Height));
            sign && hit.start < from
        });
    let ended = ["ago", "free", "treated", "admitted", "hospital", "vor ", " il y a "];
    let denied = ["no ", "without ", "never "].iter().any(|start| lower.starts_with(start));
    recent
        && ill
        && !denied
        && !ended.iter().any(|word| lower.contains(word))
        && !view.hits.iter().any(|hit| hit.class == Class::Past)
        && !view.numbers.iter().any(|n| (1950.0..2100.0).contains(&n.value))
}

/// The measurements of a statement that has nothing else: `white cells 6.8 and neutrophils 4.1`. Those that the message
/// is read to give are not among them.
fn measured(fact: &StatedFact, view: &View<'_>, message: &[Reading]) -> Option<Vec<StatedFact>> {
    let all = standing::readings(view);
    let own = |r: &Reading| r.name.kind() == FactKind::Measurement;
    if all.is_empty() || !all.iter().all(own) || !is_only(view, &all) {
        return None;
    }
    // An earlier value beside one that stands is told by the statement alone.
    let earlier = |r: &Reading| {
        let current = standing::current(message, r.name);
        !current.is_empty()
            && !current.iter().any(|c| c.unit == r.unit && is_same(r.name, r.value, c.value))
    };
    // The words in which a writer is asked to list an earlier value: `haemoglobin 8.1 g/dL before`.
    let was = fact.name == FactName::History && view.lower.trim_end().ends_with(" before");
    if was || all.iter().any(earlier) {
        return None;
    }
    let missing = all.iter().filter(|r| !message.iter().any(|m| m.name == r.name));
    Some(missing.map(|r| fact_of(r.name, &r.text, r.unit)).collect())
}

/// Whether a text has nothing but these values, and when they were.
fn is_only(view: &View<'_>, all: &[Reading]) -> bool {
    let timed = view.hits.iter().filter(|hit| {
        matches!(
            hit.class,
            Class::Past | Class::Initial | Class::Later | Class::Standing | Class::Follower
        )
    });
    let mut known: Vec<_> = all.iter().map(|r| r.from..r.span.end).collect();
    known.extend(timed.map(|hit| hit.start..hit.end));
    // A unit in brackets: `(x10^9/L)`.
    for (at, _) in view.text.match_indices('(') {
        let inside = view.text.get(at..).and_then(|rest| rest.split_inclusive(')').next());
        known.extend(inside.filter(|unit| unit.contains('/')).map(|unit| at..at + unit.len()));
    }
    let mut rest = String::new();
    for (at, c) in view.text.char_indices() {
        rest.push(if known.iter().any(|span| span.contains(&at)) { ' ' } else { c });
    }
    content(&rest).next().is_none()
}

/// The result of a test in a statement, and the rest of it.
fn parted(fact: &StatedFact, own: &Own<'_>) -> (Option<String>, Option<String>) {
    let whole = is_result(fact.name, own);
    // One test with several results, under its name: `urine dipstick: glucose 3+, ketones negative`.
    let headed = fact.value.split(", ").next().is_some_and(|first| first.contains(": "));
    let is_one = |part: &str| {
        if part == fact.value { whole } else { is_result(fact.name, &Own::new(part)) }
    };
    if headed && fact.value.split(", ").any(is_one) {
        return (Some(fact.value.clone()), None);
    }
    let mut parts: Vec<String> = Vec::new();
    for part in fact.value.split(", ").flat_map(|part| part.split("; ")) {
        // What a germ is sensitive to belongs to the culture.
        let lower = crate::dose::lower_case(part);
        let goes_on = kinds(part, &lower).iter().any(|h| h.start == 0 && h.class == Kind::Shows);
        match parts.last_mut() {
            Some(last) if goes_on => *last = format!("{last}, {part}"),
            _ => parts.push(part.to_owned()),
        }
    }
    let parts: Vec<(bool, String)> = parts.into_iter().map(|part| (is_one(&part), part)).collect();
    if whole && !parts.iter().any(|(is_result, _)| *is_result) {
        return (Some(fact.value.clone()), None);
    }
    let (results, others): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(is, _)| *is);
    let joined = |all: Vec<(bool, String)>| {
        let all: Vec<String> = all.into_iter().map(|(_, part)| part).collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    if results.is_empty() {
        return (None, Some(fact.value.clone()));
    }
    (joined(results), joined(others))
}

/// Whether a text, listed under this name, is the result of a test and nothing else. A test of another time is history,
/// and a disease that was found is a condition.
fn is_result(name: FactName, own: &Own<'_>) -> bool {
    let text = own.view.text;
    let all = results(&own.view);
    let complains = own.kinds.iter().any(|hit| {
        hit.class == Kind::Symptom && !all.iter().any(|result| result.span.contains(&hit.start))
    });
    let kept = match name {
        FactName::History => all.iter().any(|result| result.past),
        FactName::Condition => !all.iter().all(|result| result.tested),
        _ => false,
    };
    if all.is_empty() || complains || kept {
        return false;
    }
    let count = |text: &str| content(text).count() as f64;
    let told: f64 = all.iter().filter_map(|r| text.get(r.span.clone())).map(count).sum();
    told >= RESULT * count(text)
}

/// A measurement that has its name in its value, with the unit that the message gives it.
fn united(fact: StatedFact, message: &View<'_>) -> StatedFact {
    let view = View::new(&fact.value);
    let Some(number) = view.numbers.last() else { return fact };
    if let Some(unit) = number.unit {
        return StatedFact { unit: unit.to_owned(), ..fact };
    }
    let rest = fact.value.get(number.span.end..).unwrap_or_default().trim();
    if !rest.is_empty() {
        return fact;
    }
    // The 5.0 of `urine pH 5.0` is not that of `amlodipine 5 mg`.
    let head = fact.value.get(..number.span.start).unwrap_or_default().to_lowercase();
    let name = head.split_whitespace().rfind(|word| word.chars().any(char::is_alphabetic));
    let named = |n: &super::numbers::Number| {
        let before = message.lower.get(..n.span.start).unwrap_or_default();
        let gap = |name: &str| before.get(before.rfind(name)? + name.len()..);
        name.is_none_or(|name| {
            gap(name).is_some_and(|gap| {
                gap.chars().count() <= NAMED && !gap.contains(|c: char| c.is_numeric() || c == ';')
            })
        })
    };
    let same = |n: &&super::numbers::Number| (n.value - number.value).abs() < 1e-9 && named(n);
    let said = message.numbers.iter().filter(same).find_map(|n| {
        Some((n.unit?, message.text.get(n.span.end..n.end)?.trim_matches([' ', '-']).to_owned()))
    });
    let seconds = kinds(&fact.value, &view.lower).iter().any(|hit| hit.class == Kind::Refill);
    let (unit, written) = match said {
        Some(said) if fact.unit == "1" || fact.unit == said.0 => said,
        _ if seconds && matches!(fact.unit.as_str(), "1" | "s") => ("s", "s".to_owned()),
        _ => return fact,
    };
    StatedFact { value: format!("{} {written}", fact.value), unit: unit.to_owned(), ..fact }
}

/// Adds results of tests that a message says in words and no fact has.
pub(super) fn add_results(message: &View<'_>, facts: &mut Vec<StatedFact>) {
    for result in results(message) {
        let said = message.text.get(result.span).unwrap_or_default();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let texts = || {
            let text = |fact: &&StatedFact| {
                fact.name.kind() == FactKind::Text || fact.name == FactName::Other
            };
            facts.iter().filter(text).map(|fact| fact.value.as_str())
        };
        // Several facts may have what the message says in one list.
        let others: Vec<&str> =
            texts().filter(|text| is_result(FactName::Other, &Own::new(text))).collect();
        if !texts().any(|text| has(text, &said)) && !covers(&others, &said) {
            let name = if result.past { FactName::History } else { FactName::Other };
            facts.push(fact_of(name, &said, "1"));
        }
    }
}

/// Whether several results together have the words of one.
fn covers(results: &[&str], said: &str) -> bool {
    let all: Vec<String> = results.iter().flat_map(|text| content(text)).collect();
    let own: Vec<String> = content(said).collect();
    let found = own.iter().filter(|word| all.contains(word)).count();
    results.len() > 1 && found as f64 >= REPEATED * own.len() as f64
}

/// Whether a listed statement tells of the same test with the same result.
fn has(listed: &str, said: &str) -> bool {
    let words = |text: &str| content(text).collect::<Vec<_>>();
    let (all, own) = (words(listed), words(said));
    let found = own.iter().filter(|word| all.contains(word)).count() as f64;
    if found >= REPEATED * own.len() as f64 {
        return true;
    }
    let kinds_of = |text: &str| {
        let lower = crate::dose::lower_case(text);
        let hits = kinds(text, &lower);
        let of = |wanted: &[Kind]| {
            let found = hits.iter().filter(|h| wanted.contains(&h.class));
            found.filter_map(|h| lower.get(h.start..h.end)).map(str::to_owned).collect::<Vec<_>>()
        };
        let closed = |kind| hits.iter().any(|h| h.class == kind);
        (
            of(&[Kind::Analyte, Kind::Lasting, Kind::Sample, Kind::Germ]),
            closed(Kind::Positive),
            closed(Kind::Negative),
        )
    };
    let (a, b) = (kinds_of(listed), kinds_of(said));
    (a.1, a.2) == (b.1, b.2)
        && (a.1 || a.2 || !b.0.is_empty())
        && a.0.iter().any(|word| b.0.contains(word))
}

/// Leaves in the list of social facts only how the patient lives, and adds what the message says of that where there is nothing.
///
/// What a relative reports, the head of a message and what another list has are dropped; a complaint goes to the
/// complaints.
pub(super) fn settle_social(message: &View<'_>, facts: &mut Vec<StatedFact>) {
    let others: Vec<StatedFact> =
        facts.iter().filter(|fact| fact.name != FactName::Social).cloned().collect();
    let settled = |fact: StatedFact| {
        if fact.name != FactName::Social {
            return vec![fact];
        }
        match social_fact(&fact.value, &others) {
            Social::Kept => vec![fact],
            Social::Said(all) => {
                all.iter().map(|said| fact_of(FactName::Social, said, "1")).collect()
            }
            Social::Complaint => vec![StatedFact { name: FactName::Complaint, ..fact }],
            Social::Nothing => Vec::new(),
        }
    };
    *facts = std::mem::take(facts).into_iter().flat_map(settled).collect();
    if !facts.iter().any(|fact| fact.name == FactName::Social) {
        let said = household::said(message);
        facts.extend(said.iter().map(|said| fact_of(FactName::Social, said, "1")));
    }
}

/// What a listed social fact is.
enum Social {
    Kept,
    /// These parts of it.
    Said(Vec<String>),
    Complaint,
    Nothing,
}

fn social_fact(value: &str, others: &[StatedFact]) -> Social {
    let view = View::new(value);
    let hits = kinds(value, &view.lower);
    let has = |kind| hits.iter().any(|hit: &Found<Kind>| hit.class == kind);
    let said = household::said(&view);
    let headed = !super::Reader::new(value).ages().is_empty();
    if is_reported(&view) || headed {
        return if said.is_empty() { Social::Nothing } else { Social::Said(said) };
    }
    if !said.is_empty() {
        return Social::Kept;
    }
    let words: Vec<String> = content(value).collect();
    let repeated = others.iter().filter(|fact| fact.name.kind() == FactKind::Text).any(|fact| {
        let all: Vec<String> = content(&fact.value).collect();
        let found = words.iter().filter(|word| all.contains(word)).count();
        found as f64 >= REPEATED * words.len() as f64
    });
    // Several complaints may have it in pieces.
    let pieces = words.iter().filter(|word| {
        let listed =
            others.iter().filter(|f| matches!(f.name, FactName::Complaint | FactName::Finding));
        listed.into_iter().any(|fact| content(&fact.value).any(|w| w == **word))
    });
    let in_pieces = pieces.count() as f64 >= REPEATED * words.len() as f64;
    if repeated || in_pieces {
        return Social::Nothing;
    }
    let by_the_glass = SERVINGS.iter().any(|word| view.lower.contains(word));
    let habitual = [
        "every day",
        "most days",
        "each day",
        "daily",
        "every evening",
        "jeden tag",
        "täglich",
        "tous les jours",
        "todos los días",
        "ogni giorno",
        "todos os dias",
    ];
    let by_the_glass = by_the_glass || habitual.iter().any(|word| view.lower.ends_with(word));
    // `दादा घर के अंदर बीड़ी पीते हैं`: Hindi drinks its smoke, and a grandfather's thirst is none of the patient.
    let smoked = ["बीड़ी", "सिगरेट", "हुक्का", "चिलम"].iter().any(|word| view.lower.contains(word));
    let of_other = smoked || view.hits.iter().any(|hit| hit.class == Class::Person);
    let thirsty = has(Kind::Drinking) && !has(Kind::Alcohol) && !by_the_glass && !of_other;
    if thirsty || has(Kind::Symptom) { Social::Complaint } else { Social::Kept }
}

/// What drinks are served in: who counts these has a habit, and who is thirsty drinks litres.
const SERVINGS: [&str; 16] = [
    " glass",
    " cup",
    " calabash",
    " shot",
    " tot ",
    " mug",
    " glas ",
    " gläser",
    " verre",
    " vaso",
    " copa",
    " bicchier",
    " copo",
    " chope",
    "गिलास",
    "แก้ว",
];

/// Whether somebody else says, thinks or saw it.
fn is_reported(view: &View<'_>) -> bool {
    view.hits.iter().filter(|hit| hit.class == Class::Person).any(|person| {
        view.hits.iter().filter(|hit| hit.class == Class::Report).any(|report| {
            person.end <= report.start
                && view.between(person.end, report.start).chars().count() <= REPORT
                && !view.between(person.end, report.start).contains([',', ';', '.'])
        })
    })
}
