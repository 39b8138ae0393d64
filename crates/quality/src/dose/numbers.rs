//! Numbers with their units.

use std::ops::Range;

use super::Unit;
use super::words::{Words, ends_a_word, is_thai, starts_a_word};

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    /// All of a range, and the unit with what it is for: `2 to 5 mg/kg`.
    pub(super) place: Range<usize>,
    pub(super) unit: Unit,
    /// A number of this unit is a dose unless something speaks against it.
    pub(super) sure: bool,
    pub(super) amount: f64,
    pub(super) per_weight: bool,
    /// In a time shorter than a day: `/h`.
    pub(super) per_time: bool,
    /// Half a tablet, as words.
    pub(super) worded: bool,
}

const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];

fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => Some(u32::from(c) - u32::from('0')),
        '\u{966}'..='\u{96f}' => Some(u32::from(c) - 0x966),
        '\u{e50}'..='\u{e59}' => Some(u32::from(c) - 0xe50),
        _ => None,
    }
}

fn fraction(c: char) -> Option<f64> {
    Some(match c {
        '½' => 0.5,
        '¼' => 0.25,
        '¾' => 0.75,
        '⅓' => 1.0 / 3.0,
        '⅔' => 2.0 / 3.0,
        _ => return None,
    })
}

/// All numbers of a text with a unit that may be one of a dose. Concentrations are left out.
pub(super) fn numbers(text: &str, lower: &str, words: &Words, places: &[usize]) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = next_digit(lower, at) {
        let (end, amount) = number_at(lower, start, words);
        at = end;
        let before = lower[..start].chars().next_back();
        // A digit of a name, such as `B12`.
        if before.is_some_and(|c| c.is_alphabetic() && !is_thai(c) && c.is_ascii()) {
            continue;
        }
        let start = start - usize::from(before == Some('.') && is_naked(&lower[..start]));
        found.extend(with_unit(text, lower, start..end, amount, words, false));
    }
    for (place, amount) in words.number_words(lower, places) {
        found.extend(with_unit(text, lower, place, amount, words, true));
    }
    found.sort_by_key(|number| (number.place.start, std::cmp::Reverse(number.place.end)));
    found.dedup_by(|next, last| next.place.start < last.place.end);
    found
}

/// The next digit or fraction from a place on.
fn next_digit(lower: &str, mut at: usize) -> Option<usize> {
    let bytes = lower.as_bytes();
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            return Some(at);
        }
        if byte.is_ascii() {
            at += 1;
            continue;
        }
        let c = lower[at..].chars().next()?;
        if digit(c).is_some() || fraction(c).is_some() {
            return Some(at);
        }
        at += c.len_utf8();
    }
    None
}

/// `.5 mg`: a point without a digit before it.
fn is_naked(before: &str) -> bool {
    before.trim_end_matches('.').chars().next_back().is_none_or(char::is_whitespace)
}

/// The end of the number at a place, and what it is.
fn number_at(lower: &str, start: usize, words: &Words) -> (usize, f64) {
    let mut end = start;
    let mut digits = String::new();
    let mut rest = lower[start..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if let Some(d) = digit(c) {
            digits.extend(char::from_digit(d, 10));
        } else if let Some(part) = fraction(c) {
            let whole: f64 = digits.parse().unwrap_or_default();
            return (start + at + c.len_utf8(), whole + part);
        } else if matches!(c, '.' | ',' | '\'' | '\u{a0}' | '\u{202f}' | '\u{2009}' | ' ')
            && let Some((_, next)) = rest.peek()
            && digit(*next).is_some()
        {
            let behind = &lower[start + at + c.len_utf8()..];
            let group = behind.chars().take_while(|c| digit(*c).is_some()).count();
            if !matches!(c, '.' | ',') {
                // A space may stand between two numbers, and groups thousands only before three digits.
                if group != 3 || digits.len() > 3 || digits.starts_with('0') {
                    break;
                }
            } else if (c == '.') != words.decimal_comma || group != 3 || digits.starts_with('0') {
                digits.push('.');
            }
        } else {
            break;
        }
        end = start + at + c.len_utf8();
    }
    // Only one point is a decimal one.
    let amount =
        digits.parse().unwrap_or_else(|_| digits.replace('.', "").parse().unwrap_or_default());
    (end, amount)
}

