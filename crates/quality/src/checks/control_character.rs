//! A control character or U+FFFD.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "control_character",
    former_ids: &[],
    repair_name: None,
    summary: "A control character or U+FFFD.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["One line.\n", "A\tcolumn."],
    bad: &["Give\u{7} fluids.", "Give fluids\u{fffd}."],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let control = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || c == '\u{fffd}';
    let found = turn.text.char_indices().find(|(_, c)| control(*c));
    found
        .map(|(at, c)| Finding::at(at..at + c.len_utf8(), format!("U+{:04X}", u32::from(c))))
        .into_iter()
        .collect()
}
