//! Drives a run: sends what is due, ingests what comes, until every planned row is accounted for.
//!
//! The [`Driver`] composes states that know nothing of each other: what is [in flight](in_flight), the
//! [ledger](ledger), a [queue](queue) for each route, [pauses](backoff), the [stall watch](stall) and the
//! [breakers](breaker). Each file beside these is one thing that the driver does with them: it recovers, dispatches,
//! submits, polls, ingests, commits, closes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clinstruct_batch_client::{BatchBackend, Error as BackendError, ErrorKind, JobRef};
use clinstruct_schema::Fault;
use clinstruct_store::{JobId, RawReader, Store, TaskKey, TaskRecord};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::active::Active;
use crate::{Error, Event, Progress, Result, RunContext, Tally};

mod backoff;
mod breaker;
mod close;
mod commit;
mod dispatch;
mod in_flight;
mod ingest;
mod ledger;
mod poll_job;
mod queue;
mod recover;
mod reopen;
mod stall;
mod submit;

use backoff::{Backoff, BatchDeadline, FirstContact, Pauses};
use breaker::{Breaker, FatalError, JobBreaker};
use in_flight::InFlight;
use ingest::{Raw, Rows};
use ledger::Ledger;
use poll_job::{Message, ROWS_AT_ONCE};
use queue::{Blocked, Queue};
pub use reopen::{Reopen, reopen};
use stall::StallWatch;

/// How often the driver checks whether a backend waits for something.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Searches for a job that may be at the provider before it counts as absent, over some seconds: it may still be on
/// its way, and a listing may not show at once what was just made.
const FIND_ATTEMPTS: u32 = 4;

/// Stops a run as soon as what it holds is saved.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    stopped: Arc<AtomicBool>,
    notify: Arc<Notify>,
}

impl StopSignal {
    /// Requests a stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// Whether a stop was requested.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every planned row is done, rejected or failed.
    Finished,
    /// It was asked to stop, or to go only so far; the same call resumes.
    Stopped,
    /// What is next could cost more than allowed; the same call with a higher limit resumes.
    CostReached,
}

/// How far a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// Until every row is accounted for.
    ToTheEnd,
    /// Sends what is due and there is room for, and returns.
    SubmitOnly,
    /// Ingests the rows of jobs that were sent, and sends none.
    CollectOnly,
    /// Replays the plan from the stored responses; neither sends nor fetches.
    Replay,
}

/// The state of a call of [`run`].
struct Driver<'a, 'c> {
    context: &'a RunContext<'c>,
    store: &'a mut Store,
    reader: RawReader,
    progress: &'a mut dyn Progress,
    stop: &'a StopSignal,
    now: fn() -> i64,
    how: Drive,
    run_name: String,
    sender: mpsc::Sender<Message>,
    /// A queue for each route.
    queues: Vec<Queue>,
    in_flight: InFlight,
    ledger: Ledger,
    /// Tasks that wait, as far as they are held in memory.
    tasks: HashMap<TaskKey, (TaskRecord, Active)>,
    /// Next seed row of each plan.
    cursor: Vec<usize>,
    tally: Tally,
    backoff: Backoff,
    batch_deadline: BatchDeadline,
    contact: FirstContact,
    stall: StallWatch,
    breaker: Breaker,
    job_breaker: JobBreaker,
    /// Why no request can be answered.
    fatal_error: Option<FatalError>,
    /// Whether the store may have responses that no task waited for.
    has_responses: bool,
    /// Whether the journal has requests that were given up.
    has_given_up: bool,
    /// What is freed at providers meanwhile.
    releases: JoinSet<()>,
    /// The last reason to wait of each route that was reported.
    waits_reported: HashMap<usize, u64>,
}

