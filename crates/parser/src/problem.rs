//! Problems of an answer.

use std::fmt;

/// A problem of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A different number of prompts than requested.
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
    /// There is no patient with this number.
    UnknownPatient {
        /// As given.
        number: u64,
    },
    /// A second prompt for the same patient; the first is kept.
    DuplicatePatient {
        /// Patient, from 1.
        number: u64,
    },
    /// Not JSON, or not of the requested shape.
    MalformedJson {
        /// The parser's message, with line and column.
        message: String,
    },
    /// No delimiter line.
    MissingDelimiters,
    /// No list of facts.
    NoFacts,
    /// A turn without text.
    NoText,
    /// Reasoning without an end: the start of the answer is unknown.
    UnclosedReasoning {
        /// Its beginning.
        text: String,
    },
    /// Reasoning without an answer.
    OnlyReasoning {
        /// Its beginning.
        text: String,
    },
    /// A chat template marker within a text.
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
            Self::NoFacts => "no_facts",
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
            Self::NoFacts => f.write_str("no list of facts"),
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