/// The number with the unit behind it, and the rest of a range before it.
fn with_unit(
    text: &str,
    lower: &str,
    number: Range<usize>,
    amount: f64,
    words: &Words,
    worded: bool,
) -> Option<Number> {
    let before = lower[..number.start].trim_end_matches(SPACES);
    // What stands behind a stroke is the volume of a concentration: `mg/5 mL`.
    if before.ends_with('/') && !before.trim_end_matches('/').ends_with(|c| digit(c).is_some()) {
        return None;
    }
    let behind = skip(lower, number.end, &[' ', '\u{a0}', '\u{202f}', '\u{2009}', '-', '*', '_']);
    let unit_at = |from: usize| {
        let first = lower.as_bytes().get(from)?;
        words.units_with(*first).iter().find(|unit| {
            lower[from..].starts_with(unit.text.as_str())
                && (unit.unit == Unit::Percent || ends_a_word(lower, from + unit.text.len()))
        })
    };
    // `litro y medio`: the unit is a part of the number.
    let own = if worded { unit_at(number.start) } else { None };
    let (from, unit) = match own {
        Some(unit) => (number.start, unit),
        None => (behind, unit_at(behind)?),
    };
    let mut end = if own.is_some() { number.end } else { from + unit.text.len() };
    let written = text.get(from..end).unwrap_or_default();
    match unit.text.as_str() {
        // The gauge of a needle, not grams.
        "g" if written == "G" => return None,
        "u" if written != "U" => return None,
        // `L1` and the like.
        "l" if from > number.end && lower[end..].starts_with(|c| digit(c).is_some()) => {
            return None;
        }
        _ => {}
    }
    if worded && unit.unit != Unit::Piece && unit.text.chars().count() < 3 {
        return None;
    }
    // `a litre` is an amount, and `a drop in pressure` is none.
    if unit.unit == Unit::Piece && lower.get(number.clone()) == Some("a") {
        return None;
    }
    let (mut per_weight, mut per_time) = (false, false);
    while let Some((per, to)) = per(lower, end, words) {
        match per {
            Per::Volume => return None,
            Per::Weight => per_weight = true,
            Per::Time => per_time = true,
            Per::Day => {}
        }
        end = to;
    }
    match per_behind(lower, end, words) {
        Some(Per::Volume) => return None,
        Some(Per::Weight) => per_weight = true,
        Some(Per::Time | Per::Day) | None => {}
    }
    let (start, other) = range_before(lower, number.start, words);
    let amount = other.map_or(amount, |other: f64| other.max(amount));
    Some(Number {
        place: start..end,
        unit: unit.unit,
        sure: unit.sure,
        amount,
        per_weight,
        per_time,
        worded,
    })
}

fn skip(lower: &str, at: usize, what: &[char]) -> usize {
    at + (lower[at..].len() - lower[at..].trim_start_matches(what).len())
}

/// What a unit is for.
enum Per {
    Weight,
    Time,
    /// A whole day, of which an amount is also what somebody drinks.
    Day,
    Volume,
}

/// How many words may stand between a unit and what it is for.
const WORDS_BEHIND: usize = 3;

/// Latin abbreviations of volumes and amounts of matter.
const VOLUMES: [&str; 17] = [
    "dl", "l", "ml", "mmol", "mol", "g", "cc", "mm", "mm3", "m", "μl", "µl", "ul", "hpf", "cl",
    "nl", "hg",
];
const TIMES: [&str; 8] = ["h", "hr", "min", "std", "hour", "hora", "ora", "heure"];
const DAYS: [&str; 9] = ["d", "day", "tag", "j", "jour", "die", "dia", "día", "giorno"];

