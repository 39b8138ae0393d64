use serde::{Deserialize, Serialize};

use crate::Language;

/// An aspect of an answer that at most one instruction may speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// Lists, tables, headings, mark-up.
    Structure,
    /// How much text.
    Length,
    /// Which language.
    Language,
    /// Level of speech.
    Register,
    /// Whether the answer asks back.
    Interaction,
    /// Story, humour, analogy.
    Creativity,
    /// What must or must not be spoken of.
    Content,
    /// Whom the text is fit for.
    Audience,
}

/// An instruction about an answer in a form that code can check (all but [`Constraint::Judged`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Constraint {
    /// Exactly `n` sentences, no lists.
    ExactSentences {
        /// Count.
        n: u32,
    },
    /// At most `n` words.
    MaxWords {
        /// Count.
        n: u32,
    },
    /// At least `n` words.
    MinWords {
        /// Count.
        n: u32,
    },
    /// At most `n` Unicode scalar values.
    MaxCharacters {
        /// Count.
        n: u32,
    },
    /// Exactly `n` bullets.
    ExactBullets {
        /// Count.
        n: u32,
    },
    /// A bulleted list of any length.
    Bullets,
    /// Exactly `n` numbered items.
    ExactNumbered {
        /// Count.
        n: u32,
    },
    /// Numbered steps, any number.
    Steps,
    /// Exactly `n` Markdown headings.
    ExactHeadings {
        /// Count.
        n: u32,
    },
    /// A Markdown table of exactly `n` columns.
    TableColumns {
        /// Count.
        n: u32,
    },
    /// Exactly `n` paragraphs, set apart by blank lines.
    ExactParagraphs {
        /// Count.
        n: u32,
    },
    /// Exactly `n` lines that are not blank.
    ExactLines {
        /// Count.
        n: u32,
    },
    /// No Markdown of any kind.
    NoMarkdown,
    /// Some Markdown: a heading, emphasis or list.
    Markdown,
    /// The first line is a title in bold.
    StartsWithTitle,
    /// The text ends with this marker.
    EndsWith {
        /// The marker.
        marker: String,
    },
    /// This term occurs, whatever its case.
    Contains {
        /// The term.
        term: String,
    },
    /// This term does not occur, whatever its case.
    Excludes {
        /// The term.
        term: String,
    },
    /// Exactly `n` questions to the user.
    ClarifyingQuestions {
        /// Count.
        n: u32,
    },
    /// A JSON object with exactly these keys, all values strings or arrays of strings.
    JsonObject {
        /// Names of the keys.
        keys: Vec<String>,
    },
    /// Written in this language.
    Language {
        /// The language.
        language: Language,
    },
    /// Formal address, where the language has it.
    Formal,
    /// Every dose comes with a warning to verify it.
    DoseWarning,
    /// Only a judge can tell.
    Judged {
        /// What the judge looks for, such as `humour`.
        aspect: String,
    },
}

impl Constraint {
    /// The same constraint with its count set; those without a count stay as they are.
    #[must_use]
    pub fn with_count(mut self, count: u32) -> Self {
        if let Self::ExactSentences { n }
        | Self::MaxWords { n }
        | Self::MinWords { n }
        | Self::MaxCharacters { n }
        | Self::ExactBullets { n }
        | Self::ExactNumbered { n }
        | Self::ExactHeadings { n }
        | Self::TableColumns { n }
        | Self::ExactParagraphs { n }
        | Self::ExactLines { n }
        | Self::ClarifyingQuestions { n } = &mut self
        {
            *n = count;
        }
        self
    }

    /// Whether code can decide it, without a judge.
    pub fn is_verifiable(&self) -> bool {
        !matches!(self, Self::Judged { .. })
    }
}

/// What an instruction of the catalog asks of the model that reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "meaning", rename_all = "snake_case")]
pub enum Meaning {
    /// Be this speaker.
    Role {
        /// The speaker.
        speaker: crate::Speaker,
    },
    /// Keep to this constraint. A count in it stands for the number in the text.
    Keep {
        /// The constraint.
        constraint: Constraint,
    },
    /// Speak at this level.
    Speak {
        /// The level.
        register: crate::Register,
    },
    /// Write as in this mode.
    Mode {
        /// The mode.
        mode: crate::ConversationMode,
    },
    /// Nothing that a grammar could act on.
    Tell,
}

/// A text of the catalog with at most one `{n}` in it, where a number stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    /// The text with its number put in.
    pub fn with(&self, n: Option<u32>) -> String {
        match n {
            Some(n) => self.0.replace("{n}", &n.to_string()),
            None => self.0.clone(),
        }
    }
}

/// An instruction that can stand in a request: its text and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Name in the catalog.
    pub id: String,
    /// Text given to the model.
    pub text: Pattern,
    /// What it asks for; all of them.
    pub means: Vec<Meaning>,
}
