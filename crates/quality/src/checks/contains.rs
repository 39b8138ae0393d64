//! A requested term, in any case.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "contains",
    former_ids: &[],
    repair_name: None,
    summary: "A requested term, in any case.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::Contains { term: "fluids".into() } },
    good: &["Fluids first."],
    bad: &["Rest."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::Contains { term } = constraint else { return Outcome::Undecided };
    let has = text.to_lowercase().contains(&term.to_lowercase());
    Outcome::failed_if(!has, "the term is missing")
}
