//! Takes rows in: what they say is joined by id, and saved with them in one transaction.

use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{Fault, MicroUsd, RequestId, RowOutcome, Usage};
use clinstruct_store::{EncodedFrame, JobCounts, JobId, RawFrame};

use super::{Driver, Item, Wait};
use crate::Result;

/// Rows of one job that are taken in together.
pub(super) struct Rows<'a> {
    pub(super) job: JobId,
    pub(super) decoded: Vec<DecodedRow>,
    pub(super) raw: Raw<'a>,
}

/// Where the raw rows are.
pub(super) enum Raw<'a> {
    /// To be written.
    New(EncodedFrame),
    /// On the disk, of a process that was stopped before it noted them.
    Found(&'a RawFrame),
}

/// What rows said, until it is saved.
struct Noted<'a> {
    job: JobId,
    raw: Raw<'a>,
    counts: JobCounts,
    usage: Usage,
    cost: MicroUsd,
    /// Requests with their place in the frame.
    answered: Vec<(RequestId, usize)>,
}

impl Driver<'_, '_> {
    /// Takes in rows that were saved by a process that was stopped before it indexed them.
    pub(super) fn ingest_frame(&mut self, frame: &RawFrame) -> Result<()> {
        let decoded = frame.rows.iter().map(|raw| decode(frame.format, raw)).collect();
        self.take_in(vec![Rows { job: frame.job, decoded, raw: Raw::Found(frame) }])
    }

    /// Saves rows of some jobs with what they say, in one transaction.
    pub(super) fn take_in(&mut self, all: Vec<Rows<'_>>) -> Result<()> {
        let mut items = Vec::new();
        let mut noted: Vec<Noted<'_>> = Vec::with_capacity(all.len());
        for rows in all {
            let these = self.note(rows, &noted, &mut items)?;
            noted.push(these);
        }
        let stepped = self.step_all(items)?;
        self.settle(stepped, |tx| {
            for rows in noted {
                let frame = match &rows.raw {
                    Raw::New(frame) => tx.append(frame)?,
                    Raw::Found(frame) => tx.adopt(frame)?,
                };
                tx.add_to_job(rows.job, &rows.counts, rows.usage, rows.cost)?;
                for (id, row) in rows.answered {
                    tx.answered(id, frame, row)?;
                }
            }
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// What the rows of a job say; the units that can go on are added to `items`. `before` are the rows that
    /// will be saved with them.
    fn note<'r>(
        &mut self,
        rows: Rows<'r>,
        before: &[Noted<'_>],
        items: &mut Vec<Item>,
    ) -> Result<Noted<'r>> {
        let Rows { job, decoded, raw } = rows;
        let mut counts = JobCounts::default();
        let mut answered: Vec<(RequestId, usize)> = Vec::with_capacity(decoded.len());
        self.tally.rows += decoded.len();
        let queue = self.jobs.get(&job).and_then(|j| self.queues.get(j.route));
        let price = queue.map(|q| (q.route.clone(), q.limits.clone()));
        let mut usage = Usage::default();
        let mut put_off = 0;
        for (row, decoded) in decoded.into_iter().enumerate() {
            let Some(id) = decoded.id else {
                counts.unknown += 1;
                continue;
            };
            // A failure counts for the sending that it is of: a job that is fetched twice tells it twice.
            let stands = delivers(&decoded.outcome);
            let wait = self.waits.get(&id).copied().filter(|w| stands || w.job == Some(job));
            let Some(Wait { unit, .. }) = wait else {
                let mut unsaved = before.iter().flat_map(|n| &n.answered).chain(&answered);
                if unsaved.any(|(a, _)| *a == id) || self.store.locate(id)?.is_some() {
                    counts.duplicates += 1;
                } else {
                    counts.unknown += 1;
                }
                continue;
            };
            if let RowOutcome::Failed { fault, code, message, .. } = &decoded.outcome
                && fault.concerns_run()
            {
                // It waits as before, and goes with the next job once that is mended.
                self.halt.get_or_insert_with(|| (code.clone(), message.clone()));
                counts.errors += 1;
                continue;
            }
            self.waits.remove(&id);
            // A row that came before was paid for once.
            usage += decoded.outcome.usage().unwrap_or_default();
            if let RowOutcome::Failed { fault: Fault::Busy, .. } = &decoded.outcome {
                put_off += 1;
            }
            if stands {
                counts.answered += 1;
                answered.push((id, row));
            } else {
                counts.errors += 1;
            }
            if let Some(unit) = unit {
                items.extend(self.item(unit, id, Some(decoded.outcome))?);
            }
        }
        let cost = price.map_or(0, |(route, limits)| route.cost(usage, &limits));
        self.tally.usage += usage;
        self.tally.answered += counts.answered as usize;
        self.tally.spent += cost;
        if let Some(job) = self.jobs.get_mut(&job) {
            job.usage += usage;
            job.cost += cost;
            job.answered += counts.answered;
            job.put_off += put_off;
        }
        Ok(Noted { job, raw, counts, usage, cost, answered })
    }
}

/// Whether a row is a response that stands, and not a delivery that is to be made again.
fn delivers(outcome: &RowOutcome) -> bool {
    match outcome {
        RowOutcome::Unreadable { .. } => false,
        RowOutcome::Failed { fault, .. } => !fault.is_transient() && !fault.concerns_run(),
        _ => true,
    }
}
