//! One text with what it is checked against.

use clinstruct_schema::{Constraint, Language, PatientCard, Situation, Speaker};

use crate::Violation;
use crate::card::{About, PatientFacts, Place};
use crate::check::{Check, Outcome, Run, Strictness, constraint_id};
use crate::checks::{self, ALL};

/// One text with what it is checked against. What is not known is not checked.
///
/// Begin with [`Turn::answer`], [`Turn::prompt`] or [`Turn::follow_up`], and set what is known.
#[derive(Debug, Clone)]
pub struct Turn<'a> {
    /// Who wrote it.
    pub speaker: Speaker,
    /// The text.
    pub text: &'a str,
    /// The language that was asked for.
    pub language: Language,
    /// What was asked of it.
    pub instructions: Vec<&'a Constraint>,
    /// The patient whom it is about.
    pub patient: Option<PatientFacts>,
    /// The country of care.
    pub place: Option<Place<'a>>,
}

impl<'a> Turn<'a> {
    /// A text in English of which nothing else is known.
    pub fn new(speaker: Speaker, text: &'a str) -> Self {
        let language = Language::English;
        Self { speaker, text, language, instructions: Vec::new(), patient: None, place: None }
    }

    /// An answer of the assistant.
    pub fn answer(text: &'a str) -> Self {
        Self::new(Speaker::Assistant, text)
    }

    /// The first message of a conversation.
    pub fn prompt(text: &'a str) -> Self {
        Self::new(Speaker::PromptWriter, text)
    }

    /// A later message of the health worker.
    pub fn follow_up(text: &'a str) -> Self {
        Self::new(Speaker::User, text)
    }

    /// A turn of a conversation in a situation.
    fn of(text: &'a str, speaker: Speaker, situation: &'a Situation, about: &About<'a>) -> Self {
        let turn = Self::new(speaker, text);
        match speaker {
            Speaker::PromptWriter => turn,
            Speaker::Assistant => Self {
                language: asked_language(situation),
                instructions: situation.constraints().collect(),
                place: Some(about.place()),
                ..turn
            },
            Speaker::User => Self {
                instructions: situation.user_styles.iter().flat_map(|s| &s.constraints).collect(),
                patient: Some(about.card.into()),
                ..turn
            },
        }
    }

    /// Whether one of the instructions is such a one.
    pub(crate) fn asks(&self, wanted: impl Fn(&Constraint) -> bool) -> bool {
        self.instructions.iter().any(|c| wanted(c))
    }

    /// The instructions that are verified: those given, and that of doses for every answer.
    fn verified(&self) -> impl Iterator<Item = &Constraint> {
        let doses = self.speaker == Speaker::Assistant
            && !self.asks(|c| matches!(c, Constraint::DoseWarning));
        // The language has a check of its own, which is run before.
        let given = self.instructions.iter().copied();
        given
            .filter(|c| !matches!(c, Constraint::Language { .. }))
            .chain(doses.then_some(&Constraint::DoseWarning))
    }

    /// What its instructions find, in the order of the instructions.
    fn broken(&self) -> impl Iterator<Item = Violation> {
        self.verified().filter_map(|constraint| {
            let check = checks::by_id(constraint_id(constraint))?;
            let Run::Instruction { verify, .. } = check.run else { return None };
            match verify(constraint, self.text, self.language) {
                Outcome::Failed(finding) => Some(check.violation(finding)),
                Outcome::Passed | Outcome::Undecided => None,
            }
        })
    }
}

/// Runs all checks that apply to a turn and do more than measure.
pub fn check(turn: &Turn<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut stopped = false;
    let mut instructed = false;
    for check in ALL {
        let Some(strictness) = check.strictness.of(turn.speaker) else { continue };
        match strictness {
            Strictness::Measures => continue,
            Strictness::Blocks if stopped => break,
            Strictness::Blocks | Strictness::Stops => {}
        }
        let before = found.len();
        match check.run {
            Run::Text { .. } => found.extend(check.find(turn)),
            Run::Instruction { .. } if instructed => {}
            Run::Instruction { .. } => {
                instructed = true;
                found.extend(turn.broken());
            }
        }
        stopped |= strictness == Strictness::Stops && found.len() > before;
    }
    in_order_of_lines(&mut found);
    found
}

/// Puts what was found at the starts of lines in the order of the text: repairs name findings in this order,
/// and the address of a stored repair depends on it.
fn in_order_of_lines(found: &mut [Violation]) {
    let of_lines = |check: &Check, v: &Violation| v.check == check.id;
    let lines = found
        .iter()
        .take_while(|v| {
            of_lines(&checks::role_tag::CHECK, v) || of_lines(&checks::hash_heading::CHECK, v)
        })
        .count();
    found[..lines].sort_by_key(|v| v.span.as_ref().map(|span| span.start));
}

/// All checks on a prompt.
///
/// `card` is that of the patient whom it is about.
pub fn check_prompt(text: &str, card: Option<&PatientCard>) -> Vec<Violation> {
    check(&Turn { patient: card.map(PatientFacts::from), ..Turn::prompt(text) })
}

/// All checks on a turn of a conversation.
pub fn check_turn(
    text: &str,
    speaker: Speaker,
    situation: &Situation,
    about: &About<'_>,
) -> Vec<Violation> {
    check(&Turn::of(text, speaker, situation, about))
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
