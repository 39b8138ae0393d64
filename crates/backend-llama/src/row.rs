//! Rows in the format of an OpenAI batch output file.
//!
//! Source: <https://platform.openai.com/docs/api-reference/batch/request-output>.

use clinstruct_schema::RequestId;
use serde_json::json;

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The model ended it, or a stop sequence was reached.
    Stop,
    /// It reached the token limit.
    Length,
}

/// Result of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The text.
    pub(crate) text: String,
    /// Why it ended.
    pub(crate) finish: Finish,
    /// Tokens of the prompt.
    pub(crate) prompt_tokens: usize,
    /// Prompt tokens that were cached.
    pub(crate) cached_tokens: usize,
    /// Generated tokens, including the last one.
    pub(crate) completion_tokens: usize,
}

/// The row of an answer.
pub(crate) fn answer(id: RequestId, model: &str, fingerprint: &str, said: &Said) -> Vec<u8> {
    let finish = match said.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    };
    json!({
        "custom_id": id,
        "response": {
            "status_code": 200,
            "request_id": format!("llama-{id}"),
            "body": {
                "id": format!("llama-{id}"),
                "object": "chat.completion",
                "created": 0,
                "model": model,
                "system_fingerprint": fingerprint,
                "choices": [{
                    "index": 0,
                    "message": { "role": "assistant", "content": said.text },
                    "finish_reason": finish,
                }],
                "usage": {
                    "prompt_tokens": said.prompt_tokens,
                    "completion_tokens": said.completion_tokens,
                    "total_tokens": said.prompt_tokens + said.completion_tokens,
                    "prompt_tokens_details": { "cached_tokens": said.cached_tokens },
                },
            },
        },
        "error": null,
    })
    .to_string()
    .into_bytes()
}

/// The row of a request that this model cannot answer at any setting.
pub(crate) fn refusal(id: RequestId, code: &str, message: &str) -> Vec<u8> {
    json!({
        "custom_id": id,
        "response": {
            "status_code": 400,
            "request_id": format!("llama-{id}"),
            "body": { "error": { "code": code, "type": "invalid_request_error", "message": message } },
        },
        "error": null,
    })
    .to_string()
    .into_bytes()
}
