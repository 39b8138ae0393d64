use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Error as BackendError, ErrorKind, JobRef,
};
use clinstruct_schema::{Fault, MicroUsd, RequestId, RowOutcome, Speaker};
use clinstruct_store::{GivenUp, JobId, RawReader, Store, TaskKey, TaskRecord, TaskState};
use rayon::prelude::*;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::poll_job::{Message, Pauses, Polled, ROWS_AT_ONCE, WORTH_SPREADING, poll_job};
use crate::queue::{Blocked, Job, Queue, outstanding, under_way};
use crate::task::{Stepped, Task, delivers, give_up, rebuild, response, start, step};
use crate::{Error, Event, Progress, Result, RunContext, Tally, planned_rows};

mod breaker;
mod closing;
mod ingest;
mod quiet;
mod reopen;
mod send;
mod take_up;

use breaker::Breaker;
pub(crate) use breaker::Halt;
use ingest::{Raw, Rows};
use quiet::FirstWord;
pub use reopen::{Reopen, reopen};

/// Errors of the provider's own before any call was answered, before the run stops: about fifteen seconds.
const FIRST_ERRORS: u32 = 5;
/// How often it is looked whether a backend waits for something.
const LOOK: Duration = Duration::from_millis(500);
/// Looks for a job that may be at the provider before it is held to be absent, over some seconds: it may be
/// on its way still, and a listing may not show at once what was just made.
const LOOKS: u32 = 4;

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
    /// What is next could cost more than allowed; the same call with a higher limit goes on.
    CostReached,
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
    /// Plays the plan from the responses that the store has; neither sends nor fetches.
    Replay,
}

/// A task whose response is there (or is known never to come).
struct Item {
    record: TaskRecord,
    task: Task,
    request: RequestId,
    outcome: Option<RowOutcome>,
    /// Why there is no outcome.
    absent: String,
}

/// A request that is waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Wait {
    /// The task that waits.
    task: Option<TaskKey>,
    /// The job that it was sent with last; `None` while it is queued.
    job: Option<JobId>,
}

struct Driver<'a, 'c> {
    context: &'a RunContext<'c>,
    store: &'a mut Store,
    reader: RawReader,
    queues: Vec<Queue>,
    progress: &'a mut dyn Progress,
    stop: &'a StopSignal,
    now: fn() -> i64,
    how: Drive,
    run_name: String,
    /// Who waits for a request that is queued or sent.
    waits: HashMap<RequestId, Wait>,
    active: HashMap<TaskKey, (TaskRecord, Task)>,
    jobs: HashMap<JobId, Job>,
    /// Next base row of each plan.
    cursor: Vec<usize>,
    /// Whether the store may have responses that nobody waited for.
    look_up: bool,
    tally: Tally,
    sender: mpsc::Sender<Message>,
    /// Nothing is sent before this.
    cool_until: Option<Instant>,
    cooling: Duration,
    /// When a job that is not full is sent.
    linger_until: Option<Instant>,
    /// What is freed at providers meanwhile.
    releases: JoinSet<()>,
    /// Whether any call was answered, by this run or an earlier one, and errors of the provider's own until then.
    reached: bool,
    server_errors: u32,
    /// Consecutive jobs without a row, and those of them that the provider lost.
    empty_jobs: u32,
    lost_jobs: u32,
    first_word: FirstWord,
    breaker: Breaker,
    /// Why no row can be answered.
    halt: Option<Halt>,
    /// The last reason to wait of each route that was shown.
    waits_shown: HashMap<usize, u64>,
    /// Whether the journal has requests that were given up.
    gave_up: bool,
}

