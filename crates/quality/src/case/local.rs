//! What a text in a language besides English says of its patient: who it is, what they take, and where care takes place.
//!
//! One rule each for all languages; what they look for is data: `lexicon/local/CODE.toml`.

pub(super) mod country;
pub(super) mod medicines;
pub(super) mod sex;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

use super::view::View;
use super::words::{Found, Words, is_of_word};

/// What a word of a language says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Names the patient as a woman.
    Woman,
    /// Names the patient as a man.
    Man,
    /// Does so before a name.
    WomanTitle,
    /// Does so before a name.
    ManTitle,
    /// Before a name, it is no patient's.
    Rank,
    /// Somebody besides the patient.
    Other,
    /// A pronoun of a woman.
    She,
    /// A pronoun of a man.
    He,
    /// What only a person does.
    Acts,
    /// Has, as a person has a finding.
    Has,
    /// What is beside it is taken, and has been for long.
    Habit,
    /// What is beside it is taken.
    Takes,
    /// What is beside it is not taken.
    Denies,
    /// The sentence says nothing of what is taken for long.
    Given,
    /// No medicine is taken.
    NoMedicine,
    /// The sentence is about where the writer works.
    Here,
    /// It is about another place or time.
    Elsewhere,
}

/// A word of a language that was found.
pub(super) type Hit = Found<Class>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    woman: Vec<String>,
    man: Vec<String>,
    woman_titles: Vec<String>,
    man_titles: Vec<String>,
    ranks: Vec<String>,
    others: Vec<String>,
    she: Vec<String>,
    he: Vec<String>,
    acts: Vec<String>,
    has: Vec<String>,
    according: Vec<String>,
    habit: Vec<String>,
    takes: Vec<String>,
    denies: Vec<String>,
    no: Vec<String>,
    no_behind: Vec<String>,
    long: Vec<String>,
    own: Vec<String>,
    own_behind: Vec<String>,
    given: Vec<String>,
    none: Vec<String>,
    a_day: Vec<String>,
    here: Vec<String>,
    #[serde(rename = "in")]
    within: Vec<String>,
    after: Vec<String>,
    from: Vec<String>,
    from_after: Vec<String>,
    elsewhere: Vec<String>,
}

const FILES: [(Language, &str); Language::ALL.len()] =
    language_table!(files "../../lexicon/local/");

/// Letters of Thai in which a long time is named.
const LONG: usize = 12;

/// What is known about a language.
#[derive(Debug)]
struct Local {
    words: Words<Class>,
    file: File,
}

/// Read once, in the order of the languages.
static READ: LazyLock<Vec<OnceLock<Local>>> =
    LazyLock::new(|| FILES.iter().map(|_| OnceLock::new()).collect());

fn local(language: Language) -> Option<&'static Local> {
    let at = language.index();
    let (_, text) = FILES.get(at)?;
    Some(READ.get(at)?.get_or_init(|| Local::new(crate::embedded::read(text).unwrap_or_default())))
}

impl Local {
    fn new(file: File) -> Self {
        let lists = [
            (Class::Woman, &file.woman),
            (Class::Man, &file.man),
            (Class::WomanTitle, &file.woman_titles),
            (Class::ManTitle, &file.man_titles),
            (Class::Rank, &file.ranks),
            (Class::Other, &file.others),
            (Class::She, &file.she),
            (Class::He, &file.he),
            (Class::Acts, &file.acts),
            (Class::Has, &file.has),
            (Class::Habit, &file.habit),
            (Class::Takes, &file.takes),
            (Class::Denies, &file.denies),
            (Class::Given, &file.given),
            (Class::NoMedicine, &file.none),
            (Class::Here, &file.here),
            (Class::Elsewhere, &file.elsewhere),
        ];
        let mut all: BTreeMap<String, Vec<Class>> = BTreeMap::new();
        for (class, list) in lists {
            for entry in list {
                // Both apostrophes are written.
                for entry in [entry.clone(), entry.replace('\'', "’")] {
                    let classes = all.entry(entry).or_default();
                    if !classes.contains(&class) {
                        classes.push(class);
                    }
                }
            }
        }
        Self { words: Words::new(all), file }
    }
}

/// A text as read in one language.
pub(super) struct Reading {
    pub(super) language: Language,
    hits: Vec<Hit>,
    file: &'static File,
}

