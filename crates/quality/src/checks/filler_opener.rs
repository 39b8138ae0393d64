//! A filler at the beginning.

use std::ops::Range;

use clinstruct_schema::Language;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;

/// The check.
pub const CHECK: Check = Check {
    id: "filler_opener",
    former_ids: &[],
    repair_name: None,
    summary: "A filler at the beginning.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example: Turn::answer },
    good: &["Give water.", "Sure signs of dehydration are sunken eyes."],
    bad: &["Certainly! Give water.", "**Of course** it depends."],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let found = opener(turn.text, turn.language);
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}

/// The filler at the start of a text.
pub fn opener(text: &str, language: Language) -> Option<Range<usize>> {
    let start = text.len() - text.trim_start_matches(['*', '_', ' ', '\n', '"']).len();
    let head: String = text.get(start..)?.chars().take(60).collect();
    let head = head.to_lowercase().replace('’', "'");
    let found = lexicon(language).openers.iter().find(|o| {
        head.strip_prefix(o.as_str()).is_some_and(|rest| {
            let whole = o.ends_with(['!', ',', '.', ':', ' ']);
            whole || lexicon(language).unspaced || is_edge(rest) || o.chars().count() > 6
        })
    })?;
    // Sentence starts that only look like a filler: `claro` before a noun, `certainement` within.
    let end = text
        .get(start..)?
        .char_indices()
        .nth(found.chars().count())
        .map_or(text.len(), |(i, _)| start + i);
    Some(start..end)
}

fn is_edge(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '\u{94d}')
}