/// Drives a run until all rows are accounted for or `stop` is asked.
///
/// `now` gives the time for the journal, in seconds since 1970; `run_name` names a new run's jobs at the
/// provider and must not be another run's.
pub async fn run(
    context: &RunContext<'_>,
    store: &mut Store,
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
    let queues =
        context.routes.all().iter().map(|r| Queue::new(r.clone(), &context.config)).collect();
    let mut driver = Driver {
        reader: store.reader(),
        look_up: store.answered_total()? > 0,
        breaker: Breaker::new(store.answered_total()? > 0),
        gave_up: store.has_given_up()?,
        context,
        store,
        queues,
        progress,
        stop,
        now,
        how,
        run_name,
        waits: HashMap::new(),
        active: HashMap::new(),
        jobs: HashMap::new(),
        cursor: vec![0; context.plans.len()],
        tally: Tally::default(),
        sender,
        cool_until: None,
        cooling: context.config.pause,
        linger_until: None,
        releases: JoinSet::new(),
        reached: false,
        server_errors: 0,
        empty_jobs: 0,
        lost_jobs: 0,
        first_word: FirstWord::NotAsked,
        halt: None,
        waits_shown: HashMap::new(),
    };
    driver.tally.base_planned = context.plans.iter().map(|(_, p)| p.len()).sum();
    driver.reached = driver.look_up;
    driver.take_up().await?;
    let mut draining = false;
    // What came with rows and is no row.
    let mut next = None;
    // Why nothing more can be asked; what is under way in this process is paid for and taken first.
    let mut failure = None;
    loop {
        if stop.is_stopped() || failure.is_some() {
            if !draining {
                draining = true;
                driver.cancel_what_ends_with_us().await;
            }
            if !driver.holds_what_ends_with_us() {
                driver.finish_releases().await;
                return failure.map_or(Ok((Outcome::Stopped, driver.tally)), Err);
            }
        }
        let blocked =
            if draining || how == Drive::CollectOnly { Blocked::No } else { driver.fill().await? };
        driver.tell();
        if stop.is_stopped() && !draining {
            continue;
        }
        if matches!(how, Drive::SubmitOnly | Drive::Replay) {
            return Ok((Outcome::Stopped, driver.tally));
        }
        if driver.jobs.is_empty() {
            match driver.cool_until.filter(|_| driver.has_due()) {
                Some(until) => {
                    driver.pause(until.saturating_duration_since(Instant::now())).await;
                    driver.cool_until = None;
                    continue;
                }
                None if blocked == Blocked::Money => {
                    return Ok((Outcome::CostReached, driver.tally));
                }
                None => {
                    if let Some(words) = driver.breaker.unanswered() {
                        driver.progress.event(Event::RowFault { words: words.to_owned() });
                    }
                    driver.finish_releases().await;
                    return Ok((Outcome::Finished, driver.tally));
                }
            }
        }
        let cooled = driver.cool_until;
        let lingered = driver.linger_until;
        let silent = driver.silent_until().filter(|_| !draining);
        let look = driver.waits_by_itself().then(|| Instant::now() + LOOK);
        let message = tokio::select! {
            biased;
            () = std::future::ready(()), if next.is_some() => next.take(),
            message = receiver.recv() => message,
            () = stop.notify.notified(), if !draining => continue,
            () = tokio::time::sleep_until(cooled.unwrap_or_else(Instant::now)), if cooled.is_some() => {
                driver.cool_until = None;
                continue;
            }
            () = tokio::time::sleep_until(lingered.unwrap_or_else(Instant::now)), if lingered.is_some() => {
                continue;
            }
            () = tokio::time::sleep_until(silent.unwrap_or_else(Instant::now)), if silent.is_some() => {
                driver.tell_silence();
                continue;
            }
            () = tokio::time::sleep_until(look.unwrap_or_else(Instant::now)), if look.is_some() => {
                driver.show_waits();
                continue;
            }
        };
        driver.heard();
        driver.show_waits();
        match message {
            Some(Message::Rows(job, frame, decoded)) => {
                // What other jobs gave meanwhile is saved with it: a transaction waits for the disk.
                let mut count = decoded.len();
                let mut all = vec![Rows { job, decoded, raw: Raw::New(frame) }];
                while count < ROWS_AT_ONCE && next.is_none() {
                    match receiver.try_recv() {
                        Ok(Message::Rows(job, frame, decoded)) => {
                            count += decoded.len();
                            all.push(Rows { job, decoded, raw: Raw::New(frame) });
                        }
                        Ok(other) => next = Some(other),
                        Err(_) => break,
                    }
                }
                let streams = all.iter().any(|r| driver.streams(r.job));
                driver.ingest(all)?;
                // The rows of a batch are all there: they are ingested first, and its end decides.
                if streams && let Some(error) = driver.stopped_by_rows() {
                    failure.get_or_insert(error);
                }
            }
            Some(Message::Ended(job, how, reference, words)) => {
                let backend = driver.backend_of(job);
                let kept = how != clinstruct_batch_client::Ended::Lost;
                let ended = driver.job_ended(job, &how, words.as_deref());
                if let Some(backend) = backend.filter(|_| kept) {
                    driver.releases.spawn(async move {
                        // What is not freed is in nobody's way.
                        let _ = backend.release(&reference).await;
                    });
                }
                if let Some(error) = ended?.or_else(|| driver.stopped_by_rows()) {
                    failure.get_or_insert(error);
                }
            }
            Some(Message::Trouble(why, pause)) => {
                driver.progress.event(Event::Waiting { why, seconds: Some(pause.as_secs()) });
            }
            Some(Message::Failed(job, error)) => {
                driver.job_failed(job, &error)?;
                failure.get_or_insert(error);
            }
            None => return Ok((Outcome::Finished, driver.tally)),
        }
    }
}

