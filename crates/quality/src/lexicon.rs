//! The words by which checks know things, by language: `lexicon/CODE.toml`, compiled in.
//!
//! Everything that the checks know about one language is in its file: words, units, and how its script
//! works. [`clinstruct_schema::language_table`] says how to add one.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

/// What is known about one language; words in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lexicon {
    /// Abbreviations that do not end a sentence, without their last dot.
    pub(crate) abbreviations: Vec<String>,
    /// Starts of fillers.
    pub(crate) openers: Vec<String>,
    /// Phrases of an offer of more.
    pub(crate) closings: Vec<String>,
    /// Phrases of meta-commentary.
    pub(crate) meta: Vec<String>,
    /// Stems that ask to verify.
    pub(crate) verify: Vec<String>,
    /// Stems of what is to be verified.
    pub(crate) dose: Vec<String>,
    /// Further stems of what is to be verified, where a dose is stated.
    pub(crate) amounts: Vec<String>,
    /// Small numbers as words.
    pub(crate) numbers: Vec<String>,
    /// Units of which a number is a dose.
    pub(crate) sure_units: Vec<String>,
    /// Units of which a number is a dose where a cue is in the same sentence.
    pub(crate) cued_units: Vec<String>,
    /// Such cues.
    pub(crate) cues: Vec<String>,
    /// Ends of a question that has no question mark.
    pub(crate) questions: Vec<String>,
    /// Words of informal address.
    pub(crate) informal: Vec<String>,
    /// ISO 639-3 code, by which the trigram detector knows the language.
    pub(crate) trigrams: String,
    /// First and last code point of a script that only this language has; `None` for Latin letters.
    #[serde(default)]
    pub(crate) script: Option<(u32, u32)>,
    /// Common words that few other languages with Latin letters have.
    pub(crate) common: Vec<String>,
    /// Digits of its own, as a range in a character class of a regular expression.
    #[serde(default)]
    pub(crate) digits: String,
    /// The script sets no spaces between words and no mark at the end of a sentence, as in Thai.
    #[serde(default)]
    pub(crate) unspaced: bool,
    /// The script has no capitals, and sentences end with a danda, as in Hindi.
    #[serde(default)]
    pub(crate) caseless: bool,
    /// Nouns are written in one word, as in German: a stem may stand inside a word.
    #[serde(default)]
    pub(crate) compounds: bool,
    /// A dot behind a number makes an ordinal, as in German.
    #[serde(default)]
    pub(crate) ordinal_dots: bool,
    /// Short words that end a sentence where a dot stands for the danda.
    #[serde(default)]
    pub(crate) syllables: Vec<String>,
    /// Words that are followed by a letter that is no initial: hepatitis B.
    #[serde(default)]
    pub(crate) lettered: Vec<String>,
    /// Polite particles behind a question, in an unspaced script.
    #[serde(default)]
    pub(crate) polite: Vec<String>,
    /// Words that make a question a reported one, in an unspaced script.
    #[serde(default)]
    pub(crate) reports: Vec<String>,
    /// Starts of a clause that address informally, in an unspaced script.
    #[serde(default)]
    pub(crate) informal_starts: Vec<String>,
    /// Articles, each with its space: what follows is a noun and no address.
    #[serde(default)]
    pub(crate) articles: Vec<String>,
    /// Words that must be followed by another one, in an unspaced script.
    #[serde(default)]
    pub(crate) hanging: Vec<String>,
    /// Words between the two numbers of a range.
    #[serde(default)]
    pub(crate) ranges: Vec<String>,
    /// Stems of what came out of a body: a number beside them is no dose.
    #[serde(default)]
    pub(crate) losses: Vec<String>,
    /// What makes the unit before it a concentration: per litre.
    #[serde(default)]
    pub(crate) per_volume: Vec<String>,
    /// The same behind a stroke, where the language abbreviates it in its own script.
    #[serde(default)]
    pub(crate) volumes: Vec<String>,
    /// Regular expressions of verbs that ask to call a number.
    #[serde(default)]
    pub(crate) calls: Vec<String>,
    /// What may stand between such a verb and the number, each with its space.
    #[serde(default)]
    pub(crate) before_numbers: Vec<String>,
}

const FILES: [(Language, &str); Language::ALL.len()] = language_table!(files "../lexicon/");

/// In the order of [`Language::ALL`]. A test reads all of them.
static LEXICONS: LazyLock<Vec<Lexicon>> = LazyLock::new(|| {
    FILES.into_iter().map(|(_, text)| toml::from_str(text).unwrap_or_default()).collect()
});

/// Finds [`Lexicon::meta`] of each language in one pass.
static META: LazyLock<Vec<Option<AhoCorasick>>> =
    LazyLock::new(|| LEXICONS.iter().map(|l| AhoCorasick::new(&l.meta).ok()).collect());

static LETTERED: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| of_all(|l| &l.lettered).collect());

/// Whether a text, in lower case, has a phrase of meta-commentary.
pub(crate) fn has_meta(lower: &str, language: Language) -> bool {
    META.get(language.index()).and_then(Option::as_ref).is_some_and(|m| m.is_match(lower))
}

/// Whether a letter behind a word names a kind, as in hepatitis B, in any language.
pub(crate) fn is_lettered(word: &str) -> bool {
    LETTERED.contains(word)
}

/// What is known about a language.
pub(crate) fn lexicon(language: Language) -> &'static Lexicon {
    &LEXICONS[language.index()]
}

/// The words of one list in all languages.
pub(crate) fn of_all(
    list: impl Fn(&'static Lexicon) -> &'static Vec<String>,
) -> impl Iterator<Item = &'static str> {
    LEXICONS.iter().flat_map(list).map(String::as_str)
}

/// The scripts that one language each has.
pub(crate) fn scripts() -> impl Iterator<Item = (Language, RangeInclusive<u32>)> {
    Language::ALL.into_iter().filter_map(|language| {
        let (first, last) = lexicon(language).script?;
        Some((language, first..=last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_is_in_lower_case() {
        for (language, text) in FILES {
            let words: Lexicon = toml::from_str(text).unwrap();
            assert!(words.openers.len() > 10 && words.verify.len() > 5, "{}", language.code());
            let all = words.openers.iter().chain(&words.closings).chain(&words.meta);
            assert!(all.clone().all(|w| *w == w.to_lowercase()), "{}", language.code());
            assert!(words.script.is_some() || words.common.len() >= 10, "{}", language.code());
            assert!(whatlang::Lang::from_code(&words.trigrams).is_some(), "{}", language.code());
        }
    }
}
