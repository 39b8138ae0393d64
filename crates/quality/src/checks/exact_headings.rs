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
    good: &["## Care\nRest.", "**Care**\nRest."],
    bad: &["Rest.", "**Care** is rest."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::ExactHeadings { n } = constraint else { return Outcome::Undecided };
    let marked = structure::headings(text).len();
    // In plain chat, a line in bold alone is a heading.
    let found = if marked == 0 { structure::bold_lines(text) } else { marked };
    Outcome::exactly(*n, found, "headings")
}
