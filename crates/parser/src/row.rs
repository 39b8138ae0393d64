use std::borrow::Cow;

use clinstruct_schema::{
    Completion, Fault, FinishReason, REHEARSAL_MARK, RequestId, RowFormat, RowOutcome, Usage,
};
use serde_json::{Map, Value};

use crate::content::{Content, reasoning_of, text_of};
use crate::decoded::{DecodedRow, is_page, request_id};
use crate::error_body::{
    Parts, broken_off, error_in, first_choice, is_real, one_line, parts_of, status_in,
};
use crate::finish::{Finish, finish_of};
use crate::plain::plain_answer;
use crate::repair::{self, BROKEN};
use crate::usage;

/// Longest excerpt of a row in a message, in characters.
const EXCERPT: usize = 300;

/// Decodes one raw response. Accepts any bytes.
///
/// The id is read first, whatever else is broken, so that a received row never counts as missing. All other fields are
/// read leniently: an unexpected type alone decides nothing.
pub fn decode(format: RowFormat, raw: &[u8]) -> DecodedRow {
    if format == RowFormat::OpenaiBatch
        && let Some(row) = plain_answer(raw)
    {
        return row;
    }
    lenient(format, raw)
}

pub(crate) fn lenient(format: RowFormat, raw: &[u8]) -> DecodedRow {
    let text = repair::lossy(raw);
    let value = match &text {
        Cow::Borrowed(text) => serde_json::from_str::<Value>(text).ok(),
        Cow::Owned(_) => None,
    };
    let value = value.or_else(|| serde_json::from_str::<Value>(&repair::json(&text)).ok());
    let Some(value) = value else {
        let seen = one_line(&shown(&text), EXCERPT);
        return DecodedRow {
            id: id_in_text(&text),
            outcome: unreadable(format!("not JSON: {seen}"), None),
        };
    };
    let row = row_in(&value, 0);
    let id = row
        .and_then(|row| row.get("custom_id"))
        .and_then(Value::as_str)
        .and_then(request_id)
        .or_else(|| id_in_text(&text));
    let outcome = match row {
        Some(row) => match format {
            RowFormat::OpenaiBatch => openai(row),
            RowFormat::AnthropicBatch => anthropic(row),
            RowFormat::Neutral => neutral(row),
        },
        None => unreadable(format!("not a row: {}", seen(&value)), None),
    };
    DecodedRow { id, outcome: unbroken(outcome) }
}

fn unreadable(message: String, usage: Option<Usage>) -> RowOutcome {
    RowOutcome::Unreadable { message, usage }
}

/// A text for display: placeholders for broken bytes become the replacement character.
fn shown(text: &str) -> String {
    text.replace(BROKEN, "\u{fffd}")
}

/// The start of a value, for a message.
fn seen(value: &Value) -> String {
    one_line(&value.to_string(), EXCERPT)
}

/// A text with broken bytes is unusable, and the placeholder never leaves this module.
fn unbroken(outcome: RowOutcome) -> RowOutcome {
    match outcome {
        RowOutcome::Answer(c) | RowOutcome::Cut(c) if c.text.contains(BROKEN) => {
            let at = c.text.find(BROKEN).unwrap_or_default();
            let around: Vec<char> =
                c.text.get(..at).unwrap_or_default().chars().rev().take(40).collect();
            let before: String = around.into_iter().rev().collect();
            let after: String = c.text.get(at..).unwrap_or_default().chars().take(40).collect();
            let excerpt = one_line(&shown(&format!("{before}{after}")), EXCERPT);
            unreadable(format!("the text holds broken bytes: \"…{excerpt}…\""), c.usage)
        }
        RowOutcome::Answer(mut c) => {
            c.reasoning = c.reasoning.map(|r| shown(&r));
            c.model = shown(&c.model);
            RowOutcome::Answer(c)
        }
        RowOutcome::Cut(mut c) => {
            c.reasoning = c.reasoning.map(|r| shown(&r));
            c.model = shown(&c.model);
            RowOutcome::Cut(c)
        }
        RowOutcome::Refused { text, usage } => RowOutcome::Refused { text: shown(&text), usage },
        RowOutcome::Failed { fault, status, code, message, usage } => RowOutcome::Failed {
            fault,
            status,
            code: shown(&code),
            message: shown(&message),
            usage,
        },
        RowOutcome::Unreadable { message, usage } => {
            RowOutcome::Unreadable { message: shown(&message), usage }
        }
        RowOutcome::Filtered { .. } | RowOutcome::Empty { .. } => outcome,
    }
}

