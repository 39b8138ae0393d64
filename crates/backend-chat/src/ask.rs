//! Turns one request into its row: chooses the endpoint, retries, gives up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clinstruct_batch_client::openai::{Dialect, chat_body};
use clinstruct_batch_client::{BatchRequest, Error, ErrorKind, Result};
use clinstruct_parser::{decode, error_in_success};
use clinstruct_provider_http::Client;
use clinstruct_schema::{RowFormat, RowOutcome};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::notice::Notice;
use crate::pace::{Paces, Verdict};
use crate::row::{failure, row};

/// Sends of a request to endpoints that answer other requests, before its error becomes its row.
const SENDINGS: u32 = 6;
/// Sends of a request while no endpoint has given a usable answer, before the job ends: about ten seconds.
const FIRST_SENDINGS: u32 = 5;
/// The same limit as a duration: an endpoint may take long to report an error.
const FIRST_TIME: Duration = Duration::from_secs(15);
/// Unusable rows at the start of a job after which it ends.
const FIRST_ROWS: u32 = 8;
/// Longest pause of a request whose endpoint answers others.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Waits longer than this are reported.
const SLOW: Duration = Duration::from_mins(1);
/// Header that carries a request's address, for logs and tests.
const ID_HEADER: &str = "x-clinstruct-id";

/// What the requests of a backend share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clients: Vec<Client>,
    pub(crate) dialect: Dialect,
    pub(crate) paces: Paces,
    pub(crate) price_factor: f64,
    pub(crate) start: Start,
    pub(crate) notice: Notice,
}

/// State before the first usable answer: until then an error more likely means a wrong setting than a temporary fault,
/// and every further request may cost money.
#[derive(Debug, Default)]
pub(crate) struct Start {
    over: AtomicBool,
    /// Number of unusable rows, and the message of the last one.
    unusable: Mutex<(u32, Option<(ErrorKind, String)>)>,
}

impl Start {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether another request may be sent.
    fn check(&self) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let unusable = self.unusable.lock().unwrap_or_else(PoisonError::into_inner);
        match &*unusable {
            (n, Some((kind, words))) if *n >= FIRST_ROWS => {
                let message =
                    format!("none of the first {n} answers is usable; the last one: {words}");
                Err(Error::new(*kind, "ask", message))
            }
            _ => Ok(()),
        }
    }

    /// Inspects a row while the start is not over.
    fn see(&self, row: &[u8]) {
        if self.is_over() {
            return;
        }
        let (kind, words) = match decode(RowFormat::OpenaiBatch, row).outcome {
            RowOutcome::Answer(_)
            | RowOutcome::Cut(_)
            | RowOutcome::Refused { .. }
            | RowOutcome::Filtered { .. } => {
                self.over.store(true, Ordering::Relaxed);
                return;
            }
            RowOutcome::Failed { fault, code, message, .. } => {
                (fault.into(), format!("{code}: {message}"))
            }
            RowOutcome::Unreadable { message, .. } => (ErrorKind::Protocol, message),
            RowOutcome::Empty { .. } => (ErrorKind::Protocol, "an answer without text".into()),
        };
        let mut unusable = self.unusable.lock().unwrap_or_else(PoisonError::into_inner);
        *unusable = (unusable.0 + 1, Some((kind, words)));
    }
}

/// Result of one send.
enum Reply {
    /// The row: an answer, or a refusal of this request only.
    Row(Vec<u8>),
    /// The endpoint failed, at least for this request.
    Trouble(Error),
    /// No request can succeed.
    Fatal(Error),
}

/// A monotonic clock.
fn clock() -> Instant {
    Instant::now()
}

/// Whether a body contains model output, even truncated: then it was paid for, and becomes the row.
fn has_choices(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body)
        .is_ok_and(|b| b.get("choices").and_then(Value::as_array).is_some_and(|c| !c.is_empty()))
}

