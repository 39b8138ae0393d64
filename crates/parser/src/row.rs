use clinstruct_schema::{
    Completion, ErrorClass, FinishReason, RequestId, RowFormat, RowOutcome, Usage,
};
use serde::Deserialize;

/// A raw row, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedRow {
    /// The request that it answers; `None` where the row does not say.
    pub id: Option<RequestId>,
    /// What it says.
    pub outcome: RowOutcome,
}

/// Reads one raw row. Any bytes in, an outcome out.
pub fn decode(format: RowFormat, raw: &[u8]) -> DecodedRow {
    let read = match format {
        RowFormat::OpenaiBatch => serde_json::from_slice::<OpenAiRow>(raw).map(openai),
        RowFormat::AnthropicBatch => serde_json::from_slice::<AnthropicRow>(raw).map(anthropic),
    };
    match read {
        // A backend may put more behind the address: the name of its job.
        Ok((id, outcome)) => match RequestId::parse(id.get(..32).unwrap_or(&id)) {
            Ok(id) => DecodedRow { id: Some(id), outcome },
            Err(e) => unreadable(format!("custom_id: {e}")),
        },
        Err(e) => unreadable(format!("not a row of the declared format: {e}")),
    }
}

fn unreadable(message: String) -> DecodedRow {
    DecodedRow { id: None, outcome: RowOutcome::Unreadable { message } }
}

#[derive(Deserialize)]
struct OpenAiRow {
    custom_id: String,
    #[serde(default)]
    response: Option<OpenAiResponse>,
    #[serde(default)]
    error: Option<OpenAiError>,
}

