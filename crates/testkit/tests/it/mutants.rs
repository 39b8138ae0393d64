//! Backends with one bug each, which the suite must find.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use clinstruct_batch_client::{
    BatchBackend, Capabilities, Cost, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, ShardBody, Wanted,
};
use clinstruct_schema::{BackendId, Role, RowFormat};
use clinstruct_testkit::contract::{Sent, contract};
use futures::stream::{self, StreamExt as _};

/// The bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutant {
    Nothing,
    NoRoom,
    RowsOfTheFirstJob,
    RowsOfAllJobs,
    OneNameForAllJobs,
    NoSystemMessage,
    NoUserMessage,
    NoSchema,
    CancelDoesNothing,
    AMissingRow,
    ARowTwice,
    ARowWithoutId,
    RowsOfAnotherFormat,
    RowsOnlyOnce,
    FilesUnread,
    FindsNothing,
    FindsAnything,
    KnowsEveryJob,
    ForgetsEndedJobs,
}

#[derive(Debug, Clone)]
struct Job {
    rows: Vec<Vec<u8>>,
    cancelled: bool,
    fetched: bool,
}

/// A provider in memory, whose answers are its requests.
#[derive(Debug, Clone)]
struct Echo {
    wrong: Mutant,
    jobs: Arc<Mutex<BTreeMap<String, Job>>>,
}

impl Echo {
    fn new(wrong: Mutant) -> Self {
        Self { wrong, jobs: Arc::default() }
    }

    fn is(&self, wrong: Mutant) -> bool {
        self.wrong == wrong
    }
}

#[async_trait::async_trait]
impl BatchBackend for Echo {
    fn id(&self) -> BackendId {
        BackendId("echo".into())
    }

    fn limits(&self) -> Limits {
        Limits::new(if self.is(Mutant::NoRoom) { 0 } else { 100 }, 1 << 20, 4)
    }

    fn capabilities(&self) -> Capabilities {
        let mut all = Capabilities::batch_api();
        all.cost = Cost::Nothing;
        all
    }

    fn row_format(&self) -> RowFormat {
        if self.is(Mutant::RowsOfAnotherFormat) {
            RowFormat::AnthropicBatch
        } else {
            RowFormat::Neutral
        }
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let mut rows = Vec::new();
        let unread = self.is(Mutant::FilesUnread) && matches!(shard.body, ShardBody::File(_));
        let requests = shard.requests().unwrap().filter(|_| !unread);
        for request in requests.map(std::result::Result::unwrap) {
            let left_out = match self.wrong {
                Mutant::NoSystemMessage => Some(Role::System),
                Mutant::NoUserMessage => Some(Role::User),
                _ => None,
            };
            let messages = request.request.messages.iter().filter(|m| Some(m.role) != left_out);
            let mut text: String = messages.map(|m| m.content.as_str()).collect();
            if let Some(schema) = request.request.json_schema.filter(|_| !self.is(Mutant::NoSchema))
            {
                text.push_str(&schema.schema);
            }
            let mut row = serde_json::json!({
                "custom_id": request.id, "text": text, "finish_reason": "stop",
            });
            if self.is(Mutant::ARowWithoutId) && rows.is_empty() {
                row["custom_id"] = "row 1".into();
            }
            rows.push(row.to_string().into_bytes());
        }
        match self.wrong {
            Mutant::AMissingRow => rows.truncate(rows.len().saturating_sub(1)),
            Mutant::ARowTwice => rows.extend(rows.first().cloned()),
            _ => {}
        }
        let name = match self.wrong {
            Mutant::OneNameForAllJobs => "job".to_owned(),
            _ => shard.tag.0.clone(),
        };
        let job = Job { rows, cancelled: false, fetched: false };
        self.jobs.lock().unwrap().insert(name.clone(), job);
        Ok(JobRef(name))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let tag = &wanted.tag.0;
        let jobs = self.jobs.lock().unwrap();
        Ok(match self.wrong {
            Mutant::FindsNothing => None,
            Mutant::FindsAnything => jobs.keys().next().map(|name| JobRef(name.clone())),
            _ => jobs.contains_key(tag).then(|| JobRef(tag.clone())),
        })
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let mut jobs = self.jobs.lock().unwrap();
        let found = jobs.get(&job.0).cloned();
        if self.is(Mutant::ForgetsEndedJobs) && found.as_ref().is_some_and(|job| job.fetched) {
            jobs.remove(&job.0);
            return Ok(JobState::Ended(Ended::Lost));
        }
        Ok(JobState::Ended(match found {
            None if self.is(Mutant::KnowsEveryJob) => Ended::Completed,
            None => Ended::Lost,
            Some(job) if job.cancelled => Ended::Cancelled,
            Some(_) => Ended::Completed,
        }))
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let mut jobs = self.jobs.lock().unwrap();
        let all: Vec<Vec<u8>> = jobs.values().flat_map(|job| job.rows.clone()).collect();
        let first = jobs.values().next().map(|job| job.rows.clone()).unwrap_or_default();
        let Some(found) = jobs.get_mut(&job.0) else {
            let e = Error::new(ErrorKind::NotFound, "fetch rows", "no such job");
            return stream::once(async { Err(e) }).boxed();
        };
        let rows = match self.wrong {
            Mutant::RowsOfTheFirstJob => first,
            Mutant::RowsOfAllJobs => all,
            Mutant::RowsOnlyOnce if found.fetched => Vec::new(),
            _ => found.rows.clone(),
        };
        found.fetched = true;
        stream::iter(rows.into_iter().map(Ok)).boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        if let Some(job) = self.jobs.lock().unwrap().get_mut(&job.0) {
            job.cancelled = !self.is(Mutant::CancelDoesNothing);
        }
        Ok(())
    }
}

