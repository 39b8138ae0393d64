//! Exactly `n` paragraphs.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "exact_paragraphs",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` paragraphs.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ExactParagraphs { n: 2 } },
    good: &["Rest.\n\nDrink."],
    bad: &["Rest.\nDrink."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactParagraphs { n } = constraint else { return Outcome::Undecided };
    Outcome::exactly(*n, structure::paragraphs(text), "paragraphs")
}
