//! Checks on the text of turns: what must hold before a turn stands in a conversation.
//!
//! A check is a pure function of a text and of what was asked; it never changes the text. A turn that
//! fails one is asked for again by the driver, and its conversation is rejected with the check's name when
//! no try passes. What code cannot tell (humour, fit to an audience) is not looked at here.

mod hygiene;
mod language;

pub use hygiene::{CONTROL, HASH_HEADING, NOT_NFC, ROLE_TAG, WRAPPING_QUOTES};
pub use language::{LANGUAGE, identify, is_in};

use clinstruct_schema::{Constraint, Language, Situation, Speaker};

/// A check that a text did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Name of the check, such as `language`.
    pub check: &'static str,
    /// What was seen, for a person.
    pub detail: String,
}

/// All checks on a prompt.
pub fn check_prompt(text: &str) -> Vec<Violation> {
    hygiene::check(text)
}

/// All checks on a turn of a conversation.
pub fn check_turn(text: &str, speaker: Speaker, situation: &Situation) -> Vec<Violation> {
    let mut found = hygiene::check(text);
    if speaker == Speaker::Assistant {
        found.extend(language::check(text, asked_language(situation)));
    }
    found
}

/// The language that answers are to be in: the one asked for, English otherwise.
pub fn asked_language(situation: &Situation) -> Language {
    situation
        .constraints()
        .find_map(|c| match c {
            Constraint::Language { language } => Some(*language),
            _ => None,
        })
        .unwrap_or(Language::English)
}
