//! Meta-commentary: text about the answer, the instructions or the model.

use std::ops::Range;

use clinstruct_schema::Language;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::{has_meta, lexicon};
use crate::segment::sentences;

/// The check.
pub const CHECK: Check = Check {
    id: "meta_commentary",
    former_ids: &["text_about_the_text"],
    repair_name: Some("text_about_the_text"),
    summary: "Meta-commentary: text about the answer, the instructions or the model.",
    group: Group::Wording,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &["Give water."],
    bad: &["As an AI, I give advice. Drink.", "Here is the revised answer: drink."],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let found = meta(turn.text, turn.language);
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}

/// The first sentence with meta-commentary.
pub fn meta(text: &str, language: Language) -> Option<Range<usize>> {
    let lower = text.to_lowercase().replace('’', "'");
    if !has_meta(&lower, language) {
        return None;
    }
    sentences(text, language).into_iter().find(|s| {
        let lower = text.get(s.clone()).unwrap_or_default().to_lowercase().replace('’', "'");
        lexicon(language).meta.iter().any(|m| holds(&lower, m, language))
    })
}

/// Whether a text contains a phrase that starts at a word boundary.
fn holds(text: &str, phrase: &str, language: Language) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        lexicon(language).unspaced || before.is_none_or(|c| !c.is_alphanumeric())
    })
}
