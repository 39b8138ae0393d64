//! Queries on tasks, requests, jobs and counts.

use std::collections::BTreeMap;

use clinstruct_schema::{MicroUsd, RequestId, Usage};
use rusqlite::{OptionalExtension as _, Row};

use super::Store;
use super::columns::{STEP_BYTES, request_of, select_tasks, task_of};
use crate::error::Result;
use crate::segment::RawReader;
use crate::types::{
    BesideCounts, JobCounts, JobId, JobProgress, JobRecord, Money, PartCounts, RowLocation,
    TaskKey, TaskRecord, TaskState, TurnCounts,
};

impl Store {
    /// A value of the run by key.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")
            .and_then(|mut s| s.query_row([key], |r| r.get(0)).optional())
            .map_err(self.failed("read"))
    }

    /// Location of the response to a request, if there is one.
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

    /// A reader of raw responses.
    pub fn reader(&self) -> RawReader {
        RawReader::new(self.raw.clone())
    }

    /// One task.
    pub fn task(&self, key: TaskKey) -> Result<Option<TaskRecord>> {
        self.connection
            .prepare_cached(select_tasks!("WHERE key = ?1"))
            .and_then(|mut s| s.query_row([key.0], task_of).optional())
            .map_err(self.failed("read"))
    }

    /// The tasks with keys in `from..to`, in the plan's order.
    pub fn tasks(&self, from: TaskKey, to: TaskKey) -> Result<Vec<TaskRecord>> {
        self.connection
            .prepare_cached(select_tasks!("WHERE key >= ?1 AND key < ?2 ORDER BY key"))
            .and_then(|mut s| s.query_map([from.0, to.0], task_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// Up to `limit` tasks of an annotator for the conversations of a part, in the plan's order, behind `after`.
    pub fn annotations(
        &self,
        annotator: u16,
        part: u8,
        after: Option<TaskKey>,
        limit: usize,
    ) -> Result<Vec<TaskRecord>> {
        let (from, to) = TaskKey::annotations_of(annotator, part);
        let from = after.map_or(from.0, |key| key.0 + 1);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(select_tasks!("WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"))
            .and_then(|mut s| s.query_map([from, to.0, limit], task_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// Tasks that wait for a response, in the plan's order, behind `after`.
    pub fn waiting_tasks(&self, after: Option<TaskKey>, limit: usize) -> Result<Vec<TaskRecord>> {
        let after = after.map_or(-1, |k| k.0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(select_tasks!(
                "WHERE state = 'waiting' AND key > ?1 ORDER BY key LIMIT ?2"
            ))
            .and_then(|mut s| s.query_map([after, limit], task_of)?.collect())
            .map_err(self.failed("read"))
    }

    /// Index of the last started seed row of a part.
    pub fn last_seed_row(&self, part: u8) -> Result<Option<u32>> {
        let from = i64::from(part) << 40;
        self.connection
            .prepare_cached("SELECT max(key) FROM task WHERE key >= ?1 AND key < ?2")
            .and_then(|mut s| s.query_row([from, from + (1 << 40)], |r| r.get::<_, Option<i64>>(0)))
            .map(|key| key.map(|k| TaskKey(k).seed_row_index()))
            .map_err(self.failed("read"))
    }

    /// Requests of a job without a response, each with the task that last sent it.
    pub fn open_requests(&self, job: JobId) -> Result<Vec<(RequestId, TaskKey)>> {
        self.connection
            .prepare_cached(
                "SELECT id, task FROM request WHERE job = ?1 AND state = 'sent' ORDER BY id",
            )
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
                    Ok(JobRecord {
                        id: JobId(r.get(0)?),
                        tag: r.get(1)?,
                        provider_ref: r.get(2)?,
                        state: r.get(3)?,
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

    /// Spent amount, and the most that jobs in flight may still cost.
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

    /// Accepted responses, and tasks that wait for one, by part and place in the conversation; without records
    /// and annotations.
    pub fn turns(&self) -> Result<Vec<TurnCounts>> {
        let rows: Vec<(u8, bool, usize, bool, u64)> = self
            .connection
            .prepare_cached(
                "SELECT key >> 40, kind = 'prompt', length(steps), state = 'waiting', count(*) FROM task
                 WHERE kind IN ('prompt', 'conversation') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2 DESC",
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
        for (part, seed_row, length, waits, tasks) in rows {
            let steps = length / STEP_BYTES;
            let first = usize::from(!seed_row);
            let mut at = |place: usize, add: &dyn Fn(&mut TurnCounts)| {
                let new = TurnCounts { part, place, ..TurnCounts::default() };
                add(all.entry((part, place)).or_insert(new));
            };
            // The accepted responses of a seed row each hold some of its prompts: they are one place.
            let taken = if seed_row { steps.min(1) } else { steps };
            for place in first..first + taken {
                at(place, &|c| c.answered += tasks);
            }
            if waits {
                at(if seed_row { 0 } else { first + taken }, &|c| c.waiting += tasks);
            }
        }
        Ok(all.into_values().collect())
    }

    /// Tasks that ended without an answer.
    pub fn failed_tasks(&self) -> Result<Vec<TaskKey>> {
        self.connection
            .prepare_cached("SELECT key FROM task WHERE state = 'rejected' AND failed ORDER BY key")
            .and_then(|mut s| s.query_map([], |r| Ok(TaskKey(r.get(0)?)))?.collect())
            .map_err(self.failed("read"))
    }

    /// Jobs that have not ended.
    pub fn open_jobs(&self) -> Result<Vec<JobRecord>> {
        Ok(self.jobs()?.into_iter().filter(|j| j.state != JobProgress::Ended).collect())
    }

    /// Numbers of seed rows and conversations by part and state.
    pub fn counts(&self) -> Result<Vec<PartCounts>> {
        let rows: Vec<(i64, bool, TaskState, i64)> = self
            .connection
            .prepare_cached(
                "SELECT key >> 40, kind = 'prompt', state, count(*) FROM task
                 WHERE kind IN ('prompt', 'conversation') GROUP BY 1, 2, 3 ORDER BY 1",
            )
            .and_then(|mut s| {
                s.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?.collect()
            })
            .map_err(self.failed("read"))?;
        let mut all: Vec<PartCounts> = Vec::new();
        for (part, seed_row, state, count) in rows {
            let part = part as u8;
            if all.last().is_none_or(|c| c.part != part) {
                all.push(PartCounts { part, ..PartCounts::default() });
            }
            let Some(c) = all.last_mut() else { continue };
            let slot = match (seed_row, state) {
                (true, TaskState::Waiting) => &mut c.seed_rows_waiting,
                (true, TaskState::Done) => &mut c.seed_rows_done,
                (true, TaskState::Rejected) => &mut c.seed_rows_rejected,
                (false, TaskState::Waiting) => &mut c.conversations_waiting,
                (false, TaskState::Done) => &mut c.conversations_done,
                (false, TaskState::Rejected) => &mut c.conversations_rejected,
            };
            *slot = count as u64;
        }
        Ok(all)
    }

    /// Records and annotations by part, annotator and state; records first, annotators by their number.
    pub fn beside(&self) -> Result<Vec<BesideCounts>> {
        let rows: Vec<(u8, u16, TaskState, i64)> = self
            .connection
            .prepare_cached(
                "SELECT (key >> 40) & 255, key >> 48, state, count(*) FROM task
                 WHERE kind IN ('extraction', 'annotation') GROUP BY 1, 2, 3 ORDER BY 1, 2",
            )
            .and_then(|mut s| {
                s.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?.collect()
            })
            .map_err(self.failed("read"))?;
        let mut all: Vec<BesideCounts> = Vec::new();
        for (part, annotator, state, count) in rows {
            if all.last().is_none_or(|c| (c.part, c.annotator) != (part, annotator)) {
                all.push(BesideCounts { part, annotator, ..BesideCounts::default() });
            }
            let Some(c) = all.last_mut() else { continue };
            match state {
                TaskState::Waiting => c.waiting = count as u64,
                TaskState::Done => c.done = count as u64,
                TaskState::Rejected => c.rejected = count as u64,
            }
        }
        Ok(all)
    }

    /// The requests with a response, each with the task that last sent it, in the order of the tasks.
    pub fn answered_requests(&self) -> Result<Vec<(TaskKey, RequestId)>> {
        self.connection
            .prepare_cached(
                "SELECT task, id FROM request WHERE state = 'answered' ORDER BY task, frame, row",
            )
            .and_then(|mut s| {
                s.query_map([], |r| Ok((TaskKey(r.get(0)?), request_of(r, 1)?)))?.collect()
            })
            .map_err(self.failed("read"))
    }

    /// Number of distinct requests with a response.
    pub fn answered_total(&self) -> Result<u64> {
        self.connection
            .prepare_cached("SELECT count(*) FROM request WHERE state = 'answered'")
            .and_then(|mut s| s.query_row([], |r| r.get::<_, i64>(0)))
            .map(|n| n as u64)
            .map_err(self.failed("read"))
    }
}
