use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Ended, JobRef, JobState, Shard, ShardTag, Sharder,
};
use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{ErrorClass, RequestId, RowFormat, RowOutcome};
use clinstruct_store::{
    EncodedFrame, JobCounts, JobId, RawFrame, RawReader, Store, UnitKey, UnitRecord, encode_frame,
};
use futures::StreamExt;
use rayon::prelude::*;
use tokio::sync::{Notify, mpsc};

use crate::active::{Active, Stepped, rebuild, response, start_base, step};
use crate::{Event, Progress, Result, RunContext, Tally, planned_rows};

/// Raw rows that are saved, read and stepped together.
const ROWS_AT_ONCE: usize = 512;
/// Longest pause between two looks at a job.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Times that sending a job is tried while the provider is busy or away.
const SENDINGS: u32 = 8;

/// Asks a run to stop as soon as what it holds is saved.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    stopped: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl StopSignal {
    /// Asks to stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// Whether it was asked.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every planned row is done, rejected or failed.
    Finished,
    /// It was asked to stop, or to go only so far; the same call goes on.
    Stopped,
}

/// How far a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// Until every row is accounted for.
    ToTheEnd,
    /// Sends what is due and there is room for, and comes back.
    SubmitOnly,
    /// Takes in the rows of jobs that were sent, and sends none.
    CollectOnly,
}

/// A unit whose response is there (or is known never to come).
struct Item {
    record: UnitRecord,
    active: Active,
    request: RequestId,
    outcome: Option<RowOutcome>,
}

enum Message {
    Rows(JobId, EncodedFrame, Vec<DecodedRow>),
    Ended(JobId, Ended),
    Failed(JobId, crate::Error),
}

struct Job {
    tag: String,
    counts: JobCounts,
}

struct Driver<'a, 'c> {
    context: &'a RunContext<'c>,
    store: &'a mut Store,
    reader: RawReader,
    backend: Arc<dyn BatchBackend>,
    progress: &'a mut dyn Progress,
    now: fn() -> i64,
    run_name: String,
    sharder: Sharder,
    /// Which unit waits for a request that is queued or sent.
    waits: HashMap<RequestId, Option<UnitKey>>,
    active: HashMap<UnitKey, (UnitRecord, Active)>,
    jobs: HashMap<JobId, Job>,
    /// Next base row of each plan.
    cursor: Vec<usize>,
    /// Whether the store may have responses that nobody waited for.
    look_up: bool,
    tally: Tally,
    sender: mpsc::Sender<Message>,
}

/// Drives a run until all rows are accounted for or `stop` is asked.
///
/// `now` gives the time for the journal, in seconds since 1970; `run_name` names a new run's jobs at the
/// provider and must not be another run's.
#[expect(clippy::too_many_arguments, reason = "each is one thing that the shell gives, once")]
pub async fn run(
    context: &RunContext<'_>,
    store: &mut Store,
    backend: Arc<dyn BatchBackend>,
    progress: &mut dyn Progress,
    stop: &StopSignal,
    now: fn() -> i64,
    run_name: &str,
    how: Drive,
) -> Result<(Outcome, Tally)> {
    let (sender, mut receiver) = mpsc::channel(8);
    let run_name = match store.meta("run_name")? {
        Some(name) => name,
        None => {
            store.set_meta("run_name", run_name)?;
            run_name.to_owned()
        }
    };
    let rows_per_job = context.config.rows_per_job;
    let sharder = Sharder::new(&backend.limits(), rows_per_job);
    let mut driver = Driver {
        reader: store.reader(),
        look_up: store.answered_total()? > 0,
        context,
        store,
        backend,
        progress,
        now,
        run_name,
        sharder,
        waits: HashMap::new(),
        active: HashMap::new(),
        jobs: HashMap::new(),
        cursor: vec![0; context.plans.len()],
        tally: Tally::default(),
        sender,
    };
    driver.tally.base_planned = context.plans.iter().map(|(_, p)| p.len()).sum();
    driver.take_up(how).await?;
    loop {
        if stop.is_stopped() {
            return Ok((Outcome::Stopped, driver.tally));
        }
        if how != Drive::CollectOnly {
            driver.fill(how).await?;
        }
        driver.tell();
        if how == Drive::SubmitOnly {
            return Ok((Outcome::Stopped, driver.tally));
        }
        if driver.jobs.is_empty() {
            return Ok((Outcome::Finished, driver.tally));
        }
        let message = tokio::select! {
            message = receiver.recv() => message,
            () = stop.notify.notified() => continue,
        };
        match message {
            Some(Message::Rows(job, frame, decoded)) => {
                driver.take_in(job, decoded, |tx| tx.append(&frame))?;
            }
            Some(Message::Ended(job, how)) => driver.job_ended(job, &how)?,
            Some(Message::Failed(job, error)) => {
                driver.jobs.remove(&job);
                return Err(error);
            }
            None => return Ok((Outcome::Finished, driver.tally)),
        }
    }
}

