//! Somebody besides the patient.

use std::sync::LazyLock;

use regex::Regex;

use crate::dose::lower_case;
use crate::finder::{Finder, Wanted, places};
use crate::lines::is_alphabetic;
use crate::pattern::{Pattern, has_plain_words};

/// Words for people in English and, for the ages, in the other languages.
const WORDS: [&str; 91] = [
    "mother",
    "father",
    "mum",
    "mom",
    "dad",
    "parents",
    "parent",
    "sister",
    "brother",
    "siblings",
    "sibling",
    "twin",
    "son",
    "daughter",
    "husband",
    "wife",
    "spouse",
    "partner",
    "boyfriend",
    "girlfriend",
    "uncle",
    "aunt",
    "cousin",
    "nephew",
    "niece",
    "relatives",
    "relative",
    "family",
    "baby",
    "newborn",
    "neighbour",
    "neighbor",
    "friend",
    "colleague",
    "nurse",
    "doctor",
    "midwife",
    "paramedic",
    "surgeon",
    "carer",
    "caregiver",
    "commander",
    "mutter",
    "vater",
    "eltern",
    "schwester",
    "bruder",
    "sohn",
    "tochter",
    "ehemann",
    "ehefrau",
    "seine frau",
    "meine frau",
    "ihr mann",
    "mein mann",
    "kollegin",
    "kollege",
    "mère",
    "père",
    "sœur",
    "frère",
    "fils",
    "mari",
    "épouse",
    "sa femme",
    "ma femme",
    "sa fille",
    "ma fille",
    "leur fille",
    "madre",
    "padre",
    "hermana",
    "hermano",
    "hijo",
    "hija",
    "esposa",
    "marido",
    "su mujer",
    "mi mujer",
    "sorella",
    "fratello",
    "figlio",
    "figlia",
    "moglie",
    "marito",
    "mãe",
    "pai",
    "irmã",
    "irmão",
    "filho",
    "filha",
];

/// The same in scripts whose words are found wherever they stand.
const ANYWHERE: [&str; 16] = [
    "माँ",
    "मां",
    "पिता",
    "बहन",
    "भाई",
    "बेटा",
    "बेटी",
    "पति",
    "पत्नी",
    "แม่",
    "พ่อ",
    "พี่",
    "น้อง",
    "ลูก",
    "สามี",
    "ภรรยา",
];

/// The first part of words for grandparents and grandchildren.
const GRAND: &str = "grand";

/// All of them as a pattern, for texts in which only letters of ASCII belong to words.
static OTHERS: LazyLock<Pattern> = LazyLock::new(|| {
    let (words, anywhere) = (WORDS.join("|"), ANYWHERE.join("|"));
    Pattern::new(format!(r"(?i)\b(?:{words}|{GRAND}[a-z]+)\b|{anywhere}"))
});

/// All of them as words, in the order [`WORDS`], [`GRAND`], [`ANYWHERE`].
static FINDER: LazyLock<Finder> =
    LazyLock::new(|| Finder::new(WORDS.into_iter().chain([GRAND]).chain(ANYWHERE)));

/// A character of a word that is not of ASCII.
static OF_WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\w").ok());

/// Whether a character belongs to a word as the patterns have it.
pub(super) fn is_of_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    OF_WORD.as_ref().is_none_or(|pattern| pattern.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Whether a text has another form of a letter of ASCII that is not of ASCII, which the patterns take for it.
pub(super) fn has_other_forms(text: &str) -> bool {
    !text.is_ascii() && text.contains(['\u{17f}', '\u{212a}'])
}

/// Whether a text names somebody besides the patient.
pub(crate) fn names_others(text: &str) -> bool {
    if has_plain_words(text) || has_other_forms(text) {
        return OTHERS.is_in(text);
    }
    let lower = lower_case(text);
    let start = [[false, false], [true, false]];
    let wanted = Wanted { ascii: start, other: [[true; 2]; 2] };
    let mut found = false;
    FINDER.each(&lower, &places(&lower, is_alphabetic, wanted), |at, start, end| {
        if found || at > WORDS.len() {
            found = true;
            return;
        }
        let mut behind = &lower[end..];
        if at == WORDS.len() {
            let rest = behind.trim_start_matches(|c: char| c.is_ascii_lowercase());
            if rest.len() == behind.len() {
                return;
            }
            behind = rest;
        }
        let before = lower[..start].chars().next_back();
        found = !before.is_some_and(is_of_word) && !behind.chars().next().is_some_and(is_of_word);
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_the_pattern_finds_them() {
        let pattern = Regex::new(&{
            let (words, anywhere) = (WORDS.join("|"), ANYWHERE.join("|"));
            format!(r"(?i)\b(?:{words}|{GRAND}[a-z]+)\b|{anywhere}")
        })
        .unwrap();
        let around = ["", " ", "a", "_", "é", "—", "\u{301}", "²", "½", "-", "9", "ก", "’"];
        let (mut seen, mut unseen) = (0, 0);
        for word in WORDS.into_iter().chain(ANYWHERE).chain([GRAND, "grandson", "Grand-mère"]) {
            for before in around {
                for behind in around {
                    for word in [word.to_owned(), word.to_uppercase()] {
                        let text = format!("Ça va {before}{word}{behind} là");
                        let expected = pattern.is_match(&text);
                        assert_eq!(names_others(&text), expected, "{text}");
                        if expected { seen += 1 } else { unseen += 1 }
                    }
                }
            }
        }
        assert!(seen > 1000 && unseen > 1000, "{seen} {unseen}");
    }
}
