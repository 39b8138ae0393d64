use serde::{Deserialize, Serialize};

/// The format of a backend's raw responses, so that they can be read again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFormat {
    /// A line of an OpenAI batch output or error file: `custom_id`, `response`, `error`.
    /// Source: <https://platform.openai.com/docs/api-reference/batch/request-output>.
    OpenaiBatch,
    /// A line of an Anthropic message batch result: `custom_id`, `result`.
    /// Source: <https://docs.anthropic.com/en/api/retrieving-message-batch-results>.
    AnthropicBatch,
    /// A provider-independent row, for backends that translate their responses. An answer is `custom_id`, `text`,
    /// `finish_reason`, and, if known, `model`, `usage` (`prompt_tokens`, `completion_tokens`) and `reasoning`; an
    /// error is `custom_id` and `error` (`status`, `code`, `message`).
    Neutral,
}

/// The `system_fingerprint` of a rehearsal's responses; in OpenAI's format this field names the configuration that
/// answered. It survives any program that forwards the row. Source of the field:
/// <https://platform.openai.com/docs/api-reference/chat/object>.
pub const REHEARSAL_MARK: &str = "clinstruct-rehearsal";

/// Token counts reported by a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens, including reasoning.
    pub completion_tokens: u64,
    /// Prompt tokens billed at the cached rate.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Completion tokens spent on reasoning, if the provider counts them.
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
    /// The text is complete.
    Stop,
    /// It reached the token limit: the text is truncated.
    Length,
    /// The provider's filter stopped it.
    ContentFilter,
    /// A reason that is not known to mean a complete text, as the provider calls it; empty if there was none.
    Other(String),
}

/// Text from a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, exactly as the provider sent it.
    pub text: String,
    /// Reasoning in a separate field of the provider, not in the text.
    #[serde(default)]
    pub reasoning: Option<String>,
    /// Why it ended.
    pub finish: FinishReason,
    /// Model name in the response.
    pub model: String,
    /// Tokens used; `None` if the provider gave no usable counts.
    pub usage: Option<Usage>,
    /// Whether the row is marked as a rehearsal: see [`REHEARSAL_MARK`].
    #[serde(default)]
    pub rehearsal: bool,
}

/// Why a provider did not answer. The fault decides how the error is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The provider is busy (429, 503, 529): nothing was generated, and the request may be sent again after a pause.
    Busy,
    /// The provider failed (500, 502, 504, a timeout, anything unknown): the same request may succeed later.
    Server,
    /// The batch ended before this row was done: the request may be sent again at once.
    Expired,
    /// This text is rejected for its content: another sample may pass.
    Content,
    /// The form of this request is rejected: an unsupported parameter, too long for the context.
    Request,
    /// The key is missing or wrong, or the account lacks a permission, a region, a verification.
    Account,
    /// The credit or quota of the account is used up.
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

    /// Whether the same request may succeed later without any change.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Server | Self::Expired)
    }
}

/// The content of one raw response. A row's failure is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RowOutcome {
    /// A complete answer.
    Answer(Completion),
    /// An answer truncated at a limit, or with a finish reason that is not known to mean a complete text.
    Cut(Completion),
    /// The model declined, in the provider's own refusal field.
    Refused {
        /// Its words.
        text: String,
        /// Tokens billed, if the provider gave usable counts.
        usage: Option<Usage>,
    },
    /// The provider's filter withheld the answer.
    Filtered {
        /// Tokens billed, if the provider gave usable counts.
        usage: Option<Usage>,
    },
    /// A successful response with null or blank content.
    Empty {
        /// Tokens billed, if the provider gave usable counts.
        usage: Option<Usage>,
    },
    /// The provider reported an error for this row.
    Failed {
        /// The fault.
        fault: Fault,
        /// HTTP status, if known.
        status: Option<u16>,
        /// Provider's code or error type; `status N` if there is none.
        code: String,
        /// Provider's message, never empty.
        message: String,
        /// Tokens billed, if the provider gave usable counts.
        usage: Option<Usage>,
    },
    /// A row was received, and is unusable.
    Unreadable {
        /// What is wrong, with a short excerpt.
        message: String,
        /// Tokens billed, if the provider gave usable counts.
        usage: Option<Usage>,
    },
}

impl RowOutcome {
    /// Tokens billed for this row; `None` if the provider gave no usable counts.
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
