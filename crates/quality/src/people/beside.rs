//! What stands beside the numbers of a text.

use std::sync::LazyLock;

use regex::Regex;

use super::Aged;
use super::others::is_of_word;

/// A digit of any of the scripts.
pub(super) fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => Some(u32::from(c) - u32::from('0')),
        '०'..='९' => Some(u32::from(c) - u32::from('०')),
        '๐'..='๙' => Some(u32::from(c) - u32::from('๐')),
        _ => None,
    }
}

/// Bit set of the patterns of [`AGES`](super::AGES) that a text may match, by what stands beside its numbers.
///
/// Most numbers of a text are no ages, and each pattern reads all of it. No first letters of a unit that are compared
/// here have another form than their capital.
pub(super) fn patterns(text: &str) -> u32 {
    let is_digit = |c: char| digit(c).is_some();
    let mut found = 0;
    let mut first = true;
    let mut at = 0;
    while let Some(start) = text[at..].find(is_digit) {
        let start = at + start;
        let head = &text.as_bytes()[..start];
        let rest = text[start..].trim_start_matches(is_digit);
        at = text.len() - rest.len();
        let letter = rest.strip_prefix([' ', '-']).unwrap_or(rest);
        let unit = letter.as_bytes();
        let begins = |word: &str| starts(unit, word);
        let follows = |word: &str| {
            let end = head.len().checked_sub(word.len()).and_then(|from| head.get(from..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
        };
        // Some letters have another form that is not of ASCII.
        let is_at = |at: usize, wanted: &[u8]| {
            unit.get(at).is_some_and(|byte| !byte.is_ascii() || wanted.contains(byte))
        };
        let mut add = |may: bool, patterns: &[u32]| {
            if may {
                found |= patterns.iter().fold(0, |bits, pattern| bits | 1 << pattern);
            }
        };
        let spaced = rest.starts_with(' ');
        add(may_be_old(unit), &[0]);
        add(begins("y") && is_at(1, b"/.-oOrR"), &[1]);
        add(follows("aged "), &[2]);
        add(["man of ", "lady of ", "boy of ", "girl of "].into_iter().any(follows), &[3]);
        add(first && letter.starts_with(['M', 'F']), &[4]);
        add(head.ends_with(b"M/") || head.ends_with(b"F/"), &[5]);
        add(rest.starts_with("/M") || rest.starts_with("/F"), &[6]);
        add(begins("j") && is_at(1, b"") || begins("monati") || begins("w") && is_at(1, b""), &[7]);
        let alt = ["jahre a", "monate a", "wochen a", "tage a"];
        add(spaced && alt.into_iter().any(begins), &[8]);
        add(spaced && (begins("jahren") || begins("monaten")) && follows("von "), &[9]);
        // `ans`, `anni` and `anos`, but not `and`.
        let years = begins("an") && (unit.len() == 2 || is_at(2, b"nosNOS"));
        let years = years || begins("a") && is_at(1, b"");
        let romance = years || begins("moi") || begins("me") && is_at(2, b"sS");
        let of_age = spaced && (romance || begins("year") || begins("jahre"));
        add(of_age && ends_with_mark(unit), &[10]);
        let lead = |leads: &[&str]| spaced && romance && leads.iter().any(|lead| follows(lead));
        add(lead(&["de ", "di ", "com "]), &[11]);
        add(lead(&["de "]), &[12]);
        add(lead(&["tiene ", " a ", " ha ", " tem "]), &[13]);
        let letters = |words: &[&str]| words.iter().any(|word| letter.starts_with(word));
        add(letters(&["वर्ष", "साल", "महीने"]), &[14, 15]);
        add(letters(&["ปี", "เดือน"]), &[16, 17]);
        first = false;
    }
    found
}

/// Whether a word ends with a mark, as one in an apposition does.
fn ends_with_mark(text: &[u8]) -> bool {
    let is_letter = |byte: &&u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let end = text.iter().take_while(is_letter).count();
    text.get(end).is_some_and(|byte| b",.;:)!?".contains(byte))
}

/// Whether a text begins with a word, in capitals or not.
fn starts(text: &[u8], word: &str) -> bool {
    text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a unit is one of something that is old.
fn may_be_old(unit: &[u8]) -> bool {
    let Some(word) = ["year", "month", "wee", "day"].into_iter().find(|word| starts(unit, word))
    else {
        return false;
    };
    let rest = unit.get(word.len()..).unwrap_or_default();
    let letters = rest.iter().take_while(|byte| matches!(byte, b'k' | b'K' | b's' | b'S')).count();
    match rest.get(letters..).unwrap_or_default() {
        // The letters k and s have other forms.
        [byte, ..] if !byte.is_ascii() => true,
        [b' ' | b'-', next, ..] => matches!(next, b'o' | b'O'),
        _ => false,
    }
}

/// The ages of the first pattern: `45-year-old girl`.
pub(super) fn old(text: &str) -> Vec<Aged<'_>> {
    let bytes = text.as_bytes();
    let parts = |at: usize| matches!(bytes.get(at), Some(b' ' | b'-'));
    let rest = |at: usize| bytes.get(at..).unwrap_or_default();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = rest(at).iter().position(u8::is_ascii_digit) {
        let start = at + start;
        let end = start + rest(start).iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = end;
        let begins = |start: usize| !text[..start].chars().next_back().is_some_and(is_of_word);
        if end - start > 3 || !parts(end) || !begins(start) {
            continue;
        }
        let unit = ["year", "month", "week", "day"].into_iter().find(|w| starts(rest(end + 1), w));
        let Some(unit) = unit.map(|unit| end + 1..end + 1 + unit.len()) else { continue };
        let plural = matches!(bytes.get(unit.end), Some(b's' | b'S'));
        let behind = unit.end + usize::from(plural);
        if !parts(behind) {
            continue;
        }
        let old = ["old", "of age"].into_iter().find(|old| starts(rest(behind + 1), old));
        let Some(from) = old.map(|old| behind + 1 + old.len()) else { continue };
        if text[from..].chars().next().is_some_and(is_of_word) {
            continue;
        }
        let mut to = from;
        for _ in 0..3 {
            let word = text.get(to + 1..).unwrap_or_default();
            let left = word.trim_start_matches(is_letter);
            if !parts(to) || left.len() == word.len() {
                break;
            }
            to = text.len() - left.len();
        }
        let behind = text.get(from..to).unwrap_or_default();
        let digits = start..end;
        found.push(Aged { digits, unit: Some(unit), behind, next: "", between: "" });
        at = to;
    }
    found
}

/// A letter that is not of ASCII.
static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{L}").ok());

/// Whether a character is a letter as the patterns have it: no mark, no sign that stands for one.
fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    LETTER.as_ref().is_none_or(|letter| letter.is_match(c.encode_utf8(&mut [0; 4])))
}
