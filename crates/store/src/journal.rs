use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clinstruct_schema::{MicroUsd, RequestId, Stage, Usage};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};

use crate::error::{Error, ErrorKind, Result};
use crate::opening::{Access, check_version};
use crate::segment::{Appender, EncodedFrame, RawReader};
use crate::types::{
    FrameId, JobCounts, JobId, JobProgress, JobRecord, JobSums, Money, NewJob, PartCounts,
    RawFrame, Rejection, RowLocation, Step, TaskKey, TaskRecord, TaskState, TurnCounts,
};

mod planned;

/// Marks the file as ours: `clin` in ASCII.
pub(crate) const APPLICATION_ID: i64 = 0x636c_696e;

/// Steps from an empty file to today's tables. Append only: a released step is never changed.
pub(crate) const MIGRATIONS: [&str; 4] = [
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE job (
        id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, provider_ref TEXT,
        state TEXT NOT NULL, ended TEXT, rows INTEGER NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL,
        answered INTEGER, errors INTEGER, duplicates INTEGER, unknown INTEGER, missing INTEGER
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
        detail TEXT
    );
    CREATE INDEX unit_waiting ON unit (key) WHERE state = 0;
",
    "
    ALTER TABLE job ADD COLUMN route TEXT NOT NULL DEFAULT '';
    ALTER TABLE job ADD COLUMN queued_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN completion_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
",
    "
    ALTER TABLE job ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN fault TEXT;
    ALTER TABLE unit ADD COLUMN unusable INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE given_up (
        request BLOB PRIMARY KEY, unit INTEGER NOT NULL, refused INTEGER NOT NULL,
        reason TEXT NOT NULL, detail TEXT NOT NULL
    ) WITHOUT ROWID;
",
    // What each row of the plan asks for, to be held against a changed plan.
    "
    CREATE TABLE planned (
        unit INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, shape BLOB NOT NULL
    );
",
];

/// How hard it is tried that a power cut loses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Rows and intents are on the disk before anything follows from them: for what is paid.
    Full,
    /// A killed process loses nothing, a power cut may: for what costs nothing to ask again.
    Fast,
}

/// A run's journal and raw rows.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    pub(crate) connection: Connection,
    appender: Option<Appender>,
    unindexed: Vec<RawFrame>,
    raw: PathBuf,
    /// Held until the store is dropped: no second process may write.
    _lock: Option<Lock>,
}

/// The lock on a run's folder.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    fn take(dir: &Path) -> Result<Self> {
        let path = dir.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io("open", &path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(fs::TryLockError::WouldBlock) => {
                let message = "another clinstruct process works on this run";
                Err(Error::new(ErrorKind::Locked, "open", dir, message))
            }
            Err(fs::TryLockError::Error(e)) => Err(Error::io("lock", &path, e)),
        }
    }
}

impl Drop for Lock {
    /// Unlocks, and does not only close: a program that another thread is just starting has a copy of the
    /// file until it runs, and the copy would hold the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// A transaction: all of it happens, or nothing.
#[derive(Debug)]
pub struct Tx<'a> {
    path: &'a Path,
    sql: rusqlite::Transaction<'a>,
    appender: &'a mut Appender,
}

const WAITING: i64 = 0;
const DONE: i64 = 1;
const REJECTED: i64 = 2;
const ASKED: i64 = 0;
const ANSWERED: i64 = 1;
pub(crate) const RELEASED: i64 = 2;

