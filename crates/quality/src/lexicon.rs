//! The word lists of the checks, by language: `lexicon/CODE.toml`, embedded. The words around doses are in
//! `lexicon/doses/`.
//!
//! Everything that the checks know about a language is in its file: words, units, and properties of its script.
//! [`clinstruct_schema::language_table`] says how to add one.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

use crate::phrases::Phrases;

/// What is known about one language; words in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lexicon {
    /// Abbreviations that do not end a sentence, without their last dot.
    pub(crate) abbreviations: Vec<String>,
    /// Starts of fillers, such as `Certainly!`: wrong in any tone.
    pub(crate) openers: Phrases,
    /// Starts of greetings and thanks.
    pub(crate) greetings: Phrases,
    /// Praise of the reader, in the first sentence.
    pub(crate) praise: Phrases,
    /// Adjectives of praise: in a short sentence beside one of `praised`, they praise.
    pub(crate) praising: Phrases,
    /// What the reader does, and is praised for.
    pub(crate) praised: Phrases,
    /// Words that address the reader, before a praise that goes on.
    pub(crate) address: Phrases,
    /// Phrases of an offer of more.
    pub(crate) closings: Phrases,
    /// Wishes, praise and forms of a letter, in the last sentence.
    pub(crate) pleasantries: Phrases,
    /// Words of the line that closes a letter.
    pub(crate) regards: Phrases,
    /// Phrases that ask the reader to report back.
    pub(crate) replies: Phrases,
    /// Phrases that say what has to be found out.
    pub(crate) unknowns: Phrases,
    /// Words for the writer, to whom something is told.
    pub(crate) to_me: Phrases,
    /// Verbs of telling: beside one of `to_me`, they ask the reader to report back.
    pub(crate) tells: Phrases,
    /// Words of a question whether to go on with the next step.
    pub(crate) continues: Phrases,
    /// Phrases that ask for a fact about the patient, which is no offer: `let me know whether he`.
    pub(crate) asked_facts: Phrases,
    /// Phrases that send the reader to somebody else, who answers questions.
    pub(crate) referrals: Phrases,
    /// Phrases of meta-commentary.
    pub(crate) meta: Phrases,
    /// Phrases that may speak about the answer, and do so beside one of `meta_about`.
    pub(crate) meta_subjects: Phrases,
    /// What meta-commentary says about an answer.
    pub(crate) meta_about: Phrases,
    /// Phrases by which a text asks for urgent help or names signs of danger.
    pub(crate) urgent: Vec<String>,
    /// Ends of questions without a question mark.
    pub(crate) questions: Vec<String>,
    /// Starts of a sentence that takes the question before it as a condition, such as "if so".
    pub(crate) conditions: Phrases,
    /// Regular expression of a second question behind "and", in lower case.
    #[serde(default)]
    pub(crate) second_question: String,
    /// Regular expression of what makes questions reported ones, in lower case.
    #[serde(default)]
    pub(crate) reported_question: String,
    /// Words of informal address.
    pub(crate) informal: Vec<String>,
    /// ISO 639-3 code, as used by the trigram detector.
    pub(crate) trigrams: String,
    /// First and last code point of a script that only this language has; `None` for Latin.
    #[serde(default)]
    pub(crate) script: Option<(u32, u32)>,
    /// Common words that few other languages with Latin script have.
    pub(crate) common: Vec<String>,
    /// The script has no spaces between words and no sentence end marks, as in Thai.
    #[serde(default)]
    pub(crate) unspaced: bool,
    /// The script has no capitals, and sentences end with a danda, as in Hindi.
    #[serde(default)]
    pub(crate) caseless: bool,
    /// A dot after a number makes an ordinal, as in German.
    #[serde(default)]
    pub(crate) ordinal_dots: bool,
    /// Short words that end a sentence if a dot replaces the danda.
    #[serde(default)]
    pub(crate) syllables: Vec<String>,
    /// Words that are followed by a letter that is not an initial: hepatitis B.
    #[serde(default)]
    pub(crate) lettered: Vec<String>,
    /// Polite particles after a question, in an unspaced script.
    #[serde(default)]
    pub(crate) polite: Vec<String>,
    /// Particles that only questions end with, in an unspaced script.
    #[serde(default)]
    pub(crate) asking: Vec<String>,
    /// Endings with such a particle that are no questions.
    #[serde(default)]
    pub(crate) softened: Vec<String>,
    /// Words that may follow a question word at the end of a question, in an unspaced script.
    #[serde(default)]
    pub(crate) trailing: Vec<String>,
    /// Question words that are followed by what is counted, in an unspaced script.
    #[serde(default)]
    pub(crate) counting: Vec<String>,
    /// Words of a line behind which the items of a list are questions, in an unspaced script.
    #[serde(default)]
    pub(crate) asks_for: Vec<String>,
    /// Words that make a question indirect, in an unspaced script.
    #[serde(default)]
    pub(crate) reports: Vec<String>,
    /// Starts of clauses with informal address, in an unspaced script.
    #[serde(default)]
    pub(crate) informal_starts: Vec<String>,
    /// Words that begin or end as informal address does, in an unspaced script.
    #[serde(default)]
    pub(crate) not_informal: Vec<String>,
    /// Articles, each with its space: the next word is a noun, not an address.
    #[serde(default)]
    pub(crate) articles: Vec<String>,
    /// Words that must be followed by another one.
    pub(crate) hanging: Vec<String>,
    /// Words with which a clause begins whose verb is its end, such as one of `whole_ends`.
    #[serde(default)]
    pub(crate) subordinate: Vec<String>,
    /// Ends of whole sentences: those that look like one of `hanging`, in an unspaced script, and verbs.
    #[serde(default)]
    pub(crate) whole_ends: Vec<String>,
    /// Regular expressions of verbs for calling a number.
    #[serde(default)]
    pub(crate) calls: Vec<String>,
    /// Words between such a verb and the number, each with its space.
    #[serde(default)]
    pub(crate) before_numbers: Vec<String>,
}

