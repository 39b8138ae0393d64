//! Takes up what an earlier process left, and refuses what would cost it.

use std::sync::Arc;

use clinstruct_batch_client::{Ended, ErrorKind, JobRef, Wanted};
use clinstruct_schema::Usage;
use clinstruct_store::{JobRecord, Store};

use super::{Drive, Driver, LOOKS, Reopen, Wait, reopen};
use crate::plan_change::adopt_plan;
use crate::queue::Job;
use crate::task::{Stepped, rebuild};
use crate::{Error, Event, Result};

impl Driver<'_, '_> {
    /// Refuses to leave jobs behind at another account, where nobody would see them again.
    pub(super) fn same_account(&mut self) -> Result<()> {
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

    /// Takes up what an earlier process left: its plan, its unindexed rows, its jobs, its waiting tasks.
    pub(super) async fn take_up(&mut self) -> Result<()> {
        if adopt_plan(self.context, self.store, self.how)? {
            self.progress.event(Event::Replaying);
        }
        if matches!(self.how, Drive::ToTheEnd | Drive::SubmitOnly) {
            let tasks = reopen(self.store, Reopen::Refused)?;
            if tasks > 0 {
                self.progress.event(Event::Reopened { tasks });
            }
            self.gave_up = self.store.has_given_up()?;
        }
        for (i, (part, _)) in self.context.plans.iter().enumerate() {
            self.cursor[i] = self.store.last_seed_row(*part)?.map_or(0, |b| b as usize + 1);
        }
        self.tally.base_started = self.cursor.iter().sum();
        let counts = self.store.counts()?;
        for part in &counts {
            self.tally.done += part.conversations_done as usize;
            self.tally.rejected += part.conversations_rejected as usize;
        }
        let money = self.store.money()?;
        (self.tally.spent, self.tally.estimated) = (money.spent, money.estimated);
        self.tally.answered = self.store.answered_total()? as usize;
        if self.how == Drive::Replay {
            return Ok(());
        }
        self.same_account()?;

        let open = self.store.open_jobs()?;
        for job in &open {
            for (request, _) in self.store.open_requests(job.id)? {
                self.waits.insert(request, Wait { task: None, job: Some(job.id) });
            }
            let names = self.context.routes.all();
            let route = names.iter().position(|r| r.name == job.route).unwrap_or(0);
            self.jobs.insert(job.id, taken_up(job, route));
        }
        let mut after = None;
        loop {
            let page = self.store.waiting_tasks(after, 4096)?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            let mut idle = Vec::new();
            for record in page {
                match record.waiting.and_then(|r| self.waits.get_mut(&r)) {
                    Some(wait) => wait.task = Some(record.key),
                    None => idle.push(record),
                }
            }
            let store: &Store = self.store;
            let rebuilt: Vec<_> = idle
                .into_iter()
                .map(|mut record| {
                    let built = rebuild(self.context, store, &self.reader, &record)?;
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
            self.settle(vec![stepped], |_| Ok(()))?;
        }

        for frame in self.store.unindexed()? {
            self.progress.event(Event::Recovered { rows: frame.rows.len() });
            self.ingest_frame(&frame)?;
        }
        // Jobs that are known first: while an orphan is looked for their rows come.
        let (known, orphans): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|j| j.provider_ref.is_some());
        for job in known.into_iter().chain(orphans) {
            let Some(queue) = self.jobs.get(&job.id).and_then(|j| self.queues.get(j.route)) else {
                continue;
            };
            let (backend, looks) =
                (Arc::clone(&queue.route.backend), if queue.limits.rehearsal { 1 } else { LOOKS });
            if let Some(route) = self.jobs.get(&job.id).map(|j| j.route) {
                self.asked(route);
            }
            let reference = match job.provider_ref {
                Some(reference) => Some(JobRef(reference)),
                None => {
                    let wanted = self.wanted(&job.tag, None)?;
                    let Some(found) = self.look_for(&*backend, &wanted, looks).await? else {
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
                Some(reference) => self.watch(job.id, reference)?,
                None => {
                    self.job_ended(job.id, &Ended::Lost, None)?;
                }
            }
        }
        Ok(())
    }

    /// Looks for a job at the provider, `looks` times before it is held to be absent; waits while nobody
    /// can tell. `None` where the run was asked to stop meanwhile.
    pub(super) async fn look_for(
        &mut self,
        backend: &dyn clinstruct_batch_client::BatchBackend,
        wanted: &Wanted,
        looks: u32,
    ) -> Result<Option<Option<JobRef>>> {
        let pauses = self.pauses();
        let mut pause = pauses.first;
        let mut looked = 0;
        let mut odd = 0;
        loop {
            if self.stop.is_stopped() {
                return Ok(None);
            }
            match self.answer_of(backend.find(wanted)).await {
                Ok(Some(found)) => return Ok(Some(Some(found))),
                Ok(None) => {
                    self.reached = true;
                    looked += 1;
                    if looked >= looks {
                        return Ok(Some(None));
                    }
                    self.pause(pauses.first * 3).await;
                }
                Err(e) if e.is_transient() => pause = self.wait_out(&e, pause).await?,
                Err(e) if e.kind == ErrorKind::Protocol && odd < LOOKS => {
                    odd += 1;
                    pause = self.wait_out(&e, pause).await?;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

fn taken_up(job: &JobRecord, route: usize) -> Job {
    Job {
        tag: job.tag.clone(),
        route,
        size: 0,
        tokens: job.queued_tokens,
        reserved: job.reserved,
        cost: job.cost,
        usage: Usage::default(),
        answered: 0,
        rows: job.rows,
        responded: 0,
        unusable: 0,
        nameless: 0,
        throttled: 0,
        fault: None,
    }
}
