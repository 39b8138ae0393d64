//! Submits a job: to the journal first, then to the provider.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use clinstruct_batch_client::{
    BatchRequest, ErrorKind, Held, JobRef, Shard, ShardBody, ShardTag, Wanted,
};
use clinstruct_schema::RequestId;
use clinstruct_store::NewJob;

use super::in_flight::Job;
use super::job_end::JobEnd;
use super::ledger::Reservation;
use super::queue::{Queue, Taken};
use super::recover::FIND_ATTEMPTS;
use super::state::Driver;
use crate::control::Drive;
use crate::task::rebuild;
use crate::{Error, Event, Result};

/// Consecutive malformed replies before a job counts as refused.
const MALFORMED_REPLIES: u32 = 5;

impl Driver<'_, '_> {
    /// The requests of a job, rebuilt if they are not in memory.
    pub(super) fn bodies(&mut self, held: Vec<Held>) -> Result<Vec<BatchRequest>> {
        held.into_iter()
            .map(|held| match held.request {
                Some(request) => Ok(BatchRequest { id: held.id, request }),
                None => self.body(held.id),
            })
            .collect()
    }

    pub(super) fn body(&mut self, id: RequestId) -> Result<BatchRequest> {
        let mismatch = || Error::JournalMismatch(format!("request {id}"));
        let task = self.in_flight.pending(id).and_then(|p| p.task).ok_or_else(mismatch)?;
        let record = match self.tasks.get(&task) {
            Some((record, _)) => record.clone(),
            None => self.store.task(task)?.ok_or_else(mismatch)?,
        };
        let (context, last) = (self.context, &mut self.last_row);
        let built = rebuild(context, self.store, &self.reader, &record, last)?;
        let (request, _) = built.ok_or_else(mismatch)?;
        if request.id == id { Ok(request) } else { Err(mismatch()) }
    }

    /// A shard in memory, or in a file if it is too large for that.
    pub(super) fn shard(&mut self, tag: &str, taken: Taken) -> Result<Shard> {
        let tag = ShardTag(tag.to_owned());
        let rows = taken.requests.len();
        let outbox = match &self.context.config.outbox {
            Some(outbox) if taken.size > self.context.config.request_bytes / 2 => outbox.clone(),
            _ => return Ok(Shard::in_memory(tag, self.bodies(taken.requests)?)),
        };
        let path = outbox.join(format!("{tag}.jsonl"));
        let failed = |source| Error::Write { path: path.clone(), source };
        fs::create_dir_all(&outbox).map_err(failed)?;
        let mut to = BufWriter::new(File::create(&path).map_err(failed)?);
        for held in taken.requests {
            let request = self.bodies(vec![held])?;
            for request in request {
                serde_json::to_writer(&mut to, &request).map_err(|e| failed(e.into()))?;
                to.write_all(b"\n").map_err(failed)?;
            }
        }
        to.flush().map_err(failed)?;
        Ok(Shard { tag, rows, body: ShardBody::File(path) })
    }

