//! Which of the eight languages a text is in.

use std::collections::HashMap;
use std::sync::LazyLock;

use clinstruct_schema::Language;
use whatlang::{Detector, Lang};

use crate::Violation;

/// The text is in another language than the one asked for.
pub const LANGUAGE: &str = "language";

/// Trigrams are counted over so many bytes of a text: more tell no more, and cost time on every turn.
const MOST_BYTES: usize = 600;

/// Texts with fewer letters than this are too short to tell.
const FEWEST_LETTERS: usize = 40;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    Detector::with_allowlist(vec![
        Lang::Eng,
        Lang::Deu,
        Lang::Fra,
        Lang::Ita,
        Lang::Por,
        Lang::Hin,
        Lang::Spa,
        Lang::Tha,
    ])
});

/// The language of a text; `None` where it is too short to tell.
///
/// Hindi and Thai are told by the share of their script among the letters, the others by their trigrams
/// (the `whatlang` crate, bound to our eight languages).
pub fn identify(text: &str) -> Option<Language> {
    let (mut letters, mut devanagari, mut thai) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        match c {
            '\u{900}'..='\u{97f}' => devanagari += 1,
            '\u{e00}'..='\u{e7f}' => thai += 1,
            c if c.is_alphabetic() => {}
            _ => continue,
        }
        letters += 1;
    }
    if letters < FEWEST_LETTERS {
        return None;
    }
    if devanagari * 2 > letters {
        return Some(Language::Hindi);
    }
    if thai * 2 > letters {
        return Some(Language::Thai);
    }
    if let Some(found) = by_common_words(text) {
        return Some(found);
    }
    let end =
        (0..=MOST_BYTES.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    match DETECTOR.detect_lang(text.get(..end)?)? {
        Lang::Eng => Some(Language::English),
        Lang::Deu => Some(Language::German),
        Lang::Fra => Some(Language::French),
        Lang::Ita => Some(Language::Italian),
        Lang::Por => Some(Language::Portuguese),
        Lang::Spa => Some(Language::Spanish),
        _ => None,
    }
}

/// Common words of the languages in Latin letters that few of the others have.
const COMMON: [(Language, &[&str]); 6] = [
    (
        Language::English,
        &[
            "the", "and", "of", "to", "is", "with", "for", "that", "this", "be", "are", "or", "if",
            "by", "was", "on", "it", "from", "should", "not",
        ],
    ),
    (
        Language::German,
        &[
            "der", "die", "und", "das", "ist", "mit", "für", "den", "von", "zu", "nicht", "bei",
            "ein", "eine", "auf", "im", "werden", "oder", "wenn", "sich", "dem",
        ],
    ),
    (
        Language::French,
        &[
            "le", "les", "des", "et", "est", "une", "pour", "dans", "du", "avec", "sur", "par",
            "pas", "ou", "qui", "au", "aux", "ce", "cette", "sont", "de", "la",
        ],
    ),
    (
        Language::Italian,
        &[
            "il", "di", "che", "è", "per", "con", "del", "della", "non", "una", "gli", "nel", "si",
            "sono", "alla", "anche", "dei", "un", "la",
        ],
    ),
    (
        Language::Portuguese,
        &[
            "o", "que", "e", "do", "da", "em", "um", "uma", "para", "com", "não", "os", "no", "na",
            "se", "ao", "dos", "das", "ou", "mais", "de",
        ],
    ),
    (
        Language::Spanish,
        &[
            "el", "que", "y", "en", "los", "se", "del", "las", "un", "una", "por", "con", "para",
            "su", "al", "no", "es", "lo", "más", "de", "la",
        ],
    ),
];
/// Words that are looked at.
const WORDS: usize = 80;
/// Fewest common words that say something.
const FEWEST_COMMON: usize = 6;
/// Fewest where no other language has any.
const FEWEST_ALONE: usize = 4;

/// Which languages have a common word: a bit each, in the order of [`COMMON`].
static OWNERS: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let mut owners: HashMap<&'static str, u8> = HashMap::new();
    for (bit, (_, words)) in COMMON.iter().enumerate() {
        for word in *words {
            *owners.entry(word).or_default() |= 1 << bit;
        }
    }
    owners
});

/// The language whose common words stand in a text three times as often as any other's, or alone: what most
/// texts show at once. `None` leaves it to the trigrams.
fn by_common_words(text: &str) -> Option<Language> {
    let mut counts = [0_usize; COMMON.len()];
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).take(WORDS) {
        // Capitals begin sentences, and nouns in German; they are no common words.
        let Some(owners) = OWNERS.get(word) else { continue };
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += usize::from(owners >> bit & 1);
        }
    }
    let best = (0..counts.len()).max_by_key(|i| counts[*i])?;
    let second = (0..counts.len()).filter(|i| *i != best).map(|i| counts[i]).max()?;
    let sure = counts[best] >= FEWEST_COMMON && counts[best] >= 3 * second;
    let alone = counts[best] >= FEWEST_ALONE && second == 0;
    (sure || alone).then(|| COMMON[best].0)
}

/// Whether a text is in `language`, or too short to tell.
pub fn is_in(text: &str, language: Language) -> bool {
    identify(text).is_none_or(|found| found == language)
}

pub(crate) fn check(text: &str, language: Language) -> Option<Violation> {
    let found = identify(text)?;
    (found != language).then(|| Violation {
        check: LANGUAGE,
        detail: format!("asked for {}, written in {}", language.code(), found.code()),
        span: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_eight_languages() {
        let texts = [
            (
                Language::English,
                "Give small sips of water and look at the child again after an hour.",
            ),
            (
                Language::German,
                "Geben Sie kleine Schlucke Wasser und sehen Sie nach einer Stunde wieder nach dem Kind.",
            ),
            (
                Language::French,
                "Donnez de petites gorgées d'eau et revoyez l'enfant au bout d'une heure.",
            ),
            (
                Language::Italian,
                "Date piccoli sorsi d'acqua e rivedete il bambino dopo un'ora di attesa.",
            ),
            (
                Language::Portuguese,
                "Ofereça pequenos goles de água e volte a observar a criança depois de uma hora.",
            ),
            (Language::Hindi, "पानी के छोटे घूँट दीजिए और एक घंटे बाद बच्चे को फिर से देखिए, ताकि सूजन न बढ़े।"),
            (
                Language::Spanish,
                "Dé pequeños sorbos de agua y vuelva a ver al niño después de una hora.",
            ),
            (Language::Thai, "ให้จิบน้ำทีละน้อยแล้วกลับมาดูเด็กอีกครั้งหลังจากหนึ่งชั่วโมง"),
        ];
        for (language, text) in texts {
            assert_eq!(identify(text), Some(language), "{text}");
        }
        assert_eq!(identify("Yes."), None);
        assert!(check(texts[0].1, Language::German).is_some());
    }
}
