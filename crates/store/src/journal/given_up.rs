//! Requests that were given up, and why.
//!
//! They outlive their tasks: when a plan is replayed from the stored responses, requests stay given up until the user
//! retries them.

use clinstruct_schema::RequestId;
use rusqlite::{OptionalExtension as _, params};

use super::columns::RequestState;
use super::{Store, Tx};
use crate::error::Result;
use crate::types::{GivenUp, JobId, TaskKey};

impl Store {
    /// Why a request was given up, if it was.
    pub fn given_up(&self, request: RequestId) -> Result<Option<GivenUp>> {
        self.connection
            .prepare_cached("SELECT task, refused, reason, detail FROM given_up WHERE request = ?1")
            .and_then(|mut s| {
                s.query_row([&request.0[..]], |r| {
                    Ok(GivenUp {
                        request,
                        task: TaskKey(r.get(0)?),
                        refused: r.get(1)?,
                        reason: r.get(2)?,
                        detail: r.get(3)?,
                    })
                })
                .optional()
            })
            .map_err(self.failed("read"))
    }

    /// Whether any request was given up.
    pub fn has_given_up(&self) -> Result<bool> {
        self.connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM given_up)")
            .and_then(|mut s| s.query_row([], |r| r.get(0)))
            .map_err(self.failed("read"))
    }

    /// Tasks whose request the provider refused for reasons that can be fixed, in the plan's order.
    pub fn refused_tasks(&self) -> Result<Vec<TaskKey>> {
        self.connection
            .prepare_cached(
                "SELECT DISTINCT g.task FROM given_up g JOIN task t ON t.key = g.task
                 WHERE g.refused AND t.state = 'rejected' AND t.failed ORDER BY g.task",
            )
            .and_then(|mut s| s.query_map([], |r| Ok(TaskKey(r.get(0)?)))?.collect())
            .map_err(self.failed("read"))
    }

    /// The job that a request was last sent with.
    pub fn job_of(&self, request: RequestId) -> Result<Option<JobId>> {
        self.connection
            .prepare_cached("SELECT job FROM request WHERE id = ?1")
            .and_then(|mut s| s.query_row([&request.0[..]], |r| Ok(JobId(r.get(0)?))).optional())
            .map_err(self.failed("read"))
    }
}

impl Tx<'_> {
    /// Records that a request was given up.
    pub fn give_up(&mut self, what: &GivenUp) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO given_up VALUES (?1, ?2, ?3, ?4, ?5)",
            params![&what.request.0[..], what.task.0, what.refused, what.reason, what.detail],
        )
        .map(drop)
    }

    /// Deletes given-up requests, so that they are sent again: all of them, or only the refused ones. Those for records stay:
    /// the conversations of their prompts have begun without.
    pub fn forget_given_up(&mut self, only_refused: bool) -> Result<()> {
        // Their responses are unusable; the next response counts.
        self.execute(
            "UPDATE request SET state = ?2, frame = NULL, row = NULL WHERE id IN (
                 SELECT request FROM given_up
                 WHERE (refused OR NOT ?1) AND (task & 255 <> 0 OR task & 65535 = 0)
             )",
            params![only_refused, RequestState::Released],
        )?;
        self.execute(
            "DELETE FROM given_up WHERE (refused OR NOT ?1) AND (task & 255 <> 0 OR task & 65535 = 0)",
            [only_refused],
        )
        .map(drop)
    }

    /// Discards a stored response that is not an answer, so that the next one counts. Its raw response stays.
    pub fn discard_response(&mut self, request: RequestId) -> Result<()> {
        self.execute(
            "UPDATE request SET state = ?2, frame = NULL, row = NULL WHERE id = ?1",
            params![&request.0[..], RequestState::Released],
        )
        .map(drop)
    }
}
