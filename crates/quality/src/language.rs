//! Detects the language of a text.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

use clinstruct_schema::Language;
use whatlang::{Detector, Lang};

use crate::lexicon::{lexicon, scripts};
use crate::lines::{is_alphabetic, without_quotes};

/// Bytes of a text for trigram detection: more does not improve it, and costs time on every turn.
const MOST_BYTES: usize = 600;

/// Texts with fewer letters than this are too short to tell.
const FEWEST_LETTERS: usize = 12;

/// The same for trigrams.
const TRIGRAM_LETTERS: usize = 40;

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
/// A language with a script of its own is told by the share of that script among the letters, the others by
/// common words, and by trigrams where the common words leave it open (the `whatlang` crate, bound to the
/// languages of the table). Names of medicines, units and numbers are the same in many languages: a text
/// without a common word has no language.
pub fn identify(text: &str) -> Option<Language> {
    let (found, _) = detect(text)?;
    Some(found)
}

/// How sure a detected language is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// By its script or by several common words of its own.
    Sure,
    /// By trigrams.
    Likely,
}

/// Fewest words of a paragraph whose language is told apart from that of the text.
const PARAGRAPH_WORDS: usize = 8;
/// Letters in which a paragraph is told by its script.
const PARAGRAPH_LETTERS: usize = 40;
/// Bytes of a paragraph that are looked at.
const PARAGRAPH_BYTES: usize = 300;

/// A paragraph in another language than the text was asked for in.
///
/// Sentences to be said to a patient are quoted, or set off as a block: these are no paragraphs of the answer.
pub(crate) fn foreign_paragraph(text: &str, asked: Language) -> Option<(Range<usize>, Language)> {
    if !text.contains("\n\n") {
        return None;
    }
    let mut at = 0;
    for paragraph in text.split("\n\n") {
        let start = at;
        at += paragraph.len() + 2;
        if paragraph.trim_start().starts_with(['>', '|']) {
            continue;
        }
        let said = without_quotes(paragraph, PARAGRAPH_BYTES);
        if has_words(&said, asked)
            && let Some(found) = paragraph_language(&said, asked).filter(|found| *found != asked)
        {
            return Some((start..start + paragraph.len(), found));
        }
    }
    None
}

/// The language of a paragraph where it cannot be the one that was asked for: which of its neighbours it is
/// matters less.
fn paragraph_language(said: &str, asked: Language) -> Option<Language> {
    if let Some((found, Certainty::Sure)) = detect(said) {
        return Some(found);
    }
    let scores = by_common_words(said);
    let best = (0..scores.len()).max_by_key(|i| scores[*i])?;
    let ours = COMMON.iter().position(|(l, _)| *l == asked).map_or(0, |i| scores[i]);
    (scores[best] >= SURE && ours * 2 <= scores[best]).then(|| COMMON[best].0)
}

/// Whether a paragraph is long enough to have a language of its own.
fn has_words(paragraph: &str, asked: Language) -> bool {
    let words = paragraph.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic));
    if words.take(PARAGRAPH_WORDS).count() == PARAGRAPH_WORDS {
        return true;
    }
    // Thai sets no spaces between its words.
    let thai = |c: &char| ('\u{e00}'..='\u{e7f}').contains(c);
    !lexicon(asked).unspaced
        && paragraph.chars().filter(thai).take(PARAGRAPH_LETTERS).count() == PARAGRAPH_LETTERS
}

/// The language of a text that is another one than it was asked for in.
///
/// Where only trigrams tell, the common words must speak for it, too: a line with the names of medicines may
/// look like one of the neighbouring languages.
pub(crate) fn identify_other(text: &str, asked: Language) -> Option<Language> {
    // What is to be said to somebody may be quoted in another language; a text that is all quotation is judged.
    let said = text
        .contains(['"', '“', '„', '«'])
        .then(|| without_quotes(text, usize::MAX))
        .filter(|said| said.len() * 4 > text.len());
    let text = said.as_deref().unwrap_or(text);
    let (found, certainty) = detect(text).filter(|(found, _)| *found != asked)?;
    if certainty == Certainty::Likely {
        let scores = by_common_words(text);
        let of =
            |language| COMMON.iter().position(|(l, _)| *l == language).map_or(0, |i| scores[i]);
        if of(found) <= of(asked) {
            return None;
        }
    }
    Some(found)
}

/// The letters of a text, and those of each of [`SCRIPTS`] among them.
fn letters(text: &str) -> (usize, Vec<usize>) {
    let mut counts = vec![0_usize; SCRIPTS.len()];
    // No script of one language alone has letters of ASCII, and more of them than this say nothing more.
    if text.is_ascii() {
        let letters = text.bytes().filter(u8::is_ascii_alphabetic).take(TRIGRAM_LETTERS).count();
        return (letters, counts);
    }
    let mut letters = 0;
    for c in text.chars() {
        if c.is_ascii() {
            letters += usize::from(c.is_ascii_alphabetic());
            continue;
        }
        match SCRIPTS.iter().position(|(_, script)| script.contains(&u32::from(c))) {
            Some(script) => counts[script] += 1,
            None if is_alphabetic(c) => {}
            None => continue,
        }
        letters += 1;
    }
    (letters, counts)
}

