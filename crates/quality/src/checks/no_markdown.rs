//! Plain text without Markdown.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "no_markdown",
    former_ids: &[],
    repair_name: None,
    summary: "Plain text without Markdown.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::NoMarkdown },
    good: &["1. Rest.\n2. Drink.", "Temperature: ____ Pulse: ____"],
    bad: &["**Rest.**", "__Rest.__", "- Rest.\n- Drink."],
};

fn verify(_: &Constraint, text: &str, _: Language) -> Outcome {
    let found = structure::markdown(text);
    found.map(|place| Finding::at(place, "formatting marks")).into()
}
