//! A truncated answer: its last sentence has no end.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::lines::lines;
use crate::structure::{is_rule, marker_length};
use crate::talk::is_mark;

/// The check.
pub const CHECK: Check = Check {
    id: "truncated_answer",
    former_ids: &["breaks_off"],
    repair_name: Some("breaks_off"),
    summary: "A truncated answer: its last sentence has no end.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example: Turn::answer },
    good: &["Give water.", "Give:\n- water and salt", "Rest.\nEND OF ADVICE"],
    bad: &["Give water and look at the"],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    if turn.asks(|c| matches!(c, Constraint::JsonObject { .. })) {
        return Vec::new();
    }
    let found = cut(turn.text, turn.language);
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}

/// Position where a text is truncated: its last line is prose without an end mark, and not an item, title or row.
pub fn cut(text: &str, language: Language) -> Option<Range<usize>> {
    let lexicon = lexicon(language);
    if lexicon.unspaced {
        // Without end marks, a word that needs a successor shows that the sentence is incomplete.
        let end = text.trim_end();
        let found = lexicon.hanging.iter().find(|h| end.ends_with(h.as_str()))?;
        return Some(end.len() - found.len()..end.len());
    }
    let last = lines(text).last()?;
    let line = &text[last.clone()];
    if is_rule(line) || line.starts_with('|') || marker_length(line) > 0 {
        return None;
    }
    if line.ends_with(['"', '\'', '”', '’', '»', ')', ']', '}', '*', '`', '_', '“']) {
        return None;
    }
    let end = line.chars().next_back()?;
    let ended = matches!(end, '.' | '!' | '?' | '।' | '॥' | ':' | ';' | '…' | '¶')
        || !(end.is_alphanumeric() || is_mark(end) || end == ',' || end == '-');
    // A line of one word or a marker such as `END OF ADVICE` is not a truncated sentence.
    let shouted = !line.chars().any(char::is_lowercase) && line.is_ascii();
    (!ended && !shouted && line.split_whitespace().count() > 2).then_some(last)
}
