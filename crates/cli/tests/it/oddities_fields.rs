//! The fields of a provider's replies, and wrong values of them.

use clinstruct_testkit::Twist;
use serde_json::{Value, json};

/// Purpose of a field, which decides what its loss may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Nothing depends on it.
    Idle,
    /// Tokens, which can be estimated.
    Usage,
    /// It contains the answer, or the value of the answer depends on it.
    Answer,
    /// A body that can be read if it arrives as a string.
    Body,
    /// The status of a response that has a body.
    Status,
    /// An error in place of none.
    Error,
    /// The id of a file that does not exist.
    NoFile,
    /// The state of a batch, or an id: polling again shows it.
    Looked,
}

/// A field of a reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) at: &'static str,
    pub(crate) used: Use,
    pub(crate) is_text: bool,
}

pub(crate) const fn field(at: &'static str, used: Use) -> Field {
    Field { at, used, is_text: false }
}

pub(crate) const fn text(at: &'static str, used: Use) -> Field {
    Field { at, used, is_text: true }
}

/// The body of a completion.
pub(crate) const COMPLETION: [Field; 16] = [
    text("id", Use::Idle),
    text("object", Use::Idle),
    field("created", Use::Idle),
    text("model", Use::Idle),
    text("system_fingerprint", Use::Idle),
    field("choices", Use::Answer),
    field("choices/0", Use::Answer),
    field("choices/0/index", Use::Idle),
    field("choices/0/logprobs", Use::Idle),
    field("choices/0/message", Use::Answer),
    text("choices/0/message/content", Use::Answer),
    text("choices/0/finish_reason", Use::Answer),
    field("usage", Use::Usage),
    field("usage/prompt_tokens", Use::Usage),
    field("usage/completion_tokens", Use::Usage),
    field("usage/prompt_tokens_details/cached_tokens", Use::Usage),
];

/// What is around it in a batch.
pub(crate) const ROW: [Field; 6] = [
    text("/id", Use::Idle),
    text("/custom_id", Use::Answer),
    field("/error", Use::Error),
    field("/response", Use::Answer),
    field("/response/status_code", Use::Status),
    field("/response/body", Use::Body),
];

/// A message of Anthropic's.
pub(crate) const MESSAGE: [Field; 12] = [
    text("id", Use::Idle),
    text("type", Use::Idle),
    text("role", Use::Idle),
    text("model", Use::Idle),
    field("stop_sequence", Use::Idle),
    field("content", Use::Answer),
    field("content/0", Use::Answer),
    text("content/0/text", Use::Answer),
    text("stop_reason", Use::Answer),
    field("usage", Use::Usage),
    field("usage/input_tokens", Use::Usage),
    field("usage/output_tokens", Use::Usage),
];

pub(crate) const RESULT: [Field; 4] = [
    text("/custom_id", Use::Answer),
    field("/result", Use::Answer),
    text("/result/type", Use::Answer),
    field("/result/message", Use::Body),
];

pub(crate) const OPENAI_BATCH: [Field; 10] = [
    text("/id", Use::Idle),
    text("/object", Use::Idle),
    text("/status", Use::Looked),
    text("/output_file_id", Use::Looked),
    field("/error_file_id", Use::NoFile),
    field("/request_counts", Use::Idle),
    field("/request_counts/completed", Use::Idle),
    field("/metadata", Use::Idle),
    field("/errors", Use::Idle),
    field("/completed_at", Use::Idle),
];

pub(crate) const ANTHROPIC_BATCH: [Field; 8] = [
    text("/id", Use::Idle),
    text("/type", Use::Idle),
    text("/processing_status", Use::Looked),
    field("/request_counts", Use::Idle),
    field("/request_counts/succeeded", Use::Idle),
    text("/results_url", Use::Idle),
    field("/archived_at", Use::Idle),
    text("/ended_at", Use::Idle),
];

pub(crate) const FILE: [Field; 5] = [
    text("/id", Use::Idle),
    field("/bytes", Use::Idle),
    text("/purpose", Use::Idle),
    text("/status", Use::Idle),
    text("/filename", Use::Idle),
];

/// The replacement for a value; empty if it makes no sense.
pub(crate) fn values(field: Field, at: &str) -> Vec<(&'static str, Twist)> {
    let set = |value: Value| Twist::Set(at.to_owned(), value);
    let mut all = vec![
        ("null", set(Value::Null)),
        ("missing", Twist::Remove(at.to_owned())),
        ("an empty string", set(json!(""))),
        ("a string", set(json!("odd"))),
        ("a number", set(json!(7))),
        ("below zero", set(json!(-35))),
        ("huge", set(json!(1e300))),
        ("2^64 - 1", set(json!(u64::MAX))),
        ("a list", set(json!([]))),
        ("an object", set(json!({}))),
        ("true", set(json!(true))),
        ("JSON in a string", Twist::Stringify(at.to_owned())),
        ("HTML", set(json!("<html><body>502 Bad Gateway</body></html>"))),
    ];
    if field.is_text {
        all.push(("broken UTF-8", Twist::Splice(at.to_owned(), b"\xe2\x82".to_vec())));
        all.push(("half a surrogate", Twist::Splice(at.to_owned(), b"\\ud83d".to_vec())));
    }
    all
}
