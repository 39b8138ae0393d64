//! Some Markdown: a heading, emphasis or a list.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::structure;

/// The check.
pub const CHECK: Check = Check {
    id: "markdown",
    former_ids: &[],
    repair_name: None,
    summary: "Some Markdown: a heading, emphasis or a list.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::Markdown },
    good: &["**Rest.**", "1. Rest.\n2. Drink."],
    bad: &["Rest and drink."],
};

fn verify(_: &Constraint, text: &str, _: Language) -> Outcome {
    Outcome::failed_if(
        structure::markdown(text).is_none() && structure::numbered(text).is_empty(),
        "no Markdown",
    )
}