impl Store {
    /// Opens the run in `dir`, making it where there is none, and locks it against other processes.
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|e| Error::io("make", dir, e))?;
        let lock = Lock::take(dir)?;
        let path = dir.join("run.sqlite");
        check_version(&path, Access::Write)?;
        let failed = |e| Error::sql("open", &path, e);
        let mut connection = Connection::open(&path).map_err(failed)?;
        let full = durability == Durability::Full;
        // A checkpoint writes each changed page once however often it changed: few checkpoints, less to
        // write. The log stays below 64 MB.
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {};
                 PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;
                 PRAGMA wal_autocheckpoint = 16000;",
                if full { "FULL" } else { "NORMAL" }
            ))
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate(&mut connection).map_err(failed)?;
        let known = connection
            .query_row(
                "SELECT segment, start + length FROM frame ORDER BY segment DESC, start DESC LIMIT 1",
                [],
                |r| Ok((r.get::<_, u32>(0)?, r.get::<_, i64>(1)? as u64)),
            )
            .optional()
            .map_err(failed)?
            .unwrap_or((1, 0));
        let raw = dir.join("raw");
        let (appender, unindexed) = Appender::open(&raw, known, full)?;
        Ok(Self { path, connection, appender: Some(appender), unindexed, raw, _lock: Some(lock) })
    }

    /// Opens the run in `dir` to look at it, also while another process works on it.
    pub fn open_read_only(dir: &Path) -> Result<Self> {
        let path = dir.join("run.sqlite");
        check_version(&path, Access::Look)?;
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|e| Error::sql("open", &path, e))?;
        let raw = dir.join("raw");
        Ok(Self { path, connection, appender: None, unindexed: Vec::new(), raw, _lock: None })
    }

    pub(crate) fn failed(&self, operation: &'static str) -> impl Fn(rusqlite::Error) -> Error + '_ {
        move |e| Error::sql(operation, &self.path, e)
    }

    /// A note of the run.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")
            .and_then(|mut s| s.query_row([key], |r| r.get(0)).optional())
            .map_err(self.failed("read"))
    }

    /// Sets a note of the run.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        self.write(|tx| tx.set_meta(key, value))
    }

    /// One transaction.
    ///
    /// Where it fails after rows were appended, the rows stay saved and the store takes no more changes:
    /// the next opening gives them through [`unindexed`](Self::unindexed).
    pub fn write<T>(&mut self, change: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let path = &self.path;
        let Some(appender) = &mut self.appender else {
            let message = "the run was opened to be read only";
            return Err(Error::new(ErrorKind::ReadOnly, "write", path, message));
        };
        if appender.is_unnoted() {
            let message = "an earlier change failed after its rows were saved";
            return Err(Error::new(ErrorKind::Io, "write", path, message));
        }
        let failed = |e| Error::sql("write", path, e);
        let sql = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut tx = Tx { path, sql, appender };
        let value = change(&mut tx)?;
        let Tx { sql, appender, .. } = tx;
        appender.settle()?;
        sql.commit().map_err(failed)?;
        appender.noted();
        Ok(value)
    }

    /// Rows that were written but not noted when a process was stopped. To be given to [`Tx::adopt`].
    pub fn unindexed(&mut self) -> Result<Vec<RawFrame>> {
        Ok(std::mem::take(&mut self.unindexed))
    }

    /// Where the response to a request lies, if there is one.
    pub fn locate(&self, request: RequestId) -> Result<Option<RowLocation>> {
        self.connection
            .prepare_cached(
                "SELECT segment, start, length, (SELECT row FROM request WHERE id = ?1) FROM frame
                 WHERE id = (SELECT frame FROM request WHERE id = ?1)",
            )
            .and_then(|mut s| {
                s.query_row([&request.0[..]], |r| {
                    Ok(RowLocation {
                        segment: r.get(0)?,
                        offset: r.get::<_, i64>(1)? as u64,
                        length: r.get::<_, i64>(2)? as u64,
                        row: r.get(3)?,
                    })
                })
                .optional()
            })
            .map_err(self.failed("read"))
    }

    /// A reader of raw rows.
    pub fn reader(&self) -> RawReader {
        RawReader::new(self.raw.clone())
    }

    /// One task.
    pub fn task(&self, key: TaskKey) -> Result<Option<TaskRecord>> {
        self.connection
            .prepare_cached("SELECT * FROM unit WHERE key = ?1")
            .and_then(|mut s| s.query_row([key.0], task_of).optional())
            .map_err(self.failed("read"))
    }

    /// The tasks with keys from `from` up to but without `to`, in the plan's order.
    pub fn tasks(&self, from: TaskKey, to: TaskKey) -> Result<Vec<TaskRecord>> {
        self.connection
            .prepare_cached("SELECT * FROM unit WHERE key >= ?1 AND key < ?2 ORDER BY key")
            .and_then(|mut s| s.query_map([from.0, to.0], task_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// Tasks that wait for a response, in the plan's order, behind `after`.
    pub fn waiting_tasks(&self, after: Option<TaskKey>, limit: usize) -> Result<Vec<TaskRecord>> {
        let after = after.map_or(-1, |k| k.0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached("SELECT * FROM unit WHERE state = 0 AND key > ?1 ORDER BY key LIMIT ?2")
            .and_then(|mut s| s.query_map([after, limit], task_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// Index of the last seed row of a part that was begun.
    pub fn last_seed_row(&self, part: u8) -> Result<Option<u32>> {
        let from = i64::from(part) << 40;
        self.connection
            .prepare_cached("SELECT max(key) FROM unit WHERE key >= ?1 AND key < ?2")
            .and_then(|mut s| s.query_row([from, from + (1 << 40)], |r| r.get::<_, Option<i64>>(0)))
            .map(|key| key.map(|k| TaskKey(k).seed_row_index()))
            .map_err(self.failed("read"))
    }

    /// Requests of a job that have no response yet, with the task that asked last.
    pub fn asked(&self, job: JobId) -> Result<Vec<(RequestId, TaskKey)>> {
        self.connection
            .prepare_cached("SELECT id, unit FROM request WHERE job = ?1 AND state = 0 ORDER BY id")
            .and_then(|mut s| {
                s.query_map([job.0], |r| Ok((request_of(r, 0)?, TaskKey(r.get(1)?))))?.collect()
            })
            .map_err(self.failed("read"))
    }

    /// All jobs, oldest first.
    pub fn jobs(&self) -> Result<Vec<JobRecord>> {
        let count = |r: &Row<'_>, column: usize| -> rusqlite::Result<u64> {
            Ok(r.get::<_, Option<i64>>(column)?.unwrap_or(0) as u64)
        };
        self.connection
            .prepare_cached(
                "SELECT id, tag, provider_ref, state, ended, rows, route, queued_tokens, reserved, cost,
                 prompt_tokens, completion_tokens, cached_tokens, answered, errors, duplicates, unknown,
                 missing, created, updated, estimated, fault FROM job ORDER BY id",
            )
            .and_then(|mut s| {
                s.query_map([], |r| {
                    let state: String = r.get(3)?;
                    Ok(JobRecord {
                        id: JobId(r.get(0)?),
                        tag: r.get(1)?,
                        provider_ref: r.get(2)?,
                        state: match state.as_str() {
                            "intent" => JobProgress::Intent,
                            "sent" => JobProgress::Sent,
                            _ => JobProgress::Ended,
                        },
                        ended: r.get(4)?,
                        rows: count(r, 5)?,
                        route: r.get(6)?,
                        queued_tokens: count(r, 7)?,
                        reserved: count(r, 8)?,
                        cost: count(r, 9)?,
                        usage: Usage {
                            prompt_tokens: count(r, 10)?,
                            completion_tokens: count(r, 11)?,
                            cached_tokens: count(r, 12)?,
                            ..Usage::default()
                        },
                        counts: JobCounts {
                            answered: count(r, 13)?,
                            errors: count(r, 14)?,
                            duplicates: count(r, 15)?,
                            unknown: count(r, 16)?,
                            missing: count(r, 17)?,
                        },
                        created: r.get(18)?,
                        updated: r.get(19)?,
                        estimated: count(r, 20)?,
                        fault: r.get(21)?,
                    })
                })?
                .collect()
            })
            .map_err(self.failed("read"))
    }

    /// What was spent, and what the jobs under way may still cost.
    pub fn money(&self) -> Result<Money> {
        self.connection
            .prepare_cached(
                "SELECT coalesce(sum(cost), 0),
                 coalesce(sum(CASE WHEN state <> 'ended' THEN max(reserved - cost, 0) END), 0),
                 coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
                 coalesce(sum(cached_tokens), 0), coalesce(sum(estimated), 0) FROM job",
            )
            .and_then(|mut s| {
                s.query_row([], |r| {
                    Ok(Money {
                        spent: r.get::<_, i64>(0)? as MicroUsd,
                        reserved: r.get::<_, i64>(1)? as MicroUsd,
                        usage: Usage {
                            prompt_tokens: r.get::<_, i64>(2)? as u64,
                            completion_tokens: r.get::<_, i64>(3)? as u64,
                            cached_tokens: r.get::<_, i64>(4)? as u64,
                            ..Usage::default()
                        },
                        estimated: r.get::<_, i64>(5)? as MicroUsd,
                    })
                })
            })
            .map_err(self.failed("read"))
    }

    /// Answers that were taken, and tasks that wait for one, by part and place in the conversation.
    pub fn turns(&self) -> Result<Vec<TurnCounts>> {
        let rows: Vec<(u8, bool, usize, bool, u64)> = self
            .connection
            .prepare_cached(
                "SELECT key >> 40, key & 65535 = 0, length(steps), state = 0, count(*) FROM unit
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2 DESC",
            )
            .and_then(|mut s| {
                s.query_map([], |r| {
                    let count: i64 = r.get(4)?;
                    let length: i64 = r.get(2)?;
                    Ok((r.get(0)?, r.get(1)?, length as usize, r.get(3)?, count as u64))
                })?
                .collect()
            })
            .map_err(self.failed("read"))?;
        let mut all: BTreeMap<(u8, usize), TurnCounts> = BTreeMap::new();
        for (part, base, length, waits, tasks) in rows {
            let steps = length / STEP_BYTES;
            let first = usize::from(!base);
            let mut at = |place: usize, add: &dyn Fn(&mut TurnCounts)| {
                let new = TurnCounts { part, place, ..TurnCounts::default() };
                add(all.entry((part, place)).or_insert(new));
            };
            for place in first..first + steps {
                at(place, &|c| c.answered += tasks);
            }
            if waits {
                at(first + steps, &|c| c.waiting += tasks);
            }
        }
        Ok(all.into_values().collect())
    }

    /// Tasks that ended because no answer could be had.
    pub fn failed_tasks(&self) -> Result<Vec<TaskKey>> {
        self.connection
            .prepare_cached("SELECT key FROM unit WHERE state = 2 AND failed = 1 ORDER BY key")
            .and_then(|mut s| s.query_map([], |r| Ok(TaskKey(r.get(0)?)))?.collect())
            .map_err(self.failed("read"))
    }

    /// Jobs that have not ended.
    pub fn open_jobs(&self) -> Result<Vec<JobRecord>> {
        Ok(self.jobs()?.into_iter().filter(|j| j.state != JobProgress::Ended).collect())
    }

    /// How many tasks stand where, by part.
    pub fn counts(&self) -> Result<Vec<PartCounts>> {
        let rows: Vec<(i64, bool, i64, i64)> = self
            .connection
            .prepare_cached(
                "SELECT key >> 40, key & 65535 = 0, state, count(*) FROM unit GROUP BY 1, 2, 3 ORDER BY 1",
            )
            .and_then(|mut s| {
                s.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?.collect()
            })
            .map_err(self.failed("read"))?;
        let mut all: Vec<PartCounts> = Vec::new();
        for (part, base, state, count) in rows {
            let part = part as u8;
            if all.last().is_none_or(|c| c.part != part) {
                all.push(PartCounts { part, ..PartCounts::default() });
            }
            let Some(c) = all.last_mut() else { continue };
            let slot = match (base, state) {
                (true, WAITING) => &mut c.seed_rows_waiting,
                (true, DONE) => &mut c.seed_rows_done,
                (true, _) => &mut c.seed_rows_rejected,
                (false, WAITING) => &mut c.conversations_waiting,
                (false, DONE) => &mut c.conversations_done,
                (false, _) => &mut c.conversations_rejected,
            };
            *slot = count as u64;
        }
        Ok(all)
    }

    /// Different requests that have a response.
    pub fn answered_total(&self) -> Result<u64> {
        self.connection
            .prepare_cached("SELECT count(*) FROM request WHERE state = 1")
            .and_then(|mut s| s.query_row([], |r| r.get::<_, i64>(0)))
            .map(|n| n as u64)
            .map_err(self.failed("read"))
    }
}

impl Tx<'_> {
    fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |e| Error::sql("write", self.path, e)
    }

    pub(crate) fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.sql.prepare_cached(sql).and_then(|mut s| s.execute(values)).map_err(self.failed())
    }

    /// Sets a note of the run.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        self.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value]).map(drop)
    }

    /// The number that the next job will have.
    pub fn next_job(&self) -> Result<i64> {
        self.sql
            .query_row("SELECT coalesce(max(id), 0) + 1 FROM job", [], |r| r.get(0))
            .map_err(self.failed())
    }

    /// Notes that a job is about to be sent. `now` in seconds since 1970.
    pub fn new_job(&mut self, job: &NewJob<'_>, now: i64) -> Result<JobId> {
        self.execute(
            "INSERT INTO job (tag, state, rows, created, updated, route, queued_tokens, reserved)
             VALUES (?1, 'intent', ?2, ?3, ?3, ?4, ?5, ?6)",
            params![
                job.tag,
                job.rows as i64,
                now,
                job.route,
                job.queued_tokens as i64,
                job.reserved as i64
            ],
        )?;
        Ok(JobId(self.sql.last_insert_rowid()))
    }

    /// Notes that the provider has a job.
    pub fn job_sent(&mut self, job: JobId, provider_ref: &str, now: i64) -> Result<()> {
        self.execute(
            "UPDATE job SET state = 'sent', provider_ref = ?2, updated = ?3 WHERE id = ?1",
            params![job.0, provider_ref, now],
        )
        .map(drop)
    }

    /// Adds to what is known of a job: its rows, their tokens, their cost.
    pub fn add_to_job(&mut self, job: JobId, more: &JobSums) -> Result<()> {
        let (c, usage) = (&more.counts, more.usage);
        self.execute(
            "UPDATE job SET answered = coalesce(answered, 0) + ?2, errors = coalesce(errors, 0) + ?3,
             duplicates = coalesce(duplicates, 0) + ?4, unknown = coalesce(unknown, 0) + ?5,
             missing = coalesce(missing, 0) + ?6, prompt_tokens = prompt_tokens + ?7,
             completion_tokens = completion_tokens + ?8, cached_tokens = cached_tokens + ?9,
             cost = cost + ?10, estimated = estimated + ?11, fault = coalesce(fault, ?12)
             WHERE id = ?1",
            params![
                job.0,
                c.answered as i64,
                c.errors as i64,
                c.duplicates as i64,
                c.unknown as i64,
                c.missing as i64,
                usage.prompt_tokens as i64,
                usage.completion_tokens as i64,
                usage.cached_tokens as i64,
                more.cost as i64,
                more.estimated as i64,
                more.fault,
            ],
        )
        .map(drop)
    }

    /// Notes that a job's rows are in.
    pub fn job_ended(&mut self, job: JobId, ended: &str, now: i64) -> Result<()> {
        self.execute(
            "UPDATE job SET state = 'ended', ended = ?2, updated = ?3 WHERE id = ?1",
            params![job.0, ended, now],
        )
        .map(drop)
    }

    /// Notes that a request goes with a job. A response that is there stays.
    pub fn ask(&mut self, request: RequestId, task: TaskKey, job: JobId) -> Result<()> {
        self.execute(
            "INSERT INTO request (id, unit, job, state) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET unit = ?2, job = ?3, state = ?4 WHERE state <> ?5",
            params![&request.0[..], task.0, job.0, ASKED, ANSWERED],
        )
        .map(drop)
    }

    /// Writes rows to the newest segment and notes where they are.
    pub fn append(&mut self, frame: &EncodedFrame) -> Result<FrameId> {
        let (segment, start, length) = self.appender.append(frame)?;
        self.note_frame(segment, start, length, frame.job, frame.rows)
    }

    /// Notes rows that were written before.
    pub fn adopt(&mut self, frame: &RawFrame) -> Result<FrameId> {
        let (segment, start) = (frame.segment, frame.offset);
        self.note_frame(segment, start, frame.length, frame.job, frame.rows.len())
    }

    fn note_frame(
        &mut self,
        segment: u32,
        start: u64,
        length: u64,
        job: JobId,
        rows: usize,
    ) -> Result<FrameId> {
        self.execute(
            "INSERT INTO frame (segment, start, length, job, rows) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![segment, start as i64, length as i64, job.0, rows as i64],
        )?;
        Ok(FrameId(self.sql.last_insert_rowid()))
    }

    /// Notes that a request's response is row `row` of a frame. The first response stands.
    pub fn answered(&mut self, request: RequestId, frame: FrameId, row: usize) -> Result<()> {
        self.execute(
            "UPDATE request SET state = ?4, frame = ?2, row = ?3 WHERE id = ?1 AND state <> ?4",
            params![&request.0[..], frame.0, row as i64, ANSWERED],
        )
        .map(drop)
    }

    /// Frees the requests of a job that have no response.
    pub fn release(&mut self, job: JobId) -> Result<()> {
        self.execute(
            "UPDATE request SET state = ?2 WHERE job = ?1 AND state = 0",
            params![job.0, RELEASED],
        )
        .map(drop)
    }

    /// Writes a task, new or known.
    pub fn put_task(&mut self, task: &TaskRecord) -> Result<()> {
        let state = match task.state {
            TaskState::Waiting => WAITING,
            TaskState::Done => DONE,
            TaskState::Rejected => REJECTED,
        };
        let why = task.rejection.as_ref();
        let stage = why.map(|w| match w.stage {
            Stage::Prompt => "prompt",
            Stage::Turn => "turn",
            Stage::Quality => "quality",
        });
        self.execute(
            "INSERT OR REPLACE INTO unit (key, state, waiting, tries, infra_tries, steps, stage, failed,
             reason, detail, unusable) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                task.key.0,
                state,
                task.waiting.as_ref().map(|w| &w.0[..]),
                task.attempts,
                task.delivery_attempts,
                pack(&task.steps),
                stage,
                why.map(|w| w.failed),
                why.map(|w| w.reason.as_str()),
                why.map(|w| w.detail.as_str()),
                task.unusable,
            ],
        )
        .map(drop)
    }

    /// Forgets the tasks from `from` up to and without `to`. Responses stay.
    pub fn clear_task_range(&mut self, from: TaskKey, to: TaskKey) -> Result<()> {
        self.execute("DELETE FROM unit WHERE key >= ?1 AND key < ?2", [from.0, to.0]).map(drop)
    }

    /// Forgets all tasks. Responses stay.
    pub fn clear_tasks(&mut self) -> Result<()> {
        self.execute("DELETE FROM unit", []).map(drop)
    }
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    for (i, step) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", i as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

