//! Exactly `n` headings.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_headings",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` headings.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactHeadings { n: 1 } },
    good: &["## Care\nRest."],
    bad: &["Rest."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactHeadings { n } = constraint else { return Outcome::Undecided };
    Outcome::exactly(*n, structure::headings(text).len(), "headings")
}