/// What stands behind a unit and a stroke or a word for it, and where it ends.
fn per(lower: &str, at: usize, words: &Words) -> Option<(Per, usize)> {
    let spaced = skip(lower, at, &SPACES);
    let rest = &lower[spaced..];
    if rest.starts_with("hg") {
        return Some((Per::Volume, spaced + 2));
    }
    let stroke = rest.starts_with('/');
    let from = if stroke {
        spaced + 1
    } else {
        let word = words.per.iter().find(|word| rest.starts_with(word.as_str()))?;
        spaced + word.len()
    };
    let from = skip(lower, from, &SPACES);
    let number = lower[from..].chars().take_while(|c| digit(*c).is_some() || *c == '.');
    let number: usize = number.map(char::len_utf8).sum();
    let from_unit = skip(lower, from + number, &SPACES);
    let starts = |list: &[String]| {
        let found = list.iter().filter(|word| lower[from_unit..].starts_with(word.as_str()));
        let end = from_unit + found.map(String::len).max()?;
        ends_a_word(lower, end).then_some(end)
    };
    // The longer word decides: `kg` is no `k`.
    let (weight, volume) = (starts(&words.weights), starts(&words.volumes));
    if weight.is_some() && weight >= volume {
        return weight.map(|end| (Per::Weight, end));
    }
    if let Some(end) = volume {
        return Some((Per::Volume, end));
    }
    let letters = lower[from_unit..].chars().take_while(|c| c.is_alphanumeric() || *c == '²');
    let end = from_unit + letters.map(char::len_utf8).sum::<usize>();
    let word = &lower[from_unit..end];
    match word {
        "kg" | "kgkg" | "m2" | "m²" => Some((Per::Weight, end)),
        _ if VOLUMES.contains(&word) && (stroke || number > 0) => Some((Per::Volume, end)),
        _ if VOLUMES.contains(&word) && word.len() > 1 => Some((Per::Volume, end)),
        // `/24 h` is a day, and `/4 h` is none.
        "h" if stroke && lower[from..].starts_with("24") => Some((Per::Day, end)),
        _ if stroke && TIMES.contains(&word) => Some((Per::Time, end)),
        _ if stroke && DAYS.contains(&word) => Some((Per::Day, end)),
        _ => None,
    }
}

/// What a unit is for that stands behind what is measured: `300 mg of iodine per mL`.
fn per_behind(lower: &str, end: usize, words: &Words) -> Option<Per> {
    let mut at = end;
    for _ in 0..WORDS_BEHIND {
        at = skip(lower, at, &SPACES);
        let rest = &lower[at..];
        let word = rest.find(|c: char| SPACES.contains(&c) || c == '/').unwrap_or(rest.len());
        let word = &rest[..word];
        let closes = |c: char| matches!(c, '.' | ',' | ';' | ':' | '(' | ')' | '|' | '\n');
        if word.is_empty() || word.contains(|c: char| digit(c).is_some() || closes(c)) {
            return None;
        }
        let inside =
            words.per.iter().filter(|_| words.unspaced).filter_map(|per| word.find(per.as_str()));
        at += inside.min().unwrap_or(word.len());
        if let Some((per, _)) = per(lower, at, words) {
            return Some(per);
        }
    }
    None
}

/// Where a range begins of which the second number is at a place, and its first number.
fn range_before(lower: &str, at: usize, words: &Words) -> (usize, Option<f64>) {
    let none = (at, None);
    let before = lower[..at].trim_end_matches(SPACES);
    let strip = |sign: &str| before.strip_suffix(sign);
    let signs = ["-", "–", "—", "‑", "/", "x", "×"].iter().find_map(|s| strip(s));
    let word = || {
        let mut found = words.between.iter().filter_map(|word| {
            let rest = before.strip_suffix(word.as_str())?;
            (words.unspaced || rest.ends_with(SPACES)).then_some(rest)
        });
        found.next()
    };
    let Some(rest) = signs.or_else(word) else { return none };
    let rest = rest.trim_end_matches(SPACES);
    let digits: usize = rest
        .chars()
        .rev()
        .take_while(|c| digit(*c).is_some() || matches!(c, '.' | ',' | '½' | '¼'))
        .map(char::len_utf8)
        .sum();
    if digits > 0 {
        let start = rest.len() - digits;
        let start =
            start + (rest[start..].len() - rest[start..].trim_start_matches(['.', ',']).len());
        if start < rest.len() && starts_a_word(lower, start) {
            return (start, Some(number_at(lower, start, words).1));
        }
        return none;
    }
    let worded = words.numbers.iter().find_map(|(word, number)| {
        let start = rest.strip_suffix(word.as_str())?.len();
        starts_a_word(lower, start).then_some((start, Some(*number)))
    });
    worded.unwrap_or(none)
}
