use serde::{Deserialize, Serialize};

use crate::{Constraint, ConversationMode, Facet, Language, Register, Slug};

/// An instruction about the answer that was drawn for a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// Option of the catalog, such as `exact-bullets`.
    pub id: Slug,
    /// Its group, such as `formatting`.
    pub group: String,
    /// Text given to the model, numbers put in.
    pub text: String,
    /// Facets it speaks of; no two styles of a row share one.
    pub claims: Vec<Facet>,
    /// What is checked.
    pub constraints: Vec<Constraint>,
}

/// Everything that is fixed about a conversation before its first answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// Chat, normal or emergency.
    pub mode: ConversationMode,
    /// Assistant turns, 1 to 3.
    pub turns: u32,
    /// Level of speech of the assistant.
    pub assistant_register: Register,
    /// Level of speech of the health worker.
    pub user_register: Register,
    /// What the health worker asks for at the end of the first message; wins over `system_styles`.
    pub asked_styles: Vec<Style>,
    /// What the system prompt asks for: the mode's own, length, form; each facet at most once and none
    /// that was asked for.
    pub system_styles: Vec<Style>,
    /// How long the health worker's messages are to be.
    pub user_styles: Vec<Style>,
    /// Whether the first message carries the fixed emergency instruction.
    pub emergency_instruction: bool,
    /// Profession of the health worker.
    pub profession: String,
    /// Specialty, where the row has or implies one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub specialty: Option<String>,
}

impl Situation {
    /// A considered exchange of one turn with a health worker of this profession, and nothing asked for.
    pub fn new(profession: &str) -> Self {
        Self {
            mode: ConversationMode::Normal,
            turns: 1,
            assistant_register: Register::Standard,
            user_register: Register::Standard,
            asked_styles: Vec::new(),
            system_styles: Vec::new(),
            user_styles: Vec::new(),
            emergency_instruction: false,
            profession: profession.to_owned(),
            specialty: None,
        }
    }

    /// All constraints that an answer of the assistant is checked against.
    pub fn constraints(&self) -> impl Iterator<Item = &Constraint> {
        self.asked_styles.iter().chain(&self.system_styles).flat_map(|s| &s.constraints)
    }

    /// The language that answers are to be in: the one asked for, English otherwise.
    pub fn language(&self) -> Language {
        let asked = self.constraints().find_map(|c| match c {
            Constraint::Language { language } => Some(*language),
            _ => None,
        });
        asked.unwrap_or(Language::English)
    }
}