const STEP_BYTES: usize = 21;

fn pack(steps: &[Step]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(steps.len() * STEP_BYTES);
    for step in steps {
        bytes.extend_from_slice(&step.request.0);
        bytes.push(step.attempts);
        bytes.extend_from_slice(&step.cleanup.to_le_bytes());
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Vec<Step> {
    bytes
        .chunks_exact(STEP_BYTES)
        .filter_map(|chunk| {
            let (request, rest) = chunk.split_at(16);
            let (attempts, cleanup) = rest.split_first()?;
            Some(Step {
                request: RequestId(request.try_into().ok()?),
                attempts: *attempts,
                cleanup: u32::from_le_bytes(cleanup.try_into().ok()?),
            })
        })
        .collect()
}

pub(crate) fn request_of(row: &Row<'_>, column: usize) -> rusqlite::Result<RequestId> {
    row.get::<_, [u8; 16]>(column).map(RequestId)
}

fn task_of(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    let state: i64 = row.get(1)?;
    let reason: Option<String> = row.get(8)?;
    let rejection = match reason {
        None => None,
        Some(reason) => {
            let stage: Option<String> = row.get(6)?;
            Some(Rejection {
                stage: match stage.as_deref() {
                    Some("prompt") => Stage::Prompt,
                    Some("quality") => Stage::Quality,
                    _ => Stage::Turn,
                },
                failed: row.get::<_, Option<bool>>(7)?.unwrap_or_default(),
                reason,
                detail: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
            })
        }
    };
    Ok(TaskRecord {
        key: TaskKey(row.get(0)?),
        state: match state {
            WAITING => TaskState::Waiting,
            DONE => TaskState::Done,
            _ => TaskState::Rejected,
        },
        waiting: row.get::<_, Option<[u8; 16]>>(2)?.map(RequestId),
        attempts: row.get(3)?,
        delivery_attempts: row.get(4)?,
        steps: unpack(&row.get::<_, Vec<u8>>(5)?),
        rejection,
        unusable: row.get(10)?,
    })
}