/// A text in each of the languages besides English that it may be in.
pub(super) fn readings(view: &View<'_>) -> Vec<Reading> {
    let languages = crate::language::likely(view.text);
    let others = languages.into_iter().filter(|language| *language != Language::English);
    others
        .filter_map(|language| {
            let local = local(language)?;
            let hits = local.words.hits(view.text, &view.lower);
            Some(Reading { language, hits, file: &local.file })
        })
        .collect()
}

impl Reading {
    /// The words of a class in a part of the text.
    fn of(&self, class: Class, part: &Range<usize>) -> impl Iterator<Item = &Hit> {
        let part = part.clone();
        self.hits
            .iter()
            .filter(move |hit| hit.class == class && hit.start >= part.start && hit.end <= part.end)
    }

    fn has(&self, class: Class, part: &Range<usize>) -> bool {
        self.of(class, part).next().is_some()
    }

    /// Whether a word of one of two classes covers a place.
    fn covers(&self, class: Class, place: &Range<usize>) -> bool {
        self.hits
            .iter()
            .any(|hit| hit.class == class && hit.start <= place.start && place.end <= hit.end)
    }

    /// Whether the clause around a place speaks of another time than the one that lasts.
    fn is_of_a_time(&self, view: &View<'_>, place: &Range<usize>) -> bool {
        let sentence = view.sentence(place.start);
        let clause =
            view.clause_start(&sentence, place.start)..view.clause_end(&sentence, place.end);
        view.within(clause).any(|hit| {
            matches!(hit.class, super::words::Class::Past | super::words::Class::Later)
                && !self.covers(Class::Habit, &(hit.start..hit.end))
                && !self.is_long(view, hit.end, sentence.end)
                // `hier` is here in German, and yesterday in French.
                && !self.covers(Class::Here, &(hit.start..hit.end))
        })
    }

    /// Whether a long time follows: `seit drei Jahren` is no news.
    fn is_long(&self, view: &View<'_>, from: usize, until: usize) -> bool {
        let rest = view.between(from, until);
        let mut words = rest.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty());
        // Thai words are not set apart.
        let near: String = rest.chars().take(LONG).collect();
        let thai = self.language == Language::Thai;
        let is = |word: &str| self.file.long.iter().any(|long| long == word);
        words.by_ref().take(3).any(is) || (thai && self.file.long.iter().any(|l| near.contains(l)))
    }

    /// Whether somebody besides the patient is the one of whom something at a place is said.
    fn is_of_other(&self, view: &View<'_>, sentence: &Range<usize>, at: usize) -> bool {
        // `son` is French for `her`.
        let other = |hit: &super::words::Hit| {
            hit.class == super::words::Class::Person
                && !(self.language == Language::French && view.between(hit.start, hit.end) == "son")
                && !ends_with(view.between(sentence.start, hit.start), &self.file.according)
        };
        view.within(sentence.start..at).any(other) && view.is_of_other(sentence, at)
    }
}

/// Whether a sentence asks.
fn asks(view: &View<'_>, sentence: &Range<usize>) -> bool {
    view.between(sentence.start, sentence.end).trim_end().ends_with('?')
}

/// Whether one of some entries ends a text, as a word of its own.
fn ends_with(head: &str, entries: &[String]) -> bool {
    let head = head.trim_end().replace('’', "'");
    entries.iter().any(|entry| {
        head.strip_suffix(entry.as_str())
            .is_some_and(|before| before.chars().next_back().is_none_or(|c| !is_of_word(c)))
    })
}

/// Whether one of some entries begins a text, as a word of its own.
fn starts_with(rest: &str, entries: &[String]) -> bool {
    let rest = rest.trim_start();
    entries.iter().any(|entry| {
        rest.strip_prefix(entry.as_str())
            .is_some_and(|behind| behind.chars().next().is_none_or(|c| !is_of_word(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_has_what_the_rules_need() {
        for (language, text) in FILES {
            let file: File =
                crate::embedded::read(text).unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            if language == Language::English {
                continue;
            }
            let lists = [&file.woman, &file.man, &file.habit, &file.takes, &file.denies];
            let more = [&file.given, &file.none, &file.here, &file.elsewhere];
            assert!(lists.iter().chain(&more).all(|list| list.len() >= 3), "{}", language.code());
            assert!(!file.within.is_empty() || !file.after.is_empty(), "{}", language.code());
        }
    }
}
