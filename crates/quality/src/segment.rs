//! Sentence and word boundaries.
//!
//! Sentences follow Unicode's text segmentation (UAX 29, by `icu_segmenter`), corrected where it breaks too often:
//! after abbreviations, ordinals and initials, and before a lower-case letter. Every line is segmented alone, without
//! its list marker; a line without an end mark is one sentence. Words are runs of letters and digits; Thai, which has
//! no spaces, is segmented by dictionary.

use std::ops::Range;

use clinstruct_schema::Language;
use icu_segmenter::options::{SentenceBreakInvariantOptions, WordBreakInvariantOptions};
use icu_segmenter::{SentenceSegmenter, WordSegmenter};

use crate::lexicon::{is_lettered, lexicon};
use crate::lines::lines;
use crate::structure::{is_fence, is_rule, marker_length};

const CLOSING: [char; 12] = ['"', '\'', '”', '’', '»', '«', ')', ']', '*', '_', '“', '›'];

const QUOTES: [char; 6] = ['"', '”', '»', '’', '\'', '“'];

fn is_end_mark(c: char) -> bool {
    matches!(c, '.' | '?' | '!' | '।' | '॥' | '…')
}

/// The sentences of a text, as byte ranges.
///
/// In an unspaced script, such as Thai, every line is one sentence, since there are no sentence marks.
pub fn sentences(text: &str, language: Language) -> Vec<Range<usize>> {
    each_sentence(text, language).collect()
}

/// The same, each cut when it is asked for: who needs the first ones cuts no others.
pub(crate) fn each_sentence(
    text: &str,
    language: Language,
) -> impl Iterator<Item = Range<usize>> + '_ {
    sentences_of_lines(text, language, |_| true)
}

/// The sentences of the lines that are wanted.
pub(crate) fn sentences_of_lines<'t>(
    text: &'t str,
    language: Language,
    wanted: impl Fn(&str) -> bool + 't,
) -> impl Iterator<Item = Range<usize>> + 't {
    let unspaced = lexicon(language).unspaced;
    let mut lines = lines(text);
    let mut of_line: Option<(usize, OfLine<'t>)> = None;
    std::iter::from_fn(move || {
        loop {
            if let Some((from, sentences)) = &mut of_line {
                if let Some(found) = sentences.next() {
                    return Some(found.start + *from..found.end + *from);
                }
                of_line = None;
            }
            let line = lines.next()?;
            let whole = &text[line.clone()];
            if is_fence(whole) || is_rule(whole) || !wanted(whole) {
                continue;
            }
            let from = line.start + marker_length(whole);
            let Some(rest) = text.get(from..line.end) else { continue };
            if !rest.chars().any(char::is_alphanumeric) {
                continue;
            }
            if unspaced {
                return Some(from..line.end);
            }
            of_line = Some((from, OfLine::new(rest, language)));
        }
    })
}

/// The last sentence of a text; only its last line is examined.
pub fn last_sentence(text: &str, language: Language) -> Option<Range<usize>> {
    last_sentences(text, language).next()
}

/// The sentences of a text from its end; only the lines that are asked for are looked at.
pub(crate) fn last_sentences(
    text: &str,
    language: Language,
) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut end = text.len();
    let mut of_line: Vec<Range<usize>> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(found) = of_line.pop() {
                return Some(found);
            }
            let line = last_line(&text[..end])?;
            end = line.start;
            let found = sentences(&text[line.clone()], language).into_iter();
            of_line = found.map(|s| line.start + s.start..line.start + s.end).collect();
        }
    })
}

/// The last line that is not blank, without the space around it.
fn last_line(text: &str) -> Option<Range<usize>> {
    let end = text.trim_end().len();
    let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
    let line = &text[start..end];
    let from = start + (line.len() - line.trim_start().len());
    (from < end).then_some(from..end)
}

/// The sentences of one line.
struct OfLine<'t> {
    line: &'t str,
    language: Language,
    breaks: Breaks<'t>,
    /// Where the next sentence begins.
    start: usize,
    /// The sentence that was found last: what has no letters behind it belongs to it.
    last: Option<Range<usize>>,
}