/// The row in a value: itself, or nested up to two levels.
fn row_in(value: &Value, depth: usize) -> Option<&Map<String, Value>> {
    match value {
        Value::Object(object) if object.contains_key("custom_id") => Some(object),
        Value::Object(object) => {
            let below =
                (depth < 2).then(|| object.values().find_map(|v| row_with_id(v, depth + 1)));
            below.flatten().or((depth == 0).then_some(object))
        }
        Value::Array(items) if depth < 2 => items
            .iter()
            .find_map(|v| row_with_id(v, depth + 1))
            .or_else(|| items.iter().find_map(Value::as_object)),
        _ => None,
    }
}

fn row_with_id(value: &Value, depth: usize) -> Option<&Map<String, Value>> {
    row_in(value, depth).filter(|row| row.contains_key("custom_id"))
}

/// The first id in a text that is the value of `custom_id`.
fn id_in_text(text: &str) -> Option<RequestId> {
    ['"', '\''].iter().find_map(|quote| {
        let name = format!("{quote}custom_id{quote}");
        text.match_indices(&name).find_map(|(at, name)| {
            let rest = text.get(at + name.len()..)?.trim_start().strip_prefix(':')?;
            let id = rest.trim_start().strip_prefix(*quote)?;
            request_id(id)
        })
    })
}

/// A value, or the JSON in a string; some servers encode twice.
fn opened(value: &Value) -> Cow<'_, Value> {
    let mut value = Cow::Borrowed(value);
    for _ in 0..3 {
        let Value::String(text) = &*value else { break };
        let json = text.trim();
        if !json.starts_with(['{', '[', '"']) {
            break;
        }
        let inner: Result<Value, _> =
            serde_json::from_str(json).or_else(|_| serde_json::from_str(&repair::json(json)));
        match inner {
            Ok(inner) => value = Cow::Owned(inner),
            Err(_) => break,
        }
    }
    value
}

/// The body of a response: some servers encode it as a string, wrap it twice, or omit the wrapper.
fn body_in(value: &Value, depth: usize) -> Cow<'_, Value> {
    let value = opened(value);
    if depth >= 4 {
        return value;
    }
    let inner = match &*value {
        Value::Object(object)
            if !object.contains_key("choices") && !object.contains_key("error") =>
        {
            ["body", "response", "result", "data"]
                .iter()
                .find_map(|name| object.get(*name))
                .filter(|v| matches!(v, Value::Object(_) | Value::Array(_) | Value::String(_)))
        }
        Value::Array(items) if items.len() == 1 => items.first(),
        _ => None,
    };
    match inner {
        Some(inner) => Cow::Owned(body_in(inner, depth + 1).into_owned()),
        None => value,
    }
}

fn status_of(response: &Value) -> Option<u16> {
    ["status_code", "statusCode", "status", "http_status"]
        .iter()
        .find_map(|name| status_in(response.get(*name)?))
}

fn openai(row: &Map<String, Value>) -> RowOutcome {
    let error = row.get("error").filter(|e| is_real(e)).map(opened);
    let error = error.as_deref();
    let response = row.get("response").filter(|r| !r.is_null()).map(opened);
    let status = response
        .as_deref()
        .and_then(status_of)
        .or_else(|| row.get("status_code").and_then(status_in));
    let body = match response.as_deref() {
        Some(response) => match response.get("body") {
            Some(Value::Null) => None,
            Some(body) => Some(body_in(body, 0)),
            None => Some(body_in(response, 0)),
        },
        None => ["body", "result", "data"]
            .iter()
            .find_map(|name| row.get(*name).filter(|v| !v.is_null()))
            .map(|body| body_in(body, 0))
            .or_else(|| {
                row.contains_key("choices").then(|| Cow::Owned(Value::Object(row.clone())))
            }),
    };
    let body = body.as_deref();
    let used = body.and_then(|b| b.get("usage")).and_then(usage::openai);
    if status.is_some_and(|s| !(200..300).contains(&s)) {
        let parts =
            body.and_then(|b| parts_of(b, 0)).or_else(|| error.and_then(|e| parts_of(e, 0)));
        return failed(parts.unwrap_or_default(), status, used);
    }
    match (body, error) {
        (Some(Value::Object(body)), error) => openai_body(body, error, status),
        // Without a status the row may have been generated, and billed.
        (Some(body @ Value::String(_)), None) if status.is_some() && error_in(body).is_some() => {
            failed(error_in(body).unwrap_or_default(), status, used)
        }
        (_, Some(error)) => failed(parts_of(error, 0).unwrap_or_default(), status, used),
        (Some(other), None) => {
            unreadable(format!("the response is not an object: {}", seen(other)), None)
        }
        (None, None) => unreadable(
            format!("neither a response nor an error: {}", seen(&Value::Object(row.clone()))),
            None,
        ),
    }
}

fn failed(parts: Parts, status: Option<u16>, usage: Option<Usage>) -> RowOutcome {
    let error = parts.classified(status);
    RowOutcome::Failed {
        fault: error.fault,
        // A malformed success was billed all the same.
        status: error.status.or(status),
        code: error.code,
        message: error.message,
        usage,
    }
}

