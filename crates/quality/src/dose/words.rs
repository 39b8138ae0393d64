//! The words around doses, found in one pass.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

use super::Unit;
use super::units::ABBREVIATIONS;
use crate::finder::{Finder, Wanted, places};
use crate::lines::is_alphanumeric;

/// What a word says about the numbers beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A medicine.
    Medicine,
    /// A way into the body.
    Route,
    /// How often or how fast.
    Frequency,
    /// Cream, ointment and the like: a percentage beside it is a dose.
    Form,
    /// Asks to give or to take.
    Advice,
    /// States a limit: at most.
    Limit,
    /// The numbers that follow are taken already, or are those of a product.
    History,
    /// The number before it is.
    Earlier,
    /// Another thing that is measured: a laboratory value, food, blood.
    Other,
    /// Asks to verify.
    Verify,
    /// A dose.
    Dose,
    /// What may stand for a dose beside one.
    Amount,
    /// So may the number of what is counted, if that is tablets or the like.
    Count,
    /// So may a pronoun.
    Pronoun,
    /// Before use.
    BeforeUse,
    /// Where doses are looked up.
    Source,
    /// What else is verified.
    Object,
    /// Makes a dose a time: after the dose.
    Time,
    /// May stand between a number and what it counts.
    Link,
    /// An estimate.
    About,
    /// Makes the number behind it an interval: after each 20 mL.
    Interval,
    /// What is counted there is in store.
    Stock,
    /// A bound of the number behind it.
    Bound,
    /// Behind it stands what an amount is compared with, not what it is of.
    Comparison,
    /// Holds a shorter word that says nothing there: `stop the bleeding` stops no medicine.
    Neutral,
    /// How a child grows or is fed: grams and millilitres beside it are those of the body or of milk.
    Growth,
}

impl Class {
    /// Of words of one group the longer one counts: `was given` is no `give`.
    fn group(self) -> u8 {
        match self {
            Self::Link | Self::About | Self::Interval | Self::Comparison | Self::Bound => 0,
            Self::Earlier => 3,
            Self::Growth => 4,
            Self::Verify
            | Self::Dose
            | Self::Amount
            | Self::Count
            | Self::Pronoun
            | Self::BeforeUse
            | Self::Source
            | Self::Object
            | Self::Time => 1,
            _ => 2,
        }
    }
}

/// A word that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: Class,
}

impl Hit {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// `lexicon/doses/CODE.toml`; all in lower case.
///
/// An entry stands at the start of a word. One that ends with a space is a whole word, and one that begins with a
/// hyphen may also stand inside a word, as in compounds and for the endings of the names of medicines.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Small numbers as words.
    numbers: BTreeMap<String, f64>,
    /// Words between the two numbers of a range.
    between: Vec<String>,
    /// Between a unit and what it is for, as `/` is.
    per: Vec<String>,
    /// Behind it, body weights.
    weights: Vec<String>,
    /// Behind it, volumes and what else makes a concentration.
    volumes: Vec<String>,
    /// Units in words; abbreviations that all languages have are in [`ABBREVIATIONS`].
    milligrams: Vec<String>,
    micrograms: Vec<String>,
    grams: Vec<String>,
    millilitres: Vec<String>,
    litres: Vec<String>,
    international: Vec<String>,
    /// Units of many things, of which some are doses.
    units: Vec<String>,
    millimoles: Vec<String>,
    percent: Vec<String>,
    pieces: Vec<String>,
    /// Verbs stand at the end of a sentence, as in Hindi.
    #[serde(default)]
    verb_last: bool,
    medicines: Vec<String>,
    /// Those of them that carry others: a percentage is part of their name.
    carriers: Vec<String>,
    oral: Vec<String>,
    singly: Vec<String>,
    routes: Vec<String>,
    frequencies: Vec<String>,
    forms: Vec<String>,
    advice: Vec<String>,
    limits: Vec<String>,
    history: Vec<String>,
    earlier: Vec<String>,
    others: Vec<String>,
    growth: Vec<String>,
    links: Vec<String>,
    about: Vec<String>,
    intervals: Vec<String>,
    neutral: Vec<String>,
    stock: Vec<String>,
    /// Words for a bound. Before a number of vials, it is that of the temperature that they are kept at.
    bounds: Vec<String>,
    comparisons: Vec<String>,
    measures: Vec<String>,
    verify: Vec<String>,
    doses: Vec<String>,
    amounts: Vec<String>,
    counts: Vec<String>,
    pronouns: Vec<String>,
    before_use: Vec<String>,
    sources: Vec<String>,
    objects: Vec<String>,
    times: Vec<String>,
}

