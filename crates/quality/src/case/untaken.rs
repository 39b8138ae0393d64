//! What a message says is not taken: a medicine that it asks about beginning, one that it denies, or none at all yet.
//!
//! Such a medicine is listed as `not on isoniazid`, and a class by its English name, so that nothing of it is drawn.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{FactName, Language, StatedFact, language_table};
use serde::Deserialize;

use super::local;
use super::medicines::is_named;
use super::reader::Reader;
use super::statement::fact_of;
use super::view::View;
use super::words::{Found, Words, word_end};

/// What a word says of a treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It begins.
    Start,
    /// Somebody asks about it.
    Asks,
    /// There is none yet.
    Untreated,
    /// It ended.
    Ends,
    /// Before that, nothing is said of the patient.
    NotIf,
    /// A class of medicines, by its place in [`Known::classes`].
    Class(usize),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    start: Vec<String>,
    asks: Vec<String>,
    untreated: Vec<String>,
    ends: Vec<String>,
    not_if: Vec<String>,
    classes: BTreeMap<String, Vec<String>>,
}

const FILES: [(Language, &str); Language::ALL.len()] =
    language_table!(files "../../lexicon/treatment/");

struct Known {
    words: Words<Kind>,
    classes: Vec<String>,
}

/// Read once.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut lists: Vec<(Kind, Vec<String>)> = Vec::new();
    let mut classes: Vec<String> = Vec::new();
    for file in FILES.iter().filter_map(|(_, text)| crate::embedded::read::<File>(text).ok()) {
        lists.extend([
            (Kind::Start, file.start),
            (Kind::Asks, file.asks),
            (Kind::Untreated, file.untreated),
            (Kind::Ends, file.ends),
            (Kind::NotIf, file.not_if),
        ]);
        for (class, words) in file.classes {
            let at = classes.iter().position(|known| *known == class).unwrap_or_else(|| {
                classes.push(class);
                classes.len() - 1
            });
            lists.push((Kind::Class(at), words));
        }
    }
    Known { words: Words::of_lists(lists), classes }
});

/// Words between what begins a treatment and its name, at most.
const BETWEEN: usize = 4;
/// Words behind which something else is said: `start insulin while she takes`.
const TURNS: [&str; 27] = [
    "for", "while", "because", "since", "as", "given", "despite", "although", "whether", "before",
    "after", "until", "takes", "taking", "on", "weil", "während", "trotz", "nimmt", "porque",
    "mientras", "parce", "pendant", "perché", "mentre", "enquanto", "apesar",
];
/// What joins several: `isoniazid or rifapentine`.
const JOINTS: [&str; 16] = [
    "or",
    "and",
    "/",
    "+",
    ",",
    "plus",
    "oder",
    "und",
    "ou",
    "et",
    "o",
    "y",
    "e",
    "या",
    "और",
    "หรือ",
];
/// How the value begins. A case reads it.
const NOT_ON: &str = "not on ";
/// The value of what is ruled out as a whole.
const NONE: &str = "none";

/// Words right before a class that deny it.
const DENIALS: [&str; 27] = [
    "not on",
    "not on a",
    "not on an",
    "not on any",
    "never on",
    "isn't on",
    "isn't on any",
    "not taking",
    "not taking a",
    "not taking any",
    "no",
    "without",
    "without any",
    "kein",
    "keine",
    "keinen",
    "ohne",
    "sin",
    "no toma",
    "pas de",
    "sans",
    "senza",
    "non prende",
    "sem",
    "não toma",
    "ไม่ได้ใช้",
    "ไม่ได้กิน",
];

