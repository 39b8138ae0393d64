//! Inputs of each row of the plan, so that a changed plan can be compared with the one that was answered.

use rusqlite::{OptionalExtension as _, Row, params};

use super::columns::request_of;
use super::{Store, Tx};
use crate::error::Result;
use crate::types::{PlannedRow, TaskKey};

fn planned_of(row: &Row<'_>) -> rusqlite::Result<PlannedRow> {
    Ok(PlannedRow {
        task: TaskKey(row.get(0)?),
        id: row.get(1)?,
        request: request_of(row, 2)?,
        shape: row.get(3)?,
    })
}

impl Store {
    /// The row with this id in the journal's plan.
    pub fn planned(&self, id: &str) -> Result<Option<PlannedRow>> {
        self.connection
            .prepare_cached("SELECT task, id, request, shape FROM planned WHERE id = ?1")
            .and_then(|mut s| s.query_row([id], planned_of).optional())
            .map_err(self.failed("read"))
    }

    /// Rows of that plan, in order, after `after`.
    pub fn planned_rows(&self, after: Option<TaskKey>, limit: usize) -> Result<Vec<PlannedRow>> {
        let after = after.map_or(-1, |k| k.0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "SELECT task, id, request, shape FROM planned WHERE task > ?1 ORDER BY task LIMIT ?2",
            )
            .and_then(|mut s| s.query_map([after, limit], planned_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// The rows of that plan whose tasks are in `from..to`, in order.
    pub fn planned_between(&self, from: TaskKey, to: TaskKey) -> Result<Vec<PlannedRow>> {
        self.connection
            .prepare_cached(
                "SELECT task, id, request, shape FROM planned WHERE task >= ?1 AND task < ?2 ORDER BY task",
            )
            .and_then(|mut s| s.query_map([from.0, to.0], planned_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// The parts of that plan, in order: the index of each, and the number of its seed rows.
    pub fn planned_parts(&self) -> Result<Vec<(u8, usize)>> {
        self.connection
            .prepare_cached("SELECT task >> 40, count(*) FROM planned GROUP BY 1 ORDER BY 1")
            .and_then(|mut s| {
                s.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as usize)))?.collect()
            })
            .map_err(self.failed("read"))
    }

    /// Whether the journal stores its plan; journals of earlier versions do not.
    pub fn has_planned(&self) -> Result<bool> {
        self.connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM planned)")
            .and_then(|mut s| s.query_row([], |r| r.get(0)))
            .map_err(self.failed("read"))
    }

    /// Seed rows that have their prompts, by part.
    pub fn seed_rows_done(&self) -> Result<Vec<(u8, u64)>> {
        self.connection
            .prepare_cached(
                "SELECT key >> 40, count(*) FROM task WHERE kind = 'prompt' AND state = 'done'
                 GROUP BY 1 ORDER BY 1",
            )
            .and_then(|mut s| {
                s.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as u64)))?.collect()
            })
            .map_err(self.failed("read"))
    }
}

impl Tx<'_> {
    /// Records the inputs of a row of the plan.
    pub fn put_planned(&mut self, row: &PlannedRow) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO planned (task, id, request, shape) VALUES (?1, ?2, ?3, ?4)",
            params![row.task.0, row.id, &row.request.0[..], row.shape],
        )
        .map(drop)
    }

    /// Deletes the plan.
    pub fn clear_planned(&mut self) -> Result<()> {
        self.execute("DELETE FROM planned", []).map(drop)
    }
}
