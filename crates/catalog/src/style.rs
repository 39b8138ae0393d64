use clinstruct_schema::{
    Constraint, ConversationMode, Facet, Instruction, Meaning, Pattern, Register, Slug, Speaker,
    Style, StylePlace,
};
use serde::Deserialize;
use toml::Spanned;

/// A group of answer styles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Slug.
    pub id: Slug,
    /// Relative frequency.
    pub weight: f64,
}

/// Values of `{n}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Count {
    Fixed(u32),
    Range { from: u32, to: u32, step: u32 },
}

/// An instruction about form that can be drawn: an answer style, a length, a line of a mode.
#[derive(Debug, Clone)]
pub struct StyleOption {
    /// Slug, unique over all of them.
    pub id: Slug,
    /// Group, such as `formatting` or `assistant_length`.
    pub group: String,
    /// Text given to the model.
    pub text: Pattern,
    /// Values of `{n}`; empty if the text has none.
    pub counts: Vec<u32>,
    /// The constraint; its number is a placeholder.
    pub constraint: Constraint,
    /// Facets that it affects.
    pub claims: Vec<Facet>,
    /// Options that it is incompatible with.
    pub not_with: Vec<Slug>,
}

impl StyleOption {
    /// Whether both can be in one request.
    pub fn goes_with(&self, other: &Self) -> bool {
        !self.claims.iter().any(|f| other.claims.contains(f))
            && !self.not_with.contains(&other.id)
            && !other.not_with.contains(&self.id)
    }

    /// The style with its number filled in; `pick` returns an index below its argument.
    pub fn style(&self, pick: impl FnOnce(usize) -> usize) -> Style {
        let n = self.counts.get(pick(self.counts.len().max(1))).copied();
        let constraint = match n {
            Some(n) => self.text.constraint(&self.constraint, n),
            None => self.constraint.clone(),
        };
        Style {
            id: self.id.clone(),
            group: self.group.clone(),
            text: self.text.with(n),
            claims: self.claims.clone(),
            constraints: vec![constraint],
            wording: 0,
            place: StylePlace::End,
            turn: 1,
            once: false,
        }
    }

    /// The question for a reader of the text.
    pub fn instruction(&self) -> Instruction {
        Instruction {
            id: self.id.to_string(),
            text: self.text.clone(),
            means: vec![Meaning::Keep { constraint: self.constraint.clone() }],
        }
    }
}

/// A mode of talking.
#[derive(Debug, Clone)]
pub struct Mode {
    /// Which.
    pub id: ConversationMode,
    /// Instruction to the assistant.
    pub assistant: String,
    /// Instruction to the simulated user.
    pub user: String,
    /// Description of the answers in this mode.
    pub lines: Vec<StyleOption>,
}

/// A level of speech.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterText {
    /// Which.
    pub id: Register,
    /// Instruction to the assistant.
    pub assistant: String,
    /// Instruction to the simulated user.
    pub user: String,
}

/// A text that templates always contain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    /// Slug.
    pub id: Slug,
    /// Text.
    pub text: String,
    /// The role of the model, if it states one.
    #[serde(default)]
    pub role: Option<Speaker>,
    /// The constraint, if it can be checked.
    #[serde(default)]
    pub constraint: Option<Constraint>,
}

/// All options of form.
#[derive(Debug, Clone, Default)]
pub struct Styles {
    /// Groups of answer styles.
    pub groups: Vec<Group>,
    /// Answer styles that a health worker requests.
    pub asked: Vec<StyleOption>,
    /// Modes.
    pub modes: Vec<Mode>,
    /// Lengths of the assistant's answers.
    pub assistant_length: Vec<StyleOption>,
    /// Forms of the assistant's answers.
    pub assistant_form: Vec<StyleOption>,
    /// Lengths of the simulated user's messages.
    pub user_length: Vec<StyleOption>,
    /// Levels of speech.
    pub registers: Vec<RegisterText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOption {
    pub(crate) id: Spanned<Slug>,
    #[serde(default)]
    pub(crate) group: Option<Spanned<String>>,
    pub(crate) text: Spanned<String>,
    #[serde(default)]
    pub(crate) n: Option<Spanned<Count>>,
    pub(crate) constraint: Constraint,
    pub(crate) claims: Spanned<Vec<Facet>>,
    #[serde(default)]
    pub(crate) not_with: Vec<Spanned<Slug>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMode {
    pub(crate) id: ConversationMode,
    pub(crate) assistant: String,
    pub(crate) user: String,
    pub(crate) lines: Vec<RawOption>,
}
