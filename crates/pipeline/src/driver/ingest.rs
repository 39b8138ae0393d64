//! Ingests rows: joins them by id with the requests in flight, and saves both in one transaction.

use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{Fault, RequestId, RowOutcome};
use clinstruct_store::{EncodedFrame, JobId, JobSums, RawFrame, TaskKey};

use super::breaker::{FatalError, Verdict, words_of};
use super::in_flight::Pending;
use super::state::Driver;
use crate::task::delivers;
use crate::{Event, Result};

/// Rows of one job that are ingested together.
pub(super) struct Rows<'a> {
    pub(super) job: JobId,
    pub(super) decoded: Vec<DecodedRow>,
    pub(super) raw: Raw<'a>,
}

/// Location of the raw responses.
pub(super) enum Raw<'a> {
    /// To be written.
    New(EncodedFrame),
    /// On disk, from a process that was stopped before it indexed them.
    Found(&'a RawFrame),
}

/// Reports of rows until they are committed.
struct Staged<'a> {
    job: JobId,
    raw: Raw<'a>,
    sums: JobSums,
    /// Requests with their position in the frame.
    answered: Vec<(RequestId, usize)>,
}

impl Driver<'_, '_> {
    /// Ingests rows that were saved by a process that was stopped before it indexed them.
    pub(super) fn ingest_frame(&mut self, frame: &RawFrame) -> Result<()> {
        let decoded = frame.rows.iter().map(|raw| decode(frame.format, raw)).collect();
        self.ingest(vec![Rows { job: frame.job, decoded, raw: Raw::Found(frame) }])
    }

    /// Saves rows of some jobs with their consequences, in one transaction.
    pub(super) fn ingest(&mut self, all: Vec<Rows<'_>>) -> Result<()> {
        let mut received = Vec::new();
        let mut staged: Vec<Staged<'_>> = Vec::with_capacity(all.len());
        for rows in all {
            let these = self.stage(rows, &staged, &mut received)?;
            staged.push(these);
        }
        // Rows come in any order; tasks that are rebuilt share what is read of their seed row.
        received.sort_by_key(|(task, ..)| *task);
        let mut items = Vec::with_capacity(received.len());
        for (task, id, outcome) in received {
            items.extend(self.item(task, id, Some(outcome), String::new())?);
        }
        let stepped = self.step_all(items)?;
        self.commit(stepped, |tx| {
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
        self.report();
        Ok(())
    }

    /// Reads the rows of a job; the outcomes of tasks that can advance are added to `received`. `before` are the rows that
    /// will be committed with them.
    fn stage<'r>(
        &mut self,
        rows: Rows<'r>,
        before: &[Staged<'_>],
        received: &mut Vec<(TaskKey, RequestId, RowOutcome)>,
    ) -> Result<Staged<'r>> {
        let Rows { job, decoded, raw } = rows;
        let mut sums = JobSums::default();
        let mut answered: Vec<(RequestId, usize)> = Vec::with_capacity(decoded.len());
        self.tally.rows += decoded.len();
        let mut seen = self.in_flight.job(job).cloned();
        for (row, decoded) in decoded.into_iter().enumerate() {
            let Some(id) = decoded.id else {
                sums.counts.unknown += 1;
                keep_first_fault(&decoded.outcome, &mut sums);
                // It counts as a missing row, and may report its cost.
                if let Some(seen) = &mut seen
                    && decoded.outcome.usage().is_some()
                    && self.ledger.covers(job, sums.cost)
                {
                    self.ledger.price_row(job, &decoded.outcome, &mut sums);
                    seen.nameless += 1;
                }
                continue;
            };
            // A failure counts for its job: a job that is fetched twice has it twice.
            let stands = delivers(&decoded.outcome);
            let pending = self.in_flight.pending(id).filter(|p| stands || p.job == Some(job));
            let Some(Pending { task, .. }) = pending else {
                let mut unsaved = before.iter().flat_map(|n| &n.answered).chain(&answered);
                if unsaved.any(|(a, _)| *a == id) || self.store.locate(id)?.is_some() {
                    sums.counts.duplicates += 1;
                    // The same row twice is billed once, the same request in two jobs twice.
                    if self.store.job_of(id)?.is_some_and(|other| other != job) {
                        self.ledger.price_row(job, &decoded.outcome, &mut sums);
                    }
                } else {
                    sums.counts.unknown += 1;
                }
                continue;
            };
            let (verdict, words) = self.breaker.record(&decoded.outcome);
            if let Some(words) = words {
                self.progress.event(Event::RowFault { words });
            }
            keep_first_fault(&decoded.outcome, &mut sums);
            if verdict == Verdict::Fatal {
                // Its task keeps waiting, and its request is sent with the next job once that is fixed.
                self.fatal_error.get_or_insert_with(|| FatalError::of_row(&decoded.outcome));
                sums.counts.errors += 1;
                continue;
            }
            self.in_flight.remove(id);
            self.ledger.price_row(job, &decoded.outcome, &mut sums);
            if let Some(seen) = &mut seen {
                match verdict {
                    Verdict::Responded => seen.responded += 1,
                    Verdict::Unusable | Verdict::Refused => seen.unusable += 1,
                    Verdict::Fatal | Verdict::Undelivered => {}
                }
                if let RowOutcome::Failed { fault: Fault::Busy, .. } = &decoded.outcome {
                    seen.throttled += 1;
                }
            }
            if stands {
                sums.counts.answered += 1;
                answered.push((id, row));
            } else {
                sums.counts.errors += 1;
            }
            if let Some(task) = task {
                received.push((task, id, decoded.outcome));
            }
        }
        self.tally.usage += sums.usage;
        self.tally.answered += sums.counts.answered as usize;
        self.ledger.charge(job, &sums);
        if let (Some(open), Some(mut seen)) = (self.in_flight.job_mut(job), seen) {
            seen.usage += sums.usage;
            seen.answered += sums.counts.answered;
            seen.fault = seen.fault.or_else(|| sums.fault.clone());
            *open = seen;
        }
        Ok(Staged { job, raw, sums, answered })
    }
}

/// Keeps the first error of the rows.
fn keep_first_fault(outcome: &RowOutcome, sums: &mut JobSums) {
    if sums.fault.is_none() {
        sums.fault = words_of(outcome);
    }
}