impl Driver<'_, '_> {
    fn tell(&mut self) {
        self.tally.under_way = self.waits.len();
        self.tally.reserved = outstanding(&self.jobs);
        self.progress.tally(&self.tally);
    }

    fn backend_of(&self, job: JobId) -> Option<Arc<dyn BatchBackend>> {
        let queue = self.jobs.get(&job).and_then(|j| self.queues.get(j.route))?;
        Some(Arc::clone(&queue.route.backend))
    }

    /// Gives what is being freed a moment to come to its end.
    async fn finish_releases(&mut self) {
        let all = async { while self.releases.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(self.context.config.pause * 5, all).await;
    }

    fn pauses(&self) -> Pauses {
        Pauses { first: self.context.config.pause }
    }

    /// Sleeps, unless the run is asked to stop.
    async fn pause(&self, time: Duration) {
        if self.stop.is_stopped() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.notify.notified() => {}
        }
    }

    /// Whether a job's rows come while they are made.
    fn streams(&self, job: JobId) -> bool {
        self.jobs.get(&job).is_some_and(|j| self.ends_with_us(j.route))
    }

    /// Whether a job is with a backend that waits by itself.
    fn waits_by_itself(&self) -> bool {
        self.jobs.values().any(|j| self.ends_with_us(j.route))
    }

    /// Shows what backends wait for, each reason once.
    fn show_waits(&mut self) {
        for (number, queue) in self.queues.iter().enumerate() {
            let Some(waiting) = queue.route.backend.waiting() else { continue };
            if self.waits_shown.insert(number, waiting.number) != Some(waiting.number) {
                self.first_word = FirstWord::Over;
                let (why, seconds) = (waiting.why, waiting.seconds);
                self.progress.event(Event::Waiting { why, seconds });
            }
        }
    }

    /// Reports trouble that may pass and waits; gives the pause for the next time.
    ///
    /// A provider that has answered nothing but errors of its own, to no call, is not waited for.
    async fn wait_out(&mut self, e: &BackendError, pause: Duration) -> Result<Duration> {
        let pauses = self.pauses();
        let wait = pauses.for_trouble(e, pause);
        self.heard();
        if e.kind == ErrorKind::Server && !self.reached {
            self.server_errors += 1;
            if self.server_errors >= FIRST_ERRORS {
                let (fault, words) = (Some(Fault::Server), e.message.clone());
                return Err(Error::NoAnswers { many: None, fault, words });
            }
        }
        self.progress.event(Event::Waiting { why: e.with_causes(), seconds: Some(wait.as_secs()) });
        self.pause(wait).await;
        // A pause that was asked for says nothing about the next one.
        Ok(if e.retry_after.is_some() { pause } else { pauses.after(pause) })
    }

    /// Whether anything waits to be sent or to be begun.
    fn has_due(&self) -> bool {
        self.queues.iter().any(|q| q.sharder.held() > 0)
            || self.context.plans.iter().zip(&self.cursor).any(|((_, p), c)| *c < p.len())
    }

    /// Jobs that live in this process only: their rows are paid for, and come to nobody else.
    fn holds_what_ends_with_us(&self) -> bool {
        self.jobs.values().any(|j| self.ends_with_us(j.route))
    }

    fn ends_with_us(&self, route: usize) -> bool {
        self.queues.get(route).is_some_and(|q| !q.limits.finds_jobs && !q.limits.rehearsal)
    }

    async fn cancel_what_ends_with_us(&self) {
        for job in self.jobs.values().filter(|j| self.ends_with_us(j.route)) {
            if let Some(queue) = self.queues.get(job.route) {
                // What cannot be cancelled ends by itself.
                let _ = queue.route.backend.cancel(&JobRef(job.tag.clone())).await;
            }
        }
    }

