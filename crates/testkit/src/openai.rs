//! OpenAI's Files, Batches and Chat APIs.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/files>,
//! <https://platform.openai.com/docs/api-reference/batch>,
//! <https://platform.openai.com/docs/api-reference/chat>,
//! <https://platform.openai.com/docs/guides/error-codes>.

mod errors;
mod rows;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use self::errors::{broken, invalid, no_batch, no_file, no_model, no_money};
pub(crate) use self::errors::{error, unauthorised};
use self::rows::completion;
pub(crate) use self::rows::{answer_line, error_line};
use crate::config::Answer;
use crate::job::{self, JobFault};
use crate::oddity::{Place, Reply};
use crate::server::{Page, chat_id, download};
use crate::state::{Api, Ends, Fate, Job, Server, StoredFile};
use crate::{fault, wire};

fn file_object(id: &str, file: &StoredFile) -> Value {
    json!({
        "id": id, "object": "file", "bytes": file.bytes, "created_at": file.created_at,
        "filename": file.name, "purpose": file.purpose, "status": "processed",
        "status_details": null,
    })
}

pub(crate) async fn upload(server: &Server, request: Request) -> Response {
    let mut parts = match Multipart::from_request(request, &()).await {
        Ok(parts) => parts,
        Err(e) => return invalid(&e.to_string()),
    };
    let (id, path) = server.new_id("file-");
    let mut purpose = None;
    let mut taken = None;
    loop {
        let mut field = match parts.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => break,
            Err(e) => return invalid(&e.to_string()),
        };
        match field.name() {
            Some("purpose") => purpose = field.text().await.ok(),
            Some("file") => {
                let name = field.file_name().unwrap_or("upload.jsonl").to_owned();
                let mut bytes = 0;
                let mut to = match File::create(&path) {
                    Ok(to) => to,
                    Err(e) => return broken(&e),
                };
                loop {
                    match field.chunk().await {
                        Ok(Some(chunk)) => {
                            bytes += chunk.len() as u64;
                            if let Err(e) = to.write_all(&chunk) {
                                return broken(&e);
                            }
                        }
                        Ok(None) => break,
                        Err(e) => return invalid(&e.to_string()),
                    }
                }
                taken = Some((name, bytes));
            }
            _ => {}
        }
    }
    let Some(purpose) = purpose else {
        return invalid("Missing required parameter: 'purpose'.");
    };
    let Some((name, bytes)) = taken else {
        return invalid("Missing required parameter: 'file'.");
    };
    let mut state = server.state();
    let file = StoredFile { path, name, purpose, bytes, created_at: state.tick() };
    let object = file_object(&id, &file);
    state.counts.uploads += 1;
    state.files.insert(id, file);
    Json(object).into_response()
}

pub(crate) fn file(server: &Server, id: &str) -> Response {
    let (file, faults) = {
        let state = server.state();
        (state.files.get(id).cloned(), state.faults)
    };
    let Some(mut file) = file else { return no_file(id) };
    if server.hit("wrong_bytes", faults.wrong_bytes, id, 0) {
        file.bytes += 7;
    }
    Json(file_object(id, &file)).into_response()
}

pub(crate) fn delete_file(server: &Server, id: &str) -> Response {
    let Some(file) = server.state().files.remove(id) else { return no_file(id) };
    match std::fs::remove_file(file.path) {
        Ok(()) => Json(json!({"id": id, "object": "file", "deleted": true})).into_response(),
        Err(e) => broken(&e),
    }
}

pub(crate) fn content(server: &Server, id: &str) -> Response {
    let path = server.state().files.get(id).map(|file| file.path.clone());
    let Some(path) = path else { return no_file(id) };
    download(server, &path, id, "application/octet-stream").unwrap_or_else(|e| broken(&e))
}

#[derive(Deserialize)]
struct Create {
    input_file_id: String,
    endpoint: String,
    completion_window: String,
    #[serde(default)]
    metadata: Value,
}

