//! Exactly `n` questions.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::talk;

/// The check.
pub const CHECK: Check = Check {
    id: "clarifying_questions",
    former_ids: &[],
    repair_name: None,
    summary: "Exactly `n` questions.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::ClarifyingQuestions { n: 1 } },
    good: &["How old is the child?"],
    bad: &["Rest.", "How old is the child? Does it drink?"],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::ClarifyingQuestions { n } = constraint else { return Outcome::Undecided };
    Outcome::exactly(*n, talk::questions(text, language).len(), "questions")
}
