//! All checks, one file each, and the table that lists them.
//!
//! # Adding a check
//!
//! 1. Write `checks/NAME.rs` with `pub const CHECK: Check`: its id, the effect of a finding by author, the check
//!    function, and texts that pass and fail. A test runs them all.
//! 2. Add it to the list below, at its place in the order.
//!
//! A check of a new kind of instruction also needs its variant of [`clinstruct_schema::Constraint`].

pub mod asks_first;
pub mod bullets;
pub mod clarifying_questions;
pub mod contains;
pub mod control_character;
pub mod control_token;
pub mod dose_warning;
pub mod ends_with;
pub mod exact_bullets;
pub mod exact_headings;
pub mod exact_lines;
pub mod exact_numbered;
pub mod exact_paragraphs;
pub mod exact_sentences;
pub mod excludes;
pub mod filler_opener;
pub mod formal;
pub mod hash_heading;
pub mod json_object;
pub mod language;
pub mod markdown;
pub mod max_characters;
pub mod max_words;
pub mod meta_commentary;
pub mod min_words;
pub mod no_markdown;
pub mod not_nfc;
pub mod offer_at_the_end;
pub mod one_step;
pub mod other_case;
pub mod other_country;
pub mod other_frame;
pub mod other_patient;
pub mod overlong_prompt;
pub mod prescription_dose;
pub mod role_tag;
pub mod starts_with_title;
pub mod steps;
pub mod table_columns;
pub mod truncated_answer;
pub mod unsolicited_question;
pub mod warning_without_dose;
pub mod wrapping_quotes;

use crate::check::Check;

/// All checks, in the order in which they run. Checks of instructions run together, in the order of the instructions.
pub const ALL: &[&Check] = &[
    &role_tag::CHECK,
    &hash_heading::CHECK,
    &control_token::CHECK,
    &wrapping_quotes::CHECK,
    &control_character::CHECK,
    &not_nfc::CHECK,
    &language::CHECK,
    &other_patient::CHECK,
    &other_frame::CHECK,
    &other_case::CHECK,
    &overlong_prompt::CHECK,
    &exact_sentences::CHECK,
    &max_words::CHECK,
    &min_words::CHECK,
    &max_characters::CHECK,
    &exact_bullets::CHECK,
    &bullets::CHECK,
    &exact_numbered::CHECK,
    &steps::CHECK,
    &exact_headings::CHECK,
    &table_columns::CHECK,
    &exact_paragraphs::CHECK,
    &exact_lines::CHECK,
    &no_markdown::CHECK,
    &markdown::CHECK,
    &starts_with_title::CHECK,
    &ends_with::CHECK,
    &contains::CHECK,
    &excludes::CHECK,
    &clarifying_questions::CHECK,
    &one_step::CHECK,
    &asks_first::CHECK,
    &json_object::CHECK,
    &formal::CHECK,
    &dose_warning::CHECK,
    &prescription_dose::CHECK,
    &filler_opener::CHECK,
    &offer_at_the_end::CHECK,
    &meta_commentary::CHECK,
    &other_country::CHECK,
    &truncated_answer::CHECK,
    &unsolicited_question::CHECK,
    &warning_without_dose::CHECK,
];

/// The check with this id, or an id of earlier versions.
pub fn by_id(id: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|check| check.id == id || check.former_ids.contains(&id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::case::Reader;
    use crate::check::{Outcome, Run};

    fn fails(check: &Check, text: &'static str) -> bool {
        match check.run {
            Run::Text { find, example } => !find(&example(text)).is_empty(),
            Run::Facts { find, example } => !find(&example(text), &Reader::new(text)).is_empty(),
            Run::Instruction { verify, example } => {
                let language = clinstruct_schema::Language::English;
                matches!(verify(&example(), text, language), Outcome::Failed(_))
            }
        }
    }

    #[test]
    fn every_check_passes_its_good_texts_and_fails_its_bad_ones() {
        let mut wrong = Vec::new();
        for check in ALL {
            // English has no formal address: the examples of that check are in its own test.
            let in_english = check.id != formal::CHECK.id;
            assert!(!check.good.is_empty() && check.bad.is_empty() != in_english, "{}", check.id);
            let good = check.good.iter().filter(|text| fails(check, text));
            wrong.extend(good.map(|text| format!("{} fails {text:?}", check.id)));
            let bad = check.bad.iter().filter(|text| !fails(check, text));
            wrong.extend(bad.map(|text| format!("{} passes {text:?}", check.id)));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn ids_are_unique_and_every_file_is_in_the_table() {
        let ids: BTreeSet<&str> =
            ALL.iter().flat_map(|c| c.former_ids.iter().copied().chain([c.id])).collect();
        assert_eq!(ids.len(), ALL.iter().map(|c| 1 + c.former_ids.len()).sum::<usize>());
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let id = name.trim_end_matches(".rs");
            assert!(by_id(id).is_some_and(|check| check.id == id), "{name} is not in the table");
        }
    }

    #[test]
    fn every_instruction_has_the_check_that_its_examples_name() {
        for check in ALL {
            if let Run::Instruction { example, .. } = check.run {
                assert_eq!(crate::check::constraint_id(&example()), check.id);
            }
        }
    }
}
