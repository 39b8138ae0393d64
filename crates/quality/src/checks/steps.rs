//! Numbered steps.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "steps",
    former_ids: &[],
    repair_name: None,
    summary: "Numbered steps.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::Steps },
    good: &["1. Rest.\n2. Drink."],
    bad: &["First rest, then drink."],
};

fn verify(_: &Constraint, text: &str, _: Language) -> Outcome {
    Outcome::failed_if(structure::numbered(text).len() < 2, "no numbered steps")
}
