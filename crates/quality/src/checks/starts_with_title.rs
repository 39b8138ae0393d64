//! A title in bold on the first line.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "starts_with_title",
    former_ids: &[],
    repair_name: None,
    summary: "A title in bold on the first line.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::StartsWithTitle },
    good: &["**Fever**\nDrink."],
    bad: &["Fever\nDrink.", "**Fever** and more"],
};

fn verify(_: &Constraint, text: &str, _: Language) -> Outcome {
    Outcome::failed_if(!structure::starts_with_title(text), "no title in bold on the first line")
}
