//! Whether a later turn has left what its conversation is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Starts of words by what they belong to.
static COMPLAINTS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../lexicon/complaints.toml")).unwrap_or_default()
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

/// A word without the usual endings.
fn stem(word: &str) -> String {
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
    stem.chars().take(7).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let all: Vec<String> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= 4 && !word.starts_with(|c: char| c.is_numeric()))
        .filter(|word| !COMMON.contains(word))
        .map(stem)
        .collect();
    all.into_iter()
}

/// The words that tell what a conversation is about, in lower case and without endings: those of its first message and
/// of the names of its subjects.
pub fn topic_words(prompt: &str, subjects: &[&str]) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = words(prompt).collect();
    all.extend(subjects.iter().flat_map(|subject| words(subject)));
    all
}

/// What the complaints and parts of the body of a text belong to.
fn groups(text: &str) -> BTreeSet<&'static str> {
    let complaints: &'static BTreeMap<String, Vec<String>> = &COMPLAINTS;
    let lower = text.to_lowercase();
    let mut all = BTreeSet::new();
    for word in lower.split(|c: char| !c.is_alphanumeric()) {
        for (group, starts) in complaints {
            let is = |start: &String| {
                // Three letters are a whole word: `ear` is not in `early`.
                if start.len() <= 4 {
                    word == start || word.strip_suffix('s') == Some(start)
                } else {
                    word.starts_with(start.as_str())
                }
            };
            if starts.iter().any(is) {
                all.insert(group.as_str());
            }
        }
    }
    all
}

/// Whether a later turn of the health worker has left the topic: no word of it belongs to the conversation before it
/// (`before`: all texts so far) or its subjects, and it brings a complaint or a part of the body of another kind.
pub fn left_topic(turn: &str, before: &str, subjects: &[&str]) -> bool {
    let known = topic_words(before, subjects);
    if words(turn).any(|word| known.contains(&word)) {
        return false;
    }
    let (brought, had) = (groups(turn), groups(before));
    brought.iter().any(|group| !had.contains(group))
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
        assert!(topic_words("Diabetes", &[]) == topic_words("diabetes", &[]));
    }
}
