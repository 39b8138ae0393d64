//! A question to the reader in an answer, if none was requested.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::talk::put_to_the_reader;

/// The check.
pub const CHECK: Check = Check {
    id: "unsolicited_question",
    former_ids: &[],
    repair_name: None,
    summary: "A question to the reader in an answer, if none was requested.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Measures),
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Does it drink? If so, give water.",
        "Ask the mother, \"Does it drink?\", and give water.",
        "## What should I drink?\n\nWater.",
        "Find out:\n- Does it drink?\n- Does it vomit?\n\nThen give water.",
    ],
    bad: &[
        "Give water. Does it drink?",
        "How long has it been ill? Give water.",
        "Give water.\n\nHow long has it been ill?\n\nKeep it warm.",
    ],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    // One who lays out options may ask which of them it is to be.
    if turn.waits() || turn.offers_choice() {
        return Vec::new();
    }
    let found = put_to_the_reader(turn.text, turn.language);
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}
