//! A question at the end of an answer, if none was requested.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::segment::last_sentence;
use crate::talk::questions;

/// The check.
pub const CHECK: Check = Check {
    id: "unsolicited_question",
    former_ids: &[],
    repair_name: None,
    summary: "A question at the end of an answer, if none was requested.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Measures),
    run: Run::Text { find, example: Turn::answer },
    good: &["Does it drink? If so, give water."],
    bad: &["Give water. Does it drink?"],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    // One who lays out options may ask which of them it is to be.
    if turn.waits() || turn.offers_choice() {
        return Vec::new();
    }
    let last = last_sentence(turn.text, turn.language);
    last.filter(|span| !questions(&turn.text[span.clone()], turn.language).is_empty())
        .map(|span| Finding::quote(turn.text, span))
        .into_iter()
        .collect()
}
