//! Finds the error in a response of a provider or gateway, whatever its shape.

use clinstruct_schema::Fault;
use serde_json::{Map, Value};

use crate::fault::{ProviderError, classify};
use crate::finish::{Finish, finish_of};
use crate::web_page::{is_html, is_web_page, names_trouble, page_text};

/// Longest stored message, in characters.
const MESSAGE: usize = 400;
/// Longest stored code, in characters.
const CODE: usize = 80;
/// Nesting limit of wrapped errors.
const DEPTH: usize = 6;
/// Longest plausible wait, in seconds.
const LONGEST_WAIT: f64 = 7.0 * 86_400.0;

/// An error before it is classified.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Parts {
    status: Option<u16>,
    code: String,
    message: String,
    retry_after_s: Option<f64>,
}

/// Reads an error from an HTTP status (`None` if there is none) and any bytes: JSON of many shapes, HTML, text.
pub fn provider_error(status: Option<u16>, body: &[u8]) -> ProviderError {
    let text = String::from_utf8_lossy(body);
    let parts = match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(value) => parts_of(&value, 0).unwrap_or_else(|| plain(&text)),
        Err(_) => match event(&text).and_then(|value| parts_of(&value, 0)) {
            Some(parts) => parts,
            None => plain(&text),
        },
    };
    parts.classified(status)
}

/// The error in a body with a success status; `None` if the body contains a usable answer, or no error.
///
/// An HTML page or a plain text is an error: a gateway, a login page, a server without such a path.
pub fn error_in_success(body: &[u8]) -> Option<ProviderError> {
    let text = String::from_utf8_lossy(body);
    let json = text.trim_start_matches('\u{feff}').trim();
    if json.is_empty() {
        return Some(plain("").classified(None));
    }
    match serde_json::from_str::<Value>(json) {
        Ok(value) => error_in(&value).map(|parts| parts.classified(None)),
        Err(_) if json.starts_with(['{', '[']) => None,
        Err(_) => {
            if let Some(value) = event(json) {
                return error_in(&value).map(|parts| parts.classified(None));
            }
            let parts = plain(json);
            let mut error = parts.classified(None);
            if error.fault == Fault::Server && is_web_page(json) {
                error.fault = Fault::NotFound;
            }
            Some(error)
        }
    }
}

/// Fields that contain an error if there is no `error`.
const NAMED: &[&str] =
    &["errors", "detail", "message", "Message", "msg", "error_message", "errorMessage", "fault"];

/// The error in a body with a success status.
pub(crate) fn error_in(body: &Value) -> Option<Parts> {
    let object = match body {
        Value::Object(object) => object,
        // Some gateways return a list with one error.
        Value::Array(items) => {
            let first = items.first()?.as_object()?;
            return first.get("error").is_some_and(is_real).then(|| parts_of(body, 0))?;
        }
        Value::String(text) => {
            let inner = serde_json::from_str::<Value>(text).ok();
            return match inner {
                Some(inner @ (Value::Object(_) | Value::Array(_))) => error_in(&inner),
                // Any text may be a body; one without an error message is no error, and no answer either.
                _ => parts_of(body, 0).filter(|parts| {
                    let fault = parts.clone().classified(None).fault;
                    fault != Fault::Server || is_html(text) || names_trouble(text)
                }),
            };
        }
        _ => return None,
    };
    let choice = first_choice(object);
    let on_choice = choice.and_then(|c| c.get("error")).filter(|e| is_real(e));
    let finish = choice.map_or(Finish::Missing, |c| finish_of(c.get("finish_reason")));
    let has_text = choice.is_some_and(has_text);
    if has_text && matches!(finish, Finish::Whole) {
        return None;
    }
    if let Some(error) = on_choice {
        return parts_of(error, 1);
    }
    if let Finish::Error(word) = &finish {
        let error = object.get("error").filter(|e| is_real(e)).and_then(|_| parts_of(body, 0));
        return error.or_else(|| Some(broken_off(word)));
    }
    if choice.is_some() || object.contains_key("content") || object.contains_key("output") {
        // An error next to an incomplete answer explains it.
        return object.get("error").filter(|e| is_real(e)).and_then(|_| parts_of(body, 0));
    }
    let is_error = object.get("error").is_some_and(is_real)
        || object.get("object").and_then(Value::as_str) == Some("error")
        || object.get("type").and_then(Value::as_str) == Some("error")
        || NAMED.iter().any(|name| object.get(*name).is_some_and(is_real))
            // A provider's object (batch, file) may have fields with these names without being an error.
            && (object.get("id").is_none_or(Value::is_null)
                || object.get("message").is_some_and(Value::is_string) && !object.contains_key("object"));
    is_error.then(|| parts_of(body, 0)).flatten()
}