/// A unit as it is written.
#[derive(Debug)]
pub(super) struct UnitWord {
    pub(super) text: String,
    pub(super) unit: Unit,
    /// A number of it is a dose unless something speaks against it.
    pub(super) sure: bool,
}

/// What one language says about doses.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// By their first bytes, the longer first.
    pub(super) units: Vec<UnitWord>,
    /// Where those with each first byte begin, and where the last ones end.
    units_from: Vec<usize>,
    pub(super) numbers: Vec<(String, f64)>,
    pub(super) between: Vec<String>,
    pub(super) per: Vec<String>,
    pub(super) weights: Vec<String>,
    pub(super) volumes: Vec<String>,
    pub(super) decimal_comma: bool,
    pub(super) unspaced: bool,
    pub(super) verb_last: bool,
    /// Behind `dose`, before what it depends on: `the dose for her weight`.
    pub(super) measures: Vec<String>,
    pub(super) carriers: Vec<String>,
    /// Routes by which people eat and drink, too.
    pub(super) oral: Vec<String>,
    pub(super) singly: Vec<String>,
    patterns: Vec<Pattern>,
    /// Those that stand at the start of a word.
    starts: Finder,
    /// Those that may also stand within one, with their places in `patterns`.
    inside: (Option<AhoCorasick>, Vec<usize>),
    /// Those that ask to verify.
    verifies: Finder,
    verifies_inside: Option<AhoCorasick>,
    /// Numbers as words.
    worded: Finder,
}

#[derive(Debug)]
struct Pattern {
    class: Class,
    whole: bool,
    inside: bool,
}

const FILES: [(Language, &str); Language::ALL.len()] =
    language_table!(files "../../lexicon/doses/");

/// In the order of [`Language::ALL`]. A test reads all of them.
static READ: LazyLock<Vec<File>> = LazyLock::new(|| {
    FILES.iter().map(|(_, text)| crate::embedded::read(text).unwrap_or_default()).collect()
});