impl Driver<'_, '_> {
    fn tell(&mut self) {
        self.tally.under_way = self.active.len();
        self.progress.tally(&self.tally);
    }

    /// Takes up what an earlier process left: its plan, its unindexed rows, its jobs, its waiting units.
    async fn take_up(&mut self, how: Drive) -> Result<()> {
        let fingerprint = self.context.fingerprint();
        let known = self.store.meta("plan")?;
        if known.as_deref() != Some(&fingerprint) {
            if known.is_some() {
                self.progress.event(Event::Replaying);
            }
            self.store.write(|tx| {
                tx.clear_units()?;
                tx.set_meta("plan", &fingerprint)
            })?;
        }
        for (i, (part, _)) in self.context.plans.iter().enumerate() {
            self.cursor[i] = self.store.last_base(*part)?.map_or(0, |b| b as usize + 1);
        }
        self.tally.base_started = self.cursor.iter().sum();
        let counts = self.store.counts()?;
        for part in &counts {
            self.tally.done += part.conversations_done as usize;
            self.tally.rejected += part.conversations_rejected as usize;
        }

        for job in self.store.open_jobs()? {
            for (request, _) in self.store.asked(job.id)? {
                self.waits.insert(request, None);
            }
            self.jobs.insert(job.id, Job { tag: job.tag, counts: JobCounts::default() });
        }
        let mut after = None;
        loop {
            let page = self.store.units_waiting(after, 4096)?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            let mut idle = Vec::new();
            for record in page {
                match record.waiting.and_then(|r| self.waits.get_mut(&r)) {
                    Some(unit) => *unit = Some(record.key),
                    None => idle.push(record),
                }
            }
            let store: &Store = self.store;
            let rebuilt: Vec<_> = idle
                .into_iter()
                .map(|record| {
                    let built = rebuild(self.context, store, &self.reader, &record)?;
                    Ok(built.map(|(request, active)| (record, request, active)))
                })
                .collect::<Result<_>>()?;
            let mut stepped = Stepped::default();
            for (record, request, active) in rebuilt.into_iter().flatten() {
                stepped.requests.push((record.key, request, active));
                stepped.records.push(record);
            }
            self.settle(vec![stepped], |_| Ok(()))?;
        }

        for frame in self.store.unindexed()? {
            self.progress.event(Event::Recovered { rows: frame.rows.len() });
            self.ingest_frame(&frame)?;
        }
        for job in self.store.open_jobs()? {
            let reference = match job.provider_ref {
                Some(reference) => Some(JobRef(reference)),
                None => {
                    let found = self.backend.find(&ShardTag(job.tag.clone())).await?;
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
                Some(_) if how == Drive::SubmitOnly => {}
                Some(reference) => self.watch(job.id, reference),
                None => self.job_ended(job.id, &Ended::Lost)?,
            }
        }
        Ok(())
    }

    /// Sends jobs while there is room, beginning new base rows where nothing else is due.
    async fn fill(&mut self, how: Drive) -> Result<()> {
        let at_once = self.context.config.jobs.min(self.backend.limits().jobs_at_once).max(1);
        while self.jobs.len() < at_once {
            if !self.sharder.is_full() && self.begin_rows()? {
                continue;
            }
            match self.sharder.take() {
                Some(requests) => self.send(requests, how).await?,
                None => break,
            }
        }
        Ok(())
    }

    /// Begins some base rows; false where none is left or the window is full.
    fn begin_rows(&mut self) -> Result<bool> {
        if self.active.len() >= self.context.config.window {
            return Ok(false);
        }
        let Some(at) = (0..self.cursor.len())
            .find(|i| self.context.plans.get(*i).is_some_and(|(_, p)| self.cursor[*i] < p.len()))
        else {
            return Ok(false);
        };
        let Some((part, plan)) = self.context.plans.get(at) else { return Ok(false) };
        let each = (planned_rows(plan) / plan.len().max(1)).max(1);
        let room = self.context.config.rows_per_job.saturating_sub(self.sharder.held());
        let many = ((self.context.config.window - self.active.len()) / each)
            .clamp(1, room.clamp(1, ROWS_AT_ONCE));
        let from = self.cursor[at];
        let to = (from + many).min(plan.len());
        let started: Vec<_> = (from..to)
            .into_par_iter()
            .map(|i| start_base(self.context, *part, i))
            .collect::<Result<_>>()?;
        let mut stepped = Stepped::default();
        for (record, request, active) in started.into_iter().flatten() {
            stepped.requests.push((record.key, request, active));
            stepped.records.push(record);
        }
        self.cursor[at] = to;
        self.tally.base_started += to - from;
        self.settle(vec![stepped], |_| Ok(()))?;
        Ok(true)
    }

    /// Journals a job, then sends it.
    async fn send(&mut self, requests: Vec<BatchRequest>, how: Drive) -> Result<()> {
        let now = (self.now)();
        let rows = requests.len();
        let waits = &self.waits;
        let name = &self.run_name;
        let (job, tag) = self.store.write(|tx| {
            let tag = format!("{name}-{}", tx.next_job()?);
            let job = tx.new_job(&tag, rows, now)?;
            for request in &requests {
                if let Some(Some(unit)) = waits.get(&request.id) {
                    tx.ask(request.id, *unit, job)?;
                }
            }
            Ok((job, tag))
        })?;
        let shard = Shard::in_memory(ShardTag(tag.clone()), requests);
        let mut pause = Duration::from_secs(1);
        let mut sendings = 0;
        let reference = loop {
            match self.backend.submit(&shard).await {
                Ok(reference) => break reference,
                Err(e) if e.class() == ErrorClass::RetryLater && sendings < SENDINGS => {
                    sendings += 1;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    // The job may have arrived although its answer did not.
                    if let Ok(Some(found)) = self.backend.find(&shard.tag).await {
                        break found;
                    }
                }
                Err(e) => return Err(e.into()),
            }
        };
        let now = (self.now)();
        self.store.write(|tx| tx.job_sent(job, &reference.0, now))?;
        self.tally.asked += rows;
        self.progress.event(Event::Sent { tag: tag.clone(), rows });
        self.jobs.insert(job, Job { tag, counts: JobCounts::default() });
        if how != Drive::SubmitOnly {
            self.watch(job, reference);
        }
        Ok(())
    }

    /// Looks at a job until it ends, and hands its rows on as they come.
    fn watch(&self, job: JobId, reference: JobRef) {
        let backend = Arc::clone(&self.backend);
        let sender = self.sender.clone();
        let format = self.context.row_format;
        tokio::spawn(async move {
            let message = match follow(&*backend, &reference, job, format, &sender).await {
                Ok(how) => Message::Ended(job, how),
                Err(e) => Message::Failed(job, e),
            };
            // The driver is gone when nobody listens: what is not ingested is fetched again.
            let _ = sender.send(message).await;
        });
    }

    /// Takes in rows that were saved by a process that was stopped before it indexed them.
    fn ingest_frame(&mut self, frame: &RawFrame) -> Result<()> {
        let decoded = frame.rows.iter().map(|raw| decode(frame.format, raw)).collect();
        self.take_in(frame.job, decoded, |tx| tx.adopt(frame))
    }

    /// Saves rows with what they say.
    fn take_in(
        &mut self,
        job: JobId,
        decoded: Vec<DecodedRow>,
        save: impl FnOnce(
            &mut clinstruct_store::Tx<'_>,
        ) -> clinstruct_store::Result<clinstruct_store::FrameId>,
    ) -> Result<()> {
        let mut counts = JobCounts::default();
        let mut items = Vec::with_capacity(decoded.len());
        let mut answered: Vec<(RequestId, usize)> = Vec::with_capacity(decoded.len());
        self.tally.rows += decoded.len();
        for (row, decoded) in decoded.into_iter().enumerate() {
            self.tally.usage += decoded.outcome.usage();
            let Some(id) = decoded.id else {
                counts.unknown += 1;
                continue;
            };
            let Some(unit) = self.waits.remove(&id) else {
                if self.store.locate(id)?.is_some() || answered.iter().any(|(a, _)| *a == id) {
                    counts.duplicates += 1;
                } else {
                    counts.unknown += 1;
                }
                continue;
            };
            if delivers(&decoded.outcome) {
                counts.answered += 1;
                answered.push((id, row));
            } else {
                counts.errors += 1;
            }
            if let Some(unit) = unit {
                items.extend(self.item(unit, id, Some(decoded.outcome))?);
            }
        }
        if let Some(job) = self.jobs.get_mut(&job) {
            job.counts.add(&counts);
        }
        let stepped = self.step_all(items)?;
        self.settle(stepped, |tx| {
            let frame = save(tx)?;
            for (id, row) in answered {
                tx.answered(id, frame, row)?;
            }
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// The unit with what it needs to take its response in; made anew where it is not held.
    fn item(
        &mut self,
        unit: UnitKey,
        request: RequestId,
        outcome: Option<RowOutcome>,
    ) -> Result<Option<Item>> {
        let held = match self.active.remove(&unit) {
            Some(held) => Some(held),
            None => match self.store.unit(unit)? {
                Some(record) if record.waiting == Some(request) => {
                    rebuild(self.context, self.store, &self.reader, &record)?
                        .map(|(_, active)| (record, active))
                }
                _ => None,
            },
        };
        Ok(held.map(|(record, active)| Item { record, active, request, outcome }))
    }

    fn step_all(&self, items: Vec<Item>) -> Result<Vec<Stepped>> {
        let context = self.context;
        items
            .into_par_iter()
            .map(|i| step(context, i.record, i.active, i.request, i.outcome.as_ref()))
            .collect()
    }

    /// Writes what was stepped to the journal, in one transaction with `also`, and queues new requests;
    /// those whose response the store has already are stepped on at once.
    fn settle(
        &mut self,
        mut wave: Vec<Stepped>,
        also: impl FnOnce(&mut clinstruct_store::Tx<'_>) -> clinstruct_store::Result<()>,
    ) -> Result<()> {
        let mut records: HashMap<UnitKey, UnitRecord> = HashMap::new();
        let mut order: Vec<UnitKey> = Vec::new();
        let mut queued: Vec<BatchRequest> = Vec::new();
        while !wave.is_empty() {
            let mut found = Vec::new();
            for stepped in wave {
                let mut asking: HashMap<UnitKey, UnitRecord> = HashMap::new();
                for record in stepped.records {
                    if record.waiting.is_some() {
                        asking.insert(record.key, record.clone());
                    } else if !record.key.is_base() {
                        match record.state {
                            clinstruct_store::UnitState::Done => self.tally.done += 1,
                            clinstruct_store::UnitState::Rejected => self.tally.rejected += 1,
                            clinstruct_store::UnitState::Waiting => {}
                        }
                    }
                    if !records.contains_key(&record.key) {
                        order.push(record.key);
                    }
                    records.insert(record.key, record);
                }
                for (key, request, active) in stepped.requests {
                    let Some(record) = asking.remove(&key) else { continue };
                    let known = if self.look_up {
                        response(&|id| Ok(self.store.locate(id)?), &self.reader, request.id)?
                    } else {
                        None
                    };
                    if let Some(outcome) = known {
                        self.tally.found += 1;
                        let (request, outcome) = (request.id, Some(outcome));
                        found.push(Item { record, active, request, outcome });
                        continue;
                    }
                    if self.waits.insert(request.id, Some(key)).is_none() {
                        queued.push(request);
                    }
                    self.active.insert(key, (record, active));
                }
            }
            wave = if found.is_empty() { Vec::new() } else { self.step_all(found)? };
        }
        self.store.write(|tx| {
            also(tx)?;
            for key in &order {
                if let Some(record) = records.get(key) {
                    tx.put_unit(record)?;
                }
            }
            Ok(())
        })?;
        for request in queued {
            self.sharder.hold(request);
        }
        Ok(())
    }

    /// Closes a job: requests without an answer are asked for again.
    fn job_ended(&mut self, job: JobId, how: &Ended) -> Result<()> {
        let Some(mut closed) = self.jobs.remove(&job) else { return Ok(()) };
        let left = self.store.asked(job)?;
        let mut items = Vec::new();
        for (request, _) in &left {
            if let Some(Some(unit)) = self.waits.remove(request) {
                items.extend(self.item(unit, *request, None)?);
            }
        }
        closed.counts.missing += left.len() as u64;
        self.tally.jobs += 1;
        let name = name_of(how);
        let event =
            Event::Ended { tag: closed.tag.clone(), how: name.clone(), missing: left.len() };
        let stepped = self.step_all(items)?;
        let now = (self.now)();
        self.settle(stepped, |tx| {
            tx.release(job)?;
            tx.job_ended(job, &name, &closed.counts, now)
        })?;
        self.progress.event(event);
        Ok(())
    }
}

/// Whether a row is a response that stands, and not a delivery that is to be made again.
fn delivers(outcome: &RowOutcome) -> bool {
    !matches!(
        outcome,
        RowOutcome::Unreadable { .. }
            | RowOutcome::Failed { class: ErrorClass::RetryNow | ErrorClass::RetryLater, .. }
    )
}

fn name_of(how: &Ended) -> String {
    match how {
        Ended::Completed => "completed".into(),
        Ended::Expired => "expired".into(),
        Ended::Cancelled => "cancelled".into(),
        Ended::Failed(why) => format!("failed: {why}"),
        Ended::Lost => "lost".into(),
    }
}

async fn follow(
    backend: &dyn BatchBackend,
    reference: &JobRef,
    job: JobId,
    format: RowFormat,
    sender: &mpsc::Sender<Message>,
) -> Result<Ended> {
    let mut pause = Duration::from_millis(50);
    let how = loop {
        match backend.poll(reference).await {
            Ok(JobState::Ended(how)) => break how,
            Ok(JobState::Running { .. }) => {}
            Err(e) if e.class() == ErrorClass::RetryLater => {}
            Err(e) => return Err(e.into()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    if how == Ended::Lost {
        return Ok(how);
    }
    let mut rows = backend.rows(reference).ready_chunks(ROWS_AT_ONCE);
    while let Some(some) = rows.next().await {
        let some = some.into_iter().collect::<clinstruct_batch_client::Result<Vec<_>>>()?;
        let (frame, decoded) = rayon::join(
            || encode_frame(job, format, &some),
            || some.par_iter().map(|raw| decode(format, raw)).collect::<Vec<_>>(),
        );
        if sender.send(Message::Rows(job, frame?, decoded)).await.is_err() {
            return Ok(how);
        }
    }
    Ok(how)
}