fn openai_body(
    body: &Map<String, Value>,
    beside: Option<&Value>,
    status: Option<u16>,
) -> RowOutcome {
    let used = body.get("usage").and_then(usage::openai);
    let Some(choice) = first_choice(body) else {
        if body.contains_key("stop_reason")
            || body.get("type").and_then(Value::as_str) == Some("message")
        {
            return message(body, beside, status);
        }
        let error = error_in(&Value::Object(body.clone()))
            .or_else(|| beside.and_then(|e| parts_of(e, 0)))
            .or_else(|| body.get("error").filter(|e| is_real(e)).and_then(|e| parts_of(e, 0)));
        return match error {
            Some(parts) => failed(parts, status, used),
            None => unreadable(
                format!("the response has no choices: {}", seen(&Value::Object(body.clone()))),
                used,
            ),
        };
    };
    let error = [choice.get("error"), body.get("error"), beside]
        .into_iter()
        .flatten()
        .find(|e| is_real(e))
        .and_then(|e| parts_of(e, 0));
    let (content, refusal, reasoning) = match choice.get("message") {
        Some(Value::Object(message)) => (
            message.get("content"),
            message.get("refusal").and_then(Value::as_str).map(str::to_owned),
            reasoning_of(message),
        ),
        // Legacy completions, and servers that omit the wrapper.
        other => (other.filter(|m| !m.is_null()).or_else(|| choice.get("text")), None, None),
    };
    let content = content.map(text_of).unwrap_or_default();
    let refusal = refusal.filter(|r| !r.trim().is_empty()).unwrap_or_default();
    let answer = Given {
        content: Content { refusal: refusal + &content.refusal, ..content },
        reasoning,
        finish: finish_of(choice.get("finish_reason").or_else(|| body.get("finish_reason"))),
        model: body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
        usage: used,
        rehearsal: is_rehearsal(body),
    };
    answer.outcome(error, status)
}

/// Whether a response is marked as a rehearsal.
fn is_rehearsal(body: &Map<String, Value>) -> bool {
    body.get("system_fingerprint").and_then(Value::as_str) == Some(REHEARSAL_MARK)
}

/// Decodes a row of the neutral format.
fn neutral(row: &Map<String, Value>) -> RowOutcome {
    let error = row.get("error").filter(|e| is_real(e)).map(opened);
    let text = ["text", "content"].iter().find_map(|name| row.get(*name).filter(|v| !v.is_null()));
    let refusal = row.get("refusal").and_then(Value::as_str).filter(|r| !r.trim().is_empty());
    let used = row.get("usage").and_then(usage::openai);
    let status =
        status_of(&Value::Object(row.clone())).or_else(|| error.as_deref().and_then(status_of));
    let parts = error.as_deref().map(|e| parts_of(e, 0).unwrap_or_default());
    match (text.or(refusal.and(row.get("refusal"))), parts) {
        (None, Some(parts)) => failed(parts, status, used),
        // A program may forward its provider's row.
        (None, None) if row.contains_key("response") || row.contains_key("choices") => openai(row),
        (None, None) if row.contains_key("result") => anthropic(row),
        // A `null` text is a blank answer.
        (None, None) if !row.contains_key("text") => unreadable(
            format!("neither a text nor an error: {}", seen(&Value::Object(row.clone()))),
            used,
        ),
        (text, parts) => {
            let mut content = text.filter(|_| refusal.is_none()).map(text_of).unwrap_or_default();
            content.refusal.push_str(refusal.unwrap_or_default());
            let given = Given {
                content,
                reasoning: reasoning_of(row),
                finish: finish_of(row.get("finish_reason")),
                model: row.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
                usage: used,
                rehearsal: is_rehearsal(row),
            };
            given.outcome(parts, status)
        }
    }
}

/// Contents of a successful response, before they are judged.
struct Given {
    content: Content,
    reasoning: Option<String>,
    finish: Finish,
    model: String,
    usage: Option<Usage>,
    rehearsal: bool,
}

