//! A sentence that asks to verify a dose where none is stated. It is counted, and never repaired away.

use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::{Turn, dose};

/// The check.
pub const CHECK: Check = Check {
    id: "warning_without_dose",
    former_ids: &[],
    repair_name: None,
    summary: "A sentence asks to verify a dose, and none is stated.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Measures),
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Give amoxicillin 500 mg three times a day. Please verify the dose against your local formulary.",
        "Rest and drink.",
    ],
    bad: &["Rest. Please verify the dose in your formulary."],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let doses = dose::find(turn.text, turn.language);
    let alone = doses.warning.filter(|_| doses.stated.is_empty());
    alone
        .map(|place| Finding::at(place, "asks to verify a dose and states none"))
        .into_iter()
        .collect()
}
