//! An offer of more at the end.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::segment::last_sentence;

/// The check.
pub const CHECK: Check = Check {
    id: "offer_at_the_end",
    former_ids: &[],
    repair_name: None,
    summary: "An offer of more at the end.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example: Turn::answer },
    good: &["Give water. Let me know is what to say.\nSee the child again."],
    bad: &["Give water. Let me know if you need more.", "Rest. Would you like a table?"],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    // If questions were requested, an offer is allowed.
    if turn.asks(|c| matches!(c, Constraint::ClarifyingQuestions { .. })) {
        return Vec::new();
    }
    let found = closing(turn.text, turn.language);
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}

/// The last sentence, if it is an offer.
pub fn closing(text: &str, language: Language) -> Option<Range<usize>> {
    let last = last_sentence(text, language)?;
    let lower = text.get(last.clone())?.to_lowercase().replace('’', "'");
    // A line of an unspaced script contains several sentences: only its end is examined.
    let tail: String = if lexicon(language).unspaced {
        let skip = lower.chars().count().saturating_sub(60);
        lower.chars().skip(skip).collect()
    } else {
        lower
    };
    lexicon(language).closings.iter().any(|c| tail.contains(c.as_str())).then_some(last)
}