const FILES: [(Language, &str); Language::ALL.len()] = language_table!(files "../lexicon/");

/// In the order of [`Language::ALL`]. A test reads all of them.
static LEXICONS: LazyLock<Vec<Lexicon>> = LazyLock::new(|| {
    FILES.into_iter().map(|(_, text)| crate::embedded::read(text).unwrap_or_default()).collect()
});

static LETTERED: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| of_all(|l| &l.lettered).collect());

/// Whether a letter behind a word names a kind, as in hepatitis B, in any language.
pub(crate) fn is_lettered(word: &str) -> bool {
    LETTERED.contains(word)
}

static ABBREVIATIONS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| of_all(|l| &l.abbreviations).collect());

/// Whether a word, without its full stop, is an abbreviation in any language.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    ABBREVIATIONS.contains(word)
}

/// The word lists of a language.
pub(crate) fn lexicon(language: Language) -> &'static Lexicon {
    &LEXICONS[language.index()]
}

/// One list over all languages.
pub(crate) fn of_all(
    list: impl Fn(&'static Lexicon) -> &'static Vec<String>,
) -> impl Iterator<Item = &'static str> {
    LEXICONS.iter().flat_map(list).map(String::as_str)
}

/// Scripts that belong to a single language.
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
            let words: Lexicon = crate::embedded::read(text).unwrap();
            assert!(words.openers.len() > 10, "{}", language.code());
            assert!(words.praise.len() > 20 && words.hanging.len() > 10, "{}", language.code());
            let phrases = ["openers", "greetings", "praise", "closings", "pleasantries", "meta"];
            let ours = |line: &&str| phrases.iter().any(|key| line.starts_with(key));
            assert!(text.lines().filter(ours).all(|line| line == line.to_lowercase()));
            assert!(words.script.is_some() || words.common.len() >= 10, "{}", language.code());
            assert!(whatlang::Lang::from_code(&words.trigrams).is_some(), "{}", language.code());
        }
    }
}