impl<'t> OfLine<'t> {
    fn new(line: &'t str, language: Language) -> Self {
        Self { line, language, breaks: Breaks::new(line), start: 0, last: None }
    }
}

impl Iterator for OfLine<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        for end in self.breaks.by_ref() {
            let start = self.start;
            let (before, after) = self.line.split_at(end);
            let piece = before.get(start..).unwrap_or_default();
            if end < self.line.len() && goes_on(piece, after, self.language) {
                continue;
            }
            self.start = end;
            if piece.chars().any(char::is_alphanumeric) {
                let trimmed = piece.trim();
                let from = start + (piece.len() - piece.trim_start().len());
                let before = self.last.replace(from..from + trimmed.len());
                if before.is_some() {
                    return before;
                }
            } else if let Some(last) = &mut self.last {
                last.end = start + piece.trim_end().len();
            }
        }
        self.last.take()
    }
}

/// A Devanagari letter that is not a combining sign.
fn is_letter(c: char) -> bool {
    matches!(c, '\u{904}'..='\u{939}' | '\u{958}'..='\u{961}' | 'a'..='z' | 'A'..='Z' | '0'..='9' | '०'..='९')
}

/// Possible sentence ends of a line: those of UAX 29, and after an ellipsis or a closing quotation mark. In order, each
/// once, the end of the line last.
enum Breaks<'t> {
    /// Those of a line of common Latin text, mark by mark.
    Plain {
        line: &'t str,
        /// From where on marks are looked for.
        at: usize,
        /// The second one of a mark.
        second: Option<usize>,
        /// The one before.
        last: usize,
    },
    /// Those of another one.
    Found(std::vec::IntoIter<usize>),
}

impl<'t> Breaks<'t> {
    fn new(line: &'t str) -> Self {
        if is_plain(line) {
            return Self::Plain { line, at: 0, second: None, last: 0 };
        }
        let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
        let mut breaks: Vec<usize> = segmenter.segment_str(line).filter(|b| *b > 0).collect();
        // The first bytes of the danda and of the ellipsis; most bytes are neither those nor a mark.
        let may = |byte: u8| matches!(byte, b'.' | b'!' | b'?' | 0xe0 | 0xe2);
        let marks = line.bytes().enumerate().filter(|(_, byte)| may(*byte));
        breaks.extend(marks.filter_map(|(mark, _)| closing_break(line, mark)));
        breaks.sort_unstable();
        breaks.dedup();
        Self::Found(breaks.into_iter())
    }
}

impl Iterator for Breaks<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let (line, at, second, last) = match self {
            Self::Found(breaks) => return breaks.next(),
            Self::Plain { line, at, second, last } => (*line, at, second, last),
        };
        if let Some(found) = second.take() {
            *last = found;
            return Some(found);
        }
        // What stands behind a mark ends before the next one, so that its breaks do, too.
        while let Some(&byte) = line.as_bytes().get(*at) {
            let mark = *at;
            *at += 1;
            let plain = match byte {
                b'.' | b'!' | b'?' => plain_break(line, mark),
                0xe2 => None,
                _ => continue,
            };
            let closing = closing_break(line, mark);
            let Some(first) = plain.into_iter().chain(closing).min() else { continue };
            *second = plain.into_iter().chain(closing).max().filter(|second| *second != first);
            *last = first;
            return Some(first);
        }
        let end = line.len();
        (*last < end).then(|| {
            *last = end;
            end
        })
    }
}

/// The break behind an end mark at a place and what closes there, before a space.
fn closing_break(line: &str, mark: usize) -> Option<usize> {
    let marked = line.get(mark..)?;
    if !marked.starts_with(is_end_mark) {
        return None;
    }
    let behind = marked.char_indices().skip(1);
    let mut behind = behind.skip_while(|(_, c)| CLOSING.contains(c));
    let (space, c) = behind.next().filter(|(_, c)| c.is_whitespace())?;
    Some(mark + space + c.len_utf8())
}

/// Property of a character for sentence boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Lower,
    Upper,
    Numeric,
    /// A full stop.
    Stop,
    /// A question or exclamation mark.
    Mark,
    Close,
    Space,
    Continue,
    Other,
}

