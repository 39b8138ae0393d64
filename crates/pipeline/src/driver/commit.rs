//! Steps tasks with their responses, and commits the results.

use std::collections::HashMap;

use clinstruct_batch_client::BatchRequest;
use clinstruct_schema::{RequestId, RowOutcome, Speaker};
use clinstruct_store::{GivenUp, TaskKey, TaskKind, TaskRecord, TaskState, Tx};
use rayon::prelude::*;

use super::poll_job::WORTH_SPREADING;
use super::state::Driver;
use crate::control::Drive;
use crate::task::{Stepped, Task, delivers, give_up, rebuild, rebuild_task, response, step};
use crate::{Event, Result};

/// A task whose response is available, or will never be.
pub(super) struct Item {
    record: TaskRecord,
    task: Task,
    request: RequestId,
    outcome: Option<RowOutcome>,
    /// Why there is no outcome.
    absent: String,
}

impl Driver<'_, '_> {
    /// A task with the response that it waits for; rebuilt if it is not in memory.
    pub(super) fn item(
        &mut self,
        key: TaskKey,
        request: RequestId,
        outcome: Option<RowOutcome>,
        absent: String,
    ) -> Result<Option<Item>> {
        let held = match self.tasks.remove(&key) {
            Some(held) => Some(held),
            None => match self.store.task(key)? {
                Some(record) if record.waiting == Some(request) => {
                    let (context, last) = (self.context, &mut self.last_row);
                    rebuild_task(context, self.store, &self.reader, &record, last)?
                        .map(|task| (record, task))
                }
                _ => None,
            },
        };
        Ok(held.map(|(record, task)| Item { record, task, request, outcome, absent }))
    }

    pub(super) fn step_all(&self, items: Vec<Item>) -> Result<Vec<Stepped>> {
        let context = self.context;
        let one = |i: Item| {
            let outcome = i.outcome.as_ref().ok_or(i.absent.as_str());
            step(context, i.record, i.task, i.request, outcome)
        };
        if items.len() < WORTH_SPREADING {
            return items.into_iter().map(one).collect();
        }
        items.into_par_iter().map(one).collect()
    }

    /// Commits steps to the journal, in one transaction with `also`, and queues new requests; a request with a stored
    /// response is applied at once.
    pub(super) fn commit(
        &mut self,
        mut wave: Vec<Stepped>,
        also: impl FnOnce(&mut Tx<'_>) -> clinstruct_store::Result<()>,
    ) -> Result<()> {
        let mut records: HashMap<TaskKey, TaskRecord> = HashMap::new();
        let mut order: Vec<TaskKey> = Vec::new();
        let mut queued: Vec<(Speaker, BatchRequest)> = Vec::new();
        let mut given_up: Vec<GivenUp> = Vec::new();
        let mut discarded: Vec<RequestId> = Vec::new();
        while !wave.is_empty() {
            let mut found = Vec::new();
            let mut ended = Vec::new();
            for stepped in wave {
                given_up.extend(stepped.given_up);
                self.tally.repairs += stepped.repairs;
                let mut waiting: HashMap<TaskKey, TaskRecord> = HashMap::new();
                for record in stepped.records {
                    if record.waiting.is_some() {
                        waiting.insert(record.key, record.clone());
                    } else if record.key.kind() == TaskKind::Conversation {
                        match record.state {
                            TaskState::Done => self.tally.done += 1,
                            TaskState::Rejected => {
                                self.tally.rejected += 1;
                                let reason = record.rejection.as_ref().map(|r| r.reason.clone());
                                let reason = reason.unwrap_or_default();
                                self.progress.event(Event::Rejected { reason });
                            }
                            TaskState::Waiting => {}
                        }
                    }
                    if !records.contains_key(&record.key) {
                        order.push(record.key);
                    }
                    records.insert(record.key, record);
                }
                for (key, request, task) in stepped.requests {
                    let Some(record) = waiting.remove(&key) else { continue };
                    let known = if self.has_responses {
                        response(&|id| Ok(self.store.locate(id)?), &self.reader, request.id)?
                    } else {
                        None
                    };
                    match known {
                        Some(outcome) if delivers(&outcome) => {
                            self.tally.found += 1;
                            let (request, outcome) = (request.id, Some(outcome));
                            let absent = String::new();
                            found.push(Item { record, task, request, outcome, absent });
                            continue;
                        }
                        // An error that an earlier version stored as an answer.
                        Some(_) => discarded.push(request.id),
                        None => {}
                    }
                    if self.has_given_up
                        && let Some(why) = self.store.given_up(request.id)?
                    {
                        ended.push(give_up(self.context, record, task, why)?);
                        continue;
                    }
                    if self.how == Drive::Replay {
                        continue;
                    }
                    if self.in_flight.queue(request.id, key) {
                        queued.push((task.speaker(), request));
                    }
                    if self.tasks.len() < self.context.config.in_memory {
                        self.tasks.insert(key, (record, task));
                    }
                }
            }
            wave = if found.is_empty() { Vec::new() } else { self.step_all(found)? };
            wave.extend(ended);
        }
        self.has_given_up |= !given_up.is_empty();
        self.store.write(|tx| {
            also(tx)?;
            for request in &discarded {
                tx.discard_response(*request)?;
            }
            for why in &given_up {
                tx.give_up(why)?;
            }
            for key in &order {
                if let Some(record) = records.get(key) {
                    tx.put_task(record)?;
                }
            }
            Ok(())
        })?;
        for (speaker, request) in queued {
            let number = self.context.routes.number(speaker);
            if let Some(queue) = self.queues.get_mut(number) {
                queue.sharder.hold(request);
            }
        }
        Ok(())
    }

    /// A task that waits for the same request as before it was sent.
    pub(super) fn as_before(
        &mut self,
        key: TaskKey,
        request: RequestId,
    ) -> Result<Option<Stepped>> {
        let (context, last) = (self.context, &mut self.last_row);
        let built = match self.tasks.remove(&key) {
            Some((record, task)) => {
                let built = rebuild(context, self.store, &self.reader, &record, last)?;
                built.map(|(again, _)| (record, again, task))
            }
            None => match self.store.task(key)? {
                Some(record) => rebuild(context, self.store, &self.reader, &record, last)?
                    .map(|(again, task)| (record, again, task)),
                None => None,
            },
        };
        Ok(built.filter(|(_, again, _)| again.id == request).map(|(record, again, task)| Stepped {
            requests: vec![(record.key, again, task)],
            records: vec![record],
            ..Stepped::default()
        }))
    }
}
