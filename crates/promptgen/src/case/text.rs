//! Finds words in what a message says about its patient, unless they are denied or past.

/// Before a word: it is denied.
const DENIALS: &[&str] = &[
    "no",
    "not",
    "denies",
    "denied",
    "denying",
    "without",
    "never",
    "nor",
    "neither",
    "negative",
    "absent",
    "absence",
    "excluded",
    "excludes",
    "exclude",
    "free",
    "nil",
    "sin",
    "niega",
    "ningún",
    "ninguna",
    "sem",
    "nega",
    "nenhum",
    "nenhuma",
    "senza",
    "nessun",
    "nessuna",
    "sans",
    "pas",
    "aucun",
    "aucune",
    "ohne",
    "kein",
    "keine",
    "keinen",
    "verneint",
    "बिना",
];
/// The same in a script without spaces, right before the word.
const DENIALS_BEFORE: &[&str] = &["ไม่มี", "ไม่", "ปฏิเสธ", "ไม่พบ"];
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
    "नहीं",
];

/// That an illness is over.
const RECOVERED: &[&str] = &[
    "well again",
    "recovered",
    "back to normal",
    "back to her usual",
    "back to his usual",
    "back to usual",
    "symptom-free",
    "symptom free",
    "asymptomatic",
    "completely better",
    "all better",
    "feels fine now",
    "now well",
    "well now",
    "fine now",
    "no longer ill",
    "no more fever",
    "fever gone",
    "fever has gone",
    "fever settled",
    "fever resolved",
    "wieder gesund",
    "beschwerdefrei",
    "genesen",
    "rétabli",
    "guéri",
    "va mieux maintenant",
    "asintomátic",
    "recuperado",
    "recuperada",
    "ya está bien",
    "assintomátic",
    "já está bem",
    "guarito",
    "guarita",
    "sta bene ora",
    "asintomatic",
    "ठीक हो ग",
    "หายดีแล้ว",
    "หายเป็นปกติ",
];

/// A text in lower case, in which many words are looked for.
#[derive(Debug)]
pub(super) struct Lower {
    text: String,
    /// A bit for each two bytes of it, of which some share one: nearly all words begin with two that it does not have.
    pairs: [u64; PAIRS / 64],
}

/// Bits for two bytes.
const PAIRS: usize = 1024;

/// The bit of two bytes.
fn pair(first: u8, second: u8) -> usize {
    ((usize::from(first) << 5) ^ usize::from(second)) & (PAIRS - 1)
}

impl Lower {
    /// A text in any case.
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        let mut pairs = [0; PAIRS / 64];
        for two in text.as_bytes().windows(2) {
            let bit = pair(two[0], two[1]);
            pairs[bit / 64] |= 1 << (bit % 64);
        }
        Self { text, pairs }
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it may have a name, whose capitals of ASCII are looked for as small letters.
    pub(super) fn may_have_name(&self, name: &str) -> bool {
        let has = |first: u8, second: u8| {
            self.has_pair(first.to_ascii_lowercase(), second.to_ascii_lowercase())
        };
        match name.as_bytes() {
            [first, second, third, ..] if [first, second, third].iter().all(|b| b.is_ascii()) => {
                has(*first, *second) && has(*second, *third)
            }
            [first, second, ..] if first.is_ascii() && second.is_ascii() => has(*first, *second),
            _ => true,
        }
    }

    /// Whether it may have two bytes behind each other.
    fn has_pair(&self, first: u8, second: u8) -> bool {
        let bit = pair(first, second);
        self.pairs[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Whether it may have a text.
    fn may_have(&self, text: &str) -> bool {
        match text.as_bytes() {
            [first, second, third, ..] => {
                self.has_pair(*first, *second) && self.has_pair(*second, *third)
            }
            [first, second] => self.has_pair(*first, *second),
            _ => true,
        }
    }

    /// Whether it states one of the words.
    pub(super) fn says_any(&self, words: &[String]) -> bool {
        words.iter().any(|word| self.says(word))
    }

    /// Whether it says that the illness is over.
    pub(super) fn says_recovered(&self) -> bool {
        RECOVERED.iter().any(|said| {
            self.text.match_indices(said).any(|(at, found)| {
                // `recovered from malaria last year` is of another illness, and `not fully recovered` of this one.
                let (from, to) = sentence(&self.text, at, at + found.len());
                let other = [
                    " from ", " after ", "not ", "never ", "when ", "until ", "once ", "if ",
                    "ago", "last ",
                ];
                let said = self.text.get(from..to).unwrap_or_default();
                !other.iter().any(|word| said.contains(word))
            })
        })
    }

    /// The same as [`says`].
    pub(super) fn says(&self, word: &str) -> bool {
        self.may_have(word.strip_suffix('*').unwrap_or(word)) && says(&self.text, word)
    }
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
    if DENIALS_BEFORE.iter().any(|denial| before.trim_end().ends_with(denial)) {
        return true;
    }
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
            assert!(says(text, "fever") && Lower::new(text).says("fever"), "{text}");
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
            assert!(!says(text, "fever") && !Lower::new(text).says("fever"), "{text}");
        }
        for (text, word) in [
            ("sin disnea", "disnea"),
            ("nega dispneia em repouso", "dispneia"),
            ("pas d'essoufflement", "essoufflement"),
            ("keine Atemnot", "atemnot"),
            ("ไม่มีหอบเหนื่อย", "หอบ"),
            ("बुखार नहीं है", "बुखार"),
        ] {
            assert!(!Lower::new(text).says(word), "{text}");
            assert!(Lower::new(&format!("{word} 2")).says(word), "{word}");
        }
        assert!(says("wheezing at night", "wheez*") && Lower::new("WHEEZING").says("wheez*"));
        assert!(Lower::new("up to 4 g").says("g") && Lower::new("Äh").says("äh"));
        assert!(!Lower::new("wheezing").says("cough"));
        assert!(says("पिछले दो दिन से बुखार", "बुखार"));
        assert!(!says("copdx", "copd"));
        assert!(!says("anything", "*"));
    }
}
