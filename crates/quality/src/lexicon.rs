//! The words by which checks know things, by language: `lexicon/*.toml`, compiled in.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use clinstruct_schema::Language;
use serde::Deserialize;

/// The words of one language, all lower case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lexicon {
    /// Abbreviations that do not end a sentence, without their last dot.
    pub(crate) abbreviations: Vec<String>,
    /// Starts of fillers.
    pub(crate) openers: Vec<String>,
    /// What an offer of more holds.
    pub(crate) closings: Vec<String>,
    /// What text about the text holds.
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
    /// What a question without a question mark holds.
    pub(crate) questions: Vec<String>,
    /// Words of informal address.
    pub(crate) informal: Vec<String>,
}

/// All eight, in the order of [`Language::ALL`].
static LEXICONS: LazyLock<Vec<Lexicon>> = LazyLock::new(|| {
    [
        include_str!("../lexicon/en.toml"),
        include_str!("../lexicon/de.toml"),
        include_str!("../lexicon/fr.toml"),
        include_str!("../lexicon/it.toml"),
        include_str!("../lexicon/pt.toml"),
        include_str!("../lexicon/hi.toml"),
        include_str!("../lexicon/es.toml"),
        include_str!("../lexicon/th.toml"),
    ]
    .into_iter()
    // A test reads all of them.
    .filter_map(|text| toml::from_str(text).ok())
    .collect()
});

/// Finds [`Lexicon::meta`] of each language in one pass.
static META: LazyLock<Vec<Option<AhoCorasick>>> =
    LazyLock::new(|| LEXICONS.iter().map(|l| AhoCorasick::new(&l.meta).ok()).collect());

/// Whether a text, in lower case, holds text about the text.
pub(crate) fn has_meta(lower: &str, language: Language) -> bool {
    META.get(place(language)).and_then(Option::as_ref).is_some_and(|m| m.is_match(lower))
}

fn place(language: Language) -> usize {
    let place = Language::ALL.iter().position(|l| *l == language).unwrap_or(0);
    place.min(LEXICONS.len() - 1)
}

/// The words of a language.
pub(crate) fn lexicon(language: Language) -> &'static Lexicon {
    &LEXICONS[place(language)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eight_are_read() {
        assert_eq!(LEXICONS.len(), 8);
        for language in Language::ALL {
            let words = lexicon(language);
            assert!(words.openers.len() > 10 && words.verify.len() > 5, "{}", language.code());
            let all = words.openers.iter().chain(&words.closings).chain(&words.meta);
            assert!(all.clone().all(|w| *w == w.to_lowercase()), "{}", language.code());
        }
    }
}