/// The suite's failure message for a backend; `None` if it passes.
fn verdict(wrong: Mutant) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // One provider, shared by all new backends.
    let echo = Echo::new(wrong);
    let make = async || Arc::new(echo.clone()) as Arc<dyn BatchBackend>;
    let suite = || runtime.block_on(contract(make, Sent::Echoed));
    let panic = std::panic::catch_unwind(AssertUnwindSafe(suite)).err()?;
    let literal = || panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
    Some(panic.downcast_ref::<String>().cloned().or_else(literal).unwrap_or_default())
}

#[test]
fn a_backend_that_keeps_the_contract_passes() {
    assert_eq!(verdict(Mutant::Nothing), None);
}

#[test]
fn every_mutant_fails_with_the_clause_that_it_breaks() {
    for (wrong, clause) in [
        (Mutant::NoRoom, "a job has room for a row"),
        (Mutant::RowsOfTheFirstJob, "a job has the rows of its own requests, and no other's"),
        (Mutant::RowsOfAllJobs, "a job has the rows of its own requests, and no other's"),
        (Mutant::OneNameForAllJobs, "every job has a name of its own"),
        (Mutant::NoSystemMessage, "the system message is sent"),
        (Mutant::NoUserMessage, "the user's message is sent"),
        (Mutant::NoSchema, "the schema is sent"),
        (Mutant::CancelDoesNothing, "a job that is cancelled at once ends as cancelled"),
        (Mutant::AMissingRow, "every request is answered, and none that was not sent"),
        (Mutant::ARowTwice, "every request is answered once"),
        (Mutant::ARowWithoutId, "every row names its request"),
        (Mutant::RowsOfAnotherFormat, "readable in the format that the backend declares"),
        (Mutant::RowsOnlyOnce, "rows can be fetched again"),
        (Mutant::FilesUnread, "every request is answered, and none that was not sent"),
        (Mutant::FindsNothing, "a tag that was sent is found"),
        (Mutant::FindsAnything, "a tag that was not sent is not found"),
        (Mutant::KnowsEveryJob, "a job that nobody sent is lost"),
        (Mutant::ForgetsEndedJobs, "a job that has ended stays ended"),
    ] {
        let said = verdict(wrong).unwrap_or_else(|| panic!("{wrong:?} passes"));
        assert!(said.contains(clause), "{wrong:?}: {said}");
    }
}
