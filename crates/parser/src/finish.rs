//! Finish reasons of many servers. A text counts as an answer only with a reason known to mean that it is complete.

use serde_json::Value;

/// What a finish reason means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The text is complete.
    Whole,
    /// No reason was given.
    Missing,
    /// The text was truncated at a limit.
    Limit,
    /// A filter held it back.
    Filter,
    /// The model declined.
    Refusal,
    /// Generation failed.
    Error(String),
    /// The model requested something instead of answering: a tool, another turn.
    Tool(String),
    /// An unknown word.
    Unknown(String),
}

/// Sources: <https://platform.openai.com/docs/api-reference/chat/object>,
/// <https://docs.anthropic.com/en/api/handling-stop-reasons>, <https://docs.mistral.ai/api/>,
/// <https://ai.google.dev/api/generate-content#FinishReason>, <https://api-docs.deepseek.com/api/create-chat-completion>,
/// <https://docs.cohere.com/reference/chat>, <https://docs.aws.amazon.com/bedrock/latest/userguide/titan-text-models.html>,
/// <https://huggingface.co/docs/text-generation-inference>, <https://docs.bigmodel.cn/api-reference>.
pub(crate) fn finish_of(reason: Option<&Value>) -> Finish {
    let word = match reason {
        None | Some(Value::Null) => return Finish::Missing,
        Some(Value::String(word)) => word.clone(),
        Some(Value::Object(reason)) => match reason.get("type").or_else(|| reason.get("reason")) {
            Some(Value::String(word)) => word.clone(),
            _ => return Finish::Unknown(Value::Object(reason.clone()).to_string()),
        },
        Some(other) => return Finish::Unknown(other.to_string()),
    };
    let plain = word.trim().to_lowercase().replace(['-', ' '], "_");
    let plain = plain
        .strip_prefix("finish_reason_")
        .or_else(|| plain.strip_prefix("finishreason."))
        .unwrap_or(&plain);
    match plain {
        "" | "null" | "none" => Finish::Missing,
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "stop_str" | "stop_token"
        | "complete" | "completed" | "endoftext" | "finish" => Finish::Whole,
        "length"
        | "max_tokens"
        | "max_token"
        | "max_length"
        | "max_new_tokens"
        | "max_output_tokens"
        | "max_output_reached"
        | "max_completion_tokens"
        | "model_length"
        | "model_context_window_exceeded"
        | "context_length_exceeded"
        | "context_window_exceeded"
        | "token_limit"
        | "time_limit"
        | "not_finished"
        | "incomplete" => Finish::Limit,
        "content_filter"
        | "content_filtered"
        | "filtered"
        | "safety"
        | "recitation"
        | "blocklist"
        | "prohibited_content"
        | "spii"
        | "guardrail_intervened"
        | "moderation"
        | "sensitive"
        | "error_toxic" => Finish::Filter,
        "refusal" | "refused" => Finish::Refusal,
        "error"
        | "abort"
        | "aborted"
        | "cancelled"
        | "canceled"
        | "cancel"
        | "failed"
        | "failure"
        | "timeout"
        | "insufficient_system_resource"
        | "malformed_function_call"
        | "unexpected_tool_call"
        | "network_error"
        | "system_error"
        | "internal_error" => Finish::Error(word),
        "tool_calls" | "tool_call" | "tool_use" | "function_call" | "pause_turn" => {
            Finish::Tool(word)
        }
        _ => Finish::Unknown(word),
    }
}
