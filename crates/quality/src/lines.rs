//! The lines of a text.

use std::ops::Range;

/// Non-blank lines, trimmed.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let trimmed = line.trim();
        (!trimmed.is_empty()).then(|| start..start + trimmed.len())
    })
}

/// The lines of a text: number from one, offset after leading space, and the text from there.
pub(crate) fn line_starts(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').enumerate().map(move |(index, line)| {
        let start = line.trim_start();
        let from = at + (line.len() - start.len());
        at += line.len();
        (index + 1, from, start)
    })
}

/// Combining signs, mostly of Devanagari.
pub(crate) fn is_mark(c: char) -> bool {
    ('\u{900}'..='\u{903}').contains(&c) || ('\u{93a}'..='\u{94f}').contains(&c)
}

/// A text without what it quotes, as far as `most` bytes.
pub(crate) fn without_quotes(text: &str, most: usize) -> String {
    let mut said = String::with_capacity(most.min(text.len()));
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' | '`' => quoted = !quoted,
            '“' if quoted => quoted = false,
            '“' | '„' | '«' => quoted = true,
            '”' | '»' => quoted = false,
            _ if !quoted => said.push(c),
            _ => {}
        }
        if said.len() >= most {
            break;
        }
    }
    said
}
