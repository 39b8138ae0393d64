//! Whether a later turn has left what its conversation is about.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use crate::finder::{Finder, Wanted, places};
use crate::lines::is_alphanumeric;

/// Starts of words by what they belong to.
static COMPLAINTS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    crate::embedded::read(include_str!("../../lexicon/complaints.toml")).unwrap_or_default()
});

/// Words of any conversation.
const COMMON: &[&str] = &[
    "able",
    "about",
    "above",
    "after",
    "again",
    "against",
    "also",
    "always",
    "anything",
    "arrived",
    "asked",
    "away",
    "been",
    "before",
    "being",
    "below",
    "better",
    "between",
    "both",
    "bring",
    "brought",
    "call",
    "came",
    "cannot",
    "care",
    "case",
    "cause",
    "change",
    "check",
    "clinic",
    "come",
    "could",
    "current",
    "daily",
    "days",
    "does",
    "doing",
    "done",
    "dose",
    "doses",
    "down",
    "during",
    "each",
    "early",
    "else",
    "enough",
    "even",
    "every",
    "feel",
    "feels",
    "female",
    "find",
    "first",
    "found",
    "from",
    "further",
    "gave",
    "give",
    "given",
    "going",
    "good",
    "have",
    "having",
    "health",
    "help",
    "here",
    "history",
    "home",
    "hospital",
    "hour",
    "hours",
    "immediately",
    "into",
    "just",
    "keep",
    "kind",
    "know",
    "known",
    "last",
    "later",
    "least",
    "left",
    "less",
    "level",
    "like",
    "little",
    "long",
    "look",
    "looks",
    "made",
    "make",
    "male",
    "manage",
    "management",
    "many",
    "medicine",
    "medicines",
    "medication",
    "minutes",
    "more",
    "morning",
    "most",
    "much",
    "need",
    "needs",
    "next",
    "night",
    "none",
    "normal",
    "nothing",
    "only",
    "other",
    "over",
    "pain",
    "patient",
    "patients",
    "please",
    "possible",
    "right",
    "safe",
    "same",
    "says",
    "seems",
    "seen",
    "several",
    "severe",
    "should",
    "show",
    "signs",
    "since",
    "some",
    "soon",
    "start",
    "started",
    "still",
    "such",
    "sure",
    "symptom",
    "symptoms",
    "take",
    "takes",
    "taking",
    "tell",
    "test",
    "tests",
    "than",
    "thank",
    "thanks",
    "that",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "thing",
    "things",
    "think",
    "this",
    "those",
    "three",
    "through",
    "time",
    "today",
    "told",
    "treat",
    "treatment",
    "twice",
    "under",
    "until",
    "used",
    "using",
    "usual",
    "very",
    "want",
    "wants",
    "week",
    "weeks",
    "well",
    "went",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "with",
    "without",
    "woman",
    "work",
    "worse",
    "worried",
    "would",
    "year",
    "years",
    "yesterday",
    "your",
];

/// [`COMMON`] as it is looked up.
static COMMON_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| COMMON.iter().copied().collect());

/// A word without the usual endings.
fn stem(word: &str) -> &str {
    let mut stem = word;
    for ending in ["ies", "ing", "es", "ed", "ly", "s"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.chars().count() >= 4
        {
            stem = rest;
            break;
        }
    }
    // `diabetes` and `diabetic`, `vomiting` and `vomit`.
    stem.char_indices().nth(7).map_or(stem, |(end, _)| &stem[..end])
}

/// The stems of the words of a text in lower case that tell what it is about.
fn words(lower: &str) -> impl Iterator<Item = &str> {
    lower
        .split(|c: char| !is_alphanumeric(c))
        .filter(|word| word.chars().count() >= 4 && !word.starts_with(|c: char| c.is_numeric()))
        .filter(|word| !COMMON_WORDS.contains(word))
        .map(stem)
}

/// The words that tell what a conversation is about, in lower case and without endings: those of its first message and
/// of the names of its subjects.
pub fn topic_words(prompt: &str, subjects: &[&str]) -> BTreeSet<String> {
    let texts = std::iter::once(prompt).chain(subjects.iter().copied()).map(str::to_lowercase);
    texts.flat_map(|lower| words(&lower).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The starts of words of [`COMPLAINTS`], found in one pass.
struct Starts {
    finder: Finder,
    /// Of each start: its group, and whether it is a whole word.
    groups: Vec<(usize, bool)>,
}

static STARTS: LazyLock<Starts> = LazyLock::new(|| {
    let all = || COMPLAINTS.values().enumerate().flat_map(|(at, s)| s.iter().map(move |s| (at, s)));
    Starts {
        finder: Finder::new(all().map(|(_, start)| start.as_str())),
        // Three letters are a whole word: `ear` is not in `early`.
        groups: all().map(|(group, start)| (group, start.len() <= 4)).collect(),
    }
});

/// What the complaints and parts of the body of a text in lower case belong to: a bit for each group.
pub(super) fn groups(lower: &str) -> u64 {
    let mut all = 0;
    let first = [[false, false], [true, false]];
    let places = places(lower, is_alphanumeric, Wanted { ascii: first, other: first });
    STARTS.finder.each(lower, &places, |start, _, end| {
        let (group, whole) = STARTS.groups[start];
        let ends = |rest: &str| !rest.starts_with(is_alphanumeric);
        let rest = &lower[end..];
        if !whole || ends(rest) || rest.strip_prefix('s').is_some_and(ends) {
            all |= 1 << group;
        }
    });
    all
}

/// Whether a later turn of the health worker has left the topic: no word of it belongs to the conversation before it
/// (`before`: all texts so far) or its subjects, and it brings a complaint or a part of the body of another kind.
pub fn left_topic(turn: &str, before: &str, subjects: &[&str]) -> bool {
    let turn = turn.to_lowercase();
    let brought = groups(&turn);
    // Most turns bring none, and need not be compared.
    if brought == 0 {
        return false;
    }
    let own: HashSet<&str> = words(&turn).collect();
    let before = before.to_lowercase();
    let shares = |lower: &str| words(lower).any(|word| own.contains(word));
    if shares(&before) || subjects.iter().any(|subject| shares(&subject.to_lowercase())) {
        return false;
    }
    brought & !groups(&before) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "A 45-year-old woman has had a cough with yellow sputum and fever for three days. \
        She takes amlodipine. Which antibiotic should I start?";

    #[test]
    fn a_turn_that_stays_shares_a_word() {
        for turn in [
            "The cough is worse at night. Anything else?",
            "Her sputum is green now.",
            "Is amlodipine a problem with it?",
            "She is allergic to penicillin.",
            "Thank you, what should I tell the family?",
            "Which antibiotics are safe with a rash?",
            "No chest pain, breathing is fine.",
        ] {
            assert!(!left_topic(turn, PROMPT, &["Respiratory Medicine"]), "{turn}");
        }
    }

    #[test]
    fn a_turn_that_brings_another_complaint_has_left() {
        for turn in [
            "By the way, how do I treat a sprained ankle?",
            "He also has toothache on the left side; what now?",
            "What about the itchy rash on both legs?",
            "Could you explain diabetes foot checks?",
        ] {
            assert!(left_topic(turn, PROMPT, &["Respiratory Medicine"]), "{turn}");
        }
    }

    #[test]
    fn every_group_has_its_words() {
        assert_eq!(COMPLAINTS.len(), 13);
        let mut starts = COMPLAINTS.values().flatten();
        assert!(starts.all(|start| start.chars().all(char::is_alphanumeric)));
        assert!(topic_words("Diabetes", &[]) == topic_words("diabetes", &[]));
    }
}