/// The property of a character of common Latin text; `None` of any other one.
fn property(c: char) -> Option<Property> {
    Some(match c {
        'a'..='z' | 'µ' | 'ß'..='ö' | 'ø'..='ÿ' => Property::Lower,
        'A'..='Z' | 'À'..='Ö' | 'Ø'..='Þ' => Property::Upper,
        '0'..='9' => Property::Numeric,
        '.' => Property::Stop,
        '!' | '?' => Property::Mark,
        '"' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '‘' | '’' | '“' | '”' | '«' | '»' => {
            Property::Close
        }
        ' ' | '\t' | '\u{a0}' => Property::Space,
        ',' | '-' | ':' | ';' | '–' | '—' => Property::Continue,
        '\u{20}'..='\u{7e}' | '°' | '±' | '×' | '÷' | '·' | '½' | '•' | '…' | '→' | '≤' | '≥' => {
            Property::Other
        }
        _ => return None,
    })
}

/// Whether a line is of common Latin text, for which the rules of UAX 29 are few.
fn is_plain(line: &str) -> bool {
    let mut ascii = true;
    for byte in line.as_bytes() {
        ascii &= matches!(byte, 0x20..0x7f);
    }
    ascii || line.chars().all(|c| property(c).is_some())
}

/// The sentence break of UAX 29 that a full stop, a question mark or an exclamation mark makes in a line of common Latin
/// text. A test compares them with those of `icu_segmenter`, which reads every character with its tables.
fn plain_break(line: &str, mark: usize) -> Option<usize> {
    let at = |at: usize| line[at..].chars().next().and_then(|c| Some((property(c)?, c.len_utf8())));
    let stop = line.as_bytes().get(mark) == Some(&b'.');
    let mut end = mark + 1;
    for skipped in [Property::Close, Property::Space] {
        while let Some((_, length)) = at(end).filter(|(own, _)| *own == skipped) {
            end += length;
        }
    }
    let (next, _) = at(end)?;
    let goes_on = match next {
        // SB8a.
        Property::Continue | Property::Stop | Property::Mark => true,
        // SB6.
        Property::Numeric if stop && end == mark + 1 => true,
        // SB7.
        Property::Upper if stop && end == mark + 1 => {
            let before = line[..mark].chars().next_back().and_then(property);
            matches!(before, Some(Property::Upper | Property::Lower))
        }
        _ => false,
    };
    // SB8.
    let lower = || {
        let rest = line[end..].chars().filter_map(property);
        let mut first = rest.filter(|own| {
            use Property::{Lower, Mark, Stop, Upper};
            matches!(own, Lower | Upper | Stop | Mark)
        });
        first.next() == Some(Property::Lower)
    };
    // SB11.
    (!(goes_on || stop && lower())).then_some(end)
}

/// Whether the sentence that seems to end with `piece` continues with `after`.
fn goes_on(piece: &str, after: &str, language: Language) -> bool {
    let after = after.trim_start();
    let bare = piece.trim_end().trim_end_matches(CLOSING);
    let Some(mark) = bare.chars().next_back() else { return true };
    if !is_end_mark(mark) || (mark == '.' && !piece.ends_with(char::is_whitespace)) {
        return true;
    }
    let skipped = |c: &char| CLOSING.contains(c) || matches!(c, '(' | '¿' | '¡' | '„');
    let next = after.chars().find(|c| !skipped(c) && !c.is_whitespace());
    let Some(next) = next else { return false };
    if next.is_lowercase() {
        return true;
    }
    // The speaker follows the quotation, in a script without lower case.
    let words = lexicon(language);
    if words.caseless && matches!(mark, '?' | '!') && piece.trim_end().ends_with(QUOTES) {
        return true;
    }
    if mark != '.' {
        // An ellipsis ends a sentence only before a possible start.
        return false;
    }
    let stem = bare.trim_end_matches('.');
    if bare.len() - stem.len() > 1 {
        return false;
    }
    let word =
        stem.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '„' | '«')).next();
    let word = word.unwrap_or_default();
    // An initial, such as `J. Müller`.
    let mut letters = word.chars();
    if let (Some(first), None) = (letters.next(), letters.next())
        && first.is_alphabetic()
        && (first.is_uppercase() || words.abbreviations.iter().any(|a| a == word))
    {
        let before =
            stem[..stem.len() - word.len()].split_whitespace().next_back().unwrap_or_default();
        return !is_lettered(&before.to_lowercase());
    }
    // Hindi ends sentences with the danda: a dot after a syllable marks an abbreviation.
    if words.caseless && !word.is_empty() {
        let last = word.rsplit('.').next().unwrap_or_default();
        let letters = last.chars().filter(|c| is_letter(*c)).count();
        let before = stem[..stem.len() - word.len()].trim_end();
        if (letters <= 1 && !words.syllables.iter().any(|s| s == last))
            || (letters <= 2 && (before.ends_with('.') || word.contains('.')))
        {
            return true;
        }
    }
    // An ordinal, such as `am 3. Tag`; in other languages a number may end a sentence.
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()) && word.len() <= 2 {
        return words.ordinal_dots || next.is_numeric();
    }
    let lower = word.to_lowercase();
    words.abbreviations.contains(&lower)
}

