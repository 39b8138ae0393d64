//! Three or more number signs at the start of a line.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lines::line_starts;

/// The check.
pub const CHECK: Check = Check {
    id: "hash_heading",
    former_ids: &[],
    repair_name: None,
    summary: "Three or more number signs at the start of a line.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["Give fluids.\n- one\n- two\n\n## Next\nC:\\temp and \\frac{1}{2}"],
    bad: &["### Plan\nGive fluids."],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    line_starts(turn.text)
        .filter(|(_, _, line)| line.starts_with("###"))
        .map(|(number, from, _)| {
            Finding::at(from..from + 3, format!("line {number} starts with ###"))
        })
        .collect()
}
