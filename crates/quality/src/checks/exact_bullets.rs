//! Exactly `n` bullet points.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_bullets",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` bullet points.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactBullets { n: 2 } },
    good: &["- Rest.\n- Drink."],
    bad: &["Rest.", "- Rest.\n- Drink.\n- Sleep."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactBullets { n } = constraint else { return Outcome::Undecided };
    Outcome::exactly(*n, structure::bullets(text).len(), "bullet points")
}
