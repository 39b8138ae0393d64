//! Ingests rows: what they say is joined by id, and saved with them in one transaction.

use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{Fault, MicroUsd, RequestId, RowOutcome, Usage};
use clinstruct_store::{EncodedFrame, JobId, JobSums, RawFrame};

use super::breaker::Verdict;
use super::{Driver, Item, Wait};
use crate::queue::{Job, TOKENS_PER_BYTE};
use crate::task::delivers;
use crate::{Event, Result};

/// Rows of one job that are ingested together.
pub(super) struct Rows<'a> {
    pub(super) job: JobId,
    pub(super) decoded: Vec<DecodedRow>,
    pub(super) raw: Raw<'a>,
}

/// Where the raw rows are.
pub(super) enum Raw<'a> {
    /// To be written.
    New(EncodedFrame),
    /// On the disk, of a process that was stopped before it indexed them.
    Found(&'a RawFrame),
}

/// What rows said, until it is committed.
struct Staged<'a> {
    job: JobId,
    raw: Raw<'a>,
    sums: JobSums,
    /// Requests with their place in the frame.
    answered: Vec<(RequestId, usize)>,
}

impl Driver<'_, '_> {
    /// Ingests rows that were saved by a process that was stopped before it indexed them.
    pub(super) fn ingest_frame(&mut self, frame: &RawFrame) -> Result<()> {
        let decoded = frame.rows.iter().map(|raw| decode(frame.format, raw)).collect();
        self.ingest(vec![Rows { job: frame.job, decoded, raw: Raw::Found(frame) }])
    }