pub(crate) fn create(server: &Server, body: &Bytes) -> Response {
    let create: Create = match serde_json::from_slice(body) {
        Ok(create) => create,
        Err(e) => return invalid(&e.to_string()),
    };
    if server.is_broke() {
        return no_money();
    }
    if create.completion_window != "24h" {
        return invalid("Invalid value for 'completion_window': the only one supported is '24h'.");
    }
    let path = server.state().files.get(&create.input_file_id).map(|file| file.path.clone());
    let Some(path) = path else { return no_file(&create.input_file_id) };
    match tokio::task::block_in_place(|| make(server, create, &path)) {
        Ok(batch) => Json(batch).into_response(),
        Err(e) => broken(&e),
    }
}

/// The job's object at creation, and its final result.
fn make(server: &Server, create: Create, path: &Path) -> std::io::Result<Value> {
    let input = job::look_through(server, path, &create.endpoint)?;
    let (id, _) = server.new_id("batch_");
    let faults = server.state().faults;
    let hit = |what, rate| server.hit(what, rate, &id, 0);
    let total = input.spans.len() as u64;
    let mut problems = input.problems;
    if problems.is_empty()
        && let Some(most) = server.config.queued_tokens
        && server.state().queued_tokens() + input.tokens > most
    {
        let message = format!(
            "Enqueued token limit reached in organization org-test. Limit: {most} enqueued tokens. \
             Please try again once some in_progress batches have been completed."
        );
        problems.push(job::problem("token_limit_exceeded", &message, None, None));
    }
    let is_refused = !problems.is_empty();
    let worked_at = server.config.polls_until_done + 1;
    let mut made = Job {
        id: id.clone(),
        api: Api::OpenAi,
        input_file_id: create.input_file_id,
        endpoint: create.endpoint,
        window: create.completion_window,
        metadata: create.metadata,
        created_at: 0,
        polls: 0,
        worked_at,
        ends_at: if hit("stuck", faults.stuck) { worked_at + 6 } else { worked_at + 1 },
        cancelled: false,
        fate: Fate::Completed,
        total,
        queued_tokens: input.tokens,
        ends: Ends::default(),
        lying: hit("lying_counts", faults.lying_counts),
        blank_ids: hit("empty_file_id", faults.empty_file_id),
        output: None,
        errors: None,
    };
    if is_refused {
        made.worked_at = 1;
        made.ends_at = 1;
        made.fate = Fate::Failed(problems);
        made.queued_tokens = 0;
    } else if hit("failed_job", faults.failed_job) {
        let message = "The batch failed for a reason of the server's.";
        made.fate = Fate::Failed(vec![job::problem("server_error", message, None, None)]);
    } else {
        let expires = hit("expired", faults.expired);
        if expires {
            made.fate = Fate::Expired;
        }
        let fault = JobFault { expires, fails: false };
        let rows = job::answer(server, Place::OpenAiRow, &id, path, input.spans, fault)?;
        made.ends = rows.ends;
        made.output = Some(result_file(server, &rows.output, "output")?);
        made.errors = Some(result_file(server, &rows.errors, "error")?);
    }
    let mut state = server.state();
    made.created_at = state.tick();
    state.counts.jobs += 1;
    let object = batch_object(&state.files, &made);
    state.jobs.push(made);
    Ok(object)
}

fn result_file(server: &Server, path: &Path, what: &str) -> std::io::Result<String> {
    let (id, _) = server.new_id("file-");
    let bytes = std::fs::metadata(path)?.len();
    let mut state = server.state();
    let file = StoredFile {
        path: path.to_owned(),
        name: format!("batch_{what}.jsonl"),
        purpose: "batch_output".into(),
        bytes,
        created_at: state.tick(),
    };
    state.files.insert(id.clone(), file);
    Ok(id)
}

type Files = std::collections::BTreeMap<String, StoredFile>;

