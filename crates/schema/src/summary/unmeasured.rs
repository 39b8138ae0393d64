//! What no code measures. It is listed, because what is not measured is not met.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of property that no code measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// An aspect of a style that only a judge can tell, such as humour.
    JudgedStyle,
    /// A level of speech other than the standard one.
    Register,
    /// A style without a check.
    UncheckedStyle,
    /// An instruction whose check could not decide some answers.
    UndecidedInstruction,
    /// Missed red flags and contraindications.
    DangerousOmissions,
    /// Quality of answers by a rubric.
    AnswerQuality,
    /// Conversations that leave their topic for something unrelated.
    TopicDrift,
}

impl Property {
    /// Properties of any dataset that only a judge can tell.
    pub const FOR_A_JUDGE: [Self; 3] =
        [Self::DangerousOmissions, Self::AnswerQuality, Self::TopicDrift];

    fn label(self) -> &'static str {
        match self {
            Self::JudgedStyle => "style for a judge",
            Self::Register => "register",
            Self::UncheckedStyle => "style without a check",
            Self::UndecidedInstruction => "undecided instruction",
            Self::DangerousOmissions => "missed red flags and contraindications",
            Self::AnswerQuality => "quality of answers by a rubric",
            Self::TopicDrift => "conversations that leave their topic",
        }
    }
}

/// A property that no code measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmeasured {
    /// Kind of property.
    pub property: Property,
    /// The aspect, register, style or check.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// Texts or conversations that have it, or of which it should hold.
    pub of: u64,
}

impl fmt::Display for Unmeasured {
    /// Without its property, such as `humour (12)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{subject} ({})", self.of),
            None => write!(f, "({})", self.of),
        }
    }
}

/// One text for each property, such as `style for a judge: humour (12), story (15)`.
pub(super) fn by_property(all: &[Unmeasured]) -> impl Iterator<Item = String> {
    all.chunk_by(|a, b| a.property == b.property).map(|same| {
        let colon = if same.iter().any(|u| u.subject.is_some()) { ":" } else { "" };
        let each: Vec<String> = same.iter().map(ToString::to_string).collect();
        same.first().map_or_else(String::new, |u| {
            format!("{}{colon} {}", u.property.label(), each.join(", "))
        })
    })
}
