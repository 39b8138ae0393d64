//! The contract suite for backends.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use clinstruct_batch_client::BatchBackend;
//! # fn backend() -> Arc<dyn BatchBackend> { unimplemented!() }
//! # fn what_the_server_got() -> Vec<String> { unimplemented!() }
//! # async fn test() {
//! use clinstruct_testkit::contract::{Sent, contract};
//!
//! contract(async || backend(), Sent::Seen(&what_the_server_got)).await;
//! # }
//! ```

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Ended, ErrorKind, JobRef, JobState, Shard, ShardBody, ShardTag,
    Wanted, request_id,
};
use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{ChatRequest, JsonSchema, Message, RequestId, Role, RowOutcome};
use futures::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep, timeout};

/// Rows per job of the suite.
const ROWS: usize = 20;
/// Concurrent jobs.
const JOBS: usize = 3;
/// Requests that are checked on the model's side.
const PROBES: usize = 3;
/// Time limit of a job of the suite.
const PATIENCE: Duration = Duration::from_secs(30);
/// Polling interval.
const PAUSE: Duration = Duration::from_millis(20);

/// How the suite observes what a backend sends.
#[derive(Clone, Copy)]
pub enum Sent<'a> {
    /// Returns everything that the model's side has received so far, each request as one string or several. JSON may be
    /// raw: the searched strings need no escapes.
    Seen(&'a dyn Fn() -> Vec<String>),
    /// The answers are the requests: each contains the texts of all messages, and the schema.
    Echoed,
    /// Not observable, for this reason. Whether every part of a request is sent is then unchecked.
    Hidden(&'static str),
}

/// `n` different requests.
pub fn requests(n: usize) -> Vec<BatchRequest> {
    requests_from(0, n)
}

/// `n` different requests, disjoint from those of another offset.
fn requests_from(first: usize, n: usize) -> Vec<BatchRequest> {
    let request = |i: usize| ChatRequest {
        model: "test-model".into(),
        messages: vec![
            Message { role: Role::System, content: "You are a medical assistant.".into() },
            Message {
                role: Role::User,
                content: format!("Question {i}: how is \"fièvre\" treated?\n\tAnswer in one line."),
            },
        ],
        max_tokens: 400,
        temperature: Some(0.5),
        // The lowest 11 bits of a seed are not sent to any provider.
        seed: (i as u64) << 11,
        json_schema: None,
    };
    (first..first + n)
        .map(request)
        .map(|request| BatchRequest { id: request_id(&request), request })
        .collect()
}

/// Checks a backend against the contract of [`BatchBackend`]. `make` returns a new one for each clause, with a provider
/// that injects no faults, and whose jobs are not done at the first poll. `sent` says how to observe its requests.
///
/// # Panics
///
/// If a clause does not hold; the message says which.
pub async fn contract(make: impl AsyncFn() -> Arc<dyn BatchBackend>, sent: Sent<'_>) {
    has_sane_limits(&*make().await);
    answers_every_request_once(&*make().await).await;
    keeps_jobs_apart(&*make().await).await;
    sends_all_of_a_request(&*make().await, sent).await;
    reads_requests_from_a_file(&*make().await).await;
    finds_its_jobs(&*make().await).await;
    knows_no_unknown_job(&*make().await).await;
    cancels(&*make().await).await;
}

#[expect(clippy::panic, reason = "this is a test, and so it says that it failed")]
fn must<T, E: Display>(result: Result<T, E>, clause: &str) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{clause}: {e}"),
    }
}

fn tag(name: &str) -> ShardTag {
    ShardTag(format!("contract-{name}"))
}

fn has_sane_limits(backend: &dyn BatchBackend) {
    assert!(!backend.id().0.is_empty(), "a backend has a name");
    let limits = backend.limits();
    assert!(limits.rows_per_job > 0, "a job has room for a row: {limits:?}");
    assert!(limits.bytes_per_job > 0, "a job has room for a byte: {limits:?}");
    assert!(limits.jobs_at_once > 0, "one job at least is under way at once: {limits:?}");
    assert!(limits.queued_tokens != Some(0), "some tokens can be enqueued: {limits:?}");
    assert!(
        limits.price_factor.is_finite() && limits.price_factor >= 0.0,
        "a price is a number and not negative: {limits:?}"
    );
}

async fn ended(backend: &dyn BatchBackend, job: &JobRef) -> Ended {
    let start = Instant::now();
    loop {
        if let JobState::Ended(ended) = must(backend.poll(job).await, "a job that was sent polls") {
            return ended;
        }
        assert!(start.elapsed() < PATIENCE, "a job ends: {job:?} still runs after {PATIENCE:?}");
        sleep(PAUSE).await;
    }
}

