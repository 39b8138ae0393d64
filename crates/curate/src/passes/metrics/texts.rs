//! Text properties that only metrics use.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write as _;
use std::ops::Range;

use clinstruct_quality::{identify, segment, talk};
use clinstruct_schema::Language;
use clinstruct_schema::summary::TextKind;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::Row;
use crate::tokens::mix;

/// Words per opening.
const OPENING: usize = 4;

/// A message of the health worker without the styles that it asks for, wherever they stand.
pub(super) fn without_styles<'a>(text: &'a str, kind: TextKind, row: &Row<'_>) -> Cow<'a, str> {
    let mut left = Cow::Borrowed(text);
    if kind == TextKind::Answer {
        return left;
    }
    for style in row.attributes.iter().flat_map(|a| &a.situation.asked_styles) {
        let here = (style.turn == 1) == (kind == TextKind::Prompt);
        if !here || style.text.is_empty() {
            continue;
        }
        let Some(at) = left.rfind(&style.text) else { continue };
        let (before, after) = (&left[..at], &left[at + style.text.len()..]);
        // What parted it from its neighbours goes with it, but for a break between paragraphs.
        let (before, after) = if before.trim().is_empty() {
            ("", after.trim_start())
        } else {
            (before.trim_end(), after)
        };
        left = Cow::Owned(format!("{before}{after}"));
    }
    match left {
        Cow::Owned(left) => Cow::Owned(left.trim_end().to_owned()),
        left @ Cow::Borrowed(_) => left,
    }
}

/// The first four words, lower case, without punctuation.
pub(super) fn opening(text: &str) -> String {
    let mut words = text
        .split_whitespace()
        .map(|w| {
            w.trim_matches(|c: char| !c.is_alphanumeric() && !('\u{900}'..='\u{e7f}').contains(&c))
        })
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase);
    let first: Vec<String> = words.by_ref().take(OPENING).collect();
    // Thai has no spaces between words: four would be four clauses.
    let text = first.join(" ");
    if text.contains(|c| ('\u{e00}'..='\u{e7f}').contains(&c)) {
        text.chars().take(24).collect()
    } else {
        text
    }
}

/// The language in which the health worker of a row writes: the row's, or what a dataset without that has.
pub(super) fn spoken(row: &Row<'_>, text: &str) -> Language {
    row.attributes
        .map_or_else(|| identify(text).unwrap_or(Language::English), |a| a.situation.language)
}

/// Whether the last sentence of prose is a question.
pub(super) fn ends_by_asking(text: &str, language: Language) -> bool {
    let Some(last) = segment::last_sentence(text, language) else { return false };
    !talk::questions(&text[last], language).is_empty()
}

/// Whether a text has no visible character.
pub(super) fn is_blank(text: &str) -> bool {
    let unseen = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    text.chars().all(|c| c.is_whitespace() || c.is_control() || unseen(c))
}

/// UTF-8 decoded as Latin-1 or Windows-1252.
pub(super) fn mojibake(text: &str) -> Option<Range<usize>> {
    if text.is_ascii() {
        return None;
    }
    let known = [
        "Ã©", "Ã¨", "Ã¼", "Ã¶", "Ã¤", "Ã±", "Ã§", "Ã³", "Ã¡", "â€™", "â€œ", "â€“", "â€”", "Â°",
        "Â ", "à¤", "à¸",
    ];
    known.iter().find_map(|m| text.find(m).map(|at| at..at + m.len()))
}

/// Distinct bigrams divided by all bigrams. A compound such as `35-year-old` is one word, as in common tokenizers of
/// English.
pub(super) fn distinct(texts: &[&str]) -> f64 {
    let (mut all, mut total) = (HashSet::new(), 0_u64);
    for text in texts {
        let lower = text.to_lowercase();
        let words: Vec<u64> = lower
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '\'' | '’')))
            .map(|w| w.trim_matches(['-', '\'', '’']))
            .filter(|w| !w.is_empty())
            .map(|w| w.bytes().fold(5, |h, b| mix(h ^ u64::from(b))))
            .collect();
        for pair in words.windows(2) {
            total += 1;
            all.insert(mix(pair[0]) ^ pair[1]);
        }
    }
    if total == 0 { 1.0 } else { all.len() as f64 / total as f64 }
}

/// Size in bytes divided by its size after zlib compression.
pub(super) fn zlib_ratio(texts: &[&str]) -> f64 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut bytes = 0;
    for text in texts {
        bytes += text.len() + 1;
        // Writing to memory cannot fail.
        let _ = encoder.write_all(text.as_bytes()).and_then(|()| encoder.write_all(b"\n"));
    }
    let packed = encoder.finish().map_or(1, |p| p.len().max(1));
    bytes as f64 / packed as f64
}
