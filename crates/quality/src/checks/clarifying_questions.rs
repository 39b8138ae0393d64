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
        "How old is the child? Ask the mother: \"Does he drink? Has he had a fit?\"",
        "Here is the sentence in French for the family, who will read it on their own at home.\n\n> Avez-vous pris le médicament ce matin ?\n\nWho will read it to them?",
        "This is what you can read to the parents in Spanish, slowly and with a pause after each one.\n\n¿Desde cuándo tiene fiebre el niño? ¿Ha tomado algún medicamento en casa?\n\nIs there an interpreter on the ward tonight?",
    ],
    bad: &[
        "Rest.",
        "How old is the child? Does it drink?",
        "How old is the child, and does it drink?",
        "Ask the mother: \"Does he drink?\"",
        "What does the wound look like, and how much has she drunk today?",
    ],
};

fn verify(constraint: &Constraint, text: &str, language: Language) -> Outcome {
    let Constraint::ClarifyingQuestions { n } = constraint else { return Outcome::Undecided };
    let (marked, asked) = talk::own_questions(text, language);
    // Two questions behind one mark are two. Where several were asked for, either count will do: a question
    // with two halves is a matter of taste there.
    let count = if *n > 1 && marked == *n as usize { marked } else { asked };
    Outcome::exactly(*n, count, "questions")
}