/// Drives a run until all rows are accounted for or `stop` is requested.
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
    let pauses = Pauses { first: context.config.pause };
    let has_responses = store.answered_total()? > 0;
    let mut driver = Driver {
        reader: store.reader(),
        has_given_up: store.has_given_up()?,
        context,
        store,
        progress,
        stop,
        now,
        how,
        run_name,
        sender,
        queues,
        in_flight: InFlight::default(),
        ledger: Ledger::new(context.config.max_cost, context.routes.all()),
        tasks: HashMap::new(),
        cursor: vec![0; context.plans.len()],
        tally: Tally {
            base_planned: context.plans.iter().map(|(_, p)| p.len()).sum(),
            ..Tally::default()
        },
        backoff: Backoff::new(pauses),
        batch_deadline: BatchDeadline::default(),
        contact: FirstContact::new(has_responses),
        stall: StallWatch::default(),
        breaker: Breaker::new(has_responses),
        job_breaker: JobBreaker::default(),
        fatal_error: None,
        has_responses,
        releases: JoinSet::new(),
        waits_reported: HashMap::new(),
    };
    driver.recover().await?;
    driver.run(&mut receiver).await
}

impl Driver<'_, '_> {
    /// Sends and ingests until the run is done, stopped or at its limit.
    async fn run(&mut self, receiver: &mut mpsc::Receiver<Message>) -> Result<(Outcome, Tally)> {
        let mut draining = false;
        // What came with rows and is no row.
        let mut next = None;
        // Why nothing more can be sent; what is in flight in this process is billed, and ingested first.
        let mut failure = None;
        loop {
            if self.stop.is_stopped() || failure.is_some() {
                if !draining {
                    draining = true;
                    self.cancel_jobs_of_this_process().await;
                }
                if !self.has_jobs_of_this_process() {
                    self.finish_releases().await;
                    return failure.map_or(Ok((Outcome::Stopped, self.tally())), Err);
                }
            }
            let blocked = if draining || self.how == Drive::CollectOnly {
                Blocked::No
            } else {
                self.fill().await?
            };
            self.report();
            if self.stop.is_stopped() && !draining {
                continue;
            }
            if matches!(self.how, Drive::SubmitOnly | Drive::Replay) {
                return Ok((Outcome::Stopped, self.tally()));
            }
            if !self.in_flight.has_jobs() {
                match self.backoff.backoff_until().filter(|_| self.has_due()) {
                    Some(until) => {
                        self.pause(until.saturating_duration_since(Instant::now())).await;
                        self.backoff.end();
                        continue;
                    }
                    None if blocked == Blocked::Money => {
                        return Ok((Outcome::CostReached, self.tally()));
                    }
                    None => {
                        if let Some(words) = self.breaker.unanswered() {
                            self.progress.event(Event::RowFault { words: words.to_owned() });
                        }
                        self.finish_releases().await;
                        return Ok((Outcome::Finished, self.tally()));
                    }
                }
            }
            let backoff = self.backoff.backoff_until();
            let batch = self.batch_deadline.batch_deadline();
            let stall = self.stall.deadline().filter(|_| !draining);
            let check = self.has_jobs_of_this_process().then(|| Instant::now() + CHECK_INTERVAL);
            let message = tokio::select! {
                biased;
                () = std::future::ready(()), if next.is_some() => next.take(),
                message = receiver.recv() => message,
                () = self.stop.notify.notified(), if !draining => continue,
                () = tokio::time::sleep_until(backoff.unwrap_or_else(Instant::now)), if backoff.is_some() => {
                    self.backoff.end();
                    continue;
                }
                () = tokio::time::sleep_until(batch.unwrap_or_else(Instant::now)), if batch.is_some() => {
                    continue;
                }
                () = tokio::time::sleep_until(stall.unwrap_or_else(Instant::now)), if stall.is_some() => {
                    self.report_stall();
                    continue;
                }
                () = tokio::time::sleep_until(check.unwrap_or_else(Instant::now)), if check.is_some() => {
                    self.report_waits();
                    continue;
                }
            };
            self.stall.received();
            self.report_waits();
            let Some(message) = message else { return Ok((Outcome::Finished, self.tally())) };
            if let Some(error) = self.handle(message, receiver, &mut next)? {
                failure.get_or_insert(error);
            }
        }
    }