fn detect(text: &str) -> Option<(Language, Certainty)> {
    let (letters, counts) = letters(text);
    if letters < FEWEST_LETTERS {
        return None;
    }
    let most = counts.iter().position(|count| count * 2 > letters);
    if let Some((language, _)) = most.and_then(|script| SCRIPTS.get(script)) {
        return Some((*language, Certainty::Sure));
    }
    let scores = by_common_words(text);
    let best = (0..scores.len()).max_by_key(|i| scores[*i])?;
    let second = (0..scores.len()).filter(|i| *i != best).map(|i| scores[i]).max()?;
    if scores[best] >= SURE && scores[best] >= 2 * second {
        return Some((COMMON[best].0, Certainty::Sure));
    }
    if scores[best] < WORD || letters < TRIGRAM_LETTERS {
        return None;
    }
    let end =
        (0..=MOST_BYTES.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let found = DETECTOR.detect_lang(text.get(..end)?)?;
    let (language, _) = TRIGRAMS.iter().find(|(_, name)| *name == found)?;
    // What the common words speak for more is not overruled by trigrams, which names of medicines lead astray.
    let seen = COMMON.iter().position(|(l, _)| l == language);
    if seen.is_some_and(|i| scores[i] > 0 && scores[i] * 3 >= scores[best] * 2) {
        return Some((*language, Certainty::Likely));
    }
    // Latin names of diseases look like Romance languages to trigrams.
    let leads = scores[best] >= SURE && scores[best] * 2 >= 3 * second;
    leads.then_some((COMMON[best].0, Certainty::Likely))
}

/// The languages that are detected by common words.
static COMMON: LazyLock<Vec<(Language, &'static [String])>> = LazyLock::new(|| {
    let with_words = |language| (language, lexicon(language).common.as_slice());
    Language::ALL.into_iter().map(with_words).filter(|(_, words)| !words.is_empty()).collect()
});
/// Words that are looked at.
const WORDS: usize = 100;
/// What a common word counts that one language has; one that several have counts its share.
const WORD: usize = 12;
/// Two such words and a shared one tell a language, where no other has half as much.
const SURE: usize = 2 * WORD + WORD / 2;

/// Sums the bytes of a short word, which nobody chooses to collide with another.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // The table takes its places from both ends.
        self.0 ^ (self.0 >> 32)
    }
}

/// Bit set of the languages that have each common word, in the order of [`COMMON`].
type Owners = HashMap<&'static str, u64, BuildHasherDefault<WordHasher>>;

static OWNERS: LazyLock<Owners> = LazyLock::new(|| {
    let mut owners = Owners::default();
    for (bit, (_, words)) in COMMON.iter().enumerate() {
        for word in *words {
            *owners.entry(word.as_str()).or_default() |= 1 << bit;
        }
    }
    owners
});

/// The lengths in bytes of the common words that begin with each byte, a bit for each: most other words are told by it.
static LENGTHS: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    for word in OWNERS.keys() {
        if let Some(first) = word.as_bytes().first() {
            lengths[usize::from(*first)] |= 1 << word.len().min(31);
        }
    }
    lengths
});

/// The languages that have a common word.
fn owners_of(word: &str) -> Option<u64> {
    let first = word.as_bytes().first()?;
    let may = LENGTHS[usize::from(*first)] >> word.len().min(31) & 1 == 1;
    may.then(|| OWNERS.get(word).copied()).flatten()
}

/// The longest common word, in bytes, with what a capital may have more.
static LONGEST: LazyLock<usize> =
    LazyLock::new(|| OWNERS.keys().map(|word| word.len()).max().unwrap_or_default() + 3);

/// How much the common words of each language of [`COMMON`] count in a text.
fn by_common_words(text: &str) -> Vec<usize> {
    let mut scores = vec![0_usize; COMMON.len()];
    let longest = *LONGEST;
    let mut before = '.';
    let mut seen = 0;
    let mut start = 0;
    let mut characters = text.char_indices();
    loop {
        let next = characters.next();
        if next.is_some_and(|(_, c)| is_alphabetic(c)) {
            continue;
        }
        // A word ends here, if one began.
        let (end, mark) = next.map_or((text.len(), None), |(at, c)| (at, Some(c)));
        let bare = &text[start..end];
        if !bare.is_empty() {
            seen += 1;
            if seen > WORDS {
                break;
            }
            // One letter with a dot is an abbreviation, such as `i.m.`, and one behind it is, too.
            let letter = bare.len() == 1 && (mark == Some('.') || before == '.');
            // A capital within a sentence is a name, or a noun in German: no common word.
            let short = (bare.len() <= longest).then_some(bare);
            let found = short.and_then(|bare| {
                owners_of(bare).or_else(|| {
                    let starts = matches!(before, '.' | '!' | '?' | ':' | '\n' | '*' | '¿' | '¡');
                    let capital = starts && bare.chars().skip(1).all(char::is_lowercase);
                    capital.then(|| owners_of(&bare.to_lowercase())).flatten()
                })
            });
            if let Some(owners) = found.filter(|_| !letter || bare == "I" || bare == "A") {
                let share = WORD / owners.count_ones().max(1) as usize;
                for (bit, score) in scores.iter_mut().enumerate() {
                    *score += share * usize::from((owners >> bit) & 1 == 1);
                }
            }
            before = ' ';
        }
        let Some(mark) = mark else { break };
        if mark != ' ' {
            before = mark;
        }
        start = end + mark.len_utf8();
    }
    scores
}

