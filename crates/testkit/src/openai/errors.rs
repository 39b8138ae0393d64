//! Errors in OpenAI's format.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// An error as OpenAI shapes it.
pub(crate) fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Response {
    let frame = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(frame)).into_response()
}

pub(super) fn invalid(message: &str) -> Response {
    error(400, "invalid_request_error", None, message)
}

pub(super) fn broken(e: &dyn std::fmt::Display) -> Response {
    error(500, "server_error", None, &format!("the test provider itself failed: {e}"))
}

pub(super) fn no_money() -> Response {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    error(429, "insufficient_quota", Some("insufficient_quota"), message)
}

pub(super) fn no_model(model: &str) -> Response {
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    error(404, "invalid_request_error", Some("model_not_found"), &message)
}

pub(super) fn no_file(id: &str) -> Response {
    let message = format!("No such File object: {id}");
    error(404, "invalid_request_error", None, &message)
}

pub(super) fn no_batch(id: &str) -> Response {
    let message = format!("No batch found with id '{id}'.");
    error(404, "invalid_request_error", None, &message)
}

/// The 401 for this key; the message quotes it masked, as the real one does.
pub(crate) fn unauthorised(key: Option<&str>) -> Response {
    let message = match key {
        None => "You didn't provide an API key.".to_owned(),
        Some(key) => format!(
            "Incorrect API key provided: {}. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
            masked(key)
        ),
    };
    error(401, "invalid_request_error", Some("invalid_api_key"), &message)
}

fn masked(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let shown = if chars.len() > 12 { 4 } else { 1 }.min(chars.len());
    let head: String = chars.iter().take(shown).collect();
    let tail: String = chars.iter().skip(chars.len() - shown).collect();
    format!("{head}{}{tail}", "*".repeat(chars.len().saturating_sub(2 * shown)))
}