fn batch_object(files: &Files, job: &Job) -> Value {
    let ended = job.has_ended();
    let is_refused = job.worked_at == job.ends_at && !job.cancelled;
    let status = match (&job.fate, ended, job.cancelled) {
        (_, true, true) => "cancelled",
        (_, false, true) => "cancelling",
        (Fate::Completed, true, _) => "completed",
        (Fate::Expired, true, _) => "expired",
        (Fate::Failed(_), true, _) => "failed",
        (_, false, _) if job.polls == 0 => "validating",
        (_, false, _) if job.polls < job.worked_at => "in_progress",
        _ => "finalizing",
    };
    let at = |seconds: u64, there: bool| there.then_some(job.created_at + seconds);
    // An output file without rows is not listed.
    let named = |id: &Option<String>| {
        id.clone()
            .filter(|id| ended && files.get(id).is_some_and(|file| file.bytes > 0))
            .or_else(|| (ended && job.blank_ids).then(String::new))
    };
    let errors = match &job.fate {
        Fate::Failed(data) if status == "failed" => json!({"object": "list", "data": data}),
        _ => Value::Null,
    };
    let completed = job.ends.succeeded;
    let failed = job.ends.errored + job.ends.expired + job.ends.cancelled;
    let counts = match status {
        "validating" => (0, 0, 0),
        "failed" if is_refused => (0, 0, 0),
        _ if ended && job.lying => (job.total + 1, completed / 2, failed + 2),
        _ if ended => (job.total, completed, failed),
        _ => {
            let part = u64::from(job.polls.min(job.worked_at));
            (job.total, completed * part / u64::from(job.worked_at + 1), 0)
        }
    };
    json!({
        "id": job.id,
        "object": "batch",
        "endpoint": job.endpoint,
        "errors": errors,
        "input_file_id": job.input_file_id,
        "completion_window": job.window,
        "status": status,
        "output_file_id": named(&job.output),
        "error_file_id": named(&job.errors),
        "created_at": job.created_at,
        "in_progress_at": at(1, job.polls > 0 && !is_refused),
        "expires_at": job.created_at + 86_400,
        "finalizing_at": at(2, job.polls >= job.worked_at && !is_refused && !job.cancelled),
        "completed_at": at(3, status == "completed"),
        "failed_at": at(3, status == "failed"),
        "expired_at": at(86_400, status == "expired"),
        "cancelling_at": at(2, job.cancelled),
        "cancelled_at": at(3, status == "cancelled"),
        "request_counts": {"total": counts.0, "completed": counts.1, "failed": counts.2},
        "metadata": job.metadata,
    })
}

pub(crate) fn retrieve(server: &Server, id: &str) -> Response {
    let mut state = server.state();
    let Some(job) = state.job(Api::OpenAi, id) else { return no_batch(id) };
    job.polls = job.polls.saturating_add(1);
    let job = job.clone();
    Json(batch_object(&state.files, &job)).into_response()
}

pub(crate) fn list(server: &Server, page: &Page) -> Response {
    let state = server.state();
    let n = page.size(server.config.page_size);
    let Some((jobs, has_more)) = state.page(Api::OpenAi, page.after.as_deref(), n) else {
        return no_batch(page.after.as_deref().unwrap_or_default());
    };
    Json(json!({
        "object": "list",
        "data": jobs.iter().map(|job| batch_object(&state.files, job)).collect::<Vec<_>>(),
        "first_id": jobs.first().map(|job| &job.id),
        "last_id": jobs.last().map(|job| &job.id),
        "has_more": has_more,
    }))
    .into_response()
}

pub(crate) fn cancel(server: &Server, id: &str) -> Response {
    let mut state = server.state();
    let Some(job) = state.job(Api::OpenAi, id) else { return no_batch(id) };
    if job.has_ended() {
        let job = job.clone();
        let status = batch_object(&state.files, &job)["status"].clone();
        let status = status.as_str().unwrap_or_default();
        return invalid(&format!("Cannot cancel a batch with status '{status}'."));
    }
    let was_cancelled = std::mem::replace(&mut job.cancelled, true);
    let mut job = job.clone();
    drop(state);
    if !was_cancelled && let Err(e) = tokio::task::block_in_place(|| stop(server, &mut job)) {
        return broken(&e);
    }
    Json(batch_object(&server.state().files, &job)).into_response()
}

