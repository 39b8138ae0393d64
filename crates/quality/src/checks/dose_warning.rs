//! A dose needs a sentence that asks to verify it, and such a sentence needs a dose. Answers are always checked, even
//! without an instruction.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::dose;

/// The check.
pub const CHECK: Check = Check {
    id: "dose_warning",
    former_ids: &[],
    repair_name: None,
    summary: "A dose needs a sentence that asks to verify it, and such a sentence needs a dose. Answers are always checked, even without an instruction.",
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
    ],
    bad: &[
        "Give amoxicillin 500 mg three times a day.",
        "Rest. Please verify the dose in your formulary.",
    ],
};

fn verify(_: &Constraint, text: &str, language: Language) -> Outcome {
    fault(text, language).into()
}

/// A dose without a warning, or a warning without a dose.
fn fault(text: &str, language: Language) -> Option<Finding> {
    let doses = dose::doses(text, language);
    match (doses.first(), dose::warning(text, !doses.is_empty(), language)) {
        (Some(dose), None) => {
            let said = text.get(dose.place.clone()).unwrap_or_default();
            Some(Finding::at(
                dose.place.clone(),
                format!("a dose ({said}) without a sentence that asks to verify it"),
            ))
        }
        (None, Some(warning)) => {
            Some(Finding::at(warning, "asks to verify a dose and states none"))
        }
        _ => None,
    }
}
