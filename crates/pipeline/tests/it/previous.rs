//! A run that the previous version left half done, with stored answers and an open job, is resumed.

use std::sync::Arc;

use clinstruct_batch_client::Capabilities;
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{Outcome, RunConfig};
use clinstruct_store::Store;

use crate::stand_in::{StandIn, different, drive};

/// Converts the tables to version 4 of the journal.
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

#[test]
fn a_half_done_run_of_the_previous_version_is_resumed() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provider = Arc::new(StandIn::new(&catalog, Capabilities::batch_api()));
    *provider.held.lock().unwrap() = Some("run-2".into());
    let config = || RunConfig { limit: Some(4), jobs: 4, rows_per_job: 5, ..RunConfig::default() };
    let outcome = drive(&catalog, &provider, config(), folder.path(), 12).unwrap();
    assert_eq!(outcome, Outcome::Stopped);
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
    let outcome = drive(&catalog, &provider, config(), folder.path(), u64::MAX).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    let store = Store::open_read_only(folder.path()).unwrap();
    assert!(store.open_jobs().unwrap().is_empty() && store.failed_tasks().unwrap().is_empty());
    let jobs = store.jobs().unwrap();
    assert_eq!(jobs.len(), provider.jobs.lock().unwrap().len());
    assert!(jobs.iter().all(|j| j.ended.as_deref() == Some("completed")), "{jobs:?}");
    let answered = store.answered_total().unwrap() as usize;
    assert_eq!(provider.received.lock().unwrap().len(), answered);
    assert_eq!(different(&provider.received), answered, "a request was sent twice");
}
