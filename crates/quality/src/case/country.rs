//! The country in which a text says that care takes place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use clinstruct_schema::{Language, language_table};
use regex::Regex;
use serde::Deserialize;

use super::view::View;
use super::words::is_of_word;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    names: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    adjectives: BTreeMap<String, Vec<String>>,
}

/// The names of all countries in one language.
#[derive(Debug, Default)]
pub(super) struct Countries {
    /// Code of each pattern, and whether it is an adjective.
    codes: Vec<(String, bool)>,
    search: Option<AhoCorasick>,
}

const FILES: [(Language, &str); Language::ALL.len()] =
    language_table!(files "../../lexicon/countries/");

/// In the order of the languages; each is built when a text in its language is met.
static COUNTRIES: [OnceLock<Countries>; Language::ALL.len()] =
    [const { OnceLock::new() }; Language::ALL.len()];

/// The names of all countries in a language.
pub(super) fn names(language: Language) -> &'static Countries {
    let at = language.index();
    COUNTRIES[at]
        .get_or_init(|| Countries::new(crate::embedded::read(FILES[at].1).unwrap_or_default()))
}

impl Countries {
    fn new(file: File) -> Self {
        let mut codes = Vec::new();
        let mut texts = Vec::new();
        for (names, adjective) in [(file.names, false), (file.adjectives, true)] {
            for (code, all) in names {
                for name in all {
                    codes.push((code.clone(), adjective));
                    texts.push(name);
                }
            }
        }
        // `Papua New Guinea` is no Guinea.
        let search =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts).ok();
        Self { codes, search }
    }

    /// The names in a text, with their codes and places. They may be parts of words.
    pub(super) fn find(&self, text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.all(text).map(|((code, _), place)| (code.as_str(), place))
    }

    fn all(&self, text: &str) -> impl Iterator<Item = (&(String, bool), Range<usize>)> {
        let found = self.search.iter().flat_map(move |search| search.find_iter(text));
        found.filter_map(|hit| Some((self.codes.get(hit.pattern().as_usize())?, hit.range())))
    }
}

/// Whether a name is a word of its own.
pub(super) fn is_whole(text: &str, place: &Range<usize>) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !is_of_word(c));
    edge(text.get(..place.start).and_then(|t| t.chars().next_back()))
        && edge(text.get(place.end..).and_then(|t| t.chars().next()))
}

/// Before a country: that it is where the speaker works or the patient lives.
static HERE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:\bhere\b|\bour\b|\bwe\b|\bwe['’]re\b|\bus\b|\bmy\b|\bi\b|\bi['’]m\b|\blives? in\b|\bliving in\b|clinic|hospital|health post|cent(?:re|er)|\bward\b|practice|\bsetting\b|\bas an? |dispensary|facility)").ok()
});

/// Right before a country: that something is there.
static IN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\bin (?:the )?(?:(?:rural|urban|remote|northern|southern|eastern|western|central|upper|lower|coastal|a village in|a remote part of|the north of|the south of|the east of|the west of|the hills of|the mountains of)(?: part of)? ?)?(?:the )?$").ok()
});

/// Right before a country, without `in`: `Greetings from`, `This is`, `Remote clinic,`.
static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:greetings from|writing from|calling from|message from|messaging from|asking from|hello from|hi from|(?:\A|[.!?] ?)this is|(?:clinic|hospital|post|centre|center|practice|ward|dispensary), ?(?:rural )?|(?:\A|[.!?:] ?)(?:rural|remote|northern|southern|eastern|western|urban|central)) (?:the )?$|(?:clinic|hospital|post|centre|center|practice|ward|dispensary), $").ok()
});

/// Before a country: that it is another time, another place or somebody else.
static ELSEWHERE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:worked|trained|studied|lived|travell?ed|visited|returned|moved|born|grew|used to|was|were|had|went|came|back|trip|travel|holiday|from (?:her|his|a) (?:stay|visit|trip)|guidelines?|study|trial|paper|read|heard|know|known|made|manufactured|produced|bought|imported|common|endemic|seen|used|unlike|than|as in|like in|colleagues? in|friends? in|if|border|near|not|outside|who|transfer(?:red)?|refer(?:red)? to|send(?:ing)? to|sent to|to a hospital|flight|flown|abroad|former|last)\b").ok()
});

/// What belongs to the country where one works: `a Kenyan hospital`.
static BELONGS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\A (?:[a-z-]+ )?(?:doctor|nurse|midwife|paramedic|clinician|physician|pharmacist|ministry|hospital|clinic|health (?:service|centre|center|post|system|ministry)|primary care|ward|district|village)\b").ok()
});

/// A country that an English text names as the one of care, other than `code`.
pub(super) fn other_country(view: &View<'_>, code: &str) -> Option<(String, Range<usize>)> {
    for ((named, adjective), place) in names(Language::English).all(view.text) {
        if named == code || !is_whole(view.text, &place) {
            continue;
        }
        let sentence = view.sentence(place.start);
        if view.is_of_other(&sentence, place.start) && !is_writer(view, &sentence, place.start) {
            continue;
        }
        let head = view.between(sentence.start, place.start);
        let rest = view.text.get(place.end..sentence.end).unwrap_or_default();
        let is = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_some_and(|p| p.is_match(text))
        };
        let past = ["last year", "years ago", "until last", "months ago", "weeks ago"];
        let sure = head.trim_end().ends_with("here in") || head.trim_end().ends_with("here, in");
        if (is(&ELSEWHERE, head) && !sure)
            || past.iter().any(|word| rest.to_lowercase().contains(word))
        {
            continue;
        }
        let here = if *adjective {
            is(&HERE, head) && is(&BELONGS, rest)
        } else {
            let where_we = [", where I ", ", where we ", ", where our "];
            is(&SAID, head)
                || (is(&IN, head)
                    && (is(&HERE, head) || where_we.iter().any(|w| rest.starts_with(w))))
        };
        if here {
            return Some((view.text.get(place.clone())?.to_owned(), place));
        }
    }
    None
}

/// `I am a nurse`: the one who writes is nobody else.
fn is_writer(view: &View<'_>, sentence: &Range<usize>, at: usize) -> bool {
    let head = view.between(sentence.start, at);
    ["i am ", "i'm ", "i’m ", "as a ", "as an ", "we are ", "i work"]
        .iter()
        .any(|own| head.trim_start().starts_with(own) || head.contains(&format!(" {own}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_and_the_names_have_the_same_countries() {
        let catalog = clinstruct_catalog::Catalog::embedded().unwrap();
        for (language, text) in FILES {
            let file: File = crate::embedded::read(text).unwrap();
            for country in &catalog.countries {
                let names = file.names.get(&country.code).unwrap();
                let own = language != Language::English || names.contains(&country.name);
                assert!(own && !names.is_empty(), "{} {}", language.code(), country.code);
            }
            assert!(file.adjectives.keys().all(|code| file.names.contains_key(code)));
        }
    }

    #[test]
    fn every_pattern_reads() {
        assert!([&HERE, &IN, &SAID, &ELSEWHERE, &BELONGS].iter().all(|p| p.is_some()));
    }
}
