//! Finds words in what a message says about its patient, unless they are denied or past.

/// Before a word: it is denied.
const DENIALS: &[&str] = &[
    "no", "not", "denies", "denied", "denying", "without", "never", "nor", "neither", "negative",
    "absent", "absence", "excluded", "excludes", "exclude", "free", "nil",
];
/// Before a word: it was, or it may come.
const PAST: &[&str] = &[
    "previous",
    "previously",
    "past",
    "prior",
    "former",
    "resolved",
    "history",
    "childhood",
    "risk",
    "prevent",
    "prevention",
    "prophylaxis",
    "vaccine",
    "vaccination",
    "screening",
];
/// After a denial: what is denied is a change, not the complaint.
const CHANGES: &[&str] = &[
    "relief",
    "relieved",
    "improvement",
    "improving",
    "improved",
    "change",
    "changed",
    "response",
    "responding",
    "better",
    "only",
    "yet",
];
/// After a word: it is denied, or only a matter of prevention.
const AFTERWARDS: &[&str] = &[
    "resolved",
    "absent",
    "denied",
    "subsided",
    "settled",
    "none",
    "excluded",
    "negative",
    "vaccine",
    "vaccination",
    "vaccinated",
    "prophylaxis",
    "screening",
    "exposure",
    "contact",
];

/// Whether the text, in lower case, states one of the words.
pub(super) fn says_any(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| says(text, word))
}

/// Whether the text, in lower case, states the word as present. A `*` at the word's end matches any ending.
pub(super) fn says(text: &str, word: &str) -> bool {
    let stem = word.strip_suffix('*').unwrap_or(word);
    // Nearly all words are not there. `contains` finds that out without preparing a search, as `match_indices` does.
    if stem.is_empty() || !text.contains(stem) {
        return false;
    }
    text.match_indices(stem).any(|(at, found)| {
        let end = at + found.len();
        stands_alone(text, at, end, word.ends_with('*')) && !is_denied(text, at, end)
    })
}

fn stands_alone(text: &str, at: usize, end: usize, any_ending: bool) -> bool {
    let (before, after) = (&text[..at], &text[end..]);
    // Scripts without spaces between words have no boundaries to look for.
    if !text[at..end].is_ascii() {
        return true;
    }
    let part_of_word = |c: char| c.is_alphanumeric();
    if before.chars().next_back().is_some_and(part_of_word) {
        return false;
    }
    let after = after.strip_prefix('s').unwrap_or(after);
    any_ending || !after.chars().next().is_some_and(part_of_word)
}

/// The part of the text around `at` that one statement spans.
fn sentence(text: &str, at: usize, end: usize) -> (usize, usize) {
    let stops = |(i, c): (usize, char)| match c {
        ';' | '!' | '?' | '\n' | '。' | '।' => true,
        // Not the point of a number.
        '.' => !text[i + 1..].starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    };
    let mut from =
        text[..at].char_indices().rev().find(|x| stops(*x)).map_or(0, |(i, c)| i + c.len_utf8());
    for turn in [" but ", " however ", " now has ", " and now ", " with a "] {
        if let Some(i) = text[from..at].rfind(turn) {
            from += i + turn.len();
        }
    }
    let to = text[end..]
        .char_indices()
        .map(|(i, c)| (end + i, c))
        .find(|x| stops(*x))
        .map_or(text.len(), |(i, _)| i);
    (from, to)
}

fn is_denied(text: &str, at: usize, end: usize) -> bool {
    let (from, to) = sentence(text, at, end);
    let (before, after) = (&text[from..at], &text[end..to]);
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '-'))
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    // The words since the last comma; and, in a list that ends in "or", all of them.
    let near = words(before.rsplit(',').next().unwrap_or(before));
    let listed = words(before);
    let is_list = words(after).iter().chain(&near).any(|w| w == "or" || w == "nor");
    let denies = |words: &[String], reach: usize| {
        let Some(i) = words.iter().rposition(|w| DENIALS.contains(&w.as_str())) else {
            return false;
        };
        let rest = &words[i + 1..];
        rest.len() <= reach && !rest.iter().any(|w| CHANGES.contains(&w.as_str()))
    };
    if denies(&near, 4) || (is_list && denies(&listed, 24)) {
        return true;
    }
    let recent = &near[near.len().saturating_sub(4)..];
    if recent.iter().any(|w| PAST.contains(&w.as_str()))
        // "3-day history of fever" is the present complaint.
        && !recent.iter().any(|w| w.contains("day") || w.contains("week") || w.contains("hour"))
    {
        return true;
    }
    let next = words(after.split(',').next().unwrap_or(after));
    let is_long_ago =
        next.iter().take(5).position(|w| w == "ago").is_some_and(|i| {
            next[..i].iter().any(|w| w.starts_with("year") || w.starts_with("month"))
        });
    is_long_ago || next.iter().take(3).any(|w| AFTERWARDS.contains(&w.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_unless_denied_or_past() {
        for text in [
            "fever and cough",
            "3-day history of fever",
            "fevers at night",
            "fever two days ago and since",
            "no cough, fever of 39",
            "not eating. fever since monday",
            "no relief of fever after paracetamol",
            "no rash but fever",
            "temperature 38.5, fever",
        ] {
            assert!(says(text, "fever"), "{text}");
        }
        for text in [
            "no fever",
            "denies fever",
            "no cough, fever or rash",
            "afebrile",
            "previous fever in may",
            "fever has resolved",
            "fever two years ago",
            "yellow fever vaccine",
            "without cough or fever",
            "feverfew",
        ] {
            assert!(!says(text, "fever"), "{text}");
        }
        assert!(says("wheezing at night", "wheez*"));
        assert!(says("पिछले दो दिन से बुखार", "बुखार"));
        assert!(!says("copdx", "copd"));
        assert!(!says("anything", "*"));
    }
}
