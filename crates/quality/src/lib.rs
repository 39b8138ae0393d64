//! What must hold of text: of a turn before it stands in a conversation, and of a whole dataset before it
//! is shipped.
//!
//! [`check_turn`] and [`check_prompt`] are the gate: pure functions of a text and of what was asked; they
//! never change it. What fails is asked for again with the failed check named, and rejected where no try
//! passes. [`verify()`] decides one instruction, with place and reason. What code cannot tell (humour, fit
//! to an audience) is not looked at here.

pub mod card;
pub mod dataset;
pub mod dose;
mod hygiene;
mod language;
mod lexicon;
pub mod segment;
pub mod structure;
pub mod talk;
mod verify;

use std::ops::Range;

pub use hygiene::{CONTROL, CONTROL_TOKEN, HASH_HEADING, NOT_NFC, ROLE_TAG, WRAPPING_QUOTES};
pub use language::{LANGUAGE, identify, is_in};
pub use verify::{Verdict, name, verify};

use card::About;
use clinstruct_schema::{Constraint, Language, PatientCard, Situation, Speaker};

/// A filler at the beginning.
pub const OPENER: &str = "filler_opener";
/// An offer of more at the end.
pub const CLOSING: &str = "offer_at_the_end";
/// Text about the text or the model.
pub const META: &str = "text_about_the_text";
/// A text that breaks off.
pub const CUT: &str = "breaks_off";

/// Age or sex that is not the patient's.
pub const OTHER_PATIENT: &str = "other_patient";
/// An emergency number, a law or a brand of another country.
pub const OTHER_COUNTRY: &str = "other_country";

/// A check that a text did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Name of the check, such as `language`.
    pub check: &'static str,
    /// What was seen, for a person.
    pub detail: String,
    /// Bytes of the text where it was seen, where they can be named.
    pub span: Option<Range<usize>>,
}

/// All checks on a prompt.
///
/// `card` is that of the patient whom it is about.
pub fn check_prompt(text: &str, card: Option<&PatientCard>) -> Vec<Violation> {
    let mut found = hygiene::check(text);
    found.extend(seen(OTHER_PATIENT, card.and_then(|c| card::patient(text, c))));
    found.extend(place(META, talk::meta(text, Language::English), text));
    found
}

fn seen(check: &'static str, found: Option<(String, Range<usize>)>) -> Option<Violation> {
    found.map(|(detail, span)| Violation { check, detail, span: Some(span) })
}

fn place(check: &'static str, span: Option<Range<usize>>, text: &str) -> Option<Violation> {
    let span = span?;
    let detail = format!("\"{}\"", text.get(span.clone()).unwrap_or_default());
    Some(Violation { check, detail, span: Some(span) })
}

/// All checks on a turn of a conversation.
pub fn check_turn(
    text: &str,
    speaker: Speaker,
    situation: &Situation,
    about: &About<'_>,
) -> Vec<Violation> {
    let mut found = hygiene::check(text);
    match speaker {
        Speaker::Assistant => {
            let asked = asked_language(situation);
            found.extend(language::check(text, asked));
            if !found.is_empty() {
                // In another language or with role tags nothing else means much.
                return found;
            }
            for constraint in situation.constraints() {
                found.extend(broken(constraint, text, asked));
            }
            if !situation.constraints().any(|c| *c == Constraint::DoseWarning) {
                found.extend(broken(&Constraint::DoseWarning, text, asked));
            }
            let json = situation.constraints().any(|c| matches!(c, Constraint::JsonObject { .. }));
            found.extend(place(OPENER, talk::opener(text, asked), text));
            found.extend(place(
                CLOSING,
                talk::closing(text, asked).filter(|_| !asks(situation)),
                text,
            ));
            found.extend(place(META, talk::meta(text, asked), text));
            let number = card::emergency_number(text, about.emergency);
            found.extend(seen(OTHER_COUNTRY, number.or_else(|| card::foreign(text, about))));
            found.extend(place(CUT, talk::cut(text, asked).filter(|_| !json), text));
        }
        Speaker::User => {
            found.extend(seen(OTHER_PATIENT, card::patient(text, about.card)));
            for constraint in situation.user_styles.iter().flat_map(|s| &s.constraints) {
                found.extend(broken(constraint, text, Language::English));
            }
            found.extend(place(META, talk::meta(text, Language::English), text));
        }
        Speaker::PromptWriter => {
            found.extend(place(META, talk::meta(text, Language::English), text));
        }
    }
    found
}

/// Whether questions were asked for.
fn asks(situation: &Situation) -> bool {
    situation.constraints().any(|c| matches!(c, Constraint::ClarifyingQuestions { .. }))
}

fn broken(constraint: &Constraint, text: &str, language: Language) -> Option<Violation> {
    if matches!(constraint, Constraint::Language { .. }) {
        return None;
    }
    let verdict = verify(constraint, text, language)?;
    (!verdict.strict).then(|| Violation {
        check: name(constraint),
        detail: verdict.seen,
        span: verdict.span,
    })
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
