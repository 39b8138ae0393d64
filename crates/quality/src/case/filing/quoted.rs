//! What is listed as a complaint and only tells how somebody behaves: `peels it off the second i turn round`.

use clinstruct_schema::{FactKind, FactName, Frame, StatedFact};

use super::lexicon::{Kind, kinds};
use crate::case::statement::content;
use crate::case::view::View;
use crate::case::words::Class;

/// Words by which a writer speaks of themselves, beside `I`, which is also a numeral. In capitals they are abbreviations.
const WRITER: [&str; 35] = [
    "i'm",
    "i’m",
    "i've",
    "i’ve",
    "i'll",
    "me",
    "my",
    "we",
    "we're",
    "us",
    "our",
    "ich",
    "mir",
    "mich",
    "mein",
    "meine",
    "wir",
    "uns",
    "je",
    "j'ai",
    "moi",
    "nous",
    "mí",
    "nosotros",
    "mio",
    "mia",
    "noi",
    "eu",
    "meu",
    "minha",
    "मैं",
    "मुझे",
    "हम",
    "ฉัน",
    "ผม",
];
/// Beginnings of words for events that bring a patient: they are a reason to be seen, wherever they are listed.
const REASONS: [&str; 46] = [
    "repair",
    "operat",
    "surger",
    "fractur",
    "injur",
    "burn",
    "wound",
    "transplant",
    "replacement",
    "discharg",
    "admitted",
    "caesar",
    "cesar",
    "amputat",
    "stroke",
    "fell",
    "fall",
    "accident",
    "cut",
    "bite",
    "bitten",
    "opera",
    "verletz",
    "bruch",
    "wunde",
    "sturz",
    "naht",
    "frattur",
    "ferita",
    "intervento",
    "cirug",
    "herida",
    "caída",
    "opéré",
    "plaie",
    "chute",
    "chirurg",
    "cirurg",
    "ferida",
    "queda",
    "fratura",
    "चोट",
    "ऑपरेशन",
    "ผ่าตัด",
    "แผล",
    "หกล้ม",
];
/// Time in which an event is recent enough to be why the patient is seen.
const RECENT: [&str; 34] = [
    "day",
    "week",
    "yesterday",
    "today",
    "this morning",
    "last night",
    "hour",
    "month",
    "tag",
    "woche",
    "gestern",
    "heute",
    "jour",
    "semaine",
    "hier",
    "día",
    "semana",
    "ayer",
    "hoy",
    "giorn",
    "settiman",
    "ieri",
    "oggi",
    "dia",
    "ontem",
    "hoje",
    "दिन",
    "हफ़्त",
    "हफ्त",
    "कल",
    "วัน",
    "สัปดาห์",
    "เมื่อวาน",
    "monat",
];

/// Leaves out complaints that only quote how somebody behaves, where something better is stated: another complaint, or an event
/// of these days, which becomes the complaint.
///
/// People at home who write about themselves have complaints in the first person.
pub(in crate::case) fn settle_complaints(frame: &Frame, facts: &mut Vec<StatedFact>) {
    if frame.persona.as_ref().is_some_and(|persona| persona.relation.as_str() == "self") {
        return;
    }
    let quoted = |fact: &StatedFact| fact.name == FactName::Complaint && is_quoted(&fact.value);
    if !facts.iter().any(quoted) {
        return;
    }
    let other = |fact: &StatedFact| fact.name == FactName::Complaint && !quoted(fact);
    if facts.iter().any(other) {
        facts.retain(|fact| !quoted(fact));
        return;
    }
    let event =
        facts.iter_mut().find(|fact| fact.name == FactName::History && is_reason(&fact.value));
    // Without either, the quotation is the best that there is.
    if let Some(event) = event {
        event.name = FactName::Complaint;
        facts.retain(|fact| fact.name != FactName::Complaint || !is_quoted(&fact.value));
    }
}

/// Drops complaints of which another one has all words: `evening tablets are being missed` beside `evening tablets, because they
/// are being missed`.
pub(in crate::case) fn without_repeated_complaints(facts: &mut Vec<StatedFact>) {
    let words: Vec<Vec<String>> = facts
        .iter()
        .map(|fact| match fact.name {
            FactName::Complaint => content(&fact.value).filter(|word| !is_when(word)).collect(),
            _ => Vec::new(),
        })
        .collect();
    let repeats = |(at, own): (usize, &Vec<String>)| {
        own.len() > 1
            && words.iter().enumerate().any(|(other, all)| {
                let longer = all.len() > own.len() || (all.len() == own.len() && other < at);
                other != at && longer && own.iter().all(|word| all.contains(word))
            })
    };
    let dropped: Vec<bool> = words.iter().enumerate().map(repeats).collect();
    let mut at = 0;
    facts.retain(|_| {
        at += 1;
        !dropped.get(at - 1).copied().unwrap_or_default()
    });
}

/// Words of a complaint that only say when, whose or how it is told.
const WHEN: [&str; 26] = [
    "day", "days", "week", "weeks", "month", "months", "hour", "hours", "ten", "two", "three",
    "four", "five", "six", "about", "around", "since", "now", "today", "her", "his", "she's",
    "he's", "again", "still", "already",
];

/// Whether a word only says when.
fn is_when(word: &str) -> bool {
    WHEN.contains(&word) || word.chars().all(|c| c.is_ascii_digit())
}

/// Whether a text names nothing that a patient is seen for, and the writer speaks in it.
fn is_quoted(text: &str) -> bool {
    let view = View::new(text);
    let hits = kinds(text, &view.lower);
    let named = hits.iter().any(|hit| {
        matches!(
            hit.class,
            Kind::Symptom
                | Kind::Test
                | Kind::Analyte
                | Kind::Lasting
                | Kind::Germ
                | Kind::Overdose
        )
    }) || view.hits.iter().any(|hit| {
        matches!(hit.class, Class::Label(name) if name.kind() != FactKind::Text)
            || hit.class == Class::Pregnant
    });
    let starts = |list: &[&str]| {
        view.lower.split(|c: char| !c.is_alphanumeric()).any(|word| {
            list.iter().any(|start| start.chars().count() >= 3 && word.starts_with(start))
        })
    };
    let ill = crate::case::topic::groups(&view.lower) != 0 || starts(&REASONS);
    !named && !ill && (speaks(text) || text.trim().starts_with(['"', '“', '„', '«']))
}

/// Whether the writer of a text speaks of themselves.
fn speaks(text: &str) -> bool {
    let mut words =
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '.' | '!' | '?'));
    let mut next = words.clone().skip(1);
    words.any(|word| {
        let behind = next.next().unwrap_or_default();
        let numeral = !behind.starts_with(char::is_alphabetic);
        WRITER.contains(&word) || (matches!(word, "i" | "I") && !numeral)
    })
}

/// Whether a past event is of these days, and a reason to be seen.
fn is_reason(text: &str) -> bool {
    let lower = text.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| lower.contains(word));
    let years = ["year", "jahr", "an ", "ans", "año", "anni", "anno", "साल", "ปี"];
    says(&REASONS) && (says(&RECENT) || !says(&years)) && !lower.starts_with("no ")
}
