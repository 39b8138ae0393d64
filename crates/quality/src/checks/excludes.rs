//! No occurrence of a term, in any case.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "excludes",
    former_ids: &[],
    repair_name: None,
    summary: "No occurrence of a term, in any case.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::Excludes { term: "fluids".into() } },
    good: &["Rest."],
    bad: &["Fluids first."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::Excludes { term } = constraint else { return Outcome::Undecided };
    let lower = text.to_lowercase();
    // Offsets are valid if lower-casing keeps the length, as it does in these languages.
    let found = lower.find(&term.to_lowercase()).map(|at| {
        let span = (lower.len() == text.len()).then(|| at..at + term.len());
        Finding { detail: format!("\"{term}\" occurs"), span }
    });
    found.into()
}
