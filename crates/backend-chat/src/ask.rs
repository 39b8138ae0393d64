//! One request to its row: which endpoint, when again, when no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clinstruct_batch_client::openai::chat_body;
use clinstruct_batch_client::{BatchRequest, Error, ErrorKind, Result};
use clinstruct_parser::{decode, error_in_success};
use clinstruct_provider_http::Client;
use clinstruct_schema::{RowFormat, RowOutcome};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Shared;
use crate::pace::Verdict;
use crate::row::{failure, row};

/// Times that a request is sent to endpoints that answer other requests, before its trouble becomes its row.
const SENDINGS: u32 = 6;
/// Times that it is sent where no endpoint has given a usable answer yet, before the job ends: about ten seconds.
const FIRST_SENDINGS: u32 = 5;
/// The same in time: an endpoint may take long to say that it cannot.
const FIRST_TIME: Duration = Duration::from_secs(15);
/// Rows without a usable answer, from the first on, before the job ends.
const FIRST_ROWS: u32 = 8;
/// Longest pause of one request whose endpoint answers others.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Wait for an answer after which that is shown.
const SLOW: Duration = Duration::from_mins(1);
/// Header that carries a request's address, for logs and for tests.
const ID_HEADER: &str = "x-clinstruct-id";

/// What is known before the first usable answer came: until then trouble is more likely a wrong setting than a bad
/// moment, and each further request may cost money.
#[derive(Debug, Default)]
pub(crate) struct Start {
    over: AtomicBool,
    /// Rows without a usable answer, and what the last of them said.
    unusable: Mutex<(u32, Option<(ErrorKind, String)>)>,
}

impl Start {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether a further request may go.
    fn check(&self) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let unusable = self.unusable.lock().unwrap_or_else(PoisonError::into_inner);
        match &*unusable {
            (n, Some((kind, words))) if *n >= FIRST_ROWS => {
                let message =
                    format!("none of the first {n} answers can be used; the last one: {words}");
                Err(Error::new(*kind, "ask", message))
            }
            _ => Ok(()),
        }
    }

    /// Looks at a row while the start is not over.
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

/// What came of one sending.
enum Reply {
    /// The row: an answer, or a refusal of this request and no other.
    Row(Vec<u8>),
    /// The endpoint is in trouble, for this request at least.
    Trouble(Error),
    /// No request can succeed.
    Fatal(Error),
}

/// A clock that no change of the machine's time moves.
fn clock() -> Instant {
    Instant::now()
}

/// Whether a body holds what a model wrote, be it broken off: then it was paid for, and is the row.
fn has_choices(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body)
        .is_ok_and(|b| b.get("choices").and_then(Value::as_array).is_some_and(|c| !c.is_empty()))
}

impl Shared {
    /// The row of one request; `None` where it was cancelled before it was sent, an error where the endpoint will
    /// answer none.
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
        // Sendings that met trouble although the endpoints answered others.
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
            // An answer that did not come in time may come yet, and be paid for: it is not sent again from here.
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

    /// Waits for a reply, and says so where that takes long. It is not sent again meanwhile: it may be under way, and
    /// paid for.
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
                // It was handed on to somebody who failed. Anything else may be an answer that was paid for.
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
            // This request, and no other, is at fault.
            ErrorKind::Refused | ErrorKind::Filtered => found(),
            // The key was good for others: what it may not do is this.
            ErrorKind::Unauthorised if status.as_u16() == 403 && self.start.is_over() => found(),
            ErrorKind::NotFound if self.start.is_over() && status.is_success() => found(),
            ErrorKind::NotFound if self.start.is_over() => Reply::Trouble(e),
            _ => Reply::Fatal(e),
        }
    }

    /// The error that a success holds in place of an answer, with the status that it names.
    fn error_within(
        &self,
        client: &Client,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<(Error, Option<u16>)> {
        // Most bodies are answers; those are looked at once, by whoever reads the row.
        if body.trim_ascii().starts_with(b"{") && self.start.is_over() && !mentions_error(body) {
            return None;
        }
        let problem = error_in_success(body).filter(|_| !has_choices(body))?;
        Some((client.error("ask", &problem, headers), problem.status))
    }
}

/// Whether an error may be in a body; cheap, and never wrong about one that is.
fn mentions_error(body: &[u8]) -> bool {
    // An answer begins with its choices or gets to them: one without any is looked at in full.
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
