//! A list of bullet points.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "bullets",
    former_ids: &[],
    repair_name: None,
    summary: "A list of bullet points.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::Bullets },
    good: &["- Rest.\n- Drink."],
    bad: &["- Rest.", "1. Rest.\n2. Drink."],
};

fn verify(_: &Constraint, text: &str, _: Language) -> Outcome {
    Outcome::failed_if(structure::bullets(text).len() < 2, "no list of bullet points")
}
