//! A requested end marker.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "ends_with",
    former_ids: &[],
    repair_name: None,
    summary: "A requested end marker.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::EndsWith { marker: "END".into() } },
    good: &["Rest. END\n"],
    bad: &["Rest."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::EndsWith { marker } = constraint else { return Outcome::Undecided };
    Outcome::failed_if(!text.trim_end().ends_with(marker.as_str()), "the end mark is missing")
}
