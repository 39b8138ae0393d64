//! Exactly `n` numbered steps.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_numbered",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` numbered steps.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactNumbered { n: 2 } },
    good: &["1. Rest.\n2. Drink."],
    bad: &["1. Rest.", "- Rest.\n- Drink."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactNumbered { n } = constraint else { return Outcome::Undecided };
    Outcome::exactly(*n, structure::numbered(text).len(), "numbered steps")
}
