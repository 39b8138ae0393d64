//! Checks on one text before it becomes part of a conversation. Whole datasets are in `curate`.
//!
//! A check is a pure function of one text and of the known facts about it; it never changes the text. [`checks`] has
//! one file for each and the table that lists them. [`check()`] runs those that apply to a [`Turn`]: a finding is a
//! [`Violation`], for which a run requests a repair, and rejects the row if no repair passes. [`verify()`] decides one
//! instruction, with position and reason. What code cannot decide (humour, fit for an audience) is not checked here.
//!
//! # Checking one answer
//!
//! State what is known about the text; unknown facts are not checked:
//!
//! ```
//! use clinstruct_quality::{Turn, check};
//! use clinstruct_schema::Constraint;
//!
//! let short = Constraint::MaxWords { n: 8 };
//! let answer = "Certainly! Give amoxicillin 500 mg three times a day for five days.";
//! let found = check(&Turn { instructions: vec![&short], ..Turn::answer(answer) });
//!
//! let names: Vec<&str> = found.iter().map(|violation| violation.check).collect();
//! assert_eq!(names, ["max_words", "dose_warning", "filler_opener"]);
//! assert_eq!(found[0].detail, "12 words, more than 8");
//! ```
//!
//! # Adding to it
//!
//! [`checks`] says how to add a check, and [`clinstruct_schema::language_table`] how to add a language: what the checks
//! know about a language is data, in `lexicon/CODE.toml`.

pub mod card;
pub mod case;
pub mod check;
pub mod checks;
pub mod compare;
pub mod dose;
mod embedded;
mod finder;
pub mod hygiene;
mod kept;
pub mod language;
pub mod lay;
mod lexicon;
mod lines;
mod pattern;
mod people;
mod phrases;
mod run;
pub mod segment;
pub mod structure;
pub mod talk;
mod turn;
pub mod verify;

use std::ops::Range;

pub use card::{CountryTerms, Gender, PatientFacts, Place};
pub use check::Check;
pub use hygiene::{CONTROL, CONTROL_TOKEN, HASH_HEADING, NOT_NFC, ROLE_TAG, WRAPPING_QUOTES};
pub use kept::lost;
pub use language::{identify, is_in};
pub use run::{check, check_prompt, check_prompt_in, check_turn};
pub use turn::Turn;
pub use verify::{Verdict, name, verify};

/// A failed check of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Id of the check, such as `language`.
    pub check: &'static str,
    /// Message for people.
    pub detail: String,
    /// Position in the text in bytes, if known.
    pub span: Option<Range<usize>>,
}

impl Violation {
    /// The line of the repair message to a model: the check and its finding.
    pub fn repair_note(&self) -> String {
        let name = checks::by_id(self.check).map_or(self.check, Check::repair_name);
        format!("{name}: {}", self.detail)
    }
}