    /// Saves rows of some jobs with what they say, in one transaction.
    pub(super) fn ingest(&mut self, all: Vec<Rows<'_>>) -> Result<()> {
        let mut items = Vec::new();
        let mut staged: Vec<Staged<'_>> = Vec::with_capacity(all.len());
        for rows in all {
            let these = self.stage(rows, &staged, &mut items)?;
            staged.push(these);
        }
        let stepped = self.step_all(items)?;
        self.settle(stepped, |tx| {
            for rows in staged {
                let frame = match &rows.raw {
                    Raw::New(frame) => tx.append(frame)?,
                    Raw::Found(frame) => tx.index(frame)?,
                };
                tx.add_to_job(rows.job, &rows.sums)?;
                for (id, row) in rows.answered {
                    tx.set_response(id, frame, row)?;
                }
            }
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// What the rows of a job say; the tasks that can go on are added to `items`. `before` are the rows that
    /// will be committed with them.
    fn stage<'r>(
        &mut self,
        rows: Rows<'r>,
        before: &[Staged<'_>],
        items: &mut Vec<Item>,
    ) -> Result<Staged<'r>> {
        let Rows { job, decoded, raw } = rows;
        let mut sums = JobSums::default();
        let mut answered: Vec<(RequestId, usize)> = Vec::with_capacity(decoded.len());
        self.tally.rows += decoded.len();
        let known = self.jobs.get(&job).cloned();
        let way = known.as_ref().map(|j| j.route);
        let mut closed = known.clone();
        for (row, decoded) in decoded.into_iter().enumerate() {
            let Some(id) = decoded.id else {
                sums.counts.unknown += 1;
                note_fault(&decoded.outcome, &mut sums);
                // It is one of those that will be missing, and may say what it cost.
                if let Some(closed) = &mut closed
                    && decoded.outcome.usage().is_some()
                    && closed.cost + sums.cost < closed.reserved
                {
                    self.book(&decoded.outcome, known.as_ref(), way, &mut sums);
                    closed.nameless += 1;
                }
                continue;
            };
            // A failure counts for the sending that it is of: a job that is fetched twice has it twice.
            let stands = delivers(&decoded.outcome);
            let wait = self.waits.get(&id).copied().filter(|w| stands || w.job == Some(job));
            let Some(Wait { task, .. }) = wait else {
                let mut unsaved = before.iter().flat_map(|n| &n.answered).chain(&answered);
                if unsaved.any(|(a, _)| *a == id) || self.store.locate(id)?.is_some() {
                    sums.counts.duplicates += 1;
                    // The same row twice was paid for once, the same request in two jobs twice.
                    if self.store.job_of(id)?.is_some_and(|other| other != job) {
                        self.book(&decoded.outcome, known.as_ref(), way, &mut sums);
                    }
                } else {
                    sums.counts.unknown += 1;
                }
                continue;
            };
            let (verdict, words) = self.breaker.see(&decoded.outcome);
            if let Some(words) = words {
                self.progress.event(Event::RowFault { words });
            }
            note_fault(&decoded.outcome, &mut sums);
            if verdict == Verdict::Halt {
                // It waits as before, and goes with the next job once that is fixed.
                self.halt_for(&decoded.outcome);
                sums.counts.errors += 1;
                continue;
            }
            self.waits.remove(&id);
            self.book(&decoded.outcome, known.as_ref(), way, &mut sums);
            if let Some(closed) = &mut closed {
                match verdict {
                    Verdict::Responded => closed.responded += 1,
                    Verdict::Unusable | Verdict::Refused => closed.unusable += 1,
                    Verdict::Halt | Verdict::Undelivered => {}
                }
                if let RowOutcome::Failed { fault: Fault::Busy, .. } = &decoded.outcome {
                    closed.throttled += 1;
                }
            }
            if stands {
                sums.counts.answered += 1;
                answered.push((id, row));
            } else {
                sums.counts.errors += 1;
            }
            if let Some(task) = task {
                items.extend(self.item(task, id, Some(decoded.outcome), String::new())?);
            }
        }
        self.tally.usage += sums.usage;
        self.tally.answered += sums.counts.answered as usize;
        self.tally.spent += sums.cost;
        self.tally.estimated += sums.estimated;
        if let (Some(open), Some(mut closed)) = (self.jobs.get_mut(&job), closed) {
            closed.usage += sums.usage;
            closed.cost += sums.cost;
            closed.answered += sums.counts.answered;
            closed.fault = closed.fault.or_else(|| sums.fault.clone());
            *open = closed;
        }
        Ok(Staged { job, raw, sums, answered })
    }

    /// Books what a row cost: by its usage, or by an estimate where it may have been paid for and does not say.
    fn book(
        &mut self,
        outcome: &RowOutcome,
        job: Option<&Job>,
        way: Option<usize>,
        sums: &mut JobSums,
    ) {
        let Some(queue) = way.and_then(|w| self.queues.get_mut(w)) else { return };
        let share = job.map(Job::share);
        if let Some(usage) = outcome.usage() {
            let cost = queue.route.cost(usage, &queue.limits);
            if let Some((_, most)) = share {
                queue.learn(cost, most);
            }
            sums.usage += usage;
            sums.cost += cost;
            return;
        }
        let Some((prompt_tokens, most)) = share else { return };
        let (usage, cost) = match written(outcome) {
            // What is not billed.
            None => return,
            Some(0) => (Usage { prompt_tokens, ..Usage::default() }, queue.likely(most)),
            Some(bytes) => {
                let completion_tokens = (bytes as f64 * TOKENS_PER_BYTE).ceil() as u64;
                let usage = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
                (usage, queue.route.cost(usage, &queue.limits))
            }
        };
        let cost: MicroUsd = cost.min(most.max(1));
        sums.usage += usage;
        sums.cost += cost;
        sums.estimated += cost;
    }
}

/// Keeps the first error that rows report.
fn note_fault(outcome: &RowOutcome, sums: &mut JobSums) {
    if sums.fault.is_none() {
        sums.fault = super::breaker::words_of(outcome);
    }
}

/// Bytes that a model wrote, 0 where that is not known; `None` where nothing is billed.
fn written(outcome: &RowOutcome) -> Option<usize> {
    match outcome {
        RowOutcome::Answer(c) | RowOutcome::Cut(c) => {
            Some(c.text.len() + c.reasoning.as_ref().map_or(0, String::len))
        }
        RowOutcome::Refused { text, .. } => Some(text.len()),
        RowOutcome::Filtered { .. } | RowOutcome::Empty { .. } | RowOutcome::Unreadable { .. } => {
            Some(0)
        }
        // A success that holds no answer was a call all the same.
        RowOutcome::Failed { status: Some(200..=299), .. } => Some(0),
        RowOutcome::Failed { .. } => None,
    }
}
