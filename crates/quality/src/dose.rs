//! Doses and their warnings.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::Language;
use regex::Regex;

use crate::lexicon::{lexicon, of_all};
use crate::segment::sentences;

/// A dose with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dose {
    /// Number and unit, as written.
    pub place: Range<usize>,
    /// Unit, lower case.
    pub unit: String,
}

/// One pattern per language: a number, possibly a range, and any of its units.
static PATTERNS: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    Language::ALL
        .iter()
        .map(|language| {
            let words = lexicon(*language);
            let mut units: Vec<String> =
                words.sure_units.iter().chain(&words.cued_units).map(|u| regex::escape(u)).collect();
            // Longer ones first: `mg` before `g`.
            units.sort_by_key(|u| std::cmp::Reverse(u.len()));
            let own: String = Language::ALL.iter().map(|l| lexicon(*l).digits.as_str()).collect();
            let digits = format!("[0-9{own}]");
            let range: Vec<&str> = of_all(|l| &l.ranges).collect();
            let range = range.join("|");
            let words: Vec<String> = words.numbers.iter().map(|n| regex::escape(n)).collect();
            let number = format!(r"(?:{digits}+(?:[.,\u{{a0}} ]{digits}+)*|{})", words.join("|"));
            let pattern = format!(
                r"(?i)(?P<number>{number}(?:\s?(?:-|–|{range})\s?{number})?)[\s\u{{a0}}-]?(?P<unit>{})",
                units.join("|")
            );
            Regex::new(&pattern).ok()
        })
        .collect()
});

/// The doses in a text. Laboratory values, pressures, weights and losses are excluded.
pub fn doses(text: &str, language: Language) -> Vec<Dose> {
    let Some(pattern) = PATTERNS.get(language.index()).and_then(Option::as_ref) else {
        return Vec::new();
    };
    if !pattern.is_match(text) {
        return Vec::new();
    }
    let words = lexicon(language);
    let mut found = Vec::new();
    for sentence in sentences(text, language) {
        let Some(said) = text.get(sentence.clone()) else { continue };
        let lower = said.to_lowercase();
        for hit in pattern.captures_iter(said) {
            let (Some(whole), Some(unit)) = (hit.get(0), hit.name("unit")) else { continue };
            let behind = said.get(whole.end()..).unwrap_or_default();
            // A number word only counts things, and is a separate word.
            let worded = !whole.as_str().starts_with(|c: char| c.is_numeric());
            let before = said.get(..whole.start()).and_then(|t| t.chars().next_back());
            let inside = !words.unspaced && before.is_some_and(char::is_alphanumeric);
            let counted = unit.as_str().chars().count() > 2;
            if worded && (inside || !counted) {
                continue;
            }
            if goes_into_a_word(unit.as_str(), behind) || is_value(behind) {
                continue;
            }
            let unit = unit.as_str().to_lowercase();
            let sure = words.sure_units.contains(&unit);
            if sure || words.cues.iter().any(|c| lower.contains(c.as_str())) && !is_loss(&lower) {
                let place = sentence.start + whole.start()..sentence.start + whole.end();
                found.push(Dose { place, unit });
            }
        }
    }
    found
}

/// Whether the unit is only the start of a word, such as `g` of `gtt`.
fn goes_into_a_word(unit: &str, behind: &str) -> bool {
    let latin = unit.chars().next_back().is_some_and(|c| c.is_alphabetic() && c < '\u{900}');
    let devanagari = unit.chars().next_back().is_some_and(|c| ('\u{900}'..='\u{97f}').contains(&c));
    let next = behind.chars().next();
    if latin {
        return next.is_some_and(|c| c.is_alphabetic() && c < '\u{900}');
    }
    devanagari && next.is_some_and(|c| ('\u{900}'..='\u{963}').contains(&c))
}

/// Whether the text after a unit makes it a concentration in the body, a pressure or similar.
fn is_value(behind: &str) -> bool {
    let behind = behind.trim_start().to_lowercase();
    let Some(per) = behind.strip_prefix('/') else {
        return behind.starts_with("hg")
            || of_all(|l| &l.per_volume).any(|v| behind.starts_with(v));
    };
    let per = per.trim_start();
    let unit: String = per
        .chars()
        .take_while(|c| {
            c.is_alphabetic()
                || *c == '.'
                || ('\u{900}'..='\u{97f}').contains(c)
                || ('\u{e00}'..='\u{e7f}').contains(c)
        })
        .collect();
    matches!(unit.as_str(), "dl" | "l" | "ml" | "mmol" | "g" | "hpf" | "mm" | "m" | "μl" | "µl")
        || of_all(|l| &l.volumes).any(|v| v == unit)
}

/// Whether a sentence is about body fluids.
fn is_loss(sentence: &str) -> bool {
    of_all(|l| &l.losses).any(|w| sentence.contains(w))
}

/// The sentence that asks to verify a dose. If a dose is `stated`, it may also speak of an amount.
pub fn warning(text: &str, stated: bool, language: Language) -> Option<Range<usize>> {
    let words = lexicon(language);
    let objects = || words.dose.iter().chain(words.amounts.iter().filter(|_| stated));
    let whole = text.to_lowercase();
    let some = |word: &String| whole.contains(word.as_str());
    if !objects().any(some) || !words.verify.iter().any(some) {
        return None;
    }
    sentences(text, language).into_iter().find(|s| {
        let lower = text.get(s.clone()).unwrap_or_default().to_lowercase();
        let has = |word: &String| starts_a_word(&lower, word, language);
        words.verify.iter().any(has) && objects().any(has)
    })
}

fn starts_a_word(text: &str, stem: &str, language: Language) -> bool {
    let words = lexicon(language);
    text.match_indices(stem).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        // German compounds: `Einzeldosis`, `gegengeprüft`.
        words.unspaced || words.compounds || before.is_none_or(|c| !c.is_alphanumeric())
    })
}
