//! The form checks, which no text may fail, whoever wrote it: [`Group::Form`].

use clinstruct_schema::Speaker;

use crate::check::Group;
use crate::checks::{self, ALL};
use crate::{Turn, Violation};

/// A role tag at the start of a line.
pub const ROLE_TAG: &str = checks::role_tag::CHECK.id;
/// A control token of a model, such as `<|im_end|>` or `[INST]`, anywhere.
pub const CONTROL_TOKEN: &str = checks::control_token::CHECK.id;
/// Three or more number signs at the start of a line.
pub const HASH_HEADING: &str = checks::hash_heading::CHECK.id;
/// One pair of quotation marks around the whole text.
pub const WRAPPING_QUOTES: &str = checks::wrapping_quotes::CHECK.id;
/// A control character or U+FFFD.
pub const CONTROL: &str = checks::control_character::CHECK.id;
/// Text that is not in Unicode normalisation form C.
pub const NOT_NFC: &str = checks::not_nfc::CHECK.id;

/// The findings of these checks in a text.
pub fn check(text: &str) -> Vec<Violation> {
    let turn = Turn::new(Speaker::User, text);
    ALL.iter().filter(|c| c.group == Group::Form).flat_map(|c| c.find(&turn)).collect()
}
