//! A dose comes with a sentence that asks to verify it. Answers are always checked, also where no instruction asks.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::dose;

/// The check.
pub const CHECK: Check = Check {
    id: "dose_warning",
    former_ids: &[],
    repair_name: None,
    summary: "A dose comes with a sentence that asks to verify it. Answers are always checked, also where no instruction asks.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction { verify, example: || Constraint::DoseWarning },
    good: &[
        "Give amoxicillin 500 mg three times a day. Please verify the dose against your local formulary.",
        "Rest and drink.",
        "Steps of 25 to 50 mg a week are usual, and please verify that before use.",
        // A warning too many is no fault: its repair would take a wanted warning away.
        "Rest. Please verify the dose in your formulary.",
    ],
    bad: &[
        "Give amoxicillin 500 mg three times a day.",
        "**Ceftriaxone 2 g IV**, then check the blood pressure.",
    ],
};

fn verify(_: &Constraint, text: &str, language: Language) -> Outcome {
    dose::missing_warning(text, language, &[]).map(|(at, seen)| Finding::at(at, seen)).into()
}