async fn rows(backend: &dyn BatchBackend, job: &JobRef) -> Vec<DecodedRow> {
    let mut rows = Vec::new();
    let mut stream = backend.rows(job);
    let clause = "a stream of rows does not hang";
    while let Some(row) = must(timeout(PATIENCE, stream.next()).await, clause) {
        let row = must(row, "the rows of an ended job come without an error");
        rows.push(decode(backend.row_format(), &row));
    }
    rows
}

fn asked(requests: &[BatchRequest]) -> BTreeSet<RequestId> {
    requests.iter().map(|r| r.id).collect()
}

/// The ids of rows, asserting that each is an answer and occurs once.
#[expect(clippy::panic, reason = "this is a test, and so it says that it failed")]
fn answered(rows: &[DecodedRow]) -> BTreeSet<RequestId> {
    let mut ids = BTreeSet::new();
    for row in rows {
        assert!(
            matches!(row.outcome, RowOutcome::Answer(_)),
            "every row is an answer, readable in the format that the backend declares: {row:?}"
        );
        let Some(id) = row.id else { panic!("every row names its request: {row:?}") };
        assert!(ids.insert(id), "every request is answered once: {id} came again");
    }
    ids
}

async fn whole_job(backend: &dyn BatchBackend, shard: &Shard, sent: &[BatchRequest]) -> JobRef {
    let job = must(backend.submit(shard).await, "a shard can be submitted");
    assert!(!job.0.is_empty(), "a job has a name");
    assert_eq!(ended(backend, &job).await, Ended::Completed, "a job without faults completes");
    let got = answered(&rows(backend, &job).await);
    assert_eq!(got, asked(sent), "every request is answered, and none that was not sent");
    job
}

async fn answers_every_request_once(backend: &dyn BatchBackend) {
    let sent = requests(ROWS);
    let shard = Shard::in_memory(tag("memory"), sent.clone());
    let job = whole_job(backend, &shard, &sent).await;
    // A backend that keeps its jobs in memory may forget one whose rows were fetched.
    if backend.capabilities().survives_process {
        assert_eq!(
            must(backend.poll(&job).await, "an ended job polls"),
            JobState::Ended(Ended::Completed),
            "a job that has ended stays ended"
        );
        let again = answered(&rows(backend, &job).await);
        assert_eq!(again, asked(&sent), "rows can be fetched again, and are the same");
    }
}

/// Concurrent jobs, if the backend supports them, whose rows are fetched in another order.
async fn keeps_jobs_apart(backend: &dyn BatchBackend) {
    let one_by_one = backend.limits().jobs_at_once < JOBS;
    let mut jobs = Vec::new();
    for n in 0..JOBS {
        // Of different sizes, so that rows cannot be assigned by number either.
        let sent = requests_from(1_000 * (n + 1), ROWS + n);
        let shard = Shard::in_memory(tag(&format!("apart-{n}")), sent.clone());
        let job = must(backend.submit(&shard).await, "a second job can be submitted");
        assert!(jobs.iter().all(|(known, _)| *known != job), "every job has a name of its own");
        if one_by_one {
            ended(backend, &job).await;
        }
        jobs.push((job, sent));
    }
    for (job, _) in &jobs {
        let end = ended(backend, job).await;
        assert_eq!(end, Ended::Completed, "a job without faults completes beside others");
    }
    for (job, sent) in jobs.iter().rev() {
        let got = answered(&rows(backend, job).await);
        assert_eq!(got, asked(sent), "a job has the rows of its own requests, and no other's");
    }
}

/// Markers of a request: of its system message, its question and its schema.
fn marks(i: usize) -> [String; 3] {
    [format!("system-mark-{i}x"), format!("question-mark-{i}x"), format!("schema_mark_{i}x")]
}

/// System message, question and, if the backend supports it, the schema reach the model.
async fn sends_all_of_a_request(backend: &dyn BatchBackend, sent: Sent<'_>) {
    let structured = backend.capabilities().structured_output;
    let request = |i: usize| {
        let [system, question, schema] = marks(i);
        let schema = format!(
            r#"{{"type":"object","properties":{{"{schema}":{{"type":"string"}}}},"required":["{schema}"],"additionalProperties":false}}"#
        );
        let request = ChatRequest {
            model: "test-model".into(),
            messages: vec![
                Message { role: Role::System, content: format!("Follow {system}.") },
                Message { role: Role::User, content: format!("What is {question}?") },
            ],
            max_tokens: 400,
            temperature: None,
            seed: (i as u64) << 11,
            json_schema: structured.then(|| JsonSchema { name: "probe".into(), schema }),
        };
        BatchRequest { id: request_id(&request), request }
    };
    let requests: Vec<BatchRequest> = (0..PROBES).map(request).collect();
    let shard = Shard::in_memory(tag("sent"), requests);
    let job = must(backend.submit(&shard).await, "a shard can be submitted");
    assert_eq!(ended(backend, &job).await, Ended::Completed, "a job without faults completes");
    let rows = rows(backend, &job).await;
    let seen = match sent {
        Sent::Seen(look) => look(),
        Sent::Echoed => rows.into_iter().filter_map(|row| text_of(row.outcome)).collect(),
        Sent::Hidden(_) => return,
    };
    for i in 0..PROBES {
        let [system, question, schema] = marks(i);
        let asked: Vec<&String> = seen.iter().filter(|text| text.contains(&question)).collect();
        assert!(!asked.is_empty(), "the user's message is sent: nobody has seen {question}");
        assert!(
            asked.iter().any(|text| text.contains(&system)),
            "the system message is sent with the user's: nobody has seen {system}"
        );
        assert!(
            !structured || seen.iter().any(|text| text.contains(&schema)),
            "the schema is sent, for the backend can bind an answer to one: nobody has seen {schema}"
        );
    }
}

