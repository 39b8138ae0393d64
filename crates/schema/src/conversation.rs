use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    BackendId, Case, Message, PartId, PatientCard, PersonaTrait, Place, RequestId, RowId,
    Situation, Speaker, Subject, Usage, Voice, Who,
};

/// Everything about a conversation that is not its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attributes {
    /// Id of the base prompt; its variants share it.
    pub base: RowId,
    /// What the row combines.
    pub subjects: Vec<Subject>,
    /// Where care takes place; absent from rows of earlier versions, whose card has it.
    #[serde(default)]
    pub place: Option<Place>,
    /// The patient; `None` for a question that is not about one, and in rows of earlier versions.
    #[serde(default)]
    pub case: Option<Case>,
    /// The case in the shape of earlier versions; removed in the next one.
    #[serde(default)]
    pub card: Option<PatientCard>,
    /// How the first message is written; `None` in rows of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub voice: Option<Voice>,
    /// Mode, turns, styles.
    pub situation: Situation,
    /// The system message of exported rows: role, place, register, mode and the styles of the system prompt, in the
    /// language of the conversation. `None` in rows of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system: Option<String>,
}

impl Attributes {
    /// The attribute whose values go by age.
    pub const AGE_BAND: &str = "age band";

    /// The attributes whose distributions are compared with the plan and between runs, with this row's value of each. Rows of
    /// earlier versions have no voice; only those of patients and relatives have a persona.
    pub fn traits(&self) -> impl Iterator<Item = (&'static str, String)> {
        let (situation, who) = (&self.situation, self.who());
        let setting = self.place().map_or_else(String::new, |place| place.setting.to_string());
        let all = [
            ("mode", situation.mode.as_str().to_owned()),
            ("turns", situation.turns.to_string()),
            ("language", situation.answer_language().code().to_owned()),
            ("register", situation.assistant_register.as_str().to_owned()),
            ("profession", situation.profession.clone()),
            (Self::AGE_BAND, who.map_or(Self::NO_PATIENT.to_owned(), |p| p.age_band.to_string())),
            ("sex", who.map_or(Self::NO_PATIENT, |p| p.sex.as_str()).to_owned()),
            ("care setting", setting),
        ];
        let voice = self.voice.iter().flat_map(|voice| {
            [
                ("user register", voice.register.as_str().to_owned()),
                ("form", voice.form.to_string()),
                ("opening", voice.opening.to_string()),
                ("length", voice.length.to_string()),
                ("questions", voice.questions.to_string()),
                ("place in words", voice.place.to_string()),
            ]
        });
        let persona = situation.persona.iter().flat_map(|persona| {
            PersonaTrait::ALL.map(|of| (of.as_str(), persona.of(of).to_string()))
        });
        all.into_iter().chain(voice).chain(persona)
    }

    /// The value of an attribute of the patient for a question that is not about one.
    pub const NO_PATIENT: &str = "no patient";

    /// Age and sex of the patient, also of rows of earlier versions.
    pub fn who(&self) -> Option<Who<'_>> {
        let of_card = || self.card.as_ref().map(|card| card.patient.who());
        self.case.as_ref().map(|case| case.patient.who()).or_else(of_card)
    }

    /// Country and setting of care, also of rows of earlier versions.
    pub fn place(&self) -> Option<Cow<'_, Place>> {
        let of_card = || self.card.as_ref().map(|card| Cow::Owned(card.patient.place()));
        self.place.as_ref().map(Cow::Borrowed).or_else(of_card)
    }
}

/// Where the text of one turn came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnProvenance {
    /// Who spoke.
    pub speaker: Speaker,
    /// The answered request, which is the address of its raw response.
    pub request: RequestId,
    /// Attempts, including the accepted one.
    #[serde(alias = "tries")]
    pub attempts: u32,
    /// Rules of the parser that changed the text.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[serde(alias = "mended")]
    pub cleanup: Vec<String>,
    /// Tokens of the accepted attempt. If the provider does not count the reasoning in a text, estimated by its share
    /// of the length.
    pub usage: Usage,
    /// The model's reasoning, if the run keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reasoning: Option<String>,
}

/// Provenance of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Backend.
    pub backend: BackendId,
    /// Model name, as requested from the backend.
    pub model: String,
    /// Whether a grammar wrote it instead of a model: never data to train on.
    pub rehearsal: bool,
    /// Seed of the run.
    pub seed: u64,
    /// One entry per message, in order.
    pub turns: Vec<TurnProvenance>,
}

/// A row of the dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Stable id.
    pub id: RowId,
    /// Part.
    pub part: PartId,
    /// User first, then alternating, assistant last.
    pub messages: Vec<Message>,
    /// Axes, patient and styles.
    pub attributes: Attributes,
    /// Backend, model, requests, tokens.
    pub provenance: Provenance,
    /// [`crate::SCHEMA_VERSION`] at the time of writing.
    pub schema_version: u32,
}

/// A row of `situations/`: the plan of one conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SituationRow {
    /// Id of the conversation.
    pub id: RowId,
    /// Part.
    pub part: PartId,
    /// Axes, patient and styles.
    pub attributes: Attributes,
    /// [`crate::SCHEMA_VERSION`] at the time of writing.
    pub schema_version: u32,
}

/// Purpose of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Training.
    Train,
    /// Selection of models and settings.
    Validation,
    /// Final evaluation.
    Test,
}

impl Split {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name in files and folders.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// The stage at which a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The initial prompt is missing or unusable.
    Prompt,
    /// A turn is missing or unusable.
    Turn,
    /// The complete conversation failed a check.
    Quality,
    /// What a model was asked about a finished conversation. Its row is not affected.
    Annotation,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 4] = [Self::Prompt, Self::Turn, Self::Quality, Self::Annotation];

    /// The name in files and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Turn => "turn",
            Self::Quality => "quality",
            Self::Annotation => "annotation",
        }
    }
}

/// A text that failed its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedText {
    /// The text, without the model's reasoning.
    pub text: String,
    /// What was found.
    pub findings: Vec<String>,
}

/// A planned row that is not in the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Id of the missing conversation.
    pub id: RowId,
    /// Part.
    pub part: PartId,
    /// The stage at which it ended.
    pub stage: Stage,
    /// Whether there was no answer (`true`), or no usable one (`false`).
    pub failed: bool,
    /// Named reason, such as `refused` or `cut`.
    pub reason: String,
    /// Details, for display.
    pub detail: String,
    /// The messages that were accepted before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// The texts that were not accepted, oldest first, each with what was found: they were paid for, and a person may find
    /// them good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<FailedText>,
    /// [`crate::SCHEMA_VERSION`] when it was written.
    pub schema_version: u32,
}
