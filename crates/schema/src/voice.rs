use serde::{Deserialize, Serialize};

use crate::{Register, Slug};

/// How a first message is written. Drawn with the frame, so that all variants of a prompt share it; the names are
/// entries of the catalog's `voices.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// Level of speech of the health worker, in all messages.
    pub register: Register,
    /// Form: full sentences, ward shorthand, a phone message, a dictated note, a pasted result.
    pub form: Slug,
    /// What the message begins with: the question, a result, a request, a scene, a quote.
    pub opening: Slug,
    /// How long it is.
    pub length: Slug,
    /// The fewest and the most words of that length.
    pub words: (u32, u32),
    /// How many questions it asks.
    pub questions: u32,
    /// How the care setting shows.
    pub place: Slug,
}

/// A trait of a [`Voice`], each drawn from a list of the catalog's `voices.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiceTrait {
    /// Level of speech.
    Register,
    /// Form.
    Form,
    /// What it begins with.
    Opening,
    /// Length.
    Length,
    /// Number of questions.
    Questions,
    /// How the care setting shows.
    Place,
}

impl VoiceTrait {
    /// All of them, in the order in which they are drawn.
    pub const ALL: [Self; 6] =
        [Self::Register, Self::Form, Self::Opening, Self::Length, Self::Questions, Self::Place];

    /// Name of its list in `voices.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Form => "form",
            Self::Opening => "opening",
            Self::Length => "length",
            Self::Questions => "questions",
            Self::Place => "place",
        }
    }
}

/// A patient or relative who writes for themselves, in place of a health worker. Each field is an entry of the catalog's
/// `personas.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// Who writes: the patient, a parent, a grown-up child, a partner.
    pub relation: Slug,
    /// How much the writer understands of medical language.
    pub literacy: Slug,
    /// How well the writer remembers what happened, and when.
    pub recall: Slug,
    /// How well the writer knows the language of the conversation.
    pub proficiency: Slug,
    /// How worried the writer is.
    pub worry: Slug,
    /// How much the writer discloses without being asked.
    pub openness: Slug,
}

/// A trait of a [`Persona`], each drawn from a list of the catalog's `personas.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonaTrait {
    /// Who writes.
    Relation,
    /// Understanding of medical language.
    Literacy,
    /// Memory of what happened, and when.
    Recall,
    /// Knowledge of the language.
    Proficiency,
    /// Worry.
    Worry,
    /// How much is disclosed unasked.
    Openness,
}

impl PersonaTrait {
    /// All of them, in the order in which they are drawn.
    pub const ALL: [Self; 6] = [
        Self::Relation,
        Self::Literacy,
        Self::Recall,
        Self::Proficiency,
        Self::Worry,
        Self::Openness,
    ];

    /// Name of its list in `personas.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Literacy => "literacy",
            Self::Recall => "recall",
            Self::Proficiency => "proficiency",
            Self::Worry => "worry",
            Self::Openness => "openness",
        }
    }
}

impl Persona {
    /// The value of a trait.
    pub fn of(&self, of: PersonaTrait) -> &Slug {
        match of {
            PersonaTrait::Relation => &self.relation,
            PersonaTrait::Literacy => &self.literacy,
            PersonaTrait::Recall => &self.recall,
            PersonaTrait::Proficiency => &self.proficiency,
            PersonaTrait::Worry => &self.worry,
            PersonaTrait::Openness => &self.openness,
        }
    }
}