impl Given {
    fn outcome(self, error: Option<Parts>, status: Option<u16>) -> RowOutcome {
        let Self { content, reasoning, finish, model, usage, rehearsal } = self;
        let text = content.text;
        let blank = text.trim().is_empty();
        // No text comes from no tokens, and none is generated without a prompt.
        let usage = usage.filter(|u| blank || (u.completion_tokens > 0 && u.prompt_tokens > 0));
        let reasoning =
            reasoning.or_else(|| Some(content.reasoning).filter(|r| !r.trim().is_empty()));
        // Text was generated by a successful call, and billed.
        let status = if blank { status } else { status.or(Some(200)) };
        // An error next to a complete text concerns something else.
        if let Some(error) = error
            && (blank || finish != Finish::Whole)
        {
            return failed(error, status, usage);
        }
        if !content.refusal.trim().is_empty() {
            return RowOutcome::Refused { text: content.refusal, usage };
        }
        let whole = |finish| Completion {
            text: text.clone(),
            reasoning: reasoning.clone(),
            finish,
            model: model.clone(),
            usage,
            rehearsal,
        };
        match finish {
            Finish::Filter => RowOutcome::Filtered { usage },
            Finish::Refusal => RowOutcome::Refused { text, usage },
            // Something was generated and billed, even without a status.
            Finish::Error(word) => failed(broken_off(&word), status.or(Some(200)), usage),
            Finish::Limit => RowOutcome::Cut(whole(FinishReason::Length)),
            Finish::Tool(word) | Finish::Unknown(word) => {
                RowOutcome::Cut(whole(FinishReason::Other(one_line(&word, 80))))
            }
            _ if blank => RowOutcome::Empty { usage },
            // A gateway's page instead of a text.
            _ if is_page(&text) => unreadable(
                format!("the text is a page of HTML: \"{}\"", one_line(&text, 200)),
                usage,
            ),
            Finish::Whole => RowOutcome::Answer(whole(FinishReason::Stop)),
            // Some servers give no reason. If they report usage, the text is complete: an aborted stream has neither.
            Finish::Missing if usage.is_some() => RowOutcome::Answer(whole(FinishReason::Stop)),
            Finish::Missing => RowOutcome::Cut(whole(FinishReason::Other(String::new()))),
        }
    }
}

fn anthropic(row: &Map<String, Value>) -> RowOutcome {
    let beside = row.get("error").filter(|e| is_real(e)).map(opened);
    let result = row.get("result").filter(|r| !r.is_null()).map(opened);
    let Some(result) = result.as_deref() else {
        return match beside.as_deref() {
            Some(error) => failed(parts_of(error, 0).unwrap_or_default(), None, None),
            // A gateway may return OpenAI's rows under Anthropic's paths.
            None if row.contains_key("response") => openai(row),
            None => unreadable(format!("no result: {}", seen(&Value::Object(row.clone()))), None),
        };
    };
    let Value::Object(result) = result else {
        // Whatever a text says, the row may have been generated, and billed.
        return unreadable(format!("the result is not an object: {}", seen(result)), None);
    };
    let kind = result.get("type").and_then(Value::as_str).unwrap_or_default();
    let given = result.get("message").filter(|m| !m.is_null()).map(|m| body_in(m, 0));
    let error = result.get("error").filter(|e| is_real(e)).map(opened).or(beside);
    match (kind, given.as_deref()) {
        ("canceled" | "cancelled" | "expired", _) => RowOutcome::Failed {
            fault: Fault::Expired,
            status: None,
            code: kind.to_owned(),
            message: format!("the batch was {kind} before this row was done"),
            usage: None,
        },
        ("errored" | "error", _) => {
            let parts = error.as_deref().and_then(|e| parts_of(e, 0));
            failed(
                parts.or_else(|| parts_of(&Value::Object(result.clone()), 0)).unwrap_or_default(),
                None,
                None,
            )
        }
        (_, Some(Value::Object(given))) if given.contains_key("choices") => {
            openai_body(given, error.as_deref(), None)
        }
        (_, Some(Value::Object(given))) => message(given, error.as_deref(), None),
        // The result is the message or the completion itself.
        (_, None) if result.contains_key("choices") => openai_body(result, error.as_deref(), None),
        (_, None) if result.contains_key("content") => message(result, error.as_deref(), None),
        (_, None) if error.is_some() => {
            failed(error.as_deref().and_then(|e| parts_of(e, 0)).unwrap_or_default(), None, None)
        }
        (_, other) => {
            let what = other.map_or_else(|| seen(&Value::Object(result.clone())), seen);
            unreadable(format!("the result holds no message: {what}"), None)
        }
    }
}

/// Decodes a message of Anthropic's format.
fn message(body: &Map<String, Value>, beside: Option<&Value>, status: Option<u16>) -> RowOutcome {
    let error = [body.get("error"), beside].into_iter().flatten().find(|e| is_real(e));
    let content = body.get("content").map(text_of).unwrap_or_default();
    let given = Given {
        content,
        reasoning: reasoning_of(body),
        finish: finish_of(body.get("stop_reason").or_else(|| body.get("finish_reason"))),
        model: body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned(),
        usage: body.get("usage").and_then(usage::anthropic),
        rehearsal: is_rehearsal(body),
    };
    if body.get("type").and_then(Value::as_str) == Some("error") && error.is_some() {
        let used = given.usage;
        return failed(error.and_then(|e| parts_of(e, 0)).unwrap_or_default(), status, used);
    }
    given.outcome(error.and_then(|e| parts_of(e, 0)), status)
}