fn stop(server: &Server, job: &mut Job) -> std::io::Result<()> {
    let path = |id: &Option<String>| {
        id.as_ref().and_then(|id| server.state().files.get(id).map(|file| file.path.clone()))
    };
    if let (Some(output), Some(errors)) = (path(&job.output), path(&job.errors)) {
        job.ends = job::cancel(server, Api::OpenAi, &output, &errors, job.ends)?;
    }
    let mut state = server.state();
    for id in job.output.iter().chain(&job.errors) {
        if let Some(file) = state.files.get_mut(id) {
            file.bytes = std::fs::metadata(&file.path)?.len();
        }
    }
    job.ends_at = job.polls + 1;
    if let Some(kept) = state.job(Api::OpenAi, &job.id) {
        *kept = job.clone();
    }
    Ok(())
}

/// Answers a chat; `id` is `None` if the caller does not name it.
pub(crate) fn chat(server: &Server, id: Option<&str>, body: &str) -> Response {
    let request = match wire::openai(body) {
        Ok(request) => request,
        Err(e) => return invalid(&e.to_string()),
    };
    if server.is_broke() {
        return no_money();
    }
    if !server.knows_model(&request.model) {
        return no_model(&request.model);
    }
    let id = chat_id(id, body);
    let thing = server.state().receive(&request, &id);
    if let Some(reply) = server.instead(Place::ChatBody, &thing, body) {
        return reply;
    }
    let answer = (server.config.answer)(&request, wire::request_id(&id));
    let reply = completion(server, &request.model, &answer);
    deliver(
        server,
        Api::OpenAi,
        &Delivery { id: &id, thing: &thing, body, answer: &answer },
        &reply,
    )
}

/// A chat answer in progress.
pub(crate) struct Delivery<'a> {
    /// The request's id.
    pub(crate) id: &'a str,
    /// Hash of its messages.
    pub(crate) thing: &'a str,
    /// Its body.
    pub(crate) body: &'a str,
    pub(crate) answer: &'a Answer,
}

/// Bills an answer and returns it with faults applied.
pub(crate) fn deliver(server: &Server, api: Api, sent: &Delivery<'_>, reply: &Value) -> Response {
    let mut hits = server.hits(Place::ChatBody, sent.thing, sent.body, reply);
    let (faults, times) = {
        let mut state = server.state();
        (state.faults, state.asked(sent.id))
    };
    let hit = |what: &str, rate| server.hit(what, rate, sent.id, times);
    fault::of_row(&mut hits, &faults, Place::ChatBody, api, &hit);
    if hits.billed {
        server.state().bill(sent.id, sent.thing, sent.answer, hits.usable);
    }
    if let Some(reply) = hits.reply() {
        return reply.clone().into_response();
    }
    Reply { body: hits.lines(reply.to_string().into_bytes()).concat(), ..Reply::json(200, reply) }
        .into_response()
}

/// Answers a batch input file with its output file at once, like a program.
pub(crate) fn run_batch(server: &Server, body: &Bytes) -> Response {
    let run = || -> std::io::Result<Vec<u8>> {
        let (id, path) = server.new_id("run-batch-");
        std::fs::write(&path, body)?;
        let input = job::look_through(server, &path, "/v1/chat/completions")?;
        if !input.problems.is_empty() {
            return Err(std::io::Error::other(Value::from(input.problems).to_string()));
        }
        let fault = JobFault::default();
        let rows = job::answer(server, Place::CommandRow, &id, &path, input.spans, fault)?;
        server.state().counts.jobs += 1;
        Ok([std::fs::read(rows.output)?, std::fs::read(rows.errors)?].concat())
    };
    match tokio::task::block_in_place(run) {
        Ok(rows) => rows.into_response(),
        Err(e) => broken(&e),
    }
}

pub(crate) fn models(server: &Server) -> Response {
    let model =
        |id: &String| json!({"id": id, "object": "model", "created": 0, "owned_by": "test"});
    let data: Vec<Value> = server.config.models.iter().map(model).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}
