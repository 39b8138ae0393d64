//! At most `n` characters.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "max_characters",
    former_ids: &[],
    repair_name: None,
    summary: "At most `n` characters.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::MaxCharacters { n: 5 } },
    good: &["Rest.\n"],
    bad: &["Rest now."],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::MaxCharacters { n } = constraint else { return Outcome::Undecided };
    let found = text.trim().chars().count();
    Outcome::failed_if(found > *n as usize, format!("{found} characters, more than {n}"))
}
