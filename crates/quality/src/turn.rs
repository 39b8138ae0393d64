//! A text with its facts for the checks.

use clinstruct_schema::{Case, Constraint, Frame, Language, Situation, Speaker};

use crate::card::{About, PatientFacts, Place};
use crate::case::Corrected;

/// A text with its facts for the checks. Unknown facts are not checked.
///
/// Start with [`Turn::answer`], [`Turn::prompt`] or [`Turn::follow_up`], and set what is known.
#[derive(Debug, Clone)]
pub struct Turn<'a> {
    /// Who wrote it.
    pub speaker: Speaker,
    /// The text.
    pub text: &'a str,
    /// The requested language.
    pub language: Language,
    /// The language of the conversation, in which an answer may lead up to a text in the requested one.
    pub spoken: Language,
    /// Its instructions.
    pub instructions: Vec<&'a Constraint>,
    /// Its patient.
    pub patient: Option<PatientFacts>,
    /// The country of care.
    pub place: Option<Place<'a>>,
    /// What was planned for a first message.
    pub frame: Option<&'a Frame>,
    /// The case of the conversation.
    pub case: Option<&'a Case>,
    /// Whether it contains text in other languages.
    pub translates: bool,
    /// Whether the conversation is with a patient or relative rather than a health worker.
    pub lay: bool,
}

impl<'a> Turn<'a> {
    /// Its text without what it takes back: a dictated message may, an answer does not.
    pub(crate) fn corrected(&self) -> Corrected<'a> {
        if self.may_take_back() { Corrected::of(self.text) } else { Corrected::nothing(self.text) }
    }

    /// Whether its writer may take back what was said before.
    pub(crate) fn may_take_back(&self) -> bool {
        self.speaker != Speaker::Assistant
    }

    /// An English text without further facts.
    pub fn new(speaker: Speaker, text: &'a str) -> Self {
        let language = Language::English;
        let instructions = Vec::new();
        let (patient, place, frame, case) = (None, None, None, None);
        let (translates, lay) = (false, false);
        Self {
            speaker,
            text,
            language,
            spoken: language,
            instructions,
            patient,
            place,
            frame,
            case,
            translates,
            lay,
        }
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

    /// Message `place` (from 0) of a conversation in a situation.
    pub(crate) fn of(
        text: &'a str,
        place: usize,
        situation: &'a Situation,
        about: &About<'a>,
    ) -> Self {
        let speaker = Speaker::of_message(place);
        let lay = situation.persona.is_some();
        let language = situation.language;
        let turn = Self { language, spoken: language, lay, ..Self::new(speaker, text) };
        let number = Situation::turn_of(place);
        match speaker {
            Speaker::PromptWriter => turn,
            Speaker::Assistant => Self {
                language: situation.language_at(number),
                translates: situation.translates,
                instructions: situation
                    .constraints_at(number)
                    .chain((situation.withholds && number == 1).then_some(&Constraint::AsksFirst))
                    .collect(),
                place: Some(about.country()),
                case: about.case,
                ..turn
            },
            Speaker::User => Self {
                instructions: situation.user_styles.iter().flat_map(|s| &s.constraints).collect(),
                patient: about.case.map(|case| (&case.patient).into()),
                case: about.case,
                place: Some(about.country()),
                ..turn
            },
        }
    }

    /// Whether a style asks for one of these aspects, which only a judge can tell.
    fn has_aspect(&self, aspects: &[&str]) -> bool {
        self.asks(
            |c| matches!(c, Constraint::Judged { aspect } if aspects.contains(&aspect.as_str())),
        )
    }

    /// Whether a style asks for warmth: praise and good wishes do what was asked.
    pub(crate) fn is_warm(&self) -> bool {
        self.has_aspect(&["friendly", "encouraging"])
    }

    /// Whether the text is like a letter to its reader, to whom a greeting and good wishes are addressed: a
    /// formal letter, a warm one, or a text that is handed to the patient or the family.
    pub(crate) fn is_letter(&self) -> bool {
        self.is_warm() || self.has_aspect(&["plain"]) || self.asks(|c| *c == Constraint::Formal)
    }

    /// Whether the answer may ask its reader something and wait for the answer: a style says so, or the reader is somebody at
    /// home, who does not know what matters.
    pub(crate) fn waits(&self) -> bool {
        self.lay
            || self.asks(|c| {
                matches!(
                    c,
                    Constraint::ClarifyingQuestions { .. }
                        | Constraint::OneStep
                        | Constraint::AsksFirst
                )
            })
    }

    /// Whether a style leaves a choice to the reader.
    pub(crate) fn offers_choice(&self) -> bool {
        self.has_aspect(&["options"])
    }

    /// Whether one of the instructions is such a one.
    pub(crate) fn asks(&self, wanted: impl Fn(&Constraint) -> bool) -> bool {
        self.instructions.iter().any(|c| wanted(c))
    }
}
