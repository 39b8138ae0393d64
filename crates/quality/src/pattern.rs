//! Regular expressions with word boundaries that stay fast in texts with dashes and curly quotation marks.

use std::sync::OnceLock;

use regex::Regex;

/// A pattern whose `\b` are those of Unicode.
///
/// The fast engines of `regex` know these boundaries only in ASCII: at the first other character, a dash or a degree
/// sign, it starts anew with a slow one. Where no such character belongs to a word, the boundaries of ASCII are the
/// same ones, which need no slow engine. Each form is built when the first text needs it.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: String,
    ascii: OnceLock<Option<Regex>>,
    unicode: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), ascii: OnceLock::new(), unicode: OnceLock::new() }
    }

    /// The pattern in the form for a text; `None` if it cannot be read.
    pub(crate) fn of(&self, text: &str) -> Option<&Regex> {
        let form = if has_plain_words(text) {
            let ascii = || Regex::new(&self.source.replace(r"\b", r"(?-u:\b)")).ok();
            self.ascii.get_or_init(ascii)
        } else {
            self.unicode.get_or_init(|| Regex::new(&self.source).ok())
        };
        form.as_ref()
    }

    /// Whether a text has it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.of(text).is_some_and(|regex| regex.is_match(text))
    }
}

/// Whether all characters of a text that are not of ASCII are signs that stand beside words in any language.
pub(crate) fn has_plain_words(text: &str) -> bool {
    text.is_ascii() || text.chars().all(|c| c.is_ascii() || is_sign(c))
}

fn is_sign(c: char) -> bool {
    matches!(
        c,
        '\u{a0}'
            | '¡'
            | '«'
            | '°'
            | '±'
            | '·'
            | '»'
            | '¿'
            | '×'
            | '÷'
            | '½'
            | '¼'
            | '¾'
            | '²'
            | '³'
            | '\u{2010}'..='\u{2027}' | '\u{202f}' | '→' | '≤' | '≥' | '≈'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_belong_to_no_word() {
        let word = Regex::new(r"\w").unwrap();
        for c in (0x80..0x11_0000).filter_map(char::from_u32).filter(|c| is_sign(*c)) {
            assert!(!word.is_match(&c.to_string()), "{c:?}");
        }
    }

    #[test]
    fn both_forms_find_the_same() {
        let pattern = Pattern::new(r"(?i)\b(?:son|fille)\b");
        for (text, found) in [
            ("Her son’s cough", true),
            ("38 °C—son", true),
            ("é son", true),
            ("éson", false),
            ("son\u{301}", false),
            ("person — no", false),
        ] {
            assert_eq!(pattern.is_in(text), found, "{text}");
        }
        assert!(Pattern::new("(").of("x").is_none());
    }
}
