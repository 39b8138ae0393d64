use serde::{Deserialize, Serialize};

/// Author of a chat message, as in chat APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The side that asks.
    User,
    /// The side that answers.
    Assistant,
}

/// One chat message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Author.
    pub role: Role,
    /// Its text.
    pub content: String,
}

/// The simulated speaker that a request makes the model play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Writes the first message of a conversation.
    PromptWriter,
    /// The medical assistant.
    Assistant,
    /// The health worker, from the second message on.
    User,
}

impl Speaker {
    /// The author of message `place` (from 0) of a conversation: the prompt writer of the first, then assistant and
    /// health worker in turn.
    pub fn of_message(place: usize) -> Self {
        match place {
            0 => Self::PromptWriter,
            odd if odd % 2 == 1 => Self::Assistant,
            _ => Self::User,
        }
    }

    /// The speaker's side of the conversation.
    pub fn role(self) -> Role {
        if self == Self::Assistant { Role::Assistant } else { Role::User }
    }

    /// The name in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PromptWriter => "prompt_writer",
            Self::Assistant => "assistant",
            Self::User => "user",
        }
    }
}

/// A JSON schema for the answer, for backends with structured output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonSchema {
    /// Name of the schema, `[a-z_]+`.
    pub name: String,
    /// The schema itself, as JSON text in canonical form.
    pub schema: String,
}

/// A request to a chat model, independent of any provider's wire format.
///
/// Its hash is the address of its response: it contains everything that affects the answer, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Model name at the backend.
    pub model: String,
    /// System message first, then the dialogue from its beginning.
    pub messages: Vec<Message>,
    /// Maximum tokens to generate.
    pub max_tokens: u32,
    /// Sampling temperature; the provider's default if `None`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f32>,
    /// Sampling seed; differs between attempts.
    pub seed: u64,
    /// Structured output, if requested.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub json_schema: Option<JsonSchema>,
}
