//! The words around facts, found in one pass: `lexicon/case/CODE.toml`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{FactName, Language, language_table};
use serde::Deserialize;

use crate::finder::{Finder, Wanted, places};
use crate::lexicon::is_abbreviation;

/// What a word says about the numbers beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The number behind it is this fact.
    Label(FactName),
    /// The number behind it is a measurement that only resembles a fact: urea nitrogen, direct bilirubin.
    Resembling,
    /// The number right behind it is only compared with.
    Comparison,
    /// The number is a limit, a wish or a thought.
    Limit,
    /// Says when to come or to call: the numbers of its sentence are limits.
    Advice,
    /// The value beside it is a dip, a peak, or one in a position or an effort.
    Episode,
    /// The value behind it is the one that lasts.
    Standing,
    /// The label behind it is of no patient.
    Usual,
    /// What a comparison is, behind a number.
    Behind,
    /// Somebody else.
    Person,
    /// Somebody else only says it.
    Report,
    /// The patient.
    Subject,
    /// A thing or a group with numbers of its own.
    Thing,
    /// Another time.
    Past,
    /// The first time that the patient was seen.
    Initial,
    /// A later time.
    Later,
    /// May stand behind a number without a unit.
    Follower,
    /// A pregnancy.
    Pregnant,
    /// Weeks.
    Weeks,
    /// No pregnancy.
    NotPregnant,
}

/// A word that was found, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found<C> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: C,
}

/// A word around facts that was found.
pub(super) type Hit = Found<Class>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    labels: BTreeMap<FactName, Vec<String>>,
    words: Lists,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    pressure: Vec<String>,
    resembling: Vec<String>,
    comparisons: Vec<String>,
    limits: Vec<String>,
    advice: Vec<String>,
    episodes: Vec<String>,
    standing: Vec<String>,
    usual: Vec<String>,
    behind: Vec<String>,
    persons: Vec<String>,
    reports: Vec<String>,
    subjects: Vec<String>,
    things: Vec<String>,
    past: Vec<String>,
    initial: Vec<String>,
    later: Vec<String>,
    followers: Vec<String>,
    pregnant: Vec<String>,
    weeks: Vec<String>,
    not_pregnant: Vec<String>,
}

const FILES: [(Language, &str); Language::ALL.len()] = language_table!(files "../../lexicon/case/");

#[derive(Debug)]
struct Pattern<C> {
    classes: Vec<C>,
    /// As written, where capitals count.
    exact: Option<String>,
    /// Only the start of a word.
    stem: bool,
}

/// Words of all languages, since a message may mix them, with what they say.
#[derive(Debug)]
pub(super) struct Words<C> {
    patterns: Vec<Pattern<C>>,
    finder: Finder,
}

/// Read once.
static WORDS: LazyLock<Words<Class>> = LazyLock::new(|| {
    let mut all: Vec<(Class, Vec<String>)> = Vec::new();
    for (_, text) in FILES {
        let file: File = crate::embedded::read(text).unwrap_or_default();
        let lists = file.words;
        let labels = file.labels.into_iter().map(|(name, list)| (Class::Label(name), list));
        let others = [
            // One number of a pressure is the systolic one.
            (Class::Label(FactName::Systolic), lists.pressure),
            (Class::Resembling, lists.resembling),
            (Class::Comparison, lists.comparisons),
            (Class::Limit, lists.limits),
            (Class::Advice, lists.advice),
            (Class::Episode, lists.episodes),
            (Class::Standing, lists.standing),
            (Class::Usual, lists.usual),
            (Class::Behind, lists.behind),
            (Class::Person, lists.persons),
            (Class::Report, lists.reports),
            (Class::Subject, lists.subjects),
            (Class::Thing, lists.things),
            (Class::Past, lists.past),
            (Class::Initial, lists.initial),
            (Class::Later, lists.later),
            (Class::Follower, lists.followers),
            (Class::Pregnant, lists.pregnant),
            (Class::Weeks, lists.weeks),
            (Class::NotPregnant, lists.not_pregnant),
        ];
        all.extend(labels.chain(others));
    }
    Words::of_lists(all)
});

/// The words around facts of a text, in its order. `lower` is the text in lower case with every byte at its place.
pub(super) fn hits(text: &str, lower: &str) -> Vec<Hit> {
    WORDS.hits(text, lower)
}

impl<C: Copy + PartialEq> Words<C> {
    /// Indexes lists of entries, each with what its entries say; one entry may be in several.
    pub(super) fn of_lists(lists: Vec<(C, Vec<String>)>) -> Self {
        let mut all: BTreeMap<String, Vec<C>> = BTreeMap::new();
        for (class, list) in lists {
            for entry in list {
                let classes = all.entry(entry).or_default();
                if !classes.contains(&class) {
                    classes.push(class);
                }
            }
        }
        Self::new(all)
    }

    /// Indexes entries, which are whole words, or the start of one if they end with `*`; capitals count where an entry
    /// has them.
    pub(super) fn new(all: BTreeMap<String, Vec<C>>) -> Self {
        let mut patterns = Vec::new();
        let mut texts = Vec::new();
        for (entry, classes) in all {
            let stem = entry.ends_with('*');
            let word = entry.trim_end_matches('*').to_owned();
            let exact = word.contains(char::is_uppercase).then(|| word.clone());
            texts.push(crate::dose::lower_case(&word));
            patterns.push(Pattern { classes, exact, stem });
        }
        let finder = Finder::new(texts.iter().map(String::as_str));
        Self { patterns, finder }
    }