    /// Journals a job, then submits it. Waits out temporary errors.
    pub(super) async fn submit(&mut self, number: usize, mut taken: Taken) -> Result<()> {
        // Requests that were answered by a late row while queued are not sent again.
        let mut once = HashSet::new();
        taken.requests.retain(|held| self.in_flight.is_queued(held.id) && once.insert(held.id));
        if taken.requests.is_empty() {
            return Ok(());
        }
        let Some(queue) = self.queues.get(number) else { return Ok(()) };
        let (backend, route) = (Arc::clone(&queue.route.backend), queue.route.name.clone());
        let local = queue.is_local();
        let now = (self.now)();
        let rows = taken.requests.len();
        let in_flight = &self.in_flight;
        let name = &self.run_name;
        let (job, tag) = self.store.write(|tx| {
            let tag = format!("{name}-{}", tx.next_job()?);
            let new = NewJob {
                tag: &tag,
                rows,
                route: &route,
                queued_tokens: taken.tokens,
                reserved: taken.reserved,
            };
            let job = tx.new_job(&new, now)?;
            for held in &taken.requests {
                if let Some(task) = in_flight.pending(held.id).and_then(|p| p.task) {
                    tx.send_request(held.id, task, job)?;
                }
            }
            Ok((job, tag))
        })?;
        for held in &taken.requests {
            self.in_flight.send(held.id, job);
        }
        let open = Job {
            tag: tag.clone(),
            route: number,
            size: taken.size,
            tokens: taken.tokens,
            ..Job::default()
        };
        let reservation = Reservation {
            route: number,
            rows: rows as u64,
            tokens: taken.tokens,
            reserved: taken.reserved,
            cost: 0,
        };
        let shard = self.shard(&tag, taken)?;
        self.in_flight.open_job(job, open);
        self.ledger.reserve(job, reservation);
        let mut pause = self.pauses().first;
        let mut sent = None;
        // Whether an attempt may have created an unknown job.
        let mut unsure = false;
        let mut malformed = 0;
        self.watch_for_stall(number);
        while sent.is_none() {
            if self.stop.is_stopped() {
                if !unsure {
                    self.close(job, &JobEnd::NotSent, None)?;
                }
                // Otherwise it is in the journal: the next call finds it and fetches its rows.
                return Ok(());
            }
            let e = match self.reply_to(backend.submit(&shard)).await {
                Ok(reference) => {
                    self.contact.reached();
                    sent = Some(reference);
                    continue;
                }
                Err(e) => e,
            };
            unsure |= e.may_have_acted;
            if !e.is_transient() {
                // A new file may not be visible everywhere yet, and one reply may be garbled.
                let may_pass = matches!(e.kind, ErrorKind::NotFound | ErrorKind::Protocol);
                malformed += 1;
                // A wrong address knows nothing, or returns HTML pages.
                let elsewhere = !self.contact.is_reached() && !e.may_have_acted;
                if !may_pass || malformed >= MALFORMED_REPLIES || elsewhere {
                    if !unsure {
                        // Nothing was created: another address or key can be used.
                        self.close(job, &JobEnd::Refused(e.message.clone()), None)?;
                    }
                    return Err(e.into());
                }
            }
            pause = self.wait_out(&e, pause).await?;
            if e.may_have_acted {
                // The job may have arrived even though the response did not.
                let attempts = if local { 1 } else { FIND_ATTEMPTS };
                let wanted = self.wanted(&tag, None)?;
                match self.find(&*backend, &wanted, attempts).await? {
                    Some(found) => {
                        unsure = found.is_some();
                        sent = found;
                    }
                    None => return Ok(()),
                }
            }
        }
        let Some(reference) = sent else { return Ok(()) };
        let now = (self.now)();
        self.store.write(|tx| tx.job_sent(job, &reference.0, now))?;
        if let ShardBody::File(path) = &shard.body
            && self.queues.get(number).is_some_and(Queue::keeps_jobs)
        {
            // The provider has it; a leftover file is harmless.
            let _ = fs::remove_file(path);
        }
        self.tally.requested += rows;
        self.progress.event(Event::Sent { tag, rows });
        if self.how != Drive::SubmitOnly {
            self.poll(job, reference)?;
        }
        Ok(())
    }

    /// What a job is searched by; `but` is its own id, if known.
    pub(super) fn wanted(&self, tag: &str, but: Option<&JobRef>) -> Result<Wanted> {
        let mut wanted = Wanted::tagged(ShardTag(tag.to_owned()));
        if !self.queues.iter().any(Queue::keeps_jobs) {
            return Ok(wanted);
        }
        for job in self.store.jobs()? {
            if job.tag == tag {
                wanted.earlier = wanted.known.len();
            } else if let Some(known) = job.provider_ref
                && but.is_none_or(|b| b.0 != known)
            {
                wanted.known.push(JobRef(known));
            }
        }
        Ok(wanted)
    }
}