fn text_of(outcome: RowOutcome) -> Option<String> {
    match outcome {
        RowOutcome::Answer(completion) => Some(completion.text),
        _ => None,
    }
}

async fn reads_requests_from_a_file(backend: &dyn BatchBackend) {
    let sent = requests_from(200, ROWS);
    let mut file = must(NamedTempFile::new(), "the suite can make a file");
    for request in &sent {
        let line = must(serde_json::to_string(request), "a request can be written");
        must(writeln!(file, "{line}"), "the suite can write a file");
    }
    must(file.flush(), "the suite can write a file");
    let body = ShardBody::File(file.path().to_owned());
    let shard = Shard { tag: tag("file"), rows: sent.len(), body };
    whole_job(backend, &shard, &sent).await;
}

async fn finds_its_jobs(backend: &dyn BatchBackend) {
    if !backend.capabilities().finds_jobs {
        return;
    }
    let unknown = found(backend, "unknown").await;
    assert_eq!(unknown, None, "a tag that was not sent is not found");
    let shard = Shard::in_memory(tag("found"), requests_from(300, ROWS));
    let job = must(backend.submit(&shard).await, "a shard can be submitted");
    let seen = found(backend, "found").await;
    assert_eq!(seen.as_ref(), Some(&job), "a tag that was sent is found, and is the job's");
    ended(backend, &job).await;
    let seen = found(backend, "found").await;
    assert_eq!(seen.as_ref(), Some(&job), "a job is found after it ended");
    let unknown = found(backend, "unknown").await;
    assert_eq!(unknown, None, "a tag that was not sent is not found among others");
}

/// What a backend finds for a tag. It may report that it cannot tell yet, for the time limit of a job.
async fn found(backend: &dyn BatchBackend, name: &str) -> Option<JobRef> {
    let until = Instant::now() + PATIENCE;
    loop {
        match backend.find(&Wanted::tagged(tag(name))).await {
            Err(e) if e.is_transient() && Instant::now() < until => {
                sleep(PAUSE).await;
            }
            answer => return must(answer, "a tag can be asked for"),
        }
    }
}

async fn knows_no_unknown_job(backend: &dyn BatchBackend) {
    let job = JobRef("batch_nobody-sent-this".into());
    match backend.poll(&job).await {
        Ok(state) => {
            assert_eq!(state, JobState::Ended(Ended::Lost), "a job that nobody sent is lost");
        }
        Err(e) => {
            assert_eq!(e.kind, ErrorKind::NotFound, "a job that nobody sent is not found: {e}");
        }
    }
    let mut stream = backend.rows(&job);
    let clause = "an empty stream of rows does not hang";
    while let Some(row) = must(timeout(PATIENCE, stream.next()).await, clause) {
        assert!(row.is_err(), "a job that nobody sent has no rows");
    }
}

async fn cancels(backend: &dyn BatchBackend) {
    let sent = requests_from(400, ROWS);
    let shard = Shard::in_memory(tag("cancelled"), sent.clone());
    let job = must(backend.submit(&shard).await, "a shard can be submitted");
    must(backend.cancel(&job).await, "a job under way can be cancelled");
    let end = ended(backend, &job).await;
    assert!(
        matches!(end, Ended::Cancelled | Ended::Lost),
        "a job that is cancelled at once ends as cancelled, or is gone: {end:?}"
    );
    if end == Ended::Lost {
        return;
    }
    let asked = asked(&sent);
    let mut ids = BTreeSet::new();
    for row in rows(backend, &job).await {
        let Some(id) = row.id else { continue };
        assert!(asked.contains(&id), "a cancelled job has only rows that were sent: {id}");
        assert!(ids.insert(id), "a cancelled job has no row twice: {id}");
    }
}
