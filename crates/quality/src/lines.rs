//! The lines of a text, and the kinds of its characters.

use std::ops::Range;
use std::sync::LazyLock;

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

/// One more than the last character of which a bit is kept: the scripts of all languages are before it.
const TABLED: usize = 0x1000;

/// A bit for each of the first characters.
type Bits = [u64; TABLED / 64];

fn bits(of: fn(char) -> bool) -> Bits {
    let mut bits = [0; TABLED / 64];
    for c in (0..).take(TABLED).filter_map(char::from_u32).filter(|c| of(*c)) {
        bits[c as usize / 64] |= 1 << (c as usize % 64);
    }
    bits
}

static ALPHABETIC: LazyLock<Bits> = LazyLock::new(|| bits(char::is_alphabetic));
static ALPHANUMERIC: LazyLock<Bits> = LazyLock::new(|| bits(char::is_alphanumeric));

/// What the bits say of a character; none where they do not reach.
fn tabled(bits: &Bits, c: char) -> Option<bool> {
    let word = bits.get(c as usize / 64)?;
    Some(word >> (c as usize % 64) & 1 == 1)
}

/// The same as [`char::is_alphabetic`], which searches ranges for every character that is not of ASCII.
pub(crate) fn is_alphabetic(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    tabled(&ALPHABETIC, c).unwrap_or_else(|| !is_punctuation(c) && c.is_alphabetic())
}

/// The same as [`char::is_alphanumeric`].
pub(crate) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    tabled(&ALPHANUMERIC, c).unwrap_or_else(|| !is_punctuation(c) && c.is_alphanumeric())
}

/// Of the block of dashes and quotation marks, which texts in all languages have.
fn is_punctuation(c: char) -> bool {
    matches!(c, '\u{2000}'..='\u{206f}')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_of_the_kind_that_the_standard_library_says() {
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            assert_eq!(is_alphabetic(c), c.is_alphabetic(), "{c:?}");
            assert_eq!(is_alphanumeric(c), c.is_alphanumeric(), "{c:?}");
        }
    }
}
