use serde::{Deserialize, Serialize};

/// The shape of the raw rows that a backend gives, so that they can be read again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFormat {
    /// A line of an OpenAI batch output or error file: `custom_id`, `response`, `error`.
    /// Source: <https://platform.openai.com/docs/api-reference/batch/request-output>.
    OpenaiBatch,
    /// A line of an Anthropic message batch result: `custom_id`, `result`.
    /// Source: <https://docs.anthropic.com/en/api/retrieving-message-batch-results>.
    AnthropicBatch,
}

/// Tokens that a provider says it counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Tokens of the request that were billed at the cached rate.
    #[serde(default)]
    pub cached_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached_tokens += other.cached_tokens;
    }
}

/// Why a model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It met the token limit: the text is cut off.
    Length,
    /// The provider's filter stopped it.
    ContentFilter,
    /// Anything else, or nothing said.
    Other,
}

/// A text that a model gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, to the byte as the provider gave it.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// Model that answered, as the provider names it.
    pub model: String,
    /// Tokens used.
    pub usage: Usage,
}

/// What to do about a row that has no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Send the same request again now.
    RetryNow,
    /// Send the same request again after a pause.
    RetryLater,
    /// The same request would fail again: ask with another seed.
    AskDifferently,
    /// No request like it can succeed.
    GiveUp,
    /// No request at all can succeed until somebody mends something: a key, a model's name, a quota.
    Stop,
}

/// What one raw row says, once read. A row's failure is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RowOutcome {
    /// A whole answer.
    Answer(Completion),
    /// An answer cut at the token limit.
    Cut(Completion),
    /// The model declined, in the provider's own refusal field.
    Refused {
        /// Its words.
        text: String,
        /// Tokens billed.
        usage: Usage,
    },
    /// The provider's filter held the answer back.
    Filtered {
        /// Tokens billed.
        usage: Usage,
    },
    /// A successful response with null or blank content.
    Empty {
        /// Tokens billed.
        usage: Usage,
    },
    /// The provider reported an error for this row.
    Failed {
        /// What to do about it.
        class: ErrorClass,
        /// Provider's code, HTTP status or error type.
        code: String,
        /// Provider's message.
        message: String,
    },
    /// The row is not of the format that the backend declared.
    Unreadable {
        /// What was wrong, and where.
        message: String,
    },
}

impl RowOutcome {
    /// Tokens that this row was billed for.
    pub fn usage(&self) -> Usage {
        match self {
            Self::Answer(c) | Self::Cut(c) => c.usage,
            Self::Refused { usage, .. } | Self::Filtered { usage } | Self::Empty { usage } => {
                *usage
            }
            Self::Failed { .. } | Self::Unreadable { .. } => Usage::default(),
        }
    }
}