/// Least share of the letters of a text in a script of its own by which it may be in that language.
const OWN_SCRIPT: usize = 3;

/// The languages that a text may be in, for rules that would rather look in too many than in none: that of its script,
/// or else those with the most common words; all of them where it has none.
pub(crate) fn likely(text: &str) -> Vec<Language> {
    if !text.is_ascii() {
        let letters = text.chars().filter(|c| is_alphabetic(*c)).count();
        for (language, script) in SCRIPTS.iter() {
            let own = text.chars().filter(|c| script.contains(&u32::from(*c))).count();
            if own > 0 && own * OWN_SCRIPT >= letters {
                return vec![*language];
            }
        }
    }
    let scores = by_common_words(text);
    let best = scores.iter().copied().max().unwrap_or_default();
    // A word or two tell little.
    let near = |score: &usize| best <= WORD || *score * 2 >= best;
    COMMON
        .iter()
        .zip(&scores)
        .filter(|(_, s)| near(s))
        .map(|((language, _), _)| *language)
        .collect()
}

/// The first word in a script that none of the languages has, such as Chinese within a German text.
///
/// Greek letters are symbols, and one letter alone is a name of something.
pub(crate) fn foreign_script(text: &str) -> Option<Range<usize>> {
    // No letter of the other scripts is before U+0400.
    if text.bytes().all(|byte| byte < 0xd0) {
        return None;
    }
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (is_of_foreign_script(c), start) {
            (true, None) => start = Some((at, 1)),
            (true, Some((from, count))) => start = Some((from, count + 1)),
            (false, Some((from, count))) if count > 1 => return Some(from..at),
            (false, _) => start = None,
        }
    }
    start.filter(|(_, count)| *count > 1).map(|(from, _)| from..text.len())
}

/// Cyrillic, Armenian, Hebrew and Arabic; Kana and Han; Hangul.
pub(crate) fn is_of_foreign_script(c: char) -> bool {
    matches!(
        u32::from(c),
        0x400..=0x6ff | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af
    ) && c.is_alphabetic()
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

    #[test]
    fn names_of_diseases_hide_no_language() {
        for text in [
            "Kidney function and electrolytes need another look within the hour. Bundle blood sampling, counselling and a peak flow diary into a single visit.",
            "Interpretation depends on the baseline, and an earlier record of oxygen saturation below the usual baseline would be valuable. Coagulation should be checked before any invasive step toward vitamin deficiency.",
            "Symptoms brought on by exercise may be missed during upper endoscopy. Mobility, continence and cognition complete the assessment in a way that a wound swab cannot.",
        ] {
            assert_eq!(
                identify(text),
                Some(Language::English),
                "{text} {:?}",
                by_common_words(text)
            );
        }
    }

    #[test]
    fn six_plain_words_have_a_language() {
        let texts = [
            (Language::English, "Give the child water every hour."),
            (Language::German, "Geben Sie dem Kind viel Wasser."),
            (Language::French, "Donnez de l'eau à votre enfant."),
            (Language::Italian, "Date acqua al bambino ogni ora."),
            (Language::Portuguese, "Dê água à criança cada hora."),
            (Language::Hindi, "बच्चे को हर घंटे पानी दीजिए।"),
            (Language::Spanish, "Dé agua al niño cada hora."),
            (Language::Thai, "ให้เด็กดื่มน้ำทุกชั่วโมง"),
        ];
        for (language, text) in texts {
            assert_eq!(identify(text), Some(language), "{text}");
        }
    }

    #[test]
    fn names_units_and_numbers_have_none() {
        for text in [
            "Paracetamol 500 mg, ibuprofen 400 mg, amoxicillin 250 mg, metformin 850 mg",
            "Hb 11.2 g/dL, Na 140 mmol/L, K 4.1 mmol/L, creatinine 98 µmol/L",
            "Artemether-lumefantrine 20/120 mg; primaquine 15 mg",
        ] {
            assert_eq!(identify(text), None, "{text}");
        }
    }

    #[test]
    fn another_script_is_seen() {
        let word = |text| foreign_script(text).map(|span| &text[span]);
        assert_eq!(word("Das Verfahren (转诊手续) dauert."), Some("转诊手续"));
        assert_eq!(word("β-lactam, 5 µg, Δ = 3, naïve, Ø"), None);
    }
}
