//! Anthropic's Message Batches and Messages APIs.
//!
//! Sources: <https://docs.anthropic.com/en/api/creating-message-batches>,
//! <https://docs.anthropic.com/en/api/retrieving-message-batch-results>,
//! <https://docs.anthropic.com/en/api/errors>.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::config::Answer;
use crate::job::{self, JobFault, RowFault};
use crate::oddity::Place;
use crate::openai::{Delivery, deliver};
use crate::server::{Page, chat_id, download};
use crate::state::{Api, Fate, Job, START, Server, StoredFile};
use crate::wire;

/// An error as Anthropic shapes it.
pub(crate) fn error(status: u16, kind: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(frame(kind, message))).into_response()
}

fn frame(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn invalid(message: &str) -> Response {
    error(400, "invalid_request_error", message)
}

fn broken(e: &dyn std::fmt::Display) -> Response {
    error(500, "api_error", &format!("the test provider itself failed: {e}"))
}

fn no_batch(id: &str) -> Response {
    error(404, "not_found_error", &format!("Message batch {id} not found."))
}

fn no_money() -> Response {
    error(429, "insufficient_quota", "Your credit balance is too low to access the API.")
}

#[derive(Deserialize)]
struct Create {
    requests: Vec<Box<RawValue>>,
}

pub(crate) fn create(server: &Server, body: &Bytes) -> Response {
    if body.len() as u64 > server.config.max_bytes {
        return error(
            413,
            "request_too_large",
            "Request exceeds the maximum allowed number of bytes.",
        );
    }
    let create: Create = match serde_json::from_slice(body) {
        Ok(create) => create,
        Err(e) => return invalid(&e.to_string()),
    };
    if create.requests.is_empty() {
        return invalid("requests: List should have at least 1 item");
    }
    if create.requests.len() > server.config.max_rows {
        let most = server.config.max_rows;
        return error(413, "request_too_large", &format!("requests: more than {most} items"));
    }
    if server.is_broke() {
        return no_money();
    }
    match tokio::task::block_in_place(|| make(server, &create)) {
        Ok(answer) => answer,
        Err(e) => broken(&e),
    }
}

fn make(server: &Server, create: &Create) -> std::io::Result<Response> {
    let (id, path) = server.new_id("msgbatch_");
    let mut to = BufWriter::new(File::create(&path)?);
    let mut spans = Vec::with_capacity(create.requests.len());
    let mut ids = std::collections::HashSet::new();
    let mut offset = 0;
    for (i, request) in create.requests.iter().enumerate() {
        let text = request.get();
        let line: wire::AnthropicLine = match serde_json::from_str(text) {
            Ok(line) => line,
            Err(e) => return Ok(invalid(&format!("requests.{i}: {e}"))),
        };
        let custom_id = line.custom_id;
        let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=64).contains(&custom_id.len()) || !custom_id.bytes().all(fine) {
            let message = format!(
                "requests.{i}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            );
            return Ok(invalid(&message));
        }
        if !ids.insert(custom_id) {
            return Ok(invalid(&format!("requests.{i}.custom_id: custom_id must be unique")));
        }
        to.write_all(text.as_bytes())?;
        spans.push((offset, text.len()));
        offset += text.len() as u64;
    }
    to.flush()?;
    let faults = server.state().faults;
    let hit = |what, rate| server.hit(what, rate, &id, 0);
    let (expires, fails) = (hit("expired", faults.expired), hit("failed_job", faults.failed_job));
    let total = spans.len() as u64;
    let fault = JobFault { expires, fails };
    let rows = job::answer(server, Place::AnthropicRow, &id, &path, spans, fault)?;
    let worked_at = server.config.polls_until_done + 1;
    let bytes = std::fs::metadata(&rows.output)?.len();
    let mut state = server.state();
    let created_at = state.tick();
    let names = [format!("{id}.output"), format!("{id}.errors")];
    for (name, path, bytes) in [(&names[0], rows.output, bytes), (&names[1], rows.errors, 0)] {
        let purpose = String::new();
        let file = StoredFile { path, name: name.clone(), purpose, bytes, created_at };
        state.files.insert(name.clone(), file);
    }
    let [output, errors] = names;
    let made = Job {
        id: id.clone(),
        api: Api::Anthropic,
        input_file_id: String::new(),
        endpoint: String::new(),
        window: String::new(),
        metadata: Value::Null,
        created_at,
        polls: 0,
        worked_at,
        ends_at: if hit("stuck", faults.stuck) { worked_at + 5 } else { worked_at },
        cancelled: false,
        fate: if expires { Fate::Expired } else { Fate::Completed },
        total,
        queued_tokens: 0,
        ends: rows.ends,
        lying: hit("lying_counts", faults.lying_counts),
        blank_ids: false,
        output: Some(output),
        errors: Some(errors),
    };
    state.counts.jobs += 1;
    let object = batch_object(&made, "");
    state.jobs.push(made);
    Ok(Json(object).into_response())
}

/// RFC 3339; all virtual times are in the first days after the start.
fn time(seconds: u64) -> String {
    let since = seconds - START;
    let (day, hour) = (15 + since / 86_400, since / 3600 % 24);
    format!("2025-06-{day:02}T{hour:02}:{:02}:{:02}Z", since / 60 % 60, since % 60)
}

fn batch_object(job: &Job, url: &str) -> Value {
    let ended = job.has_ended();
    let status = match (ended, job.cancelled) {
        (true, _) => "ended",
        (false, true) => "canceling",
        (false, false) => "in_progress",
    };
    let counts = if ended {
        let lie = u64::from(job.lying);
        json!({
            "processing": lie,
            "succeeded": job.ends.succeeded >> lie,
            "errored": job.ends.errored + 2 * lie,
            "canceled": job.ends.cancelled,
            "expired": job.ends.expired,
        })
    } else {
        json!({"processing": job.total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0})
    };
    let at = |seconds: u64, there: bool| there.then(|| time(job.created_at + seconds));
    json!({
        "id": job.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts,
        "ended_at": at(3, ended),
        "created_at": time(job.created_at),
        "expires_at": time(job.created_at + 86_400),
        "archived_at": null,
        "cancel_initiated_at": at(2, job.cancelled),
        "results_url": ended.then(|| format!("{url}/v1/messages/batches/{}/results", job.id)),
    })
}

pub(crate) fn retrieve(server: &Server, id: &str, url: &str) -> Response {
    let mut state = server.state();
    let Some(job) = state.job(Api::Anthropic, id) else { return no_batch(id) };
    job.polls = job.polls.saturating_add(1);
    Json(batch_object(job, url)).into_response()
}

pub(crate) fn list(server: &Server, page: &Page, url: &str) -> Response {
    let mut state = server.state();
    // Virtual time advances: a client that waits for a job to end may poll the list only.
    for job in state.jobs.iter_mut().filter(|j| j.api == Api::Anthropic) {
        job.polls = job.polls.saturating_add(1);
    }
    let n = page.size(server.config.page_size);
    let Some((jobs, has_more)) = state.page(Api::Anthropic, page.after_id.as_deref(), n) else {
        return no_batch(page.after_id.as_deref().unwrap_or_default());
    };
    Json(json!({
        "data": jobs.iter().map(|job| batch_object(job, url)).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": jobs.first().map(|job| &job.id),
        "last_id": jobs.last().map(|job| &job.id),
    }))
    .into_response()
}

pub(crate) fn results(server: &Server, id: &str) -> Response {
    let path = {
        let mut state = server.state();
        let Some(job) = state.job(Api::Anthropic, id) else { return no_batch(id) };
        if !job.has_ended() {
            return error(
                404,
                "not_found_error",
                "The batch has not ended: it has no results yet.",
            );
        }
        let output = job.output.clone().unwrap_or_default();
        state.files.get(&output).map(|file| file.path.clone())
    };
    let Some(path) = path else { return no_batch(id) };
    download(server, &path, id, "application/x-jsonl").unwrap_or_else(|e| broken(&e))
}

pub(crate) fn cancel(server: &Server, id: &str, url: &str) -> Response {
    let mut state = server.state();
    let Some(job) = state.job(Api::Anthropic, id) else { return no_batch(id) };
    if job.has_ended() {
        return invalid(&format!("Batch {id} cannot be canceled: it has ended."));
    }
    let was_cancelled = std::mem::replace(&mut job.cancelled, true);
    let mut job = job.clone();
    drop(state);
    if !was_cancelled && let Err(e) = tokio::task::block_in_place(|| stop(server, &mut job)) {
        return broken(&e);
    }
    Json(batch_object(&job, url)).into_response()
}

fn stop(server: &Server, job: &mut Job) -> std::io::Result<()> {
    let path = |id: &Option<String>| {
        id.as_ref().and_then(|id| server.state().files.get(id).map(|file| file.path.clone()))
    };
    if let (Some(output), Some(errors)) = (path(&job.output), path(&job.errors)) {
        let (output, errors): (&Path, &Path) = (&output, &errors);
        job.ends = job::cancel(server, Api::Anthropic, output, errors, job.ends)?;
    }
    job.ends_at = job.polls + 1;
    if let Some(kept) = server.state().job(Api::Anthropic, &job.id) {
        *kept = job.clone();
    }
    Ok(())
}

/// Answers a message.
pub(crate) fn message(server: &Server, id: Option<&str>, body: &str) -> Response {
    let request = match wire::anthropic(body) {
        Ok(request) => request,
        Err(e) => return invalid(&e.to_string()),
    };
    if server.is_broke() {
        return no_money();
    }
    if !server.knows_model(&request.model) {
        return error(404, "not_found_error", &format!("model: {}", request.model));
    }
    let id = chat_id(id, body);
    let thing = server.state().receive(&request, &id);
    if let Some(reply) = server.instead(Place::ChatBody, &thing, body) {
        return reply;
    }
    let answer = (server.config.answer)(&request, wire::request_id(&id));
    let reply = message_object(server, &request.model, &answer);
    let sent = Delivery { id: &id, thing: &thing, body, answer: &answer };
    deliver(server, Api::Anthropic, &sent, &reply)
}

fn message_object(server: &Server, model: &str, answer: &Answer) -> Value {
    let (id, _) = server.new_id("msg_");
    let (text, stop) = match (&answer.refusal, answer.finish_reason) {
        (Some(refusal), _) => (refusal, "refusal"),
        (None, "content_filter") => (&answer.text, "refusal"),
        (None, "length") => (&answer.text, "max_tokens"),
        (None, _) => (&answer.text, "end_turn"),
    };
    json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            // Anthropic counts tokens read from the cache separately.
            "input_tokens": answer.prompt_tokens.saturating_sub(answer.cached_tokens),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": answer.cached_tokens,
            "output_tokens": answer.completion_tokens,
        },
    })
}

/// A result line with an answer.
pub(crate) fn answer_line(server: &Server, id: &str, model: &str, answer: &Answer) -> Value {
    let message = message_object(server, model, answer);
    json!({"custom_id": id, "result": {"type": "succeeded", "message": message}})
}

/// A result line without one.
pub(crate) fn error_line(id: &str, fault: RowFault<'_>) -> Value {
    let errored =
        |kind: &str, message: &str| json!({"type": "errored", "error": frame(kind, message)});
    let result = match fault {
        RowFault::Server => errored("api_error", "Internal server error"),
        RowFault::Invalid(what) => errored("invalid_request_error", what),
        RowFault::Model(model) => errored("not_found_error", &format!("model: {model}")),
        RowFault::Expired => json!({"type": "expired"}),
        RowFault::Cancelled => json!({"type": "canceled"}),
    };
    json!({"custom_id": id, "result": result})
}
