//! Sends a job: into the journal first, then to the provider.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use clinstruct_batch_client::{
    BatchRequest, ErrorKind, Held, JobRef, Shard, ShardBody, ShardTag, Wanted,
};
use clinstruct_schema::{RequestId, Usage};
use clinstruct_store::NewJob;

use super::{Drive, Driver, LOOKS, Wait};
use crate::queue::{Job, Taken};
use crate::task::rebuild;
use crate::{Error, Event, Result};

/// Answers that are no answer, in a row, before a job counts as refused.
const ODD_ANSWERS: u32 = 5;

impl Driver<'_, '_> {
    /// The requests of a job, made anew where they were not kept.
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
        let task = self.waits.get(&id).and_then(|w| w.task).ok_or_else(mismatch)?;
        let record = match self.active.get(&task) {
            Some((record, _)) => record.clone(),
            None => self.store.task(task)?.ok_or_else(mismatch)?,
        };
        let (request, _) =
            rebuild(self.context, self.store, &self.reader, &record)?.ok_or_else(mismatch)?;
        if request.id == id { Ok(request) } else { Err(mismatch()) }
    }

    /// A shard in memory, or in a file where it is too large for that.
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

    /// Journals a job, then sends it. Trouble that may pass is waited for.
    pub(super) async fn send(&mut self, number: usize, mut taken: Taken) -> Result<()> {
        // What was answered while it was queued, by a row that came late, is not asked for again.
        let mut once = HashSet::new();
        taken.requests.retain(|held| {
            self.waits.get(&held.id).is_some_and(|w| w.job.is_none()) && once.insert(held.id)
        });
        if taken.requests.is_empty() {
            return Ok(());
        }
        let Some(queue) = self.queues.get(number) else { return Ok(()) };
        let (backend, route) = (Arc::clone(&queue.route.backend), queue.route.name.clone());
        let sure = queue.limits.rehearsal;
        let now = (self.now)();
        let rows = taken.requests.len();
        let waits = &self.waits;
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
                if let Some(Wait { task: Some(task), .. }) = waits.get(&held.id) {
                    tx.send_request(held.id, *task, job)?;
                }
            }
            Ok((job, tag))
        })?;
        for held in &taken.requests {
            if let Some(wait) = self.waits.get_mut(&held.id) {
                wait.job = Some(job);
            }
        }
        let under_way = Job {
            tag: tag.clone(),
            route: number,
            size: taken.size,
            tokens: taken.tokens,
            reserved: taken.reserved,
            cost: 0,
            usage: Usage::default(),
            answered: 0,
            rows: rows as u64,
            responded: 0,
            unusable: 0,
            nameless: 0,
            throttled: 0,
            fault: None,
        };
        let shard = self.shard(&tag, taken)?;
        self.jobs.insert(job, under_way);
        let mut pause = self.pauses().first;
        let mut sent = None;
        // Whether some attempt may have made a job that nobody knows of.
        let mut unsure = false;
        let mut odd = 0;
        self.asked(number);
        while sent.is_none() {
            if self.stop.is_stopped() {
                if !unsure {
                    self.close(job, "not sent", None)?;
                }
                // Else it is in the journal: the next call looks for it and asks for its rows.
                return Ok(());
            }
            let e = match self.answer_of(backend.submit(&shard)).await {
                Ok(reference) => {
                    self.reached = true;
                    sent = Some(reference);
                    continue;
                }
                Err(e) => e,
            };
            unsure |= e.may_have_acted;
            if !e.is_transient() {
                // A file that was just uploaded may not be known everywhere yet, and one answer may be garbled.
                let odd_kind = matches!(e.kind, ErrorKind::NotFound | ErrorKind::Protocol);
                odd += 1;
                // At a wrong address nothing is known, or a page for people is shown.
                let elsewhere = !self.reached && !e.may_have_acted;
                if !odd_kind || odd >= ODD_ANSWERS || elsewhere {
                    if !unsure {
                        // Nothing was made: another address or key is not held up by it.
                        self.close(job, &format!("refused: {}", e.message), None)?;
                    }
                    return Err(e.into());
                }
            }
            pause = self.wait_out(&e, pause).await?;
            if e.may_have_acted {
                // The job may have arrived although its answer did not.
                let looks = if sure { 1 } else { LOOKS };
                let wanted = self.wanted(&tag, None)?;
                match self.look_for(&*backend, &wanted, looks).await? {
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
            && self.queues.get(number).is_some_and(|q| q.limits.finds_jobs)
        {
            // The provider has it; a file that stays is in nobody's way.
            let _ = fs::remove_file(path);
        }
        self.tally.asked += rows;
        self.progress.event(Event::Sent { tag, rows });
        if self.how != Drive::SubmitOnly {
            self.watch(job, reference)?;
        }
        Ok(())
    }

    /// What a job is looked for by: `but` is its own name, where that is known.
    pub(super) fn wanted(&self, tag: &str, but: Option<&JobRef>) -> Result<Wanted> {
        let mut wanted = Wanted::tagged(ShardTag(tag.to_owned()));
        if !self.queues.iter().any(|q| q.limits.finds_jobs) {
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
