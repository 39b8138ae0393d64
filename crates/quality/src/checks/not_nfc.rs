//! Text that is not in Unicode normalisation form C.

use unicode_normalization::is_nfc;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "not_nfc",
    former_ids: &[],
    repair_name: None,
    summary: "Text that is not in Unicode normalisation form C.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["caf\u{e9}"],
    bad: &["cafe\u{301}"],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let wrong = !is_nfc(turn.text);
    wrong.then(|| Finding::new("text is not in form C")).into_iter().collect()
}
