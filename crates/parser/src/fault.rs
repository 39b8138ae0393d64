//! Classifies provider errors, of jobs and of rows. Nothing else does.

mod tables;

use clinstruct_schema::Fault;

use tables::{AFTER_CODES, BEFORE_CODES, CODES, PARAMETERS, Pattern};

/// A provider's error with its fault.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderError {
    /// The fault.
    pub fault: Fault,
    /// HTTP status: that of the response, or the one in an error inside a 200.
    pub status: Option<u16>,
    /// Provider's code or error type; `status N` or `error` if there is none.
    pub code: String,
    /// Provider's own words: one line, at most 400 characters, never empty.
    pub message: String,
    /// Seconds that the provider asks to wait, if the body says so.
    pub retry_after_s: Option<f64>,
}

/// Whether a code is the provider's own, not a placeholder.
pub fn is_own_code(code: &str) -> bool {
    !code.is_empty() && code != "error" && !code.starts_with("status ")
}

fn matches(message: &str, patterns: &[Pattern]) -> Option<Fault> {
    let holds = |words: &[&str]| {
        words
            .iter()
            .try_fold(message, |rest, word| {
                rest.find(word).and_then(|at| rest.get(at + word.len()..))
            })
            .is_some()
    };
    patterns.iter().find(|(_, words)| holds(words)).map(|(fault, _)| *fault)
}

/// Whether a message says that a model does not support a parameter: the model's name is right.
fn about_parameter(message: &str) -> bool {
    ["not support", "unsupported", "not available", "not allowed", "not enabled", "not permitted"]
        .iter()
        .any(|word| message.contains(word))
        && PARAMETERS.iter().any(|name| message.contains(name))
}

/// The fault: by the provider's code, then by its message, then by the HTTP status.
///
/// A status alone is ambiguous: OpenAI answers 429 to an empty account, Anthropic 400; xAI answers 403 to a single text
/// that its filter rejects, and others 404 to a model that this key may not use.
pub fn classify(status: Option<u16>, code: &str, message: &str) -> Fault {
    let code = code.trim().to_lowercase().replace([' ', '-'], "_");
    let message = message.to_lowercase().replace(['\u{2019}', '`'], "'");
    if let Some(fault) = matches(&message, BEFORE_CODES) {
        return fault;
    }
    let by_code = CODES.iter().find(|(_, codes)| codes.contains(&code.as_str()));
    if let Some((fault, _)) = by_code {
        return *fault;
    }
    // The page of a gateway or a failing server adds nothing to its status.
    let in_trouble = status.is_some_and(|s| (500..600).contains(&s));
    match matches(&message, AFTER_CODES) {
        Some(Fault::Model) if about_parameter(&message) => return Fault::Request,
        // "The model is not available" with status 503 says nothing about its name.
        Some(Fault::Model | Fault::Account | Fault::NotFound)
            if in_trouble && status != Some(500) => {}
        Some(fault) => return fault,
        None => {}
    }
    match code.as_str() {
        "not_found_error" if message.contains("model:") => return Fault::Model,
        "permission_error" | "permission_denied" | "permissiondenied" | "forbidden" => {
            return Fault::Account;
        }
        "resource_exhausted" | "unavailable" => return Fault::Busy,
        _ => {}
    }
    match (status, code.as_str()) {
        (Some(s), _) if !(200..300).contains(&s) => of_status(s),
        (_, "not_found_error" | "not_found" | "notfound" | "notfounderror") => Fault::NotFound,
        (
            _,
            "invalid_request_error"
            | "invalid_request"
            | "invalid_argument"
            | "bad_request"
            | "badrequest"
            | "badrequesterror"
            | "validation_error"
            | "validation"
            | "invalid_value",
        ) => Fault::Request,
        _ => Fault::Server,
    }
}

/// Sources: <https://www.rfc-editor.org/rfc/rfc9110#name-status-codes>, for 529
/// <https://docs.anthropic.com/en/api/errors>, for 520 to 530
/// <https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>.
fn of_status(status: u16) -> Fault {
    match status {
        409 | 423 | 425 | 429 | 503 | 529 => Fault::Busy,
        401 | 403 | 407 | 511 => Fault::Account,
        402 => Fault::Quota,
        451 => Fault::Content,
        408 | 424 | 499 => Fault::Server,
        // A redirect leads to a login page, and a method that is not allowed means another path.
        300..=399 | 404 | 405 | 410 | 501 => Fault::NotFound,
        400..=498 => Fault::Request,
        _ => Fault::Server,
    }
}