    /// Sends jobs while there is room, beginning new base rows where nothing else is due; says what is in
    /// the way where something waits and nothing goes.
    async fn fill(&mut self) -> Result<Blocked> {
        let mut blocked = Blocked::No;
        let lingered = self.linger_until.take();
        for number in 0..self.queues.len() {
            let most = self.queues.get(number).map_or(0, |q| q.limits.jobs_at_once);
            let at_once = self.context.config.jobs.min(most).max(1);
            loop {
                if self.how == Drive::Replay {
                    if self.begin_rows()? {
                        continue;
                    }
                    break;
                }
                let (tokens, jobs) = under_way(&self.jobs, number);
                let halted = self.halt.is_some() || (jobs > 0 && self.breaker.holds_back());
                if self.cool_until.is_some() || self.stop.is_stopped() || jobs >= at_once || halted
                {
                    break;
                }
                let full = self.queues.get(number).is_some_and(|q| q.sharder.is_full());
                if !full && self.begin_rows()? {
                    continue;
                }
                if !full && jobs > 0 && self.lingers(number, lingered) {
                    break;
                }
                let money = self.money_left();
                let alone = jobs == 0;
                let Some(queue) = self.queues.get_mut(number) else { break };
                let (taken, why) = queue.take(tokens, alone, money);
                if taken.requests.is_empty() {
                    blocked = blocked.max(why);
                    break;
                }
                self.send(number, taken).await?;
            }
        }
        Ok(blocked)
    }

    /// Whether a job that is not full waits a little for more rows of those that are coming in.
    fn lingers(&mut self, number: usize, since: Option<Instant>) -> bool {
        let Some(queue) = self.queues.get(number) else { return false };
        let at_once = self.how == Drive::SubmitOnly
            || !queue.limits.finds_jobs
            || queue.limits.rehearsal
            || queue.sharder.held() == 0;
        if at_once {
            return false;
        }
        let now = Instant::now();
        let until = since.or(self.linger_until).unwrap_or(now + self.context.config.pause / 4);
        if until <= now {
            return false;
        }
        self.linger_until = Some(until);
        true
    }

    /// What may still be spent beyond what is under way.
    fn money_left(&self) -> MicroUsd {
        match self.context.config.max_cost {
            None => MicroUsd::MAX,
            Some(most) => {
                most.saturating_sub(self.tally.spent).saturating_sub(outstanding(&self.jobs))
            }
        }
    }

    /// Begins some base rows; false where none is left or the window is full.
    fn begin_rows(&mut self) -> Result<bool> {
        if self.waits.len() >= self.context.config.window {
            return Ok(false);
        }
        let Some(at) = (0..self.cursor.len())
            .find(|i| self.context.plans.get(*i).is_some_and(|(_, p)| self.cursor[*i] < p.len()))
        else {
            return Ok(false);
        };
        let Some((part, plan)) = self.context.plans.get(at) else { return Ok(false) };
        let each = (planned_rows(plan) / plan.len().max(1)).max(1);
        let writer = self.context.routes.number(Speaker::PromptWriter);
        let held = self.queues.get(writer).map_or(0, |q| q.sharder.held());
        let room = self.context.config.rows_per_job.saturating_sub(held);
        let many = ((self.context.config.window - self.waits.len()) / each)
            .clamp(1, room.clamp(1, ROWS_AT_ONCE));
        let from = self.cursor[at];
        let to = (from + many).min(plan.len());
        let one = |i| start(self.context, *part, i);
        let started: Vec<_> = if many < WORTH_SPREADING {
            (from..to).map(one).collect::<Result<_>>()?
        } else {
            (from..to).into_par_iter().map(one).collect::<Result<_>>()?
        };
        let mut stepped = Stepped::default();
        for (record, request, task) in started.into_iter().flatten() {
            stepped.requests.push((record.key, request, task));
            stepped.records.push(record);
        }
        self.cursor[at] = to;
        self.tally.base_started += to - from;
        self.settle(vec![stepped], |_| Ok(()))?;
        Ok(true)
    }