/// In the same order; each is built when its language is met.
static WORDS: [OnceLock<Words>; Language::ALL.len()] =
    [const { OnceLock::new() }; Language::ALL.len()];

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        let at = language.index();
        WORDS[at].get_or_init(|| Self::new(language, &READ[at], &READ))
    }

    fn new(language: Language, file: &File, all: &[File]) -> Self {
        let mut units: Vec<UnitWord> = ABBREVIATIONS
            .iter()
            .map(|(text, unit, sure)| UnitWord {
                text: (*text).to_owned(),
                unit: *unit,
                sure: *sure,
            })
            .collect();
        for (list, unit, sure) in [
            (&file.milligrams, Unit::Milligram, true),
            (&file.micrograms, Unit::Microgram, true),
            (&file.grams, Unit::Gram, false),
            (&file.millilitres, Unit::Millilitre, false),
            (&file.litres, Unit::Litre, false),
            (&file.international, Unit::International, true),
            (&file.units, Unit::International, false),
            (&file.millimoles, Unit::Millimole, false),
            (&file.percent, Unit::Percent, false),
            (&file.pieces, Unit::Piece, false),
        ] {
            units.extend(list.iter().map(|text| UnitWord { text: text.clone(), unit, sure }));
        }
        let first = |unit: &UnitWord| unit.text.as_bytes().first().copied().unwrap_or_default();
        units.sort_by_key(|unit| (first(unit), std::cmp::Reverse(unit.text.len())));
        let from = |byte: u16| units.partition_point(|unit| u16::from(first(unit)) < byte);
        let units_from = (0..=256).map(from).collect();

        // Names of medicines cross borders: all languages know those of all.
        let medicines = all.iter().map(|other| (&other.medicines, Class::Medicine));
        let own = [
            (&file.routes, Class::Route),
            (&file.frequencies, Class::Frequency),
            (&file.forms, Class::Form),
            (&file.advice, Class::Advice),
            (&file.limits, Class::Limit),
            (&file.history, Class::History),
            (&file.earlier, Class::Earlier),
            (&file.others, Class::Other),
            (&file.growth, Class::Growth),
            (&file.links, Class::Link),
            (&file.about, Class::About),
            (&file.intervals, Class::Interval),
            (&file.neutral, Class::Neutral),
            (&file.stock, Class::Stock),
            (&file.bounds, Class::Bound),
            (&file.comparisons, Class::Comparison),
            (&file.verify, Class::Verify),
            (&file.doses, Class::Dose),
            (&file.amounts, Class::Amount),
            (&file.counts, Class::Count),
            (&file.pronouns, Class::Pronoun),
            (&file.before_use, Class::BeforeUse),
            (&file.sources, Class::Source),
            (&file.objects, Class::Object),
            (&file.times, Class::Time),
        ];
        let mut patterns = Vec::new();
        // What stands only at the start of a word, and what also stands within one; an empty text is never found.
        let (mut starts, mut within, mut inside) = (Vec::new(), Vec::new(), Vec::new());
        let (mut verifies, mut verifies_inside) = (Vec::new(), Vec::new());
        for (list, class) in medicines.chain(own) {
            for entry in list {
                let text = entry.strip_prefix('-').unwrap_or(entry).trim_end();
                let anywhere = entry.starts_with('-') || !text.starts_with(is_start);
                if anywhere {
                    within.push(text);
                    inside.push(patterns.len());
                }
                starts.push(if anywhere { "" } else { text });
                match class {
                    Class::Verify if anywhere => verifies_inside.push(text),
                    Class::Verify => verifies.push(text),
                    _ => {}
                }
                let inside = entry.starts_with('-');
                patterns.push(Pattern { class, whole: entry.ends_with(' '), inside });
            }
        }
        let automaton = |words: &[&str]| {
            let builder = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(words);
            builder.ok().filter(|_| !words.is_empty())
        };
        let point = matches!(language, Language::English | Language::Hindi | Language::Thai);
        Self {
            units,
            units_from,
            numbers: file.numbers.iter().map(|(word, number)| (word.clone(), *number)).collect(),
            between: file.between.clone(),
            per: file.per.clone(),
            weights: file.weights.clone(),
            volumes: file.volumes.clone(),
            decimal_comma: !point,
            unspaced: language == Language::Thai,
            verb_last: file.verb_last,
            measures: file.measures.clone(),
            carriers: all.iter().flat_map(|file| file.carriers.clone()).collect(),
            oral: all.iter().flat_map(|file| file.oral.clone()).collect(),
            singly: file.singly.clone(),
            patterns,
            starts: Finder::new(starts),
            inside: (automaton(&within), inside),
            verifies: Finder::new(verifies),
            verifies_inside: automaton(&verifies_inside),
            worded: Finder::new(file.numbers.keys().map(String::as_str)),
        }
    }

    /// The units that begin with a byte, the longer first.
    pub(super) fn units_with(&self, first: u8) -> &[UnitWord] {
        let at = usize::from(first);
        let place = self.units_from.get(at).zip(self.units_from.get(at + 1));
        place.and_then(|(from, to)| self.units.get(*from..*to)).unwrap_or_default()
    }

    /// Where words are looked for in a text in lower case: at the starts of words, and at all letters of scripts that
    /// do not set words apart.
    pub(super) fn places(lower: &str) -> Vec<usize> {
        let ascii = [[false, false], [true, false]];
        places(lower, is_of_word, Wanted { ascii, other: [[true, true], [true, false]] })
    }

    /// All words of a text in lower case, in its order; of those inside another one of their group the longer.
    pub(super) fn hits(&self, lower: &str, places: &[usize]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut add = |pattern: &Pattern, start: usize, end: usize| {
            if pattern.whole && !ends_a_word(lower, end) {
                return;
            }
            let (start, end) = if pattern.class == Class::Medicine {
                whole_word(lower, start, end)
            } else {
                (start, end)
            };
            hits.push(Hit { start, end, class: pattern.class });
        };
        self.starts.each(lower, places, |at, start, end| add(&self.patterns[at], start, end));
        let (search, inside) = &self.inside;
        for found in search.iter().flat_map(|search| search.find_overlapping_iter(lower)) {
            let pattern = &self.patterns[inside[found.pattern().as_usize()]];
            if pattern.inside || starts_a_word(lower, found.start()) {
                add(pattern, found.start(), found.end());
            }
        }
        hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end), hit.class));
        hits.dedup();
        let mut longest = [(0, 0); 5];
        hits.retain(|hit| {
            let group = usize::from(hit.class.group());
            if group == 0 {
                return true;
            }
            let (start, end) = longest[group];
            if hit.end <= end && (hit.start, hit.end) != (start, end) {
                return false;
            }
            longest[group] = (hit.start, hit.end);
            true
        });
        hits
    }

    /// Whether a text in lower case may have a word that asks to verify.
    pub(super) fn may_verify(&self, lower: &str, places: &[usize]) -> bool {
        let mut found = false;
        self.verifies.each(lower, places, |_, _, _| found = true);
        found || self.verifies_inside.as_ref().is_some_and(|search| search.is_match(lower))
    }

    /// The numbers that are written as words.
    pub(super) fn number_words(&self, lower: &str, places: &[usize]) -> Vec<(Range<usize>, f64)> {
        let mut found: Vec<(Range<usize>, f64)> = Vec::new();
        self.worded.each(lower, places, |word, start, end| {
            if ends_a_word(lower, end) {
                found.push((start..end, self.numbers[word].1));
            }
        });
        found.sort_by_key(|(place, _)| (place.start, std::cmp::Reverse(place.end)));
        found
    }
}

