//! What stands beside the numbers of a text.

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
        let unit = rest.strip_prefix([' ', '-']).unwrap_or(rest);
        let begins = |word: &str| {
            let begin = unit.as_bytes().get(..word.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
        };
        let follows = |word: &str| {
            let end = head.len().checked_sub(word.len()).and_then(|from| head.get(from..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
        };
        let mut add = |may: bool, patterns: &[u32]| {
            if may {
                found |= patterns.iter().fold(0, |bits, pattern| bits | 1 << pattern);
            }
        };
        add(begins("year") || begins("month") || begins("wee") || begins("day"), &[0]);
        add(begins("y"), &[1, 10]);
        add(follows("aged "), &[2]);
        add(follows("of "), &[3]);
        add(first && unit.starts_with(['M', 'F']), &[4]);
        add(head.ends_with(b"M/") || head.ends_with(b"F/"), &[5]);
        add(rest.starts_with("/M") || rest.starts_with("/F"), &[6]);
        add(begins("j") || begins("mona") || begins("w"), &[7, 8, 9, 10]);
        add(begins("ta"), &[8]);
        // `ans`, `anni` and `anos`, but not `and`.
        let third = unit.as_bytes().get(2);
        let years = begins("an") && third.is_none_or(|c| !c.is_ascii() || b"nosNOS".contains(c));
        let years = years || begins("a") && unit.as_bytes().get(1).is_some_and(|c| !c.is_ascii());
        add(years || begins("mo") || begins("me"), &[10, 11, 12, 13]);
        let letter = unit.chars().next().filter(|c| !c.is_ascii()).unwrap_or_default();
        add(('\u{900}'..='\u{97f}').contains(&letter), &[14, 15]);
        add(('\u{e00}'..='\u{e7f}').contains(&letter), &[16, 17]);
        first = false;
    }
    found
}
