//! The suite that every backend passes.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use clinstruct_batch_client::BatchBackend;
//! # fn backend() -> Arc<dyn BatchBackend> { unimplemented!() }
//! # async fn test() {
//! clinstruct_testkit::contract::contract(async || backend()).await;
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
use clinstruct_schema::{ChatRequest, Message, RequestId, Role, RowOutcome};
use futures::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep, timeout};

/// Rows of a job of the suite.
const ROWS: usize = 20;
/// Longest that a job of the suite may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two polls.
const PAUSE: Duration = Duration::from_millis(20);

/// `n` requests, no two of them the same.
pub fn requests(n: usize) -> Vec<BatchRequest> {
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
        // The lowest 11 bits of a seed go to no provider.
        seed: (i as u64) << 11,
        json_schema: None,
    };
    (0..n).map(request).map(|request| BatchRequest { id: request_id(&request), request }).collect()
}

/// Checks a backend against what [`BatchBackend`] promises. `make` gives a new one for each clause, on
/// a provider that has no faults.
///
/// # Panics
///
/// Where a clause does not hold; the message says which.
pub async fn contract(make: impl AsyncFn() -> Arc<dyn BatchBackend>) {
    has_sane_limits(&*make().await);
    answers_every_request_once(&*make().await).await;
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

/// The ids of rows, each of which is an answer and comes once.
fn answered(rows: &[DecodedRow]) -> BTreeSet<RequestId> {
    let mut ids = BTreeSet::new();
    for row in rows {
        assert!(
            matches!(row.outcome, RowOutcome::Answer(_)),
            "every row is an answer, readable in the format that the backend declares: {row:?}"
        );
        if let Some(id) = row.id {
            assert!(ids.insert(id), "every request is answered once: {id} came again");
        }
    }
    ids
}

async fn whole_job(backend: &dyn BatchBackend, shard: &Shard, sent: &[BatchRequest]) -> JobRef {
    let job = must(backend.submit(shard).await, "a shard can be submitted");
    assert!(!job.0.is_empty(), "a job has a name");
    assert_eq!(ended(backend, &job).await, Ended::Completed, "a job without faults completes");
    let first = answered(&rows(backend, &job).await);
    assert_eq!(first, asked(sent), "every request is answered, and none that was not sent");
    job
}

async fn answers_every_request_once(backend: &dyn BatchBackend) {
    let sent = requests(ROWS);
    let shard = Shard::in_memory(tag("memory"), sent.clone());
    let job = whole_job(backend, &shard, &sent).await;
    // Who keeps its jobs in memory may forget one whose rows were fetched.
    if backend.limits().finds_jobs {
        assert_eq!(
            must(backend.poll(&job).await, "an ended job polls"),
            JobState::Ended(Ended::Completed),
            "a job that has ended stays ended"
        );
        let again = answered(&rows(backend, &job).await);
        assert_eq!(again, asked(&sent), "rows can be fetched again, and are the same");
    }
}

async fn reads_requests_from_a_file(backend: &dyn BatchBackend) {
    let sent = requests(ROWS);
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
    if !backend.limits().finds_jobs {
        return;
    }
    let unknown = found(backend, "unknown").await;
    assert_eq!(unknown, None, "a tag that was not sent is not found");
    let shard = Shard::in_memory(tag("found"), requests(ROWS));
    let job = must(backend.submit(&shard).await, "a shard can be submitted");
    let seen = found(backend, "found").await;
    assert_eq!(seen.as_ref(), Some(&job), "a tag that was sent is found, and is the job's");
    ended(backend, &job).await;
    let seen = found(backend, "found").await;
    assert_eq!(seen.as_ref(), Some(&job), "a job is found after it ended");
    let unknown = found(backend, "unknown").await;
    assert_eq!(unknown, None, "a tag that was not sent is not found among others");
}

/// What a backend finds for a tag. It may say that it cannot tell yet, for as long as a job may take.
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
    let sent = requests(ROWS);
    let shard = Shard::in_memory(tag("cancelled"), sent.clone());
    let job = must(backend.submit(&shard).await, "a shard can be submitted");
    must(backend.cancel(&job).await, "a job under way can be cancelled");
    let end = ended(backend, &job).await;
    assert!(
        matches!(end, Ended::Cancelled | Ended::Completed | Ended::Lost),
        "a cancelled job was cancelled, or done before, or is gone: {end:?}"
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
