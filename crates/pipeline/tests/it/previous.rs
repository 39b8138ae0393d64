//! A run that the previous version left half done, with stored answers and an open job, is resumed.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::{
    BatchBackend, Capabilities, Ended, JobRef, JobState, Limits, Result, RowStream, Shard, Wanted,
};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Event, Outcome, Progress, Route, Routes, RunConfig, RunContext, StopSignal, Tally, run,
};
use clinstruct_schema::{BackendId, RequestId, RowFormat};
use clinstruct_store::{Durability, Store};
use futures::stream::{self, StreamExt as _};

/// Turns the tables into those of version 4 of the journal.
const TO_VERSION_4: &str = "
    CREATE TABLE unit (
        key INTEGER PRIMARY KEY, state INTEGER NOT NULL, waiting BLOB, tries INTEGER NOT NULL,
        infra_tries INTEGER NOT NULL, steps BLOB NOT NULL, stage TEXT, failed INTEGER, reason TEXT,
        detail TEXT, unusable INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO unit SELECT key, CASE state WHEN 'waiting' THEN 0 WHEN 'done' THEN 1 ELSE 2 END, waiting,
        attempts, delivery_attempts, steps, stage, failed, reason, detail, unusable FROM task;
    DROP TABLE task;
    CREATE INDEX unit_waiting ON unit (key) WHERE state = 0;
    CREATE TABLE new_request (
        id BLOB PRIMARY KEY, unit INTEGER NOT NULL, job INTEGER NOT NULL, state INTEGER NOT NULL,
        frame INTEGER, row INTEGER
    ) WITHOUT ROWID;
    INSERT INTO new_request
    SELECT id, task, job, CASE state WHEN 'sent' THEN 0 WHEN 'answered' THEN 1 ELSE 2 END, frame, row
    FROM request;
    DROP TABLE request;
    ALTER TABLE new_request RENAME TO request;
    CREATE INDEX request_asked ON request (job) WHERE state = 0;
    ALTER TABLE given_up RENAME COLUMN task TO unit;
    ALTER TABLE planned RENAME COLUMN task TO unit;
    PRAGMA user_version = 4;
";

/// A provider that keeps its jobs while the process that sent them is gone, and answers as the rehearsal does.
#[derive(Debug)]
struct Provider {
    rehearsal: Rehearsal,
    jobs: Mutex<HashMap<String, Shard>>,
    /// Requests of all jobs, in the order in which they came.
    received: Mutex<Vec<RequestId>>,
    /// Jobs that run for now.
    held: Mutex<Option<String>>,
}

#[async_trait::async_trait]
impl BatchBackend for Provider {
    fn id(&self) -> BackendId {
        BackendId("provider".into())
    }

    fn limits(&self) -> Limits {
        Limits::new(5, 200 << 20, 4)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::batch_api()
    }

    fn account(&self) -> String {
        "an account".into()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let tag = shard.tag.0.clone();
        let ids = shard.requests().unwrap().map(|r| r.unwrap().id);
        self.received.lock().unwrap().extend(ids);
        let before = self.jobs.lock().unwrap().insert(tag.clone(), shard.clone());
        assert!(before.is_none(), "job {tag} was sent twice");
        Ok(JobRef(tag))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let tag = &wanted.tag.0;
        Ok(self.jobs.lock().unwrap().contains_key(tag).then(|| JobRef(tag.clone())))
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        if self.held.lock().unwrap().as_ref() == Some(&job.0) {
            return Ok(JobState::Running { done: None });
        }
        Ok(JobState::Ended(Ended::Completed))
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let jobs = self.jobs.lock().unwrap();
        let rows: Vec<_> = jobs[&job.0]
            .requests()
            .unwrap()
            .map(|r| Ok(self.rehearsal.rows_of(&job.0, &r.unwrap()).pop().unwrap()))
            .collect();
        stream::iter(rows).boxed()
    }

    async fn cancel(&self, _: &JobRef) -> Result<()> {
        Ok(())
    }
}

/// Stops the run as soon as answers are stored.
struct StopAtAnswers(StopSignal, u64);

impl Progress for StopAtAnswers {
    fn tally(&mut self, tally: &Tally) {
        if tally.answered as u64 >= self.1 {
            self.0.stop();
        }
    }
    fn event(&mut self, _: Event) {}
}

fn drive(catalog: &Catalog, provider: &Arc<Provider>, folder: &Path, most: u64) -> Outcome {
    let backend = Arc::clone(provider) as Arc<dyn BatchBackend>;
    let route = Route { name: "main".into(), backend, model: "m".into(), price: None };
    let config = RunConfig { limit: Some(4), jobs: 4, rows_per_job: 5, ..RunConfig::default() };
    let context = RunContext::new(catalog, config, Routes::one(route)).unwrap();
    let mut store = Store::open(folder, Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let stop = StopSignal::default();
    let mut progress = StopAtAnswers(stop.clone(), most);
    let how = Drive::ToTheEnd;
    let ran = run(&context, &mut store, &mut progress, &stop, || 0, "run", how);
    runtime.block_on(ran).unwrap().0
}

#[test]
fn a_half_done_run_of_the_previous_version_is_resumed() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provider = Arc::new(Provider {
        rehearsal: Rehearsal::new(catalog.instructions(), Rates::none(), None),
        jobs: Mutex::default(),
        received: Mutex::default(),
        held: Mutex::new(Some("run-2".into())),
    });
    assert_eq!(drive(&catalog, &provider, folder.path(), 12), Outcome::Stopped);
    let store = Store::open_read_only(folder.path()).unwrap();
    let (stored, open) = (store.answered_total().unwrap(), store.open_jobs().unwrap());
    assert!(stored >= 12 && open.iter().any(|j| j.tag == "run-2"), "{stored} {open:?}");
    let (waiting, money) = (store.waiting_tasks(None, 100).unwrap(), store.money().unwrap());
    assert!(!waiting.is_empty());
    drop(store);

    let journal = rusqlite::Connection::open(folder.path().join("run.sqlite")).unwrap();
    journal.execute_batch(TO_VERSION_4).unwrap();
    drop(journal);

    // Reading does not migrate.
    let store = Store::open_read_only(folder.path()).unwrap();
    assert_eq!(store.waiting_tasks(None, 100).unwrap(), waiting);
    assert_eq!((store.open_jobs().unwrap(), store.money().unwrap()), (open, money));
    drop(store);

    *provider.held.lock().unwrap() = None;
    assert_eq!(drive(&catalog, &provider, folder.path(), u64::MAX), Outcome::Finished);
    let store = Store::open_read_only(folder.path()).unwrap();
    assert!(store.open_jobs().unwrap().is_empty() && store.failed_tasks().unwrap().is_empty());
    let jobs = store.jobs().unwrap();
    assert_eq!(jobs.len(), provider.jobs.lock().unwrap().len());
    assert!(jobs.iter().all(|j| j.ended.as_deref() == Some("completed")), "{jobs:?}");
    let mut received = provider.received.lock().unwrap().clone();
    assert_eq!(received.len() as u64, store.answered_total().unwrap());
    received.sort_unstable_by_key(|id| id.0);
    received.dedup();
    assert_eq!(received.len() as u64, store.answered_total().unwrap(), "sent twice");
}
