//! A journal of the previous version: units with numbered states.

use std::fs;
use std::path::Path;

use clinstruct_schema::Stage;
use clinstruct_store::{
    GivenUp, JobProgress, PartCounts, PlannedRow, Rejection, Step, Store, TaskKey, TaskRecord,
    TaskState,
};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::{answered_job, base, folder, killed_job, open, request, row};

/// The tables of version 4, as that version created them.
const VERSION_4: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE job (
        id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, provider_ref TEXT,
        state TEXT NOT NULL, ended TEXT, rows INTEGER NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL,
        answered INTEGER, errors INTEGER, duplicates INTEGER, unknown INTEGER, missing INTEGER,
        route TEXT NOT NULL DEFAULT '', queued_tokens INTEGER NOT NULL DEFAULT 0,
        reserved INTEGER NOT NULL DEFAULT 0, cost INTEGER NOT NULL DEFAULT 0,
        prompt_tokens INTEGER NOT NULL DEFAULT 0, completion_tokens INTEGER NOT NULL DEFAULT 0,
        cached_tokens INTEGER NOT NULL DEFAULT 0, estimated INTEGER NOT NULL DEFAULT 0, fault TEXT
    );
    CREATE TABLE frame (
        id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, start INTEGER NOT NULL,
        length INTEGER NOT NULL, job INTEGER NOT NULL, rows INTEGER NOT NULL
    );
    CREATE TABLE request (
        id BLOB PRIMARY KEY, unit INTEGER NOT NULL, job INTEGER NOT NULL, state INTEGER NOT NULL,
        frame INTEGER, row INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX request_asked ON request (job) WHERE state = 0;
    CREATE TABLE unit (
        key INTEGER PRIMARY KEY, state INTEGER NOT NULL, waiting BLOB, tries INTEGER NOT NULL,
        infra_tries INTEGER NOT NULL, steps BLOB NOT NULL, stage TEXT, failed INTEGER, reason TEXT,
        detail TEXT, unusable INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX unit_waiting ON unit (key) WHERE state = 0;
    CREATE TABLE given_up (
        request BLOB PRIMARY KEY, unit INTEGER NOT NULL, refused INTEGER NOT NULL,
        reason TEXT NOT NULL, detail TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE planned (
        unit INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, shape BLOB NOT NULL
    );
    PRAGMA application_id = 1668049262;
    PRAGMA user_version = 4;
";

/// Seed row 0 has its prompts; its first conversation waits for its second turn, the second was rejected. Seed row 1
/// waits in an open job; seed row 2 was refused.
fn previous() -> (TempDir, TaskKey, TaskKey) {
    let dir = folder();
    // The format of raw responses is the same: those of a current store, with a journal made by hand.
    let mut store = open(dir.path());
    let job = answered_job(&mut store, "run-1", 1, &[b"prompts", b"turn"]);
    killed_job(&mut store, "run-2", &[3], &[b"late"]);
    drop(store);
    let path = dir.path().join("run.sqlite");
    let frame: (i64, i64) = Connection::open(&path)
        .unwrap()
        .query_row("SELECT start, length FROM frame", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap();
    for file in ["run.sqlite", "run.sqlite-wal", "run.sqlite-shm"] {
        let _ = fs::remove_file(dir.path().join(file));
    }
    let sql = Connection::open(&path).unwrap();
    sql.execute_batch(VERSION_4).unwrap();
    let (first, second) =
        (TaskKey::conversation(0, 0, 1, 1).unwrap(), TaskKey::conversation(0, 0, 1, 2).unwrap());
    let number = |key: TaskKey| {
        i64::from(key.seed_row_index()) << 16
            | i64::from(key.prompt()) << 8
            | i64::from(key.variant())
    };
    let step = |n: u8| [&[n; 16][..], &[1], &2_u32.to_le_bytes()].concat();
    sql.execute_batch(
        "INSERT INTO meta VALUES ('run_name', 'run');
         INSERT INTO job (id, tag, provider_ref, state, ended, rows, created, updated, route, cost)
         VALUES (1, 'run-1', 'a', 'ended', 'completed', 2, 1, 2, 'main', 7),
                (2, 'run-2', 'b', 'sent', NULL, 1, 3, 4, 'main', 0),
                (3, 'run-3', NULL, 'intent', NULL, 1, 5, 6, 'main', 0);",
    )
    .unwrap();
    let rows = "INSERT INTO frame VALUES (1, 1, ?1, ?2, ?3, 2)";
    sql.execute(rows, params![frame.0, frame.1, job.0]).unwrap();
    for (id, unit, job, state, at) in [
        (1_u8, base(0), 1, 1, Some(0)),
        (2, first, 1, 1, Some(1)),
        (3, base(1), 2, 0, None),
        (4, first, 1, 2, None),
    ] {
        sql.execute(
            "INSERT INTO request VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![[id; 16], number(unit), job, state, at.map(|_| 1), at],
        )
        .unwrap();
    }
    let none = (None, None, None, None);
    let cut = (Some("turn"), Some(true), Some("cut"), Some("100 characters"));
    let no = (Some("prompt"), Some(true), Some("provider_error"), Some("400: no"));
    for (key, state, waiting, tries, infra_tries, steps, rejection, unusable) in [
        (base(0), 1, None, 0, 0, step(1), none, 0),
        (first, 0, Some([4_u8; 16]), 2, 1, step(2), none, 1),
        (second, 2, None, 4, 0, Vec::new(), cut, 0),
        (base(1), 0, Some([3; 16]), 0, 0, Vec::new(), none, 0),
        (base(2), 2, None, 0, 0, Vec::new(), no, 0),
    ] {
        let (stage, failed, reason, detail) = rejection;
        sql.execute(
            "INSERT INTO unit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                number(key),
                state,
                waiting,
                tries,
                infra_tries,
                steps,
                stage,
                failed,
                reason,
                detail,
                unusable
            ],
        )
        .unwrap();
    }
    sql.execute(
        "INSERT INTO given_up VALUES (?1, ?2, 1, ?3, ?4)",
        params![[5_u8; 16], number(base(2)), no.2, no.3],
    )
    .unwrap();
    sql.execute(
        "INSERT INTO planned VALUES (?1, 'a.x', ?2, x'07')",
        params![number(base(1)), [3_u8; 16]],
    )
    .unwrap();
    (dir, first, second)
}

fn check(store: &Store, first: TaskKey, second: TaskKey) {
    let plain = |key, state| TaskRecord {
        key,
        state,
        waiting: None,
        attempts: 0,
        delivery_attempts: 0,
        unusable: 0,
        steps: Vec::new(),
        rejection: None,
    };
    let step = |n| Step { request: request(n), attempts: 1, cleanup: 2 };
    let rejection = |stage, reason: &str, detail: &str| {
        let (reason, detail) = (reason.into(), detail.into());
        Some(Rejection { stage, failed: true, reason, detail })
    };
    let tasks = [
        TaskRecord { steps: vec![step(1)], ..plain(base(0), TaskState::Done) },
        TaskRecord {
            waiting: Some(request(4)),
            attempts: 2,
            delivery_attempts: 1,
            unusable: 1,
            steps: vec![step(2)],
            ..plain(first, TaskState::Waiting)
        },
        TaskRecord {
            attempts: 4,
            rejection: rejection(Stage::Turn, "cut", "100 characters"),
            ..plain(second, TaskState::Rejected)
        },
        TaskRecord { waiting: Some(request(3)), ..plain(base(1), TaskState::Waiting) },
        TaskRecord {
            rejection: rejection(Stage::Prompt, "provider_error", "400: no"),
            ..plain(base(2), TaskState::Rejected)
        },
    ];
    assert_eq!(store.tasks(base(0), base(9)).unwrap(), tasks);
    assert_eq!(store.waiting_tasks(None, 9).unwrap(), [tasks[1].clone(), tasks[3].clone()]);
    assert_eq!(
        store.counts().unwrap(),
        [PartCounts {
            part: 0,
            seed_rows_waiting: 1,
            seed_rows_done: 1,
            seed_rows_rejected: 1,
            conversations_waiting: 1,
            conversations_rejected: 1,
            ..PartCounts::default()
        }]
    );
    assert_eq!(store.seed_rows_done().unwrap(), [(0, 1)]);
    assert_eq!(store.failed_tasks().unwrap(), [second, base(2)]);
    assert_eq!(store.refused_tasks().unwrap(), [base(2)]);
    let given_up = GivenUp {
        request: request(5),
        task: base(2),
        refused: true,
        reason: "provider_error".into(),
        detail: "400: no".into(),
    };
    assert_eq!(store.given_up(request(5)).unwrap(), Some(given_up));
    let planned =
        PlannedRow { task: base(1), id: "a.x".into(), request: request(3), shape: vec![7] };
    assert_eq!(store.planned_rows(None, 9).unwrap(), [planned]);
    let jobs = store.jobs().unwrap();
    let states: Vec<_> = jobs.iter().map(|j| j.state).collect();
    assert_eq!(states, [JobProgress::Ended, JobProgress::Sent, JobProgress::Intent]);
    assert_eq!(store.open_requests(jobs[1].id).unwrap(), [(request(3), base(1))]);
    assert_eq!(store.answered_total().unwrap(), 2);
    assert_eq!(row(store, request(1)).unwrap(), b"prompts");
    assert_eq!(row(store, request(2)).unwrap(), b"turn");
    assert_eq!(row(store, request(4)), None);
    assert_eq!(
        (store.money().unwrap().spent, store.meta("run_name").unwrap()),
        (7, Some("run".into()))
    );
}

fn version(dir: &Path) -> i64 {
    Connection::open(dir.join("run.sqlite"))
        .unwrap()
        .query_row("PRAGMA user_version", [], |r| r.get(0))
        .unwrap()
}

#[test]
fn a_journal_of_the_previous_version_is_migrated() {
    let (dir, first, second) = previous();
    let mut store = open(dir.path());
    check(&store, first, second);
    // The row that arrived when the process was killed is found, and indexed in the new tables.
    let frames = store.unindexed().unwrap();
    assert_eq!(frames.iter().map(|f| f.rows.len()).collect::<Vec<_>>(), [1]);
    store
        .write(|tx| {
            let frame = tx.index(&frames[0])?;
            tx.set_response(request(3), frame, 0)
        })
        .unwrap();
    assert_eq!(row(&store, request(3)).unwrap(), b"late");
    drop(store);
    assert_eq!(version(dir.path()), 5);
    assert_eq!(open(dir.path()).answered_total().unwrap(), 3);
}

#[test]
fn a_journal_of_the_previous_version_is_read_and_left_as_it_is() {
    let (dir, first, second) = previous();
    let path = dir.path().join("run.sqlite");
    let before = fs::read(&path).unwrap();
    check(&Store::open_read_only(dir.path()).unwrap(), first, second);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(version(dir.path()), 4);
}