    /// Polls a job until it ends, and sends its rows on as they come.
    fn watch(&self, job: JobId, reference: JobRef) -> Result<()> {
        let Some((open, queue)) =
            self.jobs.get(&job).and_then(|j| Some((j, self.queues.get(j.route)?)))
        else {
            return Ok(());
        };
        let backend = Arc::clone(&queue.route.backend);
        let sender = self.sender.clone();
        let pauses = self.pauses();
        let wanted = self.wanted(&open.tag, Some(&reference))?;
        let requests = if queue.limits.finds_jobs {
            self.store.open_requests(job)?.into_iter().map(|(request, _)| request).collect()
        } else {
            HashSet::new()
        };
        tokio::spawn(async move {
            let mut polled = Polled {
                backend: &*backend,
                job,
                wanted,
                requests,
                seen: (0, 0),
                first: String::new(),
                first_is_json: false,
                pauses,
                sender: &sender,
            };
            let message = match poll_job(&mut polled, reference).await {
                Ok((how, reference, words)) => Message::Ended(job, how, reference, words),
                Err(e) => Message::Failed(job, e),
            };
            // The driver is gone when nobody listens: what is not taken in is fetched again.
            let _ = sender.send(message).await;
        });
        Ok(())
    }

    /// The task with what it needs to take its response in; made anew where it is not held.
    fn item(
        &mut self,
        task: TaskKey,
        request: RequestId,
        outcome: Option<RowOutcome>,
        absent: String,
    ) -> Result<Option<Item>> {
        let held = match self.active.remove(&task) {
            Some(held) => Some(held),
            None => match self.store.task(task)? {
                Some(record) if record.waiting == Some(request) => {
                    rebuild(self.context, self.store, &self.reader, &record)?
                        .map(|(_, task)| (record, task))
                }
                _ => None,
            },
        };
        Ok(held.map(|(record, task)| Item { record, task, request, outcome, absent }))
    }

    fn step_all(&self, items: Vec<Item>) -> Result<Vec<Stepped>> {
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

    /// Writes what was stepped to the journal, in one transaction with `also`, and queues new requests;
    /// those whose response the store has already are stepped on at once.
    fn settle(
        &mut self,
        mut wave: Vec<Stepped>,
        also: impl FnOnce(&mut clinstruct_store::Tx<'_>) -> clinstruct_store::Result<()>,
    ) -> Result<()> {
        let mut records: HashMap<TaskKey, TaskRecord> = HashMap::new();
        let mut order: Vec<TaskKey> = Vec::new();
        let mut queued: Vec<(Speaker, BatchRequest)> = Vec::new();
        let mut given_up: Vec<GivenUp> = Vec::new();
        let mut set_aside: Vec<RequestId> = Vec::new();
        while !wave.is_empty() {
            let mut found = Vec::new();
            let mut ended = Vec::new();
            for stepped in wave {
                given_up.extend(stepped.given_up);
                let mut asking: HashMap<TaskKey, TaskRecord> = HashMap::new();
                for record in stepped.records {
                    if record.waiting.is_some() {
                        asking.insert(record.key, record.clone());
                    } else if !record.key.is_seed_row() {
                        match record.state {
                            TaskState::Done => self.tally.done += 1,
                            TaskState::Rejected => self.tally.rejected += 1,
                            TaskState::Waiting => {}
                        }
                    }
                    if !records.contains_key(&record.key) {
                        order.push(record.key);
                    }
                    records.insert(record.key, record);
                }
                for (key, request, task) in stepped.requests {
                    let Some(record) = asking.remove(&key) else { continue };
                    let known = if self.look_up {
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
                        // An error that an earlier version kept as if it were the answer.
                        Some(_) => set_aside.push(request.id),
                        None => {}
                    }
                    if self.gave_up
                        && let Some(why) = self.store.given_up(request.id)?
                    {
                        ended.push(give_up(self.context, record, task, why)?);
                        continue;
                    }
                    if self.how == Drive::Replay {
                        continue;
                    }
                    let wait = Wait { task: Some(key), job: None };
                    if self.waits.insert(request.id, wait).is_none() {
                        queued.push((task.speaker(), request));
                    }
                    if self.active.len() < self.context.config.in_memory {
                        self.active.insert(key, (record, task));
                    }
                }
            }
            wave = if found.is_empty() { Vec::new() } else { self.step_all(found)? };
            wave.extend(ended);
        }
        self.gave_up |= !given_up.is_empty();
        self.store.write(|tx| {
            also(tx)?;
            for request in &set_aside {
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

    /// A task that waits for a request as it did before that was sent.
    fn as_before(&mut self, task: TaskKey, request: RequestId) -> Result<Option<Stepped>> {
        let built = match self.active.remove(&task) {
            Some((record, task)) => {
                let built = rebuild(self.context, self.store, &self.reader, &record)?;
                built.map(|(again, _)| (record, again, task))
            }
            None => match self.store.task(task)? {
                Some(record) => rebuild(self.context, self.store, &self.reader, &record)?
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
