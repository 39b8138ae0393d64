//! Recovers what an earlier process left, and fails if that would lose something.

use std::sync::Arc;

use clinstruct_batch_client::{BatchBackend, ErrorKind, JobRef, Wanted};
use clinstruct_store::{JobRecord, Store};

use super::in_flight::Job;
use super::job_end::JobEnd;
use super::ledger::Reservation;
use super::reopen::{Reopen, reopen};
use super::state::Driver;
use crate::control::Drive;
use crate::plan_change::adopt_plan;
use crate::task::{Stepped, rebuild};
use crate::{Error, Event, Result};

/// Searches for a job that may be at the provider before it counts as absent, over some seconds: it may still be in
/// transit, and a listing may not show new jobs at once.
pub(super) const FIND_ATTEMPTS: u32 = 4;

impl Driver<'_, '_> {
    /// Fails rather than leave jobs at another account, where nobody would see them again.
    pub(super) fn ensure_same_account(&mut self) -> Result<()> {
        let open = self.store.open_jobs()?;
        for route in self.context.routes.all() {
            let key = format!("account of {}", route.name);
            let asked = route.backend.account();
            let known = self.store.meta(&key)?;
            let jobs = open.iter().filter(|j| j.route == route.name).count();
            if let Some(known) = known
                && known != asked
                && jobs > 0
                && !self.context.config.accept_change
            {
                return Err(Error::OtherAccount { jobs, known, asked });
            }
            self.store.write(|tx| tx.set_meta(&key, &asked))?;
        }
        Ok(())
    }

    /// Recovers what an earlier process left: its plan, its unindexed rows, its jobs, its waiting tasks.
    pub(super) async fn recover(&mut self) -> Result<()> {
        if adopt_plan(self.context, self.store, self.how)? {
            self.progress.event(Event::Replaying);
        }
        if matches!(self.how, Drive::ToTheEnd | Drive::SubmitOnly) {
            let tasks = reopen(self.store, Reopen::Refused)?;
            if tasks > 0 {
                self.progress.event(Event::Reopened { tasks });
            }
            self.has_given_up = self.store.has_given_up()?;
        }
        for (i, (part, _)) in self.context.plans.iter().enumerate() {
            // A run that keeps its own plan starts no rows of this one.
            self.cursor[i] = match self.context.kept.get() {
                Some(_) => self.context.plans[i].1.len(),
                None => self.store.last_seed_row(*part)?.map_or(0, |b| b as usize + 1),
            };
        }
        self.tally.seed_rows_started = self.cursor.iter().sum();
        let counts = self.store.counts()?;
        for part in &counts {
            self.tally.done += part.conversations_done as usize;
            self.tally.rejected += part.conversations_rejected as usize;
        }
        self.ledger.recover(&self.store.money()?);
        self.tally.answered = self.store.answered_total()? as usize;
        self.tally.answered_before = self.tally.answered;
        // From now on, the totals are those of the run.
        self.report();
        if self.how == Drive::Replay {
            return Ok(());
        }
        self.ensure_same_account()?;

        let open = self.store.open_jobs()?;
        for job in &open {
            for (request, _) in self.store.open_requests(job.id)? {
                self.in_flight.recover(request, job.id);
            }
            let names = self.context.routes.all();
            let route = names.iter().position(|r| r.name == job.route).unwrap_or(0);
            self.in_flight.open_job(job.id, recovered(job, route));
            self.ledger.reserve(job.id, reservation(job, route));
        }
        self.recover_tasks()?;
        for frame in self.store.unindexed()? {
            self.progress.event(Event::Recovered { rows: frame.rows.len() });
            self.ingest_frame(&frame)?;
        }
        self.recover_jobs(open).await
    }

