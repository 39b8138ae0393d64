//! Changes of the journal, within a transaction.

use clinstruct_schema::RequestId;
use rusqlite::params;

use super::Tx;
use super::columns::{RequestState, pack};
use crate::error::{Error, Result};
use crate::segment::EncodedFrame;
use crate::types::{FrameId, JobId, JobProgress, JobSums, NewJob, RawFrame, TaskKey, TaskRecord};

impl Tx<'_> {
    pub(super) fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |e| Error::sql("write", self.path, e)
    }

    pub(super) fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.sql.prepare_cached(sql).and_then(|mut s| s.execute(values)).map_err(self.failed())
    }

    /// Sets a value of the run by key.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        self.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value]).map(drop)
    }

    /// The number of the next job.
    pub fn next_job(&self) -> Result<i64> {
        self.sql
            .query_row("SELECT coalesce(max(id), 0) + 1 FROM job", [], |r| r.get(0))
            .map_err(self.failed())
    }

    /// Records that a job is about to be sent. `now` in seconds since 1970.
    pub fn new_job(&mut self, job: &NewJob<'_>, now: i64) -> Result<JobId> {
        self.execute(
            "INSERT INTO job (tag, state, rows, created, updated, route, queued_tokens, reserved)
             VALUES (?1, ?7, ?2, ?3, ?3, ?4, ?5, ?6)",
            params![
                job.tag,
                job.rows as i64,
                now,
                job.route,
                job.queued_tokens as i64,
                job.reserved as i64,
                JobProgress::Intent,
            ],
        )?;
        Ok(JobId(self.sql.last_insert_rowid()))
    }

    /// Records that the provider has a job.
    pub fn job_sent(&mut self, job: JobId, provider_ref: &str, now: i64) -> Result<()> {
        self.execute(
            "UPDATE job SET state = ?4, provider_ref = ?2, updated = ?3 WHERE id = ?1",
            params![job.0, provider_ref, now, JobProgress::Sent],
        )
        .map(drop)
    }

    /// Adds to a job's totals: its rows, their tokens, their cost.
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

    /// Records that a job's rows are stored.
    pub fn job_ended(&mut self, job: JobId, ended: &str, now: i64) -> Result<()> {
        self.execute(
            "UPDATE job SET state = ?4, ended = ?2, updated = ?3 WHERE id = ?1",
            params![job.0, ended, now, JobProgress::Ended],
        )
        .map(drop)
    }

    /// Records that a request was sent with a job. A stored response is kept.
    pub fn send_request(&mut self, request: RequestId, task: TaskKey, job: JobId) -> Result<()> {
        self.execute(
            "INSERT INTO request (id, task, job, state) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET task = ?2, job = ?3, state = ?4 WHERE state <> ?5",
            params![&request.0[..], task.0, job.0, RequestState::Sent, RequestState::Answered],
        )
        .map(drop)
    }

    /// Appends rows to the newest segment and indexes them.
    pub fn append(&mut self, frame: &EncodedFrame) -> Result<FrameId> {
        let (segment, start, length) = self.appender.append(frame)?;
        self.index_frame(segment, start, length, frame.job, frame.rows)
    }

    /// Indexes rows that an earlier process appended, from [`Store::unindexed`](super::Store::unindexed).
    pub fn index(&mut self, frame: &RawFrame) -> Result<FrameId> {
        let (segment, start) = (frame.segment, frame.offset);
        self.index_frame(segment, start, frame.length, frame.job, frame.rows.len())
    }

    fn index_frame(
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

    /// Records that a request's response is row `row` of a frame. The first response wins.
    pub fn set_response(&mut self, request: RequestId, frame: FrameId, row: usize) -> Result<()> {
        self.execute(
            "UPDATE request SET state = ?4, frame = ?2, row = ?3 WHERE id = ?1 AND state <> ?4",
            params![&request.0[..], frame.0, row as i64, RequestState::Answered],
        )
        .map(drop)
    }

    /// Releases the requests of a job without a response.
    pub fn release(&mut self, job: JobId) -> Result<()> {
        self.execute(
            "UPDATE request SET state = ?2 WHERE job = ?1 AND state = 'sent'",
            params![job.0, RequestState::Released],
        )
        .map(drop)
    }

    /// Inserts or updates a task.
    pub fn put_task(&mut self, task: &TaskRecord) -> Result<()> {
        let why = task.rejection.as_ref();
        self.execute(
            "INSERT OR REPLACE INTO task (key, kind, state, waiting, attempts, delivery_attempts, unusable,
             steps, stage, failed, reason, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                task.key.0,
                task.key.kind().as_str(),
                task.state,
                task.waiting.as_ref().map(|w| &w.0[..]),
                task.attempts,
                task.delivery_attempts,
                task.unusable,
                pack(&task.steps),
                why.map(|w| w.stage.as_str()),
                why.map(|w| w.failed),
                why.map(|w| w.reason.as_str()),
                why.map(|w| w.detail.as_str()),
            ],
        )
        .map(drop)
    }

    /// Deletes the tasks from `from` up to, but not including, `to`, and the annotations of these conversations. Responses
    /// stay.
    pub fn clear_task_range(&mut self, from: TaskKey, to: TaskKey) -> Result<()> {
        self.execute("DELETE FROM task WHERE key >= ?1 AND key < ?2", [from.0, to.0])?;
        // Each annotator has a range of its own behind all rows.
        self.execute(
            "WITH RECURSIVE annotator (key) AS (
                 SELECT min(key) >> 48 FROM task WHERE key >= 1 << 48
                 UNION ALL
                 SELECT (SELECT min(task.key) >> 48 FROM task WHERE task.key >= (annotator.key + 1) << 48)
                 FROM annotator WHERE annotator.key IS NOT NULL AND annotator.key < ?3
             )
             DELETE FROM task WHERE key IN (
                 SELECT task.key FROM annotator JOIN task
                 ON task.key >= (annotator.key << 48 | ?1) AND task.key < (annotator.key << 48 | ?2)
             )",
            params![from.0, to.0, i64::from(TaskKey::ANNOTATORS)],
        )
        .map(drop)
    }

    /// Deletes all tasks. Responses stay.
    pub fn clear_tasks(&mut self) -> Result<()> {
        self.execute("DELETE FROM task", []).map(drop)
    }
}
