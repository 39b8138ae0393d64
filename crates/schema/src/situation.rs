use serde::{Deserialize, Serialize};

use crate::{Constraint, ConversationMode, Facet, Language, Register, Slug};

/// An instruction about the answer, drawn for a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// Option of the catalog, such as `exact-bullets`.
    pub id: Slug,
    /// Its group, such as `formatting`.
    pub group: String,
    /// Text given to the model, with numbers filled in.
    pub text: String,
    /// Facets that it affects; no two styles of a row share one.
    pub claims: Vec<Facet>,
    /// The constraint to check.
    pub constraints: Vec<Constraint>,
}

/// Everything about a conversation that is fixed before its first answer.
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
    /// Styles that the health worker requests at the end of the first message; they take precedence over
    /// `system_styles`.
    pub asked_styles: Vec<Style>,
    /// Styles in the system prompt: the mode's own, length, form; each facet at most once and not among the requested
    /// ones.
    pub system_styles: Vec<Style>,
    /// Length of the health worker's messages.
    pub user_styles: Vec<Style>,
    /// Whether the first message has the fixed emergency instruction.
    pub emergency_instruction: bool,
    /// Whether answers contain text in other languages: then their language is not checked.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub translates: bool,
    /// Profession of the health worker.
    pub profession: String,
    /// Specialty, if the row has or implies one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub specialty: Option<String>,
}

impl Situation {
    /// A normal-mode exchange of one turn with a health worker of this profession, without requested styles.
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
            translates: false,
            profession: profession.to_owned(),
            specialty: None,
        }
    }

    /// All constraints on an answer of the assistant.
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