    /// All words of a text, in its order.
    pub(super) fn hits(&self, text: &str, lower: &str) -> Vec<Found<C>> {
        let mut found = Vec::new();
        // A word of any list begins behind a character that belongs to none.
        let wanted = [[true, false]; 2];
        let places = places(lower, is_of_word, Wanted { ascii: wanted, other: wanted });
        self.finder.each(lower, &places, |at, start, end| {
            let Some(pattern) = self.patterns.get(at) else { return };
            if !(pattern.stem || ends_a_word(lower, end)) {
                return;
            }
            if pattern.exact.as_deref().is_some_and(|exact| text.get(start..end) != Some(exact)) {
                return;
            }
            // The rest of the word belongs to a stem.
            let whole = if pattern.stem { word_end(lower, end) } else { end };
            found.push((start, std::cmp::Reverse(whole), end, at));
        });
        // Of those at one place, first the shorter words and then those before in the list.
        found.sort_unstable();
        let hit = |(start, std::cmp::Reverse(end), _, at): (usize, _, _, usize)| {
            let classes = self.patterns.get(at).map_or(&[] as &[C], |p| &p.classes);
            classes.iter().map(move |class| Found { start, end, class: *class })
        };
        found.into_iter().flat_map(hit).collect()
    }
}

pub(super) fn is_thai(c: char) -> bool {
    ('\u{e00}'..='\u{e7f}').contains(&c)
}

/// Letters, digits and the signs of Devanagari. Thai words stand without spaces.
pub(super) fn is_of_word(c: char) -> bool {
    (c.is_alphanumeric() && !is_thai(c)) || ('\u{900}'..='\u{963}').contains(&c)
}

/// Whether a word ends at a place: a digit may follow, as in `HR112`.
fn ends_a_word(text: &str, at: usize) -> bool {
    let next = text.get(at..).and_then(|t| t.chars().next());
    next.is_none_or(|c| !is_of_word(c) || c.is_numeric())
}

/// The end of the word around a place.
pub(super) fn word_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.chars().take_while(|c| is_of_word(*c)).map(char::len_utf8).sum::<usize>()
}

/// Whether a text begins none of its sentences with a capital, as many type on a phone.
pub(super) fn has_no_capitals(text: &str) -> bool {
    let begins_small = |part: &str| {
        part.chars()
            .find(|c| c.is_alphanumeric())
            .is_none_or(|c| c.is_lowercase() || c.is_numeric())
    };
    text.split(". ").all(begins_small)
}

/// Whether the full stop at a place ends an abbreviation or a single letter.
fn is_behind_abbreviation(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let word = before.rsplit(|c: char| !(is_of_word(c) || c == '.')).next().unwrap_or_default();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters == 1 || word.contains('.') && letters > 0 || is_abbreviation(&word.to_lowercase())
}

/// The sentence around a place: a full stop ends it before a capital or a script without them, and in a text without capitals
/// (`small`) wherever it ends no abbreviation.
pub(super) fn sentence(text: &str, small: bool, at: usize) -> Range<usize> {
    let ends = |i: usize, c: char| match c {
        '!' | '?' | '\n' | '।' | ';' => true,
        '.' => {
            let rest = text.get(i + 1..).unwrap_or_default();
            let mut next = rest.chars();
            let spaced = next.next().is_none_or(char::is_whitespace);
            // German ordinals: `in der 34. Schwangerschaftswoche`.
            let week = ["Schwangerschaftswoche", "SSW", "Woche"];
            if week.iter().any(|word| rest.trim_start().starts_with(word)) {
                return false;
            }
            // Thai has no full stops: they end abbreviations.
            if text.get(..i).and_then(|t| t.chars().next_back()).is_some_and(is_thai) {
                return false;
            }
            let following = rest.trim_start().chars().next();
            let goes_on = following.is_some_and(char::is_lowercase);
            spaced
                && following.is_none_or(|c| !c.is_ascii_digit())
                && (!goes_on || small && !is_behind_abbreviation(text, i))
        }
        _ => false,
    };
    let before = text.get(..at).unwrap_or_default();
    let start = before.char_indices().rev().find(|(i, c)| ends(*i, *c));
    let start = start.map_or(0, |(i, c)| i + c.len_utf8());
    let after = text.get(at..).unwrap_or_default();
    let end = after.char_indices().find(|(i, c)| ends(at + i, *c));
    start..end.map_or(text.len(), |(i, c)| at + i + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads() {
        for (language, text) in FILES {
            let file: File =
                crate::embedded::read(text).unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            assert!(file.labels.contains_key(&FactName::Weight), "{}", language.code());
            assert!(!file.words.pregnant.is_empty(), "{}", language.code());
        }
    }

    #[test]
    fn sentences_end_at_full_stops_before_capitals() {
        let text = "Wt. 62 kg approx. today. She coughs.";
        assert_eq!(&text[sentence(text, has_no_capitals(text), 8)], "Wt. 62 kg approx. today.");
        let text =
            "it hurts when a door bangs. temp 38.3 pulse 128. wt. 62 kg approx. today, i.e. now";
        assert_eq!(&text[sentence(text, has_no_capitals(text), 30)], " temp 38.3 pulse 128.");
        assert_eq!(
            &text[sentence(text, has_no_capitals(text), 60)],
            " wt. 62 kg approx. today, i.e. now"
        );
    }
}
