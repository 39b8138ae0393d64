//! Rows of a batch's output and error files.

use serde_json::{Value, json};

use crate::config::Answer;
use crate::job::RowFault;
use crate::state::Server;

pub(super) fn completion(server: &Server, model: &str, answer: &Answer) -> Value {
    let (id, _) = server.new_id("chatcmpl-");
    let content = answer.refusal.is_none().then_some(&answer.text);
    json!({
        "id": id,
        "object": "chat.completion",
        "created": server.state().tick(),
        "model": model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content, "refusal": answer.refusal},
            "logprobs": null,
            "finish_reason": answer.finish_reason,
        }],
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
        },
        "system_fingerprint": "fp_test",
    })
}

/// A line of an output file.
pub(crate) fn answer_line(server: &Server, id: &str, model: &str, answer: &Answer) -> Value {
    row(server, id, Some((200, completion(server, model, answer))), None)
}

fn row(
    server: &Server,
    custom_id: &str,
    response: Option<(u16, Value)>,
    error: Option<(&str, &str)>,
) -> Value {
    let (id, _) = server.new_id("batch_req_");
    let response = response.map(|(status, body)| {
        json!({"status_code": status, "request_id": id.replace("batch_", ""), "body": body})
    });
    let error = error.map(|(code, message)| json!({"code": code, "message": message}));
    json!({"id": id, "custom_id": custom_id, "response": response, "error": error})
}

/// A line of an error file.
pub(crate) fn error_line(server: &Server, id: &str, fault: RowFault<'_>) -> Value {
    let frame = |kind: &str, code: Option<&str>, message: &str| json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    let invalid = "invalid_request_error";
    match fault {
        RowFault::Server => {
            let message = "The server had an error while processing your request.";
            row(server, id, Some((500, frame("server_error", None, message))), None)
        }
        RowFault::Invalid(what) => row(server, id, Some((400, frame(invalid, None, what))), None),
        RowFault::Model(model) => {
            let message = format!("The model `{model}` does not exist.");
            let body = frame(invalid, Some("model_not_found"), &message);
            row(server, id, Some((404, body)), None)
        }
        RowFault::Expired => {
            let message =
                "This request could not be executed before the completion window expired.";
            row(server, id, None, Some(("batch_expired", message)))
        }
        RowFault::Cancelled => {
            let message = "This request was not executed: the batch was cancelled.";
            row(server, id, None, Some(("batch_cancelled", message)))
        }
    }
}
