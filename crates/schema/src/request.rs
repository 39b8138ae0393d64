use serde::{Deserialize, Serialize};

/// Who a chat message is from, as chat APIs name it.
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
    /// Who it is from.
    pub role: Role,
    /// Its text, UTF-8, as it is shown.
    pub content: String,
}

/// Which of the simulated speakers a request makes the model be.
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
    /// Who says message `place` (from 0) of a conversation: the prompt writer the first, then assistant and health
    /// worker in turn.
    pub fn of_message(place: usize) -> Self {
        match place {
            0 => Self::PromptWriter,
            odd if odd % 2 == 1 => Self::Assistant,
            _ => Self::User,
        }
    }

    /// Which side of the conversation that is.
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

/// A JSON schema that the answer must fit, where the backend has structured output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonSchema {
    /// Name of the schema, `[a-z_]+`.
    pub name: String,
    /// The schema itself, as JSON text in canonical form.
    pub schema: String,
}

/// A request to a chat model, free of any provider's wire format.
///
/// Its hash addresses its response; whatever changes the answer is in here, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Model name as the backend knows it.
    pub model: String,
    /// System message first, then the dialogue from its beginning.
    pub messages: Vec<Message>,
    /// Largest number of tokens to generate.
    pub max_tokens: u32,
    /// Sampling temperature; the provider's default where `None`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f32>,
    /// Seed of the sampling; tells a second try from the first.
    pub seed: u64,
    /// Structured output asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub json_schema: Option<JsonSchema>,
}
