use serde::{Deserialize, Serialize};

/// The shape of the raw responses that a backend gives, so that they can be read again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFormat {
    /// A line of an OpenAI batch output or error file: `custom_id`, `response`, `error`.
    /// Source: <https://platform.openai.com/docs/api-reference/batch/request-output>.
    OpenaiBatch,
    /// A line of an Anthropic message batch result: `custom_id`, `result`.
    /// Source: <https://docs.anthropic.com/en/api/retrieving-message-batch-results>.
    AnthropicBatch,
    /// A row of no provider's, for backends that translate what they get. An answer is `custom_id`, `text`,
    /// `finish_reason`, and, where they are known, `model`, `usage` (`prompt_tokens`, `completion_tokens`) and
    /// `reasoning`; an error is `custom_id` and `error` (`status`, `code`, `message`).
    Neutral,
}

/// What a rehearsal writes as the `system_fingerprint` of a response, where OpenAI's format names the configuration that
/// answered. It stays with the row through any program that hands the row on.
/// Source of the field: <https://platform.openai.com/docs/api-reference/chat/object>.
pub const REHEARSAL_MARK: &str = "clinstruct-rehearsal";

/// Tokens that a provider says it counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub completion_tokens: u64,
    /// Tokens of the request that were billed at the cached rate.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens of the answer that the model spent on reasoning, where the provider counts them.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached_tokens += other.cached_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
    }
}

/// Why a model stopped writing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It reached the token limit: the text is truncated.
    Length,
    /// The provider's filter stopped it.
    ContentFilter,
    /// A reason that is not known to mean a whole text, in the provider's word; empty where none was given.
    Other(String),
}

/// A text that a model gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, to the byte as the provider gave it.
    pub text: String,
    /// Reasoning that the provider gave in a field of its own, not as part of the text.
    #[serde(default)]
    pub reasoning: Option<String>,
    /// Why it ended.
    pub finish: FinishReason,
    /// Model that answered, as the provider names it.
    pub model: String,
    /// Tokens used; `None` where the provider gave no usable numbers.
    pub usage: Option<Usage>,
    /// Whether the row says that a rehearsal wrote it: see [`REHEARSAL_MARK`].
    #[serde(default)]
    pub rehearsal: bool,
}

/// Why a provider did not answer. What is at fault decides what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The provider is busy (429, 503, 529): nothing was generated, and the request may be sent again after a pause.
    Busy,
    /// The provider failed (500, 502, 504, a timeout, anything unknown): the same request may succeed later.
    Server,
    /// The batch ended before this row was done: the request may be sent again at once.
    Expired,
    /// This text is refused for its content: the row's own fault, and another sample may pass.
    Content,
    /// The form of this request is refused: an unsupported parameter, too long for the context.
    Request,
    /// The key is missing or wrong, or the account lacks a permission, a region, a verification.
    Account,
    /// The money or the quota of the account is used up.
    Quota,
    /// The model is unknown, inaccessible, or not offered in this way.
    Model,
    /// Any other 404: a wrong path or base URL, or an object that is not (yet) there.
    NotFound,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 9] = [
        Self::Busy,
        Self::Server,
        Self::Expired,
        Self::Content,
        Self::Request,
        Self::Account,
        Self::Quota,
        Self::Model,
        Self::NotFound,
    ];

    /// Name for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Server => "server",
            Self::Expired => "expired",
            Self::Content => "content",
            Self::Request => "request",
            Self::Account => "account",
            Self::Quota => "quota",
            Self::Model => "model",
            Self::NotFound => "not_found",
        }
    }

    /// Whether every other request of the run would fail in the same way.
    pub fn concerns_run(self) -> bool {
        matches!(self, Self::Account | Self::Quota | Self::Model | Self::NotFound)
    }

    /// Whether the same request may succeed later without anybody doing anything.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Server | Self::Expired)
    }
}

/// What one raw response says, once read. A row's failure is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RowOutcome {
    /// A whole answer.
    Answer(Completion),
    /// An answer cut off at a limit, or one whose finish reason is not known to mean a whole text.
    Cut(Completion),
    /// The model declined, in the provider's own refusal field.
    Refused {
        /// Its words.
        text: String,
        /// Tokens billed, where the provider gave usable numbers.
        usage: Option<Usage>,
    },
    /// The provider's filter held the answer back.
    Filtered {
        /// Tokens billed, where the provider gave usable numbers.
        usage: Option<Usage>,
    },
    /// A successful response with null or blank content.
    Empty {
        /// Tokens billed, where the provider gave usable numbers.
        usage: Option<Usage>,
    },
    /// The provider reported an error for this row.
    Failed {
        /// What is at fault.
        fault: Fault,
        /// HTTP status, where one is known.
        status: Option<u16>,
        /// Provider's code or error type; `status N` where it gave none.
        code: String,
        /// Provider's message, never empty.
        message: String,
        /// Tokens billed, where the provider gave usable numbers.
        usage: Option<Usage>,
    },
    /// A row came, and what it holds cannot be used.
    Unreadable {
        /// What was wrong, with a short excerpt of what was seen.
        message: String,
        /// Tokens billed, where the provider gave usable numbers.
        usage: Option<Usage>,
    },
}

impl RowOutcome {
    /// Tokens that this row was billed for; `None` where the provider gave no usable numbers.
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Answer(c) | Self::Cut(c) => c.usage,
            Self::Refused { usage, .. }
            | Self::Filtered { usage }
            | Self::Empty { usage }
            | Self::Failed { usage, .. }
            | Self::Unreadable { usage, .. } => *usage,
        }
    }
}
