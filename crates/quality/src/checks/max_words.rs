//! At most `n` words.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::segment::words;

/// The check.
pub const CHECK: Check = Check {
    id: "max_words",
    former_ids: &[],
    repair_name: None,
    summary: "At most `n` words.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::MaxWords { n: 3 } },
    good: &["Rest and drink."],
    bad: &["Rest and drink water."],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::MaxWords { n } = constraint else { return Outcome::Undecided };
    let found = words(text, language);
    Outcome::failed_if(found > *n as usize, format!("{found} words, more than {n}"))
}