/// Classes that a text denies: `not on any anticoagulant`.
fn denied(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<String> {
    let of = |hit: &Found<Kind>| {
        let Kind::Class(at) = hit.class else { return None };
        let sentence = view.sentence(hit.start);
        let head = view.between(sentence.start, hit.start).trim_end();
        let denies = DENIALS.iter().any(|denial| {
            head.strip_suffix(denial).is_some_and(|rest| {
                !denial.is_ascii() || !rest.ends_with(|c: char| c.is_alphanumeric())
            })
        });
        let asked = view.between(sentence.start, sentence.end).trim_end().ends_with('?');
        let told = denies && !asked && !view.is_of_other(&sentence, hit.start);
        KNOWN.classes.get(at).filter(|_| told).cloned()
    };
    hits.iter().filter_map(of).collect()
}

/// Adds what a message says is not taken. What it only asks about is not taken either, where a list has it as a medicine.
pub(super) fn add(reader: &Reader<'_>, facts: &mut Vec<StatedFact>) {
    let view = reader.view();
    let hits = KNOWN.words.hits(view.text, &view.lower);
    let asked = asked(view, &hits);
    let ended = ended(view, &hits);
    let once = |name: &str| view.lower.matches(name.to_lowercase().as_str()).count() == 1;
    for name in asked.iter().chain(&ended).filter(|name| once(name)) {
        let is = |fact: &&mut StatedFact| {
            let value = fact.value.to_lowercase();
            fact.name == FactName::Medicine
                && value.contains(&name.to_lowercase())
                && !value.starts_with(NOT_ON)
        };
        if let Some(fact) = facts.iter_mut().find(is) {
            fact.value = format!("{NOT_ON}{name}");
        }
    }
    let mut all = asked;
    all.extend(ended);
    all.extend(denied(view, &hits));
    for mention in reader.mentions().iter().filter(|mention| !mention.taken) {
        all.extend(view.text.get(mention.name.clone()).map(str::to_owned));
    }
    for reading in reader.local() {
        let denied = local::medicines::untaken(view, reading);
        all.extend(denied.into_iter().filter_map(|name| view.text.get(name)).map(str::to_owned));
    }
    let stated: Vec<StatedFact> =
        facts.iter().filter(|fact| fact.name == FactName::Medicine).cloned().collect();
    if stated.is_empty() && is_untreated(view, &hits) {
        facts.push(fact_of(FactName::Medicine, NONE, "1"));
        return;
    }
    for name in all {
        let value = format!("{NOT_ON}{name}");
        let first = name.split(|c: char| !c.is_alphabetic()).find(|w| w.chars().count() >= 4);
        let told = |fact: &StatedFact| {
            fact.name == FactName::Medicine
                && (fact.value == NONE
                    || fact.value.to_lowercase().contains(&name.to_lowercase())
                    || first.is_some_and(|word| is_named(&word.to_lowercase(), &fact.value)))
        };
        if !facts.iter().any(told) {
            facts.push(fact_of(FactName::Medicine, &value, "1"));
        }
    }
}

/// Whether a text says that nothing is taken yet.
fn is_untreated(view: &View<'_>, hits: &[Found<Kind>]) -> bool {
    hits.iter().filter(|hit| hit.class == Kind::Untreated).any(|hit| {
        let sentence = view.sentence(hit.start);
        let clause = view.clause_start(&sentence, hit.start);
        let open =
            hits.iter().any(|h| h.class == Kind::NotIf && clause <= h.start && h.end <= hit.start);
        let asked = view.between(sentence.start, sentence.end).trim_end().ends_with('?');
        !open && !asked && !view.is_of_other(&sentence, hit.start)
    })
}

/// The medicines and classes that a text asks about beginning.
fn asked(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<String> {
    let names = names(view, hits);
    let mut all: Vec<String> = Vec::new();
    for start in hits.iter().filter(|hit| hit.class == Kind::Start) {
        let sentence = view.sentence(start.start);
        let marked = view.between(sentence.start, sentence.end).trim_end().ends_with('?');
        let asks = marked
            || hits.iter().any(|hit| {
                hit.class == Kind::Asks && sentence.contains(&hit.start) && hit.start != start.start
            });
        let others = view.is_of_other(&sentence, start.start);
        if !asks || others {
            continue;
        }
        let mut end = start.end;
        let mut first = true;
        let behind = names.iter().filter(|(at, _)| at.start >= start.end && at.end <= sentence.end);
        for (at, name) in behind {
            let gap = view.between(end, at.start);
            let mut words = gap.split_whitespace();
            let fits = if first {
                words.clone().count() <= BETWEEN
                    && !gap.contains([',', ';', '.', '?'])
                    && !words.any(|word| TURNS.contains(&word))
            } else {
                words.all(|word| JOINTS.contains(&word.trim_matches(',')) || word == ",")
            };
            // Verbs stand behind in Hindi and German: below.
            if !fits {
                break;
            }
            first = false;
            end = at.end;
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        if first {
            let before = names.iter().rev().find(|(at, _)| {
                at.end <= start.start && at.start >= sentence.start && is_last_verb(view, at, start)
            });
            all.extend(before.map(|(_, name)| name.clone()).filter(|name| !all.contains(name)));
        }
    }
    all
}

/// Words between what ended and the word for it: whose it was, how much and how often.
const OWN: [&str; 41] = [
    "his", "her", "their", "the", "my", "our", "all", "was", "were", "has", "have", "had", "been",
    "is", "i", "we", "daily", "once", "twice", "a", "day", "at", "night", "mg", "g", "seine",
    "ihre", "das", "habe", "haben", "ich", "wir", "wurde", "le", "la", "l", "el", "il", "o", "su",
    "son",
];

/// The medicines that a text says were stopped: `I have discontinued his enalapril`, `metformin was stopped on Monday`.
fn ended(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<String> {
    let names = names(view, hits);
    let mut all = Vec::new();
    for end in hits.iter().filter(|hit| hit.class == Kind::Ends) {
        let sentence = view.sentence(end.start);
        let head = view.between(sentence.start, end.start).trim_end();
        let denied = ["not", "never", "n't", "be", "nicht", "pas", "no", "non", "não", "should"]
            .iter()
            .any(|word| head.ends_with(word));
        let open = hits.iter().any(|hit| {
            matches!(hit.class, Kind::NotIf | Kind::Asks)
                && sentence.start <= hit.start
                && hit.end <= end.start
        });
        if denied || open || view.is_of_other(&sentence, end.start) {
            continue;
        }
        let near = |gap: &str| {
            gap.split(|c: char| !c.is_alphanumeric() && !('\u{900}'..='\u{97f}').contains(&c))
                .filter(|word| !word.is_empty() && word.parse::<f64>().is_err())
                .all(|word| OWN.contains(&word))
        };
        let behind = names.iter().find(|(at, _)| at.start >= end.end && at.end <= sentence.end);
        let before =
            names.iter().rev().find(|(at, _)| at.end <= end.start && at.start >= sentence.start);
        let found = behind
            .filter(|(at, _)| near(view.between(end.end, at.start)))
            .or_else(|| before.filter(|(at, _)| near(view.between(at.end, end.start))));
        all.extend(found.map(|(_, name)| name.clone()).filter(|name| !all.contains(name)));
    }
    all
}

/// Whether the verb that begins a treatment stands behind its name, as in German and Hindi: `soll ich mit Insulin beginnen`.
fn is_last_verb(view: &View<'_>, name: &Range<usize>, start: &Found<Kind>) -> bool {
    let gap = view.between(name.end, start.start);
    let verb = view.between(start.start, start.end);
    let last = verb.ends_with("en") || verb.chars().any(|c| ('\u{900}'..='\u{97f}').contains(&c));
    last && gap.split_whitespace().count() <= BETWEEN && !gap.contains([',', ';', '.', '?'])
}

/// Medicines and classes in their order, with the names by which a case knows them.
fn names(view: &View<'_>, hits: &[Found<Kind>]) -> Vec<(Range<usize>, String)> {
    let mut all: Vec<(Range<usize>, String)> = Vec::new();
    for hit in hits {
        // `non-steroidal` is another class.
        let part = view.between(0, hit.start).ends_with('-');
        if let Kind::Class(at) = hit.class
            && !part
        {
            all.extend(KNOWN.classes.get(at).map(|name| (hit.start..hit.end, name.clone())));
        }
    }
    let mut languages = crate::language::likely(view.text);
    if !languages.contains(&Language::English) {
        languages.push(Language::English);
    }
    for language in languages {
        for name in crate::dose::medicine_words(&view.lower, language) {
            let end = word_end(&view.lower, name.end.saturating_sub(1)).max(name.end);
            let said = view.text.get(name.start..end).unwrap_or_default().trim();
            // A case has its medicines in Latin letters.
            if !said.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            all.push((name.start..name.start + said.len(), said.to_owned()));
        }
    }
    all.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
    let mut kept: Vec<(Range<usize>, String)> = Vec::new();
    for (at, name) in all {
        if kept.last().is_none_or(|(last, _)| at.start >= last.end) {
            kept.push((at, name));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads() {
        for (language, text) in FILES {
            let file: Result<File, _> = crate::embedded::read(text);
            let file = file.unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            assert!(file.start.len() >= 3 && file.classes.len() >= 5, "{}", language.code());
        }
    }
}
