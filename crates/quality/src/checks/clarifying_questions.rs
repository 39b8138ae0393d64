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
    good: &[
        "How old is the child?",
        "When and how did it start?",
        "Do you know when it started and how long it lasted?",
        "Is the child pale and short of breath, or is it well?",
    ],
    bad: &[
        "Rest.",
        "How old is the child? Does it drink?",
        "How old is the child, and does it drink?",
        "What does the wound look like, and how much has she drunk today?",
    ],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::ClarifyingQuestions { n } = constraint else { return Outcome::Undecided };
    let marked = talk::questions(text, language).len();
    let asked = talk::asked(text, language);
    // Two questions behind one mark are two. Where several were asked for, either count will do: a question
    // with two halves is a matter of taste there.
    let count = if *n > 1 && marked == *n as usize { marked } else { asked };
    Outcome::exactly(*n, count, "questions")
}
