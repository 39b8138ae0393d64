//! One pair of quotation marks around the whole text.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "wrapping_quotes",
    former_ids: &[],
    repair_name: None,
    summary: "One pair of quotation marks around the whole text.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["\"Give\" and \"take\"", "He said \"rest\"."],
    bad: &["\"Give fluids.\"", "«Donnez des liquides.»"],
};

const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('«', '»'), ('„', '“'), ('「', '」')];

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let trimmed = turn.text.trim();
    QUOTES
        .into_iter()
        .filter(|(open, close)| {
            let inner = trimmed.strip_prefix(*open).and_then(|t| t.strip_suffix(*close));
            inner.is_some_and(|t| !t.contains(*open) && !t.contains(*close))
        })
        .map(|(open, close)| Finding::new(format!("{open}…{close} around the text")))
        .collect()
}
