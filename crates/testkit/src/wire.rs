//! Parses requests of both formats.

use clinstruct_schema::{ChatRequest, JsonSchema, Message, RequestId, Role};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The address at the start of a custom id, if there is one: a backend may append to it.
pub(crate) fn address(custom_id: &str) -> &str {
    match custom_id.get(..32) {
        Some(head) if RequestId::parse(head).is_ok() => head,
        _ => custom_id,
    }
}

/// The request id in a custom id; otherwise its hash.
pub(crate) fn request_id(custom_id: &str) -> RequestId {
    RequestId::parse(address(custom_id)).unwrap_or_else(|_| {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(custom_id.as_bytes()).as_bytes()[..16]);
        RequestId(id)
    })
}

/// A token is four bytes here.
pub(crate) fn prompt_tokens(request: &ChatRequest) -> u64 {
    request.messages.iter().map(|m| m.content.len() as u64).sum::<u64>().div_ceil(4)
}

/// A hash of a request's model and messages, independent of its seed.
pub(crate) fn content(request: &ChatRequest) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(request.model.as_bytes());
    for message in &request.messages {
        let role: &[u8] = match message.role {
            Role::System => b"system",
            Role::User => b"user",
            Role::Assistant => b"assistant",
        };
        hasher.update(role).update(&[0]).update(message.content.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// A line of an OpenAI batch input file.
#[derive(Deserialize)]
pub(crate) struct OpenAiLine {
    pub(crate) custom_id: String,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) body: Box<RawValue>,
}

/// A request of an Anthropic message batch.
#[derive(Deserialize)]
pub(crate) struct AnthropicLine {
    pub(crate) custom_id: String,
    pub(crate) params: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl From<Content> for String {
    fn from(content: Content) -> Self {
        match content {
            Content::Text(text) => text,
            Content::Parts(parts) => parts.into_iter().map(|p| p.text).collect(),
        }
    }
}

#[derive(Deserialize)]
struct Turn {
    role: Role,
    content: Content,
}

impl From<Turn> for Message {
    fn from(turn: Turn) -> Self {
        Self { role: turn.role, content: turn.content.into() }
    }
}

#[derive(Deserialize)]
struct OpenAiBody {
    model: String,
    messages: Vec<Turn>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    max_completion_tokens: Option<u32>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    response_format: Option<ResponseFormat>,
}

#[derive(Deserialize)]
struct ResponseFormat {
    #[serde(default)]
    json_schema: Option<NamedSchema>,
}

#[derive(Deserialize)]
struct NamedSchema {
    name: String,
    schema: Box<RawValue>,
}

/// The model of a body, whatever else it contains.
#[derive(Deserialize)]
pub(crate) struct ModelOf {
    pub(crate) model: String,
}

/// Parses the body of an OpenAI chat completion.
pub(crate) fn openai(body: &str) -> serde_json::Result<ChatRequest> {
    let body: OpenAiBody = serde_json::from_str(body)?;
    let json_schema = body
        .response_format
        .and_then(|f| f.json_schema)
        .map(|s| JsonSchema { name: s.name, schema: s.schema.get().to_owned() });
    Ok(ChatRequest {
        model: body.model,
        messages: body.messages.into_iter().map(Message::from).collect(),
        max_tokens: body.max_completion_tokens.or(body.max_tokens).unwrap_or(u32::MAX),
        temperature: body.temperature,
        seed: body.seed.unwrap_or(0),
        json_schema,
    })
}

#[derive(Deserialize)]
struct AnthropicBody {
    model: String,
    messages: Vec<Turn>,
    max_tokens: u32,
    #[serde(default)]
    system: Option<Content>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    output_config: Option<OutputConfig>,
    #[serde(default)]
    output_format: Option<OutputFormat>,
}

#[derive(Deserialize)]
struct OutputConfig {
    #[serde(default)]
    format: Option<OutputFormat>,
}

#[derive(Deserialize)]
struct OutputFormat {
    #[serde(default)]
    schema: Option<Box<RawValue>>,
}

/// Parses the body of an Anthropic message, which has no seed and no schema name.
pub(crate) fn anthropic(body: &str) -> serde_json::Result<ChatRequest> {
    let body: AnthropicBody = serde_json::from_str(body)?;
    let system = body.system.map(|s| Message { role: Role::System, content: s.into() });
    let format = body.output_config.and_then(|c| c.format).or(body.output_format);
    let json_schema = format
        .and_then(|f| f.schema)
        .map(|s| JsonSchema { name: "output".into(), schema: s.get().to_owned() });
    Ok(ChatRequest {
        model: body.model,
        messages: system.into_iter().chain(body.messages.into_iter().map(Message::from)).collect(),
        max_tokens: body.max_tokens,
        temperature: body.temperature,
        seed: 0,
        json_schema,
    })
}
