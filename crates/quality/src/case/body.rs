//! What a message says of the body that the case must have: a part that is missing, what is worn or implanted, and how a
//! child grows.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{FactKind, FactName, Frame, Language, StatedFact, language_table};
use serde::Deserialize;

use super::statement::{content, fact_of};
use super::view::View;
use super::words::{Class, Found, Words, is_thai};

/// What a word says of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A part is missing.
    Lost,
    /// Something is worn or implanted.
    Device,
    /// Right before one in a question, the patient has it.
    Own,
    /// Before one, nobody has it.
    Planned,
    /// How tall or heavy the patient is.
    Size,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lost: Vec<String>,
    devices: Vec<String>,
    own: Vec<String>,
    planned: Vec<String>,
    small: Vec<String>,
    thin: Vec<String>,
    heavy: Vec<String>,
}

const FILES: [(Language, &str); Language::ALL.len()] = language_table!(files "../../lexicon/body/");

/// Read once.
static WORDS: LazyLock<Words<Kind>> = LazyLock::new(|| {
    let mut lists: Vec<(Kind, Vec<String>)> = Vec::new();
    for file in FILES.iter().filter_map(|(_, text)| crate::embedded::read::<File>(text).ok()) {
        lists.extend([
            (Kind::Lost, file.lost),
            (Kind::Device, file.devices),
            (Kind::Own, file.own),
            (Kind::Planned, file.planned),
            (Kind::Size, file.small),
            (Kind::Size, file.thin),
            (Kind::Size, file.heavy),
        ]);
    }
    Words::of_lists(lists)
});

/// Sides and the like, right before a part of the body.
const SIDES: [&str; 22] = [
    "left",
    "right",
    "old",
    "bilateral",
    "traumatic",
    "previous",
    "linke",
    "linker",
    "rechte",
    "rechter",
    "rechtsseitige",
    "linksseitige",
    "beidseitige",
    "bilaterale",
    "left-sided",
    "right-sided",
    "double",
    "dual-chamber",
    "end",
    "loop",
    "permanent",
    "total",
];
/// Words at the end of an entry behind which the part of the body stands.
const OF: [&str; 12] =
    ["the", "des", "der", "de", "da", "do", "di", "du", "of", "la", "del", "della"];
/// Letters that two words for one device have in common: `stoma` and `ileostomy`.
const SAME: usize = 4;
/// Letters of that part.
const PART: usize = 28;
/// Share of the words of a statement that others have.
const TOLD: f64 = 0.6;

/// Adds parts that are missing and what is worn or implanted to the conditions, and words of size to the findings, where
/// no fact has them.
pub(super) fn add(view: &View<'_>, frame: &Frame, facts: &mut Vec<StatedFact>) {
    let hits = WORDS.hits(view.text, &view.lower);
    // Of several words for a missing part, the one that says most; likewise of those for one device.
    let said_of =
        |kind| hits.iter().filter(move |h| h.class == kind).filter(|h| is_said(view, &hits, h));
    let length = |h: &Found<Kind>| h.end - h.start;
    let lost = said_of(Kind::Lost).max_by_key(|h| (length(h), std::cmp::Reverse(h.start)));
    let says_less = |hit: &Found<Kind>| {
        let start: String = view.between(hit.start, hit.end).chars().take(SAME).collect();
        said_of(Kind::Device).any(|h| {
            length(h) > length(hit) && view.between(h.start, h.end).contains(start.as_str())
        })
    };
    let mut end = 0;
    for hit in &hits {
        let name = match hit.class {
            Kind::Lost if lost == Some(hit) => FactName::Condition,
            Kind::Device if !says_less(hit) => FactName::Condition,
            Kind::Size => FactName::Finding,
            _ => continue,
        };
        // Of entries at one place, the longest.
        let longest = hits
            .iter()
            .filter(|h| h.start == hit.start && h.class == hit.class)
            .map(|h| h.end)
            .max();
        if hit.start < end || longest != Some(hit.end) || !is_said(view, &hits, hit) {
            continue;
        }
        let span = whole(view, hit);
        end = span.end;
        let said = view.text.get(span).unwrap_or_default();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let framed = frame.patient.as_ref().and_then(|p| p.condition.as_ref());
        let known = framed.is_some_and(|condition| is_told(&condition.name, &said));
        let listed = facts.iter().filter(|fact| {
            fact.name.kind() == FactKind::Text
                && !matches!(fact.name, FactName::Family | FactName::Social | FactName::Allergy)
        });
        if !known && !listed.into_iter().any(|fact| is_told(&fact.value, &said)) {
            facts.push(fact_of(name, &said, "1"));
        }
    }
}

