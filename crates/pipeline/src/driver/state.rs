//! The state of a call, and what its operations share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_batch_client::{BatchBackend, Error as BackendError, ErrorKind, JobRef};
use clinstruct_schema::Fault;
use clinstruct_store::{JobId, RawReader, Store, TaskKey, TaskRecord};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::backoff::{Backoff, BatchDeadline, FirstContact, Pauses};
use super::breaker::{Breaker, FatalError, JobBreaker};
use super::in_flight::InFlight;
use super::ledger::Ledger;
use super::message::Message;
use super::queue::Queue;
use super::stall::StallWatch;
use crate::control::{Drive, StopSignal};
use crate::task::{LastRow, Task};
use crate::{Error, Event, Progress, Result, RunContext, Tally};

/// The state of a call of [`run`](super::run).
pub(super) struct Driver<'a, 'c> {
    pub(super) context: &'a RunContext<'c>,
    pub(super) store: &'a mut Store,
    pub(super) reader: RawReader,
    pub(super) progress: &'a mut dyn Progress,
    pub(super) stop: &'a StopSignal,
    pub(super) now: fn() -> i64,
    pub(super) how: Drive,
    pub(super) run_name: String,
    pub(super) sender: mpsc::Sender<Message>,
    /// One queue per route.
    pub(super) queues: Vec<Queue>,
    pub(super) in_flight: InFlight,
    pub(super) ledger: Ledger,
    /// Waiting tasks, as far as they are in memory.
    pub(super) tasks: HashMap<TaskKey, (TaskRecord, Task)>,
    /// The seed row of the task that was rebuilt last.
    pub(super) last_row: LastRow,
    /// Next seed row of each plan.
    pub(super) cursor: Vec<usize>,
    pub(super) tally: Tally,
    pub(super) backoff: Backoff,
    pub(super) batch_deadline: BatchDeadline,
    pub(super) contact: FirstContact,
    pub(super) stall: StallWatch,
    pub(super) breaker: Breaker,
    pub(super) job_breaker: JobBreaker,
    /// Why no request can succeed.
    pub(super) fatal_error: Option<FatalError>,
    /// Whether the store may have responses that no task waited for.
    pub(super) has_responses: bool,
    /// Whether the journal has given-up requests.
    pub(super) has_given_up: bool,
    /// Cleanup at providers in the background.
    pub(super) releases: JoinSet<()>,
    /// The last reported reason to wait of each route.
    pub(super) waits_reported: HashMap<usize, u64>,
}

impl Driver<'_, '_> {
    pub(super) fn tally(&self) -> Tally {
        Tally {
            in_flight: self.in_flight.len(),
            spent: self.ledger.spent(),
            estimated: self.ledger.estimated(),
            reserved: self.ledger.reserved(),
            ..self.tally
        }
    }

    pub(super) fn report(&mut self) {
        let tally = self.tally();
        self.progress.tally(&tally);
    }

    pub(super) fn backend_of(&self, job: JobId) -> Option<Arc<dyn BatchBackend>> {
        let queue = self.in_flight.job(job).and_then(|j| self.queues.get(j.route))?;
        Some(Arc::clone(&queue.route.backend))
    }

    /// Gives the background cleanup a moment to finish.
    pub(super) async fn finish_releases(&mut self) {
        let all = async { while self.releases.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(self.context.config.pause * 5, all).await;
    }

    pub(super) fn pauses(&self) -> Pauses {
        Pauses { first: self.context.config.pause }
    }

    /// Sleeps, unless the run is stopped.
    pub(super) async fn pause(&self, time: Duration) {
        if self.stop.is_stopped() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.notify.notified() => {}
        }
    }

    /// Whether a job's rows are sent while they are generated.
    pub(super) fn streams(&self, job: JobId) -> bool {
        self.in_flight.job(job).is_some_and(|j| self.ends_with_process(j.route))
    }

    /// Reports what backends wait for, each reason once.
    pub(super) fn report_waits(&mut self) {
        for (number, queue) in self.queues.iter().enumerate() {
            let Some(waiting) = queue.route.backend.waiting() else { continue };
            if self.waits_reported.insert(number, waiting.number) != Some(waiting.number) {
                self.stall.received();
                let (why, seconds) = (waiting.why, waiting.seconds);
                self.progress.event(Event::Waiting { why, seconds });
            }
        }
    }

    /// Reports a temporary error, and waits; returns the next pause.
    ///
    /// A provider that never answered a call and only returns server errors is not waited for.
    pub(super) async fn wait_out(&mut self, e: &BackendError, pause: Duration) -> Result<Duration> {
        let pauses = self.pauses();
        let wait = pauses.for_error(e, pause);
        self.stall.received();
        if e.kind == ErrorKind::Server && self.contact.server_error() {
            let (fault, words) = (Some(Fault::Server), e.message.clone());
            return Err(Error::NoAnswers { many: None, fault, words });
        }
        self.progress.event(Event::Waiting { why: e.with_causes(), seconds: Some(wait.as_secs()) });
        self.pause(wait).await;
        // A pause requested by the provider does not affect the next one.
        Ok(if e.retry_after.is_some() { pause } else { pauses.after(pause) })
    }

    /// Whether jobs in flight end with this process: their rows are billed, and sent to nobody else.
    pub(super) fn has_jobs_of_this_process(&self) -> bool {
        self.in_flight.jobs().any(|j| self.ends_with_process(j.route))
    }

    pub(super) fn ends_with_process(&self, route: usize) -> bool {
        self.queues.get(route).is_some_and(Queue::ends_with_process)
    }

    pub(super) async fn cancel_jobs_of_this_process(&self) {
        for job in self.in_flight.jobs().filter(|j| self.ends_with_process(j.route)) {
            if let Some(queue) = self.queues.get(job.route) {
                // What cannot be cancelled ends by itself.
                let _ = queue.route.backend.cancel(&JobRef(job.tag.clone())).await;
            }
        }
    }

    /// Watches a route for its first reply. A backend in this process answers at once, or is busy here.
    pub(super) fn watch_for_stall(&mut self, route: usize) {
        if let Some(queue) = self.queues.get(route).filter(|q| !q.is_local()) {
            self.stall.start(&queue.route.name, Instant::now());
        }
    }

    pub(super) fn report_stall(&mut self) {
        if let Some(route) = self.stall.expire() {
            self.progress.event(Event::Stalled { route });
        }
    }

    /// Awaits a reply, and reports a stall meanwhile.
    pub(super) async fn reply_to<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = std::pin::pin!(call);
        if let Some(deadline) = self.stall.deadline() {
            tokio::select! {
                reply = &mut call => return reply,
                () = tokio::time::sleep_until(deadline) => self.report_stall(),
            }
        }
        call.await
    }
}
