//! Detects the language of a text.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use clinstruct_schema::Language;
use whatlang::{Detector, Lang};

use crate::lexicon::{lexicon, scripts};

/// Bytes of a text for trigram detection: more does not improve it, and costs time on every turn.
const MOST_BYTES: usize = 600;

/// Minimum number of letters for detection.
const FEWEST_LETTERS: usize = 40;

/// Each language with its name in the detector.
static TRIGRAMS: LazyLock<Vec<(Language, Lang)>> = LazyLock::new(|| {
    Language::ALL
        .into_iter()
        .filter_map(|language| Some((language, Lang::from_code(&lexicon(language).trigrams)?)))
        .collect()
});

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(TRIGRAMS.iter().map(|(_, name)| *name).collect()));

static SCRIPTS: LazyLock<Vec<(Language, RangeInclusive<u32>)>> =
    LazyLock::new(|| scripts().collect());

/// The language of a text; `None` if it is too short to detect.
///
/// A language with a script of its own is detected by the share of that script among the letters, the others by common
/// words and then by trigrams (the `whatlang` crate, limited to the languages of the table).
pub fn identify(text: &str) -> Option<Language> {
    let mut letters = 0_usize;
    let mut counts = vec![0_usize; SCRIPTS.len()];
    for c in text.chars() {
        match SCRIPTS.iter().position(|(_, script)| script.contains(&u32::from(c))) {
            Some(script) => counts[script] += 1,
            None if c.is_alphabetic() => {}
            None => continue,
        }
        letters += 1;
    }
    if letters < FEWEST_LETTERS {
        return None;
    }
    let most = counts.iter().position(|count| count * 2 > letters);
    if let Some((language, _)) = most.and_then(|script| SCRIPTS.get(script)) {
        return Some(*language);
    }
    if let Some(found) = by_common_words(text) {
        return Some(found);
    }
    let end =
        (0..=MOST_BYTES.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let found = DETECTOR.detect_lang(text.get(..end)?)?;
    let (language, _) = TRIGRAMS.iter().find(|(_, name)| *name == found)?;
    lexicon(*language).script.is_none().then_some(*language)
}

/// The languages that are detected by common words.
static COMMON: LazyLock<Vec<(Language, &'static [String])>> = LazyLock::new(|| {
    let with_words = |language| (language, lexicon(language).common.as_slice());
    Language::ALL.into_iter().map(with_words).filter(|(_, words)| !words.is_empty()).collect()
});
/// Words that are examined.
const WORDS: usize = 80;
/// Minimum number of common words.
const FEWEST_COMMON: usize = 6;
/// Minimum if no other language has any.
const FEWEST_ALONE: usize = 4;

/// Bit set of the languages that have a common word, in the order of [`COMMON`].
static OWNERS: LazyLock<HashMap<&'static str, u64>> = LazyLock::new(|| {
    let mut owners: HashMap<&'static str, u64> = HashMap::new();
    for (bit, (_, words)) in COMMON.iter().enumerate() {
        for word in *words {
            *owners.entry(word.as_str()).or_default() |= 1 << bit;
        }
    }
    owners
});

/// The language whose common words occur three times as often as any other's, or alone, which decides most texts.
/// `None` leaves it to the trigrams.
fn by_common_words(text: &str) -> Option<Language> {
    let mut counts = vec![0_usize; COMMON.len()];
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).take(WORDS) {
        // Capitals start sentences, and nouns in German; those are not common words.
        let Some(owners) = OWNERS.get(word) else { continue };
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += usize::from((owners >> bit) & 1 == 1);
        }
    }
    let best = (0..counts.len()).max_by_key(|i| counts[*i])?;
    let second = (0..counts.len()).filter(|i| *i != best).map(|i| counts[i]).max()?;
    let sure = counts[best] >= FEWEST_COMMON && counts[best] >= 3 * second;
    let alone = counts[best] >= FEWEST_ALONE && second == 0;
    (sure || alone).then(|| COMMON[best].0)
}

/// Whether a text is in `language`, or too short to detect.
pub fn is_in(text: &str, language: Language) -> bool {
    identify(text).is_none_or(|found| found == language)
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
    }
}