    /// Handles a message; gives the error that stops the run, if it brings one. Rows that came meanwhile are handled
    /// with it, and what came behind them and is no row becomes `next`.
    fn handle(
        &mut self,
        message: Message,
        receiver: &mut mpsc::Receiver<Message>,
        next: &mut Option<Message>,
    ) -> Result<Option<Error>> {
        match message {
            Message::Rows(job, frame, decoded) => {
                // What came of other jobs meanwhile is saved with it: a transaction waits for the disk.
                let mut count = decoded.len();
                let mut all = vec![Rows { job, decoded, raw: Raw::New(frame) }];
                while count < ROWS_AT_ONCE && next.is_none() {
                    match receiver.try_recv() {
                        Ok(Message::Rows(job, frame, decoded)) => {
                            count += decoded.len();
                            all.push(Rows { job, decoded, raw: Raw::New(frame) });
                        }
                        Ok(other) => *next = Some(other),
                        Err(_) => break,
                    }
                }
                let streams = all.iter().any(|r| self.streams(r.job));
                self.ingest(all)?;
                // The rows of a batch are all there: they are ingested first, and its end decides.
                Ok(if streams { self.stopped_by_rows() } else { None })
            }
            Message::Ended(job, end, reference) => {
                let backend = self.backend_of(job).filter(|_| !end.is_lost());
                let ended = self.job_ended(job, &end);
                if let Some(backend) = backend {
                    self.releases.spawn(async move {
                        // What is not freed does no harm.
                        let _ = backend.release(&reference).await;
                    });
                }
                Ok(ended?.or_else(|| self.stopped_by_rows()))
            }
            Message::Retrying(why, pause) => {
                self.progress.event(Event::Waiting { why, seconds: Some(pause.as_secs()) });
                Ok(None)
            }
            Message::Failed(job, error) => {
                self.job_failed(job, &error)?;
                Ok(Some(error))
            }
        }
    }

    fn tally(&self) -> Tally {
        Tally {
            under_way: self.in_flight.len(),
            spent: self.ledger.spent(),
            estimated: self.ledger.estimated(),
            reserved: self.ledger.reserved(),
            ..self.tally
        }
    }

    fn report(&mut self) {
        let tally = self.tally();
        self.progress.tally(&tally);
    }

    fn backend_of(&self, job: JobId) -> Option<Arc<dyn BatchBackend>> {
        let queue = self.in_flight.job(job).and_then(|j| self.queues.get(j.route))?;
        Some(Arc::clone(&queue.route.backend))
    }

    /// Gives what is being freed a moment to finish.
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
        self.in_flight.job(job).is_some_and(|j| self.ends_with_process(j.route))
    }

    /// Reports what backends wait for, each reason once.
    fn report_waits(&mut self) {
        for (number, queue) in self.queues.iter().enumerate() {
            let Some(waiting) = queue.route.backend.waiting() else { continue };
            if self.waits_reported.insert(number, waiting.number) != Some(waiting.number) {
                self.stall.received();
                let (why, seconds) = (waiting.why, waiting.seconds);
                self.progress.event(Event::Waiting { why, seconds });
            }
        }
    }

    /// Reports an error that may pass, and waits; gives the pause for the next time.
    ///
    /// A provider that answered no call yet, and returns nothing but server errors, is not waited for.
    async fn wait_out(&mut self, e: &BackendError, pause: Duration) -> Result<Duration> {
        let pauses = self.pauses();
        let wait = pauses.for_error(e, pause);
        self.stall.received();
        if e.kind == ErrorKind::Server && self.contact.server_error() {
            let (fault, words) = (Some(Fault::Server), e.message.clone());
            return Err(Error::NoAnswers { many: None, fault, words });
        }
        self.progress.event(Event::Waiting { why: e.with_causes(), seconds: Some(wait.as_secs()) });
        self.pause(wait).await;
        // A pause that the provider asked for says nothing about the next one.
        Ok(if e.retry_after.is_some() { pause } else { pauses.after(pause) })
    }

    /// Whether jobs are in flight that end with this process: their rows are billed, and come to nobody else.
    fn has_jobs_of_this_process(&self) -> bool {
        self.in_flight.jobs().any(|j| self.ends_with_process(j.route))
    }

    fn ends_with_process(&self, route: usize) -> bool {
        self.queues.get(route).is_some_and(Queue::ends_with_process)
    }

    async fn cancel_jobs_of_this_process(&self) {
        for job in self.in_flight.jobs().filter(|j| self.ends_with_process(j.route)) {
            if let Some(queue) = self.queues.get(job.route) {
                // What cannot be cancelled ends by itself.
                let _ = queue.route.backend.cancel(&JobRef(job.tag.clone())).await;
            }
        }
    }
}
