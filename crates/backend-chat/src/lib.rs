//! Any OpenAI-compatible chat endpoint: vLLM, `SGLang`, llama.cpp's server, Ollama, a gateway, OpenAI itself.
//!
//! A job lives in this process: its requests are sent as fast as the endpoints take them, and each row is
//! given on as soon as it is there. How many are under way is found by trying ([`Pace`]): doubled with each round of
//! answers until the first trouble, then up by one a round, down by half on 429, 5xx or rising latency. Several
//! endpoints share the load, and one that fails is left alone for a while.
//!
//! Source of the API: <https://platform.openai.com/docs/api-reference/chat/create>.

mod pace;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clinstruct_batch_client::openai::{Dialect, chat_body};
use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, ShardTag,
};
use clinstruct_provider_http::{Auth, Client, Secret, code_of, retry_after};
use clinstruct_schema::{BackendId, RequestId, RowFormat};
use futures::stream::{self, StreamExt as _};
pub use pace::Pace;
use pace::{Paces, Verdict};
use reqwest::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

/// Times that a request is sent before its trouble becomes its row.
const SENDINGS: u32 = 6;
/// First pause after trouble; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause after trouble.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Header that carries a request's address, for logs and for tests.
const ID_HEADER: &str = "x-clinstruct-id";

/// Settings of the backend.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses, each with its version: `http://127.0.0.1:8000/v1`.
    pub base_urls: Vec<String>,
    /// Key, where one is needed.
    pub key: Option<Secret>,
    /// How the endpoints read requests.
    pub dialect: Dialect,
    /// How fast to go.
    pub pace: Pace,
    /// Longest wait for more of a response; five minutes where `None`.
    pub timeout: Option<Duration>,
    /// Price compared to the price table.
    pub price_factor: f64,
}

impl Options {
    /// One endpoint with the defaults: `max_tokens`, seeds and schemas as vLLM and its kin read them.
    pub fn new(base_url: &str, key: Option<Secret>) -> Self {
        Self {
            base_urls: vec![base_url.into()],
            key,
            dialect: Dialect { max_completion_tokens: false, ..Dialect::default() },
            pace: Pace::default(),
            timeout: None,
            price_factor: 1.0,
        }
    }
}

/// Chat endpoints that answer one request at a time each.
#[derive(Debug)]
pub struct Chat {
    shared: Arc<Shared>,
    jobs: Mutex<HashMap<JobRef, Job>>,
}

#[derive(Debug)]
struct Shared {
    clients: Vec<Client>,
    dialect: Dialect,
    paces: Paces,
    price_factor: f64,
}

#[derive(Debug, Clone)]
struct Job {
    /// Until its rows are asked for.
    shard: Option<Shard>,
    cancelled: Arc<std::sync::atomic::AtomicBool>,
}

impl Chat {
    /// A backend on these endpoints.
    pub fn new(options: Options) -> Result<Self> {
        if options.base_urls.is_empty() {
            return Err(Error::new(ErrorKind::Refused, "make a client", "no endpoint is named"));
        }
        let clients = options
            .base_urls
            .iter()
            .map(|base| {
                let (key, timeout) = (options.key.clone(), options.timeout);
                Client::with_timeout(base, key, Auth::Bearer, &[], timeout)
            })
            .collect::<Result<Vec<_>>>()?;
        let paces = Paces::new(options.pace, clients.len());
        let shared =
            Shared { clients, dialect: options.dialect, paces, price_factor: options.price_factor };
        Ok(Self { shared: Arc::new(shared), jobs: Mutex::default() })
    }
}

/// A row in the format of a batch's output file.
#[derive(Serialize)]
struct Row<'a> {
    custom_id: RequestId,
    response: Option<Response<'a>>,
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Response<'a> {
    status_code: u16,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

fn row(id: RequestId, status: u16, body: &str) -> Vec<u8> {
    let raw: serde_json::Result<&RawValue> = serde_json::from_str(body);
    let Ok(raw) = raw else {
        let message: String = body.chars().take(300).collect();
        return failure(id, "no_json", &message);
    };
    let response = Some(Response { status_code: status, body: raw });
    serde_json::to_vec(&Row { custom_id: id, response, error: None }).unwrap_or_default()
}

fn failure(id: RequestId, code: &str, message: &str) -> Vec<u8> {
    let error = Some(Failure { code, message });
    serde_json::to_vec(&Row { custom_id: id, response: None, error }).unwrap_or_default()
}

