//! What can be wrong with an answer.

use std::fmt;

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Not as many prompts as were asked for.
    Count {
        /// Asked for.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// The prompt for this patient is blank.
    Blank {
        /// Patient, from 1.
        patient: usize,
    },
    /// There is no patient of this number.
    UnknownPatient {
        /// As given.
        number: u64,
    },
    /// A second prompt for the same patient; the first stands.
    DuplicatePatient {
        /// Patient, from 1.
        number: u64,
    },
    /// Not JSON, or not of the shape asked for.
    MalformedJson {
        /// What the reader said, with line and column.
        message: String,
    },
    /// No delimiter line.
    MissingDelimiters,
    /// A turn without text.
    NoText,
    /// Reasoning that is opened and never closed: where the answer begins cannot be told.
    UnclosedReasoning {
        /// Its beginning.
        text: String,
    },
    /// Reasoning, and no answer behind it.
    OnlyReasoning {
        /// Its beginning.
        text: String,
    },
    /// A mark of a chat template within a text.
    ControlToken {
        /// The first one.
        token: String,
    },
    /// A turn that only declines.
    TextRefusal {
        /// Its beginning.
        text: String,
    },
}

impl Problem {
    /// Name for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Count { .. } => "prompt_count",
            Self::Blank { .. } => "blank_prompt",
            Self::UnknownPatient { .. } => "unknown_patient",
            Self::DuplicatePatient { .. } => "duplicate_patient",
            Self::MalformedJson { .. } => "malformed_json",
            Self::MissingDelimiters => "missing_delimiters",
            Self::NoText => "empty",
            Self::UnclosedReasoning { .. } => "unclosed_reasoning",
            Self::OnlyReasoning { .. } => "only_reasoning",
            Self::ControlToken { .. } => "control_token",
            Self::TextRefusal { .. } => "refused",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { expected, found } => {
                write!(f, "{found} prompts where {expected} were asked for")
            }
            Self::Blank { patient } => write!(f, "the prompt for patient {patient} is blank"),
            Self::UnknownPatient { number } => {
                write!(f, "a prompt for patient {number}, who was not given")
            }
            Self::DuplicatePatient { number } => write!(f, "a second prompt for patient {number}"),
            Self::MalformedJson { message } => write!(f, "not the JSON asked for: {message}"),
            Self::MissingDelimiters => f.write_str("no delimiter line stands before a prompt"),
            Self::NoText => f.write_str("no text"),
            Self::UnclosedReasoning { text } => {
                write!(f, "reasoning is opened and not closed: {text}")
            }
            Self::OnlyReasoning { text } => write!(f, "reasoning without an answer: {text}"),
            Self::ControlToken { token } => write!(f, "the control token {token} in the text"),
            Self::TextRefusal { text } => write!(f, "declined: {text}"),
        }
    }
}