/// Whether a text has most of the words of another one, whatever their endings.
fn is_told(text: &str, said: &str) -> bool {
    if text.to_lowercase().contains(&said.to_lowercase()) {
        return true;
    }
    let all: Vec<String> = content(text).collect();
    let own: Vec<String> = content(said).collect();
    let start = |word: &str| word.chars().take(6).collect::<String>();
    let found = own.iter().filter(|word| all.iter().any(|w| start(w) == start(word))).count();
    !own.is_empty() && found as f64 >= TOLD * own.len() as f64
}

/// Whether the patient has it: it is not planned, feared, denied, asked for or somebody else's.
fn is_said(view: &View<'_>, hits: &[Found<Kind>], hit: &Found<Kind>) -> bool {
    let sentence = view.sentence(hit.start);
    if view.is_of_other(&sentence, hit.start) {
        return false;
    }
    let clause = view.clause_start(&sentence, hit.start)..view.clause_end(&sentence, hit.end);
    // Verbs end a sentence in Hindi.
    let said = view.between(hit.start, hit.end);
    let behind = said.chars().any(|c| ('\u{900}'..='\u{97f}').contains(&c));
    let near = clause.start..if behind { clause.end } else { hit.start };
    let inside = |h: &Found<Kind>| hit.start <= h.start && h.end <= hit.end;
    let thai = said.chars().any(is_thai);
    let planned = |h: &&Found<Kind>| {
        h.class == Kind::Planned
            && near.start <= h.start
            && h.end <= near.end
            && !inside(h)
            // Thai words are not set apart: only those right before it.
            && (!thai || hit.start - h.end <= 12)
    };
    let own = hits.iter().any(|h| {
        h.class == Kind::Own
            && h.end <= hit.start
            && view.between(h.end, hit.start).split_whitespace().count() <= 1
            && !view.between(h.end, hit.start).contains([',', ';', '.'])
    });
    if hits.iter().any(|h| planned(&h) && !own)
        || hits.iter().any(|h| planned(&h) && is_near(view, h, hit))
    {
        return false;
    }
    let open = view
        .within(clause.start..hit.start)
        .any(|h| matches!(h.class, Class::Limit | Class::Advice | Class::Comparison));
    let asked = view.between(sentence.start, sentence.end).trim_end().ends_with('?');
    own || !(open || asked)
}

/// Whether a word stands within three words before another one: `may need his`.
fn is_near(view: &View<'_>, word: &Found<Kind>, hit: &Found<Kind>) -> bool {
    word.end <= hit.start && view.between(word.end, hit.start).split_whitespace().count() <= 2
}

/// A part of the body with its side and its name: `left below-knee amputation`, `amputation of the right foot`.
fn whole(view: &View<'_>, hit: &Found<Kind>) -> Range<usize> {
    let mut start = hit.start;
    while let Some(word) = view.between(0, start).trim_end().rsplit([' ', ',', '(']).next() {
        if !SIDES.contains(&word) {
            break;
        }
        start = view.between(0, start).trim_end().len() - word.len();
    }
    let said = view.between(hit.start, hit.end);
    if !said.rsplit(' ').next().is_some_and(|word| OF.contains(&word)) {
        return start..hit.end;
    }
    let sentence = view.sentence(hit.start);
    let rest = view.between(hit.end, view.clause_end(&sentence, hit.end));
    let mut end = 0;
    for (count, word) in rest.split_inclusive(' ').enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let ends = ["and", "in", "after", "with", "und", "et", "y", "e", "con", "com", "avec"];
        if ends.contains(&bare) || count > 3 || end + word.len() > PART {
            break;
        }
        end += word.len();
    }
    let end =
        hit.end + rest.get(..end).unwrap_or_default().trim_end_matches(['.', ' ', '?', ':']).len();
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads() {
        for (language, text) in FILES {
            let file: Result<File, _> = crate::embedded::read(text);
            let file = file.unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            let lists = [&file.lost, &file.devices, &file.own, &file.planned, &file.small];
            assert!(lists.iter().all(|list| list.len() >= 3), "{}", language.code());
        }
    }
}