#[derive(Deserialize)]
struct OpenAiResponse {
    #[serde(default)]
    status_code: u16,
    #[serde(default)]
    body: Option<OpenAiBody>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OpenAiBody {
    model: Option<String>,
    choices: Vec<OpenAiChoice>,
    usage: Option<OpenAiUsage>,
    error: Option<OpenAiError>,
}

#[derive(Deserialize)]
struct OpenAiChoice {
    #[serde(default)]
    message: Option<OpenAiMessage>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct OpenAiMessage {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    refusal: Option<String>,
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
    text: Option<String>,
}

impl Content {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|p| p.text).collect(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OpenAiUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OpenAiError {
    code: Option<serde_json::Value>,
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

impl OpenAiError {
    fn code(&self) -> Option<String> {
        match &self.code {
            Some(serde_json::Value::String(code)) => Some(code.clone()),
            Some(serde_json::Value::Number(code)) => Some(code.to_string()),
            _ => self.kind.clone(),
        }
    }
}

/// What to do about an error, by its HTTP status and code.
/// Source of the codes: <https://platform.openai.com/docs/guides/error-codes> and, for rows of batches
/// that ended early, <https://platform.openai.com/docs/guides/batch>.
fn class_of(status: u16, code: &str) -> ErrorClass {
    match code {
        "batch_expired" | "batch_cancelled" | "expired" | "canceled" => {
            return ErrorClass::RetryNow;
        }
        "content_policy_violation" | "content_filter" => return ErrorClass::AskDifferently,
        "insufficient_quota" | "invalid_api_key" | "model_not_found" => return ErrorClass::Stop,
        _ => {}
    }
    match status {
        408 | 500 | 502 | 504 => ErrorClass::RetryNow,
        409 | 425 | 429 | 503 | 529 => ErrorClass::RetryLater,
        401..=404 => ErrorClass::Stop,
        400..=499 => ErrorClass::GiveUp,
        _ => ErrorClass::RetryNow,
    }
}

fn failed(status: u16, error: Option<&OpenAiError>) -> RowOutcome {
    let code = error.and_then(OpenAiError::code).unwrap_or_else(|| format!("status {status}"));
    let message = error.and_then(|e| e.message.clone()).unwrap_or_default();
    RowOutcome::Failed { class: class_of(status, &code), code, message }
}

fn openai(row: OpenAiRow) -> (String, RowOutcome) {
    let id = row.custom_id;
    let outcome = match (row.response, row.error) {
        (Some(response), error)
            if response.status_code != 0 && !(200..300).contains(&response.status_code) =>
        {
            let inner = response.body.and_then(|b| b.error).or(error);
            failed(response.status_code, inner.as_ref())
        }
        (Some(OpenAiResponse { body: Some(body), .. }), None) => openai_body(body),
        (_, Some(error)) => failed(0, Some(&error)),
        (_, None) => RowOutcome::Unreadable { message: "neither a response nor an error".into() },
    };
    (id, outcome)
}

fn openai_body(body: OpenAiBody) -> RowOutcome {
    let usage = body.usage.map_or_else(Usage::default, |u| Usage {
        prompt_tokens: u.prompt_tokens,
        completion_tokens: u.completion_tokens,
        cached_tokens: u.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0),
    });
    let Some(choice) = body.choices.into_iter().next() else {
        return match body.error {
            Some(error) => failed(0, Some(&error)),
            None => RowOutcome::Unreadable { message: "the response has no choices".into() },
        };
    };
    let finish = match choice.finish_reason.as_deref() {
        Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    };
    let (content, refusal) =
        choice.message.map_or((None, None), |m| (m.content.map(Content::text), m.refusal));
    if let Some(text) = refusal.filter(|r| !r.trim().is_empty()) {
        return RowOutcome::Refused { text, usage };
    }
    answer(content.unwrap_or_default(), finish, body.model.unwrap_or_default(), usage)
}

fn answer(text: String, finish: FinishReason, model: String, usage: Usage) -> RowOutcome {
    match finish {
        FinishReason::ContentFilter => RowOutcome::Filtered { usage },
        FinishReason::Length => RowOutcome::Cut(Completion { text, finish, model, usage }),
        _ if text.trim().is_empty() => RowOutcome::Empty { usage },
        _ => RowOutcome::Answer(Completion { text, finish, model, usage }),
    }
}

#[derive(Deserialize)]
struct AnthropicRow {
    custom_id: String,
    result: AnthropicResult,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum AnthropicResult {
    Succeeded {
        message: AnthropicMessage,
    },
    Errored {
        #[serde(default)]
        error: Option<AnthropicErrorFrame>,
    },
    Canceled,
    Expired,
}

#[derive(Deserialize)]
struct AnthropicMessage {
    #[serde(default)]
    model: String,
    #[serde(default)]
    content: Vec<Part>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<AnthropicUsage>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AnthropicUsage {
    #[serde(rename = "input_tokens")]
    input: u64,
    #[serde(rename = "output_tokens")]
    output: u64,
    #[serde(rename = "cache_read_input_tokens")]
    cached: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    created: Option<u64>,
}

#[derive(Deserialize)]
struct AnthropicErrorFrame {
    #[serde(default)]
    error: Option<OpenAiError>,
}

/// Error types: <https://docs.anthropic.com/en/api/errors>.
fn anthropic_class(kind: &str) -> ErrorClass {
    match kind {
        "rate_limit_error" | "overloaded_error" => ErrorClass::RetryLater,
        "authentication_error" | "permission_error" | "not_found_error" | "billing_error" => {
            ErrorClass::Stop
        }
        "invalid_request_error" | "request_too_large" => ErrorClass::GiveUp,
        _ => ErrorClass::RetryNow,
    }
}

fn anthropic(row: AnthropicRow) -> (String, RowOutcome) {
    let retry = |code: &str| RowOutcome::Failed {
        class: ErrorClass::RetryNow,
        code: code.into(),
        message: format!("the batch was {code} before this row was done"),
    };
    let outcome = match row.result {
        AnthropicResult::Canceled => retry("canceled"),
        AnthropicResult::Expired => retry("expired"),
        AnthropicResult::Errored { error } => {
            let error = error.and_then(|frame| frame.error).unwrap_or_default();
            let code = error.kind.clone().unwrap_or_else(|| "errored".into());
            let message = error.message.unwrap_or_default();
            RowOutcome::Failed { class: anthropic_class(&code), code, message }
        }
        AnthropicResult::Succeeded { message } => {
            let usage = message.usage.map_or_else(Usage::default, |u| Usage {
                // Tokens that went to the cache or came from it are not in `input_tokens`.
                // https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
                prompt_tokens: u.input + u.cached.unwrap_or(0) + u.created.unwrap_or(0),
                completion_tokens: u.output,
                cached_tokens: u.cached.unwrap_or(0),
            });
            let text: String = message.content.into_iter().filter_map(|p| p.text).collect();
            match message.stop_reason.as_deref() {
                Some("refusal") => RowOutcome::Refused { text, usage },
                Some("max_tokens") => answer(text, FinishReason::Length, message.model, usage),
                Some("end_turn" | "stop_sequence") => {
                    answer(text, FinishReason::Stop, message.model, usage)
                }
                _ => answer(text, FinishReason::Other, message.model, usage),
            }
        }
    };
    (row.custom_id, outcome)
}