/// Generation that the provider aborted without an error.
pub(crate) fn broken_off(word: &str) -> Parts {
    let message = format!("generation ended with the finish reason \"{word}\"");
    Parts { code: format!("finish_reason {word}"), message, ..Parts::default() }
}

/// The first choice of a chat completion.
pub(crate) fn first_choice(body: &Map<String, Value>) -> Option<&Map<String, Value>> {
    match body.get("choices")? {
        Value::Array(choices) => choices.iter().find_map(Value::as_object),
        Value::Object(choice) => Some(choice),
        _ => None,
    }
}

fn has_text(choice: &Map<String, Value>) -> bool {
    let message = choice.get("message");
    let content = match message {
        Some(Value::Object(message)) => message.get("content"),
        other => other.or_else(|| choice.get("text")),
    };
    content.is_some_and(|content| !crate::content::text_of(content).text.trim().is_empty())
}

/// Whether the value of an `error` field reports an error: `null`, `""`, `{}`, `[]`, `false` and 0 do not.
pub(crate) fn is_real(error: &Value) -> bool {
    match error {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(text) => {
            let text = text.trim();
            !text.is_empty() && !matches!(text, "null" | "None" | "none" | "{}" | "[]" | "false")
        }
        Value::Array(items) => items.iter().any(is_real),
        // `{"code": null, "message": ""}` is an empty error.
        Value::Object(members) => members.values().any(is_real),
    }
}

fn plain(text: &str) -> Parts {
    Parts { message: page_text(text), ..Parts::default() }
}

/// The first JSON object of a server-sent event stream.
fn event(text: &str) -> Option<Value> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("data:"));
    lines
        .map(str::trim)
        .find_map(|data| serde_json::from_str::<Value>(data).ok().filter(Value::is_object))
}

/// Extracts the error from a JSON value.
pub(crate) fn parts_of(value: &Value, depth: usize) -> Option<Parts> {
    if depth > DEPTH {
        return None;
    }
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::Number(n) => {
            let status = status_in(value);
            Some(Parts { status, code: n.to_string(), ..Parts::default() })
        }
        Value::String(text) => {
            if text.trim().is_empty() {
                return None;
            }
            let inner = text.find('{').and_then(|at| text.get(at..));
            let inner = inner.and_then(|json| serde_json::from_str::<Value>(json).ok());
            match inner.and_then(|inner| parts_of(&inner, depth + 1)) {
                // "Error code: 429 - {..}": the text before the object belongs to the message.
                Some(mut parts)
                    if text.trim_start().starts_with('{') || !parts.message.is_empty() =>
                {
                    if parts.status.is_none() {
                        parts.status = status_in_words(text);
                    }
                    Some(parts)
                }
                _ => Some(Parts {
                    status: status_in_words(text),
                    message: page_text(text),
                    ..Parts::default()
                }),
            }
        }
        Value::Array(items) => items.iter().find_map(|item| parts_of(item, depth + 1)),
        Value::Object(object) => of_object(object, depth),
    }
}

