//! Exactly `n` lines that are not blank.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::lines::lines;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_lines",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` lines that are not blank.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactLines { n: 2 } },
    good: &["Rest.\n\nDrink."],
    bad: &["Rest."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactLines { n } = constraint else { return Outcome::Undecided };
    Outcome::exactly(*n, lines(text).count(), "lines")
}
