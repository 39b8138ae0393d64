use serde::{Deserialize, Serialize};

use crate::Language;

/// An aspect of an answer that at most one instruction may affect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// Lists, tables, headings, markup.
    Structure,
    /// How much text.
    Length,
    /// Which language.
    Language,
    /// Level of speech.
    Register,
    /// Whether the answer asks back.
    Interaction,
    /// Humour, stories, analogies.
    Creativity,
    /// Required and forbidden content.
    Content,
    /// Intended audience.
    Audience,
}

/// An instruction about an answer in a form that code can check (all but [`Constraint::Judged`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Constraint {
    /// Exactly `n` sentences, no lists, and none longer than [`Constraint::MAX_SENTENCE_WORDS`] words.
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
    /// Exactly `n` paragraphs, separated by blank lines.
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
    /// This term occurs, in any case.
    Contains {
        /// The term.
        term: String,
    },
    /// This term does not occur, in any case.
    Excludes {
        /// The term.
        term: String,
    },
    /// Exactly `n` questions to the user.
    ClarifyingQuestions {
        /// Count.
        n: u32,
    },
    /// One step at a time: each answer ends by asking for what the next step depends on.
    OneStep,
    /// The first answer asks at least one question: the message left out what the decision depends on.
    AsksFirst,
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
    /// Formal address, if the language has it.
    Formal,
    /// Every dose has a warning to verify it.
    DoseWarning,
    /// Only a judge can decide.
    Judged {
        /// The judge's criterion, such as `humour`.
        aspect: String,
    },
}

impl Constraint {
    /// Most words of a sentence where the number of sentences is fixed: statements that are joined by
    /// semicolons and "and" until they fill one sentence do not keep to the number.
    pub const MAX_SENTENCE_WORDS: u32 = 40;

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

/// What an instruction of the catalog demands of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "meaning", rename_all = "snake_case")]
pub enum Meaning {
    /// Play this speaker.
    Role {
        /// The speaker.
        speaker: crate::Speaker,
    },
    /// Obey this constraint. Its count is a placeholder for the number in the text.
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
    /// Do this in the message.
    Move {
        /// Entry of the catalog's `moves.toml`.
        id: crate::Slug,
    },
    /// Write a first message with this trait.
    Write {
        /// Which trait.
        of: crate::VoiceTrait,
        /// Its value: an entry of the catalog's `voices.toml`.
        id: crate::Slug,
        /// The fewest and the most words, where it is a length.
        words: Option<(u32, u32)>,
    },
    /// Be such a person.
    Be {
        /// Which trait.
        of: crate::PersonaTrait,
        /// Its value: an entry of the catalog's `personas.toml`.
        id: crate::Slug,
    },
    /// Nothing that a grammar could obey.
    Tell,
}

/// A text of the catalog with at most one placeholder `{n}` for a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    /// The text with its number filled in.
    pub fn with(&self, n: Option<u32>) -> String {
        match n {
            Some(n) => self.0.replace("{n}", &n.to_string()),
            None => self.0.clone(),
        }
    }

    /// What the text with the number `n` in it asks for: a limit is exact, so that "below 120 words" allows 119 at most,
    /// and "more than 120 words" asks for 121.
    pub fn constraint(&self, constraint: &Constraint, n: u32) -> Constraint {
        let before = self.0.split("{n}").next().unwrap_or_default().trim_end().to_lowercase();
        let ends = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
        let n = match constraint {
            Constraint::MaxWords { .. } | Constraint::MaxCharacters { .. }
                if ends(&["below", "under", "less than", "fewer than"]) =>
            {
                n.saturating_sub(1)
            }
            Constraint::MinWords { .. } if ends(&["above", "over", "more than"]) => n + 1,
            _ => n,
        };
        constraint.clone().with_count(n)
    }
}

/// An instruction that a request can contain: its text and its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Name in the catalog.
    pub id: String,
    /// Text given to the model.
    pub text: Pattern,
    /// Its meanings; all apply.
    pub means: Vec<Meaning>,
    /// Whether a message that has it asks for the next answer only.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub once: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_what_its_text_says() {
        let of = |text: &str, constraint: &Constraint| {
            Pattern(text.to_owned()).constraint(constraint, 120)
        };
        let (most, least) = (Constraint::MaxWords { n: 0 }, Constraint::MinWords { n: 0 });
        for text in ["Stay below {n} words.", "Use fewer than {n} words.", "Write less than {n}."] {
            assert_eq!(of(text, &most), Constraint::MaxWords { n: 119 }, "{text}");
        }
        for text in ["At most {n} words.", "No more than {n} words.", "{n} words or fewer."] {
            assert_eq!(of(text, &most), Constraint::MaxWords { n: 120 }, "{text}");
        }
        assert_eq!(of("No fewer than {n} words.", &least), Constraint::MinWords { n: 120 });
        assert_eq!(of("More than {n} words.", &least), Constraint::MinWords { n: 121 });
        let exact = Constraint::ExactBullets { n: 0 };
        assert_eq!(of("Below {n} bullets.", &exact), Constraint::ExactBullets { n: 120 });
    }
}
