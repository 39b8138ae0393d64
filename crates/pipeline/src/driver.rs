//! Drives a run: sends what is due and ingests rows until every planned row is accounted for.
//!
//! Its [state] composes independent states: what is [in flight](in_flight), the [ledger](ledger), a [queue](queue) for
//! each route, [pauses](backoff), the [stall watch](stall) and the [breakers](breaker). The other files are its
//! operations on them: recover, dispatch, submit, poll, ingest, commit, close.

use std::collections::HashMap;
use std::time::Duration;

use clinstruct_store::Store;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::control::{Drive, Outcome, StopSignal};
use crate::task::LastRow;
use crate::{Error, Event, Progress, Result, RunContext, Tally};

mod backoff;
mod breaker;
mod close;
mod commit;
mod dispatch;
mod in_flight;
mod ingest;
mod job_end;
mod ledger;
mod message;
mod poll_job;
mod queue;
mod recover;
mod reopen;
mod stall;
mod state;
mod submit;

use backoff::{Backoff, BatchDeadline, FirstContact, Pauses};
use breaker::{Breaker, JobBreaker};
use in_flight::InFlight;
use ingest::{Raw, Rows};
use ledger::Ledger;
use message::Message;
use poll_job::ROWS_AT_ONCE;
use queue::{Blocked, Queue};
pub use reopen::{Reopen, reopen};
use stall::StallWatch;
use state::Driver;

/// Interval at which the driver checks whether a backend is waiting.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Drives a run until all rows are accounted for or `stop` is requested.
///
/// `now` returns the time for the journal, in seconds since 1970; `run_name` names a new run's jobs at the provider and
/// must be unique.
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
        last_row: LastRow::default(),
        cursor: vec![0; context.plans.len()],
        tally: Tally {
            seed_rows_planned: context.plans.iter().map(|(_, p)| p.len()).sum(),
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
        // Messages that arrived with rows and are not rows.
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

    /// Handles a message; returns the error that stops the run, if any. Rows that arrived meanwhile are handled with
    /// it, and the first other message after them becomes `next`.
    fn handle(
        &mut self,
        message: Message,
        receiver: &mut mpsc::Receiver<Message>,
        next: &mut Option<Message>,
    ) -> Result<Option<Error>> {
        match message {
            Message::Rows(job, frame, decoded) => {
                // Results of other jobs are saved with it: a transaction waits for the disk.
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
                // The rows of a batch are complete: they are ingested first, and its end decides.
                Ok(if streams { self.stopped_by_rows() } else { None })
            }
            Message::Ended(job, end, reference) => {
                let backend = self.backend_of(job).filter(|_| !end.is_lost());
                let ended = self.job_ended(job, &end);
                if let Some(backend) = backend {
                    self.releases.spawn(async move {
                        // Failure to free it is harmless.
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
}
