//! At least `n` words.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::segment::words;

/// The check.
pub const CHECK: Check = Check {
    id: "min_words",
    former_ids: &[],
    repair_name: None,
    summary: "At least `n` words.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::MinWords { n: 3 } },
    good: &["Rest and drink."],
    bad: &["Rest now."],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::MinWords { n } = constraint else { return Outcome::Undecided };
    let found = words(text, language);
    Outcome::failed_if(found < *n as usize, format!("{found} words, fewer than {n}"))
}
