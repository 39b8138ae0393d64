use serde::{Deserialize, Serialize};

use crate::{Constraint, ConversationMode, Facet, Language, Persona, Register, Slug};

/// Where a requested style is in the health worker's message.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StylePlace {
    /// Before everything else.
    Start,
    /// Between two sentences or paragraphs.
    Inside,
    /// After everything else, in the last paragraph.
    Last,
    /// After everything else, in a paragraph of its own.
    #[default]
    End,
}

impl StylePlace {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Inside => "inside",
            Self::Last => "last",
            Self::End => "end",
        }
    }
}

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
    /// Index of the wording among the option's.
    #[serde(skip_serializing_if = "is_default", default)]
    pub wording: u32,
    /// Where the health worker's message has it.
    #[serde(skip_serializing_if = "is_default", default)]
    pub place: StylePlace,
    /// The turn, from 1, whose message asks for it.
    #[serde(skip_serializing_if = "is_first_turn", default = "first_turn")]
    pub turn: u32,
    /// Whether it binds only the answer to that message. Rows of earlier versions have instructions for every answer.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub once: bool,
    /// Whether the writer of the prompt put it into the words of its message; `wording` is the one that it was given.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub reworded: bool,
}

fn first_turn() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_first_turn(turn: &u32) -> bool {
    *turn == first_turn()
}

/// Rows leave out what rows of earlier versions do not have.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Style {
    /// Whether it binds the answer of a turn, from 1.
    pub fn binds(&self, turn: u32) -> bool {
        if self.once { turn == self.turn } else { turn >= self.turn }
    }
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
    /// Styles that the health worker requests; they take precedence over `system_styles`.
    pub asked_styles: Vec<Style>,
    /// Styles that were drawn and that the writer of the prompt left out, because nobody would ask for them in its message.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub declined_styles: Vec<Slug>,
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
    /// The language in which both sides write, where no style asks for another.
    #[serde(skip_serializing_if = "is_default", default)]
    pub language: Language,
    /// What the simulated health worker does in its second message, its third, and so on: entries of the catalog's
    /// `moves.toml`. Empty in rows of earlier versions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub moves: Vec<Slug>,
    /// The turns, from 1, in which the health worker may report something new about the patient.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reports: Vec<u32>,
    /// Whether the first message leaves out what the decision depends on, so that the first answer has to ask for it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub withholds: bool,
    /// Who writes, if not a health worker.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub persona: Option<Persona>,
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
            declined_styles: Vec::new(),
            system_styles: Vec::new(),
            user_styles: Vec::new(),
            emergency_instruction: false,
            translates: false,
            language: Language::English,
            moves: Vec::new(),
            reports: Vec::new(),
            withholds: false,
            persona: None,
            profession: profession.to_owned(),
            specialty: None,
        }
    }

    /// All constraints on answers of the assistant, whichever they bind.
    pub fn constraints(&self) -> impl Iterator<Item = &Constraint> {
        self.styles().flat_map(|s| &s.constraints)
    }

    /// The constraints that bind the answer of a turn, from 1.
    pub fn constraints_at(&self, turn: u32) -> impl Iterator<Item = &Constraint> {
        self.styles().filter(move |s| s.binds(turn)).flat_map(|s| &s.constraints)
    }

    /// The move of the health worker's message of a turn, from 2; `None` where none was drawn.
    pub fn move_at(&self, turn: u32) -> Option<&Slug> {
        self.moves.get(usize::try_from(turn.checked_sub(2)?).ok()?)
    }

    fn styles(&self) -> impl Iterator<Item = &Style> {
        self.asked_styles.iter().chain(&self.system_styles)
    }

    /// The language of the last answer: the one asked for, otherwise that of the conversation.
    pub fn answer_language(&self) -> Language {
        self.language_at(self.turns)
    }

    /// The language that the answer of a turn, from 1, is to be in.
    pub fn language_at(&self, turn: u32) -> Language {
        let asked = self.constraints_at(turn).find_map(|c| match c {
            Constraint::Language { language } => Some(*language),
            _ => None,
        });
        asked.unwrap_or(self.language)
    }

    /// The turn, from 1, of message `place` (from 0) of a conversation: a question and its answer are one turn.
    pub fn turn_of(place: usize) -> u32 {
        u32::try_from(place / 2 + 1).unwrap_or(u32::MAX)
    }
}
