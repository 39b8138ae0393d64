//! Words beside the name of a condition that make no other one of it.

/// Words that make no other condition of one.
pub(super) const QUALIFIERS: &[&str] = &[
    "mellitus",
    "disease",
    "disorder",
    "syndrome",
    "chronic",
    "essential",
    "primary",
    "known",
    "stage",
    "grade",
    "well",
    "poorly",
    "controlled",
    "uncontrolled",
    "stable",
    "mild",
    "moderate",
    "severe",
    "longstanding",
    "long-standing",
    "diagnosed",
    "newly",
    "treated",
    "on",
    "treatment",
    "the",
    "of",
    "and",
    "a",
    "in",
];

/// Words beside the name of a condition that make no other one of it: since when, how bad, and on which side.
const BESIDE: &[&str] = &[
    "since",
    "for",
    "from",
    "year",
    "years",
    "month",
    "months",
    "birth",
    "childhood",
    "bilateral",
    "left",
    "right",
    "both",
    "sided",
    "profound",
    "her",
    "his",
    "their",
    "long",
    "term",
    "old",
    "advanced",
    "early",
    "active",
    "confirmed",
    "suspected",
    "x",
    "y",
    "yr",
    "yrs",
];

/// Whether a word or number beside the name of a condition makes no other one of it.
pub(super) fn is_beside(word: &str) -> bool {
    let apart = |word: &str| {
        QUALIFIERS.contains(&word) || BESIDE.contains(&word) || word.parse::<u32>().is_ok()
    };
    apart(word) || word.split('-').all(apart)
}

/// What makes another condition of one: a stammer after a stroke is no stammer of childhood.
pub(super) const CAUSES: [&str; 8] =
    ["after", "following", "due to", "secondary to", "caused by", "because of", "acquired", "post"];

/// Words for an illness that is over.
pub(super) const OVER: [&str; 10] = [
    "previous", "prior", "past", "old", "history", "years", "months", "known", "sequelae",
    "residual",
];