fn of_object(object: &Map<String, Value>, depth: usize) -> Option<Parts> {
    let real = |name: &str| object.get(name).filter(|v| is_real(v));
    // The error itself, if this object only wraps it.
    let wrapped = ["error", "errors", "fault"].iter().find_map(|name| {
        let inner = real(name)?;
        (!matches!(inner, Value::Bool(_) | Value::Number(_))).then_some(inner)
    });
    let mut parts = wrapped.and_then(|inner| parts_of(inner, depth + 1)).unwrap_or_default();
    let text = [
        "message",
        "Message",
        "msg",
        "detail",
        "details",
        "title",
        "error_message",
        "errorMessage",
        "error_description",
        "faultstring",
        "reason",
        "description",
    ]
    .iter()
    .find_map(|name| message_in(object.get(*name)?, depth));
    match text {
        // {"error": "Not Found", "message": "no such path"}: the error is the code of the message.
        Some(text)
            if wrapped.is_some_and(Value::is_string)
                && !parts.message.is_empty()
                && parts.code.is_empty()
                && parts.message.chars().count() <= CODE
                && parts.message != text =>
        {
            parts.code = std::mem::replace(&mut parts.message, text);
        }
        Some(text) if parts.message.is_empty() => parts.message = text,
        _ => {}
    }
    // The upstream's message is more useful than a gateway's "Provider returned error".
    if let Some(raw) = object.get("metadata").and_then(|m| m.get("raw")).filter(|r| is_real(r)) {
        let upstream = parts_of(raw, depth + 1).unwrap_or_default();
        if !upstream.message.is_empty() && !parts.message.contains(&upstream.message) {
            parts.message = [parts.message.as_str(), upstream.message.as_str()]
                .iter()
                .filter(|m| !m.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(": ");
        }
        if parts.code.is_empty() {
            parts.code = upstream.code;
        }
        parts.status = parts.status.or(upstream.status);
        parts.retry_after_s = parts.retry_after_s.or(upstream.retry_after_s);
    }
    let names =
        ["code", "type", "status", "error_type", "errorCode", "error_code", "__type", "Code"];
    for name in names {
        let Some(value) = object.get(name) else { continue };
        if let Some(status) = status_in(value) {
            parts.status = parts.status.or(Some(status));
        } else if parts.code.is_empty()
            && let Value::String(code) = value
            && !matches!(code.as_str(), "" | "error" | "failed" | "fail" | "null")
        {
            parts.code.clone_from(code);
        } else if parts.code.is_empty()
            && let Value::Number(code) = value
        {
            parts.code = code.to_string();
        }
    }
    for name in ["status_code", "statusCode", "http_status", "httpStatus", "http_code"] {
        parts.status = parts.status.or_else(|| object.get(name).and_then(status_in));
    }
    for name in ["retry_after", "retryAfter", "retry_after_seconds", "retryDelay", "retry_delay"] {
        parts.retry_after_s = parts.retry_after_s.or_else(|| object.get(name).and_then(seconds_in));
    }
    if let Some(Value::Array(details)) = object.get("details") {
        let wait = details.iter().find_map(|d| d.get("retryDelay").and_then(seconds_in));
        parts.retry_after_s = parts.retry_after_s.or(wait);
    }
    let empty = parts.message.is_empty() && parts.code.is_empty() && parts.status.is_none();
    (!empty).then_some(parts)
}

/// A message in a field that may contain a string, a list of problems (`loc`, `msg`) or another object.
fn message_in(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::String(_) => parts_of(value, depth + 1).map(|p| p.message).filter(|m| !m.is_empty()),
        Value::Array(items) => {
            let all: Vec<String> = items.iter().filter_map(|item| problem(item, depth)).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        Value::Object(_) => parts_of(value, depth + 1).map(|p| p.message).filter(|m| !m.is_empty()),
        _ => None,
    }
}

/// One entry of a validation error: location and message.
fn problem(item: &Value, depth: usize) -> Option<String> {
    let text = parts_of(item, depth + 1).map(|p| p.message).filter(|m| !m.is_empty())?;
    let Some(Value::Array(path)) = item.get("loc") else { return Some(text) };
    let place: Vec<String> = path
        .iter()
        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
        .collect();
    Some(format!("{}: {text}", place.join(".")))
}

/// An HTTP status from a number or a string of digits.
pub(crate) fn status_in(value: &Value) -> Option<u16> {
    let number = match value {
        Value::Number(n) => n.as_f64()?,
        Value::String(text) => text.trim().parse::<u16>().ok().map(f64::from)?,
        _ => return None,
    };
    ((100.0..600.0).contains(&number) && number.fract() == 0.0).then_some(number as u16)
}

/// The status in a text such as `Error code: 429 - ..`, the format of Python clients.
fn status_in_words(text: &str) -> Option<u16> {
    let lower = text.to_lowercase();
    [
        "error code: ",
        "status code: ",
        "status code ",
        "status: ",
        "http ",
        "http/1.1 ",
        "statuscode: ",
    ]
    .iter()
    .find_map(|before| {
        let at = lower.find(before)? + before.len();
        let digits = lower.get(at..at + 3)?;
        let after = lower.get(at + 3..).and_then(|rest| rest.chars().next());
        let status: u16 = digits.parse().ok()?;
        ((400..600).contains(&status) && !after.is_some_and(|c| c.is_ascii_digit()))
            .then_some(status)
    })
}

fn seconds_in(value: &Value) -> Option<f64> {
    let seconds = match value {
        Value::Number(n) => n.as_f64()?,
        Value::String(text) => text.parse().ok().or_else(|| duration(text))?,
        _ => return None,
    };
    (0.0..=LONGEST_WAIT).contains(&seconds).then_some(seconds)
}

/// A duration at the start of a text: `7m12s`, `1.5s`, `20ms`, `26 seconds`.
fn duration(text: &str) -> Option<f64> {
    let mut rest = text.trim_start();
    let mut sum: Option<f64> = None;
    loop {
        let digits =
            rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let Ok(number) = rest.get(..digits)?.trim_end_matches('.').parse::<f64>() else { break };
        let unit = rest.get(digits..)?.trim_start();
        let letters = unit.len() - unit.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let factor = match unit.get(..letters)? {
            "ms" | "milliseconds" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => break,
        };
        sum = Some(sum.unwrap_or(0.0) + number * factor);
        rest = unit.get(letters..)?.trim_start_matches([' ', ',']);
    }
    sum.filter(|s| (0.0..=LONGEST_WAIT).contains(s))
}

/// The wait that a message asks for: `Please try again in 7m12s`.
fn wait_in_words(message: &str) -> Option<f64> {
    let lower = message.to_lowercase();
    ["try again in ", "retry in ", "retry after ", "try again after ", "available in ", "wait "]
        .iter()
        .find_map(|before| {
            let at = lower.find(before)? + before.len();
            duration(lower.get(at..)?)
        })
}

impl Parts {
    /// Classifies the error. A status in the body counts if HTTP gave none, reported success, or blamed the gateway.
    pub(crate) fn classified(self, status: Option<u16>) -> ProviderError {
        let named = self.status;
        let status = match status {
            None | Some(0..=299) => named.filter(|s| *s >= 300),
            Some(500 | 502) => named.filter(|s| (400..600).contains(s)).or(status),
            Some(_) => status,
        };
        let mut code = one_line(&self.code, CODE);
        let message = one_line(&self.message, MESSAGE);
        // A code that only repeats the status is redundant: it is the status.
        let word = if code.parse::<f64>().is_ok() { "" } else { code.as_str() };
        let fault = classify(status, word, &message);
        if word.is_empty() {
            code = match (status, code.is_empty()) {
                (Some(status), _) => format!("status {status}"),
                (None, true) => "error".to_owned(),
                (None, false) => code,
            };
        }
        let retry_after_s = self.retry_after_s.or_else(|| wait_in_words(&message));
        let message = match message.is_empty() {
            false => message,
            true if self.code.is_empty() => "empty body".to_owned(),
            true => format!("{code}, without a message"),
        };
        ProviderError { fault, status, code, message, retry_after_s }
    }
}

/// A provider's text on one line, without control characters, cut after `most` characters.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut count = 0_usize;
    for word in text.split_whitespace() {
        for c in (count > 0).then_some(' ').into_iter().chain(word.chars()) {
            if count == most {
                line.push('…');
                return line;
            }
            count += 1;
            // Terminal and bidirectional control codes do not belong in a message.
            let steers =
                c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            line.push(if steers { '\u{fffd}' } else { c });
        }
    }
    line
}