impl Shared {
    /// The row of one request; an error where the endpoint will answer none of them.
    async fn ask(&self, request: &BatchRequest) -> Result<Vec<u8>> {
        let id = request.id;
        let body: bytes::Bytes = match chat_body(&request.request, &self.dialect) {
            Ok(body) => body.into(),
            Err(e) => return Ok(failure(id, "invalid_request", &e.to_string())),
        };
        let tokens = u64::from(request.request.max_tokens) + body.len() as u64 / 4;
        let mut pause = PAUSE;
        let mut last: Option<Error> = None;
        for _ in 0..SENDINGS {
            let slot = self.paces.slot(tokens).await;
            let Some(client) = self.clients.get(slot.endpoint) else { break };
            let call = client
                .request(Method::POST, "/chat/completions")
                .header("content-type", "application/json")
                .header(ID_HEADER, id.to_string())
                .body(body.clone());
            let trouble = match call.send().await {
                Err(e) => client.broken("ask", e),
                Ok(response) => {
                    let status = response.status();
                    let wait = retry_after(response.headers());
                    match response.text().await {
                        Err(e) => client.broken("ask", e),
                        Ok(text) if status.is_success() => {
                            slot.done(Verdict::Good);
                            return Ok(row(id, status.as_u16(), &text));
                        }
                        Ok(text) => {
                            let code = code_of(&text);
                            let kind = clinstruct_provider_http::kind(status, &code);
                            let message =
                                format!("{}, {code}: {}", status.as_u16(), client.told(&text));
                            let mut e = Error::new(kind, "ask", message);
                            e.retry_after = wait;
                            match kind {
                                ErrorKind::RateLimited | ErrorKind::Unavailable => e,
                                // This request, and no other, is at fault.
                                ErrorKind::Refused => {
                                    slot.done(Verdict::Good);
                                    return Ok(row(id, status.as_u16(), &text));
                                }
                                _ => return Err(e),
                            }
                        }
                    }
                }
            };
            let wait = trouble.retry_after.unwrap_or(pause).min(LONGEST_PAUSE);
            let limited = trouble.kind == ErrorKind::RateLimited;
            slot.done(if limited { Verdict::Limited(wait) } else { Verdict::Broken(wait) });
            if limited || !self.paces.any_sound() {
                tokio::time::sleep(wait).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            last = Some(trouble);
        }
        match last {
            // Nobody is there: the run waits or stops, and the request is not used up.
            Some(e) if e.kind == ErrorKind::Unavailable && self.paces.all_broken() => Err(e),
            Some(e) => Ok(failure(id, "unavailable", &e.message)),
            None => Ok(failure(id, "unavailable", "no endpoint is left")),
        }
    }
}

#[async_trait::async_trait]
impl BatchBackend for Chat {
    fn id(&self) -> BackendId {
        BackendId("chat".into())
    }

    fn limits(&self) -> Limits {
        Limits {
            rows_per_job: 10_000,
            bytes_per_job: 256 << 20,
            jobs_at_once: 8,
            queued_tokens: None,
            price_factor: self.shared.price_factor,
            finds_jobs: false,
            structured_output: self.shared.dialect.structured_output,
            rehearsal: false,
        }
    }

    fn account(&self) -> String {
        let all: Vec<String> = self.shared.clients.iter().map(Client::account).collect();
        all.join("; ")
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let reference = JobRef(shard.tag.0.clone());
        let job = Job { shard: Some(shard.clone()), cancelled: Arc::default() };
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.clone(), job);
        Ok(reference)
    }

    async fn find(&self, tag: &ShardTag) -> Result<Option<JobRef>> {
        let reference = JobRef(tag.0.clone());
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(jobs.contains_key(&reference).then_some(reference))
    }

    /// Ended as soon as it is sent: its rows come as they are made.
    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(JobState::Ended(match jobs.get(job) {
            None => Ended::Lost,
            Some(job) if job.cancelled.load(std::sync::atomic::Ordering::Relaxed) => {
                Ended::Cancelled
            }
            Some(_) => Ended::Completed,
        }))
    }

    /// Asks for the rows, and gives each as it comes. A job's rows are given once.
    fn rows(&self, job: &JobRef) -> RowStream {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            jobs.get_mut(job).and_then(|j| Some((j.shard.take()?, Arc::clone(&j.cancelled))));
        drop(jobs);
        let Some((shard, cancelled)) = found else {
            let e = Error::new(ErrorKind::NotFound, "fetch rows", format!("no job {}", job.0));
            return stream::once(async { Err(e) }).boxed();
        };
        let requests = match shard.requests() {
            Ok(requests) => requests,
            Err(e) => {
                let e = Error::new(ErrorKind::Io, "read job", shard.tag.0).caused_by(e);
                return stream::once(async { Err(e) }).boxed();
            }
        };
        let shared = Arc::clone(&self.shared);
        let (sender, receiver) = mpsc::channel(256);
        let many = shared.paces.most();
        tokio::spawn(async move {
            let cancelled = &cancelled;
            let asked = stream::iter(requests)
                .take_while(|_| {
                    let go_on = !cancelled.load(std::sync::atomic::Ordering::Relaxed);
                    async move { go_on }
                })
                .map(|request| {
                    let shared = Arc::clone(&shared);
                    async move {
                        let request = request.map_err(|e| {
                            Error::new(ErrorKind::Io, "read job", "its file is broken").caused_by(e)
                        })?;
                        shared.ask(&request).await
                    }
                })
                .buffer_unordered(many);
            let mut asked = std::pin::pin!(asked);
            while let Some(row) = asked.next().await {
                // An error ends the job; those under way are still taken, for they are paid.
                if row.is_err() {
                    cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
                }
                if sender.send(row).await.is_err() {
                    return;
                }
            }
        });
        stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|row| (row, receiver))
        })
        .boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = jobs.get(job) {
            job.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }
}