impl Shared {
    /// The row of one request; `None` if it was cancelled before it was sent, an error if the endpoint will answer no
    /// request.
    pub(crate) async fn ask(
        &self,
        request: &BatchRequest,
        cancelled: &CancellationToken,
    ) -> Result<Option<Vec<u8>>> {
        let id = request.id;
        let body: bytes::Bytes = match chat_body(&request.request, &self.dialect) {
            Ok(body) => body.into(),
            Err(e) => return Ok(Some(failure(id, "invalid_request", &e.to_string()))),
        };
        let tokens = u64::from(request.request.max_tokens) + body.len() as u64 / 4;
        let mut pause = self.paces.pause();
        // Failed sends while the endpoints answered other requests.
        let mut sendings = 0;
        let mut troubled = None;
        let mut failed_at = None;
        loop {
            let slot = tokio::select! {
                biased;
                () = cancelled.cancelled() => return Ok(None),
                slot = self.paces.slot(tokens, failed_at) => slot,
            };
            self.start.check()?;
            let Some(client) = self.clients.get(slot.endpoint) else {
                return Ok(Some(failure(id, "unavailable", "no endpoint is left")));
            };
            let sent = self.send(client, request, body.clone());
            let e = match self.watched(sent).await {
                Reply::Row(row) => {
                    slot.done(Verdict::Good);
                    self.start.see(&row);
                    return Ok(Some(row));
                }
                Reply::Fatal(e) => return Err(e),
                Reply::Trouble(e) => e,
            };
            let limited = e.kind == ErrorKind::RateLimited;
            failed_at = (!limited).then_some(slot.endpoint);
            let paused = slot.done(if limited {
                Verdict::Limited(e.retry_after)
            } else {
                Verdict::Broken(e.retry_after)
            });
            if paused.is_some() || !self.start.is_over() {
                self.notice.raise(&e.message_with_causes(), Some(paused.unwrap_or(pause)), clock());
            }
            if limited {
                continue;
            }
            // A timed-out answer may still arrive and be billed, so the request is not sent again from here.
            if is_timeout(&e) {
                return Ok(Some(failure(id, "timeout", &e.message_with_causes())));
            }
            let since = *troubled.get_or_insert_with(clock);
            let others = self.paces.last_good().is_some_and(|good| good > since);
            if e.kind == ErrorKind::Server && !self.start.is_over() {
                sendings += 1;
                if sendings >= FIRST_SENDINGS || since.elapsed() >= FIRST_TIME {
                    return Err(e);
                }
            } else if others {
                sendings += 1;
                if sendings >= SENDINGS {
                    return Ok(Some(failure(id, "unavailable", &e.message_with_causes())));
                }
            }
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return Ok(None),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for a reply, and reports a long wait. The request is not resent meanwhile: it may be in progress, and
    /// billed.
    async fn watched(&self, reply: impl Future<Output = Reply>) -> Reply {
        let mut reply = std::pin::pin!(reply);
        let mut waited = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                reply = &mut reply => return reply,
                () = tokio::time::sleep(SLOW) => {
                    waited += SLOW;
                    let why = format!("still waiting for an answer ({} s)", waited.as_secs());
                    self.notice.raise(&why, None, clock());
                }
            }
        }
    }

    async fn send(&self, client: &Client, request: &BatchRequest, body: bytes::Bytes) -> Reply {
        let what = "ask";
        let call = client
            .request(Method::POST, "/chat/completions")
            .header("content-type", "application/json")
            .header(ID_HEADER, request.id.to_string())
            .body(body);
        let response = match call.send().await {
            Ok(response) => response,
            Err(e) => return Reply::Trouble(client.broken(what, e)),
        };
        let status = response.status();
        let headers = response.headers().clone();
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(e) => return Reply::Trouble(client.broken(what, e)),
        };
        let found = || Reply::Row(row(request.id, status.as_u16(), &body));
        let e = if status.is_success() {
            match self.error_within(client, &headers, &body) {
                // A gateway forwarded it to an upstream that failed. Any other error may hide an answer that was
                // billed.
                Some((e, within)) if e.kind != ErrorKind::Server || within >= Some(500) => e,
                _ => return found(),
            }
        } else {
            client.refusal(what, status, &headers, &body)
        };
        match e.kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Server => {
                Reply::Trouble(e)
            }
            // This request is at fault, not the others.
            ErrorKind::Refused | ErrorKind::Filtered => found(),
            // The key worked for other requests; it lacks permission for this one.
            ErrorKind::Unauthorised if status.as_u16() == 403 && self.start.is_over() => found(),
            ErrorKind::NotFound if self.start.is_over() && status.is_success() => found(),
            ErrorKind::NotFound if self.start.is_over() => Reply::Trouble(e),
            _ => Reply::Fatal(e),
        }
    }

    /// The error in a success response without an answer, with the status that it names.
    fn error_within(
        &self,
        client: &Client,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<(Error, Option<u16>)> {
        // Most bodies are answers; those are parsed only once, by the reader of the row.
        if body.trim_ascii().starts_with(b"{") && self.start.is_over() && !mentions_error(body) {
            return None;
        }
        let problem = error_in_success(body).filter(|_| !has_choices(body))?;
        Some((client.error("ask", &problem, headers), problem.status))
    }
}

/// Whether a body may contain an error: cheap, without false negatives.
fn mentions_error(body: &[u8]) -> bool {
    // An answer contains `choices`; a body without any is parsed in full.
    let has = |word: &str| memchr::memmem::find(body, word.as_bytes()).is_some();
    !has("\"choices\"") || has("\"choices\":null") || has("\"choices\": null") || has("\"error\"")
}

fn is_timeout(e: &Error) -> bool {
    e.kind == ErrorKind::Unavailable
        && e.may_have_acted
        && e.source
            .as_ref()
            .and_then(|s| s.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout)
}