/// The number of words of a text, without list markers and punctuation.
pub fn words(text: &str, language: Language) -> usize {
    if lexicon(language).unspaced {
        let segmenter = WordSegmenter::new_dictionary(WordBreakInvariantOptions::default());
        return segmenter
            .segment_str(text)
            .iter_with_word_type()
            .filter(|(_, t)| t.is_word_like())
            .count();
    }
    let mut count = 0;
    for line in lines(text) {
        let whole = &text[line];
        if is_rule(whole) || is_fence(whole) {
            continue;
        }
        let rest = whole.get(marker_length(whole)..).unwrap_or_default();
        count += rest.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric)).count();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_icu(line: &str) -> Vec<usize> {
        let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
        segmenter.segment_str(line).filter(|b| *b > 0).collect()
    }

    /// The breaks of a line of common Latin text by the rules; `None` for any other one.
    fn plain_breaks(line: &str) -> Option<Vec<usize>> {
        let is_mark = |at: &usize| matches!(line.as_bytes()[*at], b'.' | b'!' | b'?');
        let marks = (0..line.len()).filter(is_mark);
        let end = (!line.is_empty()).then_some(line.len());
        let breaks = marks.filter_map(|mark| plain_break(line, mark)).chain(end);
        is_plain(line).then(|| breaks.collect())
    }

    /// Compares all lines of so many of these characters.
    fn compare(characters: &[char], length: usize) {
        for number in 0..characters.len().pow(u32::try_from(length).unwrap()) {
            let mut rest = number;
            let line: String = (0..length)
                .map(|_| {
                    let c = characters[rest % characters.len()];
                    rest /= characters.len();
                    c
                })
                .collect();
            assert_eq!(plain_breaks(&line), Some(of_icu(&line)), "{line:?}");
            let mut all = of_icu(&line);
            all.extend((0..line.len()).filter_map(|mark| closing_break(&line, mark)));
            all.sort_unstable();
            all.dedup();
            assert_eq!(Breaks::new(&line).collect::<Vec<_>>(), all, "{line:?}");
        }
    }

    #[test]
    fn plain_lines_break_where_the_segmenter_breaks_them() {
        compare(&['a', 'A', '1', '.', '?', '"', ' ', ','], 6);
        let known: Vec<char> =
            (0..0x11_0000).filter_map(char::from_u32).filter(|c| property(*c).is_some()).collect();
        assert!(known.len() > 170);
        // Each character at each place where its property counts.
        for c in known {
            for frame in
                ["{}. A", "{}.A", "A.{}", "A.{}A", "A. {}", "A. {}a", "A.{} A", "A?{}A", "A? {}A"]
            {
                let line = frame.replace("{}", &c.to_string());
                assert_eq!(plain_breaks(&line), Some(of_icu(&line)), "{line:?}");
            }
        }
        assert_eq!(plain_breaks("यह है। वह है।"), None);
        assert_eq!(plain_breaks("A.\u{301} B"), None);
    }
}
