//! Statements of a list: their words, and how they are made.

use clinstruct_schema::{FactName, StatedFact};

/// Words without content of their own.
const SMALL: [&str; 40] = [
    "the", "and", "with", "for", "has", "had", "her", "his", "she", "from", "was", "are", "is",
    "of", "a", "an", "in", "on", "at", "to", "or", "by", "since", "after", "over", "past", "last",
    "patient", "history", "known", "been", "have", "that", "this", "their", "who", "day", "days",
    "ago", "about",
];

/// Words that put a number before the other one, where no time is named: `was 90`.
pub(super) const WAS: [&str; 9] =
    [" was ", " were ", " had been ", " war ", " était ", " era ", " foi ", " था ", " थी "];

/// The words of a statement with content, and its numbers.
pub(super) fn content(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let all: Vec<String> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !SMALL.contains(word))
        .map(str::to_owned)
        .collect();
    all.into_iter()
}

/// A fact with its value and unit.
pub(super) fn fact_of(name: FactName, value: &str, unit: &str) -> StatedFact {
    StatedFact { name, value: value.to_owned(), unit: unit.to_owned() }
}