    /// Queues the requests of waiting tasks that no job has.
    fn recover_tasks(&mut self) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.store.waiting_tasks(after, 4096)?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            let mut idle = Vec::new();
            for record in page {
                let request = record.waiting;
                if !request.is_some_and(|r| self.in_flight.recover_task(r, record.key)) {
                    idle.push(record);
                }
            }
            let (store, last): (&Store, _) = (self.store, &mut self.last_row);
            let rebuilt: Vec<_> = idle
                .into_iter()
                .map(|mut record| {
                    let built = rebuild(self.context, store, &self.reader, &record, last)?;
                    Ok(built.map(|(request, task)| {
                        record.waiting = Some(request.id);
                        (record, request, task)
                    }))
                })
                .collect::<Result<_>>()?;
            let mut stepped = Stepped::default();
            for (record, request, task) in rebuilt.into_iter().flatten() {
                stepped.requests.push((record.key, request, task));
                stepped.records.push(record);
            }
            self.commit(vec![stepped], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Continues jobs of an earlier process: those without a known id are searched for by tag.
    async fn recover_jobs(&mut self, open: Vec<JobRecord>) -> Result<()> {
        // Known jobs first: their rows arrive while an orphan is searched for.
        let (known, orphans): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|j| j.provider_ref.is_some());
        for job in known.into_iter().chain(orphans) {
            let Some(queue) = self.in_flight.job(job.id).and_then(|j| self.queues.get(j.route))
            else {
                continue;
            };
            let attempts = if queue.is_local() { 1 } else { FIND_ATTEMPTS };
            let backend = Arc::clone(&queue.route.backend);
            if let Some(route) = self.in_flight.job(job.id).map(|j| j.route) {
                self.watch_for_stall(route);
            }
            let reference = match job.provider_ref {
                Some(reference) => Some(JobRef(reference)),
                None => {
                    let wanted = self.wanted(&job.tag, None)?;
                    let Some(found) = self.find(&*backend, &wanted, attempts).await? else {
                        return Ok(());
                    };
                    let adopted = found.is_some();
                    self.progress.event(Event::Orphan { tag: job.tag.clone(), adopted });
                    if let Some(found) = &found {
                        let now = (self.now)();
                        self.store.write(|tx| tx.job_sent(job.id, &found.0, now))?;
                    }
                    found
                }
            };
            match reference {
                Some(_) if self.how == Drive::SubmitOnly => {}
                Some(reference) => {
                    let (tag, rows, since) = (job.tag, job.rows as usize, job.created);
                    self.progress.event(Event::Open { tag, rows, since });
                    self.poll(job.id, reference)?;
                }
                None => {
                    self.job_ended(job.id, &JobEnd::Absent)?;
                }
            }
        }
        Ok(())
    }

    /// Searches for a job at the provider, `attempts` times before it counts as absent; waits while the provider cannot
    /// tell. `None` if the run was stopped meanwhile.
    pub(super) async fn find(
        &mut self,
        backend: &dyn BatchBackend,
        wanted: &Wanted,
        attempts: u32,
    ) -> Result<Option<Option<JobRef>>> {
        let pauses = self.pauses();
        let mut pause = pauses.first;
        let mut absent = 0;
        let mut malformed = 0;
        loop {
            if self.stop.is_stopped() {
                return Ok(None);
            }
            match self.reply_to(backend.find(wanted)).await {
                Ok(Some(found)) => return Ok(Some(Some(found))),
                Ok(None) => {
                    self.contact.reached();
                    absent += 1;
                    if absent >= attempts {
                        return Ok(Some(None));
                    }
                    self.pause(pauses.first * 3).await;
                }
                Err(e) if e.is_transient() => pause = self.wait_out(&e, pause).await?,
                Err(e) if e.kind == ErrorKind::Protocol && malformed < FIND_ATTEMPTS => {
                    malformed += 1;
                    pause = self.wait_out(&e, pause).await?;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

fn recovered(job: &JobRecord, route: usize) -> Job {
    Job { tag: job.tag.clone(), route, tokens: job.queued_tokens, ..Job::default() }
}

fn reservation(job: &JobRecord, route: usize) -> Reservation {
    Reservation {
        route,
        rows: job.rows,
        tokens: job.queued_tokens,
        reserved: job.reserved,
        cost: job.cost,
    }
}