/// A letter, or a sign on one, of Devanagari.
fn is_devanagari(c: char) -> bool {
    ('\u{900}'..='\u{963}').contains(&c)
}

/// A letter of Thai, whose words are not set apart.
pub(super) fn is_thai(c: char) -> bool {
    ('\u{e00}'..='\u{e7f}').contains(&c)
}

fn is_of_word(c: char) -> bool {
    (is_alphanumeric(c) && !is_thai(c)) || is_devanagari(c)
}

/// Whether words that begin with a character are found at the places of [`Words::places`].
fn is_start(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}

/// Whether a word starts at a place.
pub(super) fn starts_a_word(text: &str, at: usize) -> bool {
    let first = text[at..].chars().next();
    let before = text[..at].chars().next_back();
    first.is_none_or(|c| !is_of_word(c)) || before.is_none_or(|c| !is_of_word(c))
}

/// Whether a word ends at a place.
pub(super) fn ends_a_word(text: &str, at: usize) -> bool {
    let last = text[..at].chars().next_back();
    let next = text[at..].chars().next();
    last.is_none_or(|c| !is_of_word(c)) || next.is_none_or(|c| !is_of_word(c))
}

/// The word around a place.
pub(super) fn whole_word(text: &str, start: usize, end: usize) -> (usize, usize) {
    let before = text[..start].chars().rev().take_while(|c| is_of_word(*c));
    let after = text[end..].chars().take_while(|c| is_of_word(*c));
    (
        start - before.map(char::len_utf8).sum::<usize>(),
        end + after.map(char::len_utf8).sum::<usize>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_is_in_lower_case() {
        for (language, text) in FILES {
            let file: File =
                crate::embedded::read(text).unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            assert!(file.numbers.keys().all(|word| word.starts_with(is_start)));
            assert!(file.verify.len() > 5 && file.advice.len() > 10, "{}", language.code());
            let entries = text.lines().filter(|line| !line.starts_with('#'));
            for line in entries {
                assert_eq!(line, super::super::lower_case(line), "{}", language.code());
            }
        }
    }
}
