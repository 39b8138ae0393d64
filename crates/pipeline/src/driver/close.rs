//! Closes jobs: what they owe, what their end implies about the provider, and whether the run continues.

use clinstruct_store::{JobCounts, JobId, JobSums};
use tokio::time::Instant;

use super::breaker::FatalError;
use super::in_flight::Job;
use super::job_end::JobEnd;
use super::queue::Queue;
use super::state::Driver;
use crate::{Error, Event, Result};

impl Driver<'_, '_> {
    /// Why the received rows stop the run, if they do.
    pub(super) fn stopped_by_rows(&mut self) -> Option<Error> {
        if let Some(FatalError { fault, words }) = self.fatal_error.take() {
            return Some(Error::NoAnswers { many: None, fault, words });
        }
        let (many, FatalError { fault, words }) = self.breaker.tripped()?;
        self.breaker.reset();
        Some(Error::NoAnswers { many: Some(many), fault, words })
    }

    /// Closes a job whose rows this process can no longer fetch. If the provider keeps it, it stays open.
    pub(super) fn job_failed(&mut self, job: JobId, error: &Error) -> Result<()> {
        if self.streams(job) {
            let mut words = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(e) = cause {
                words = e.to_string();
                cause = e.source();
            }
            self.close(job, &JobEnd::Failed(words.into()), None)?;
        } else {
            self.in_flight.close_job(job);
            self.ledger.release(job);
        }
        Ok(())
    }

    /// Closes a job. Missing rows are requested again: as another delivery if the job ran to its end, as if never sent
    /// otherwise. Returns the error that stops the run, if its end is one.
    pub(super) fn job_ended(&mut self, job: JobId, end: &JobEnd) -> Result<Option<Error>> {
        let Some(open) = self.in_flight.job(job) else { return Ok(None) };
        let local = self.queues.get(open.route).is_some_and(Queue::is_local);
        let delivered = (*end == JobEnd::Completed && self.fatal_error.is_none()) || local;
        let absent = format!("no row came in job {}, which is {end}", open.tag);
        let counted = delivered.then_some(absent.as_str());
        let Some((closed, missing)) = self.close(job, end, counted)? else { return Ok(None) };
        self.tally.jobs += 1;
        if closed.responded > 0 && !self.ends_with_process(closed.route) {
            // The order of rows in a batch means nothing: errors may all be at its end.
            self.breaker.reset();
        }
        let (tag, how) = (closed.tag.clone(), end.to_string());
        self.progress.event(Event::Ended { tag, how, missing: missing as usize });
        Ok(self.classify_job_end(&closed, end, missing))
    }

    /// Closes a job in the journal; returns it with the number of missing rows. `delivered` says, for a finished job,
    /// how a missing row is reported.
    pub(super) fn close(
        &mut self,
        job: JobId,
        end: &JobEnd,
        delivered: Option<&str>,
    ) -> Result<Option<(Job, u64)>> {
        let Some(closed) = self.in_flight.close_job(job) else { return Ok(None) };
        let left = self.store.open_requests(job)?;
        let mut stepped = Vec::new();
        let mut items = Vec::new();
        let mut missing = 0;
        for (request, _) in &left {
            // Rows that failed before the job ended are queued again already.
            let Some(pending) = self.in_flight.take_back(*request, job) else { continue };
            missing += 1;
            let Some(task) = pending.task else { continue };
            match delivered {
                Some(absent) => items.extend(self.item(task, *request, None, absent.to_owned())?),
                None => stepped.extend(self.as_before(task, *request)?),
            }
        }
        stepped.extend(self.step_all(items)?);
        let counts = JobCounts { missing, ..JobCounts::default() };
        let mut sums = JobSums { counts, ..JobSums::default() };
        let kept = self.queues.get(closed.route).is_some_and(Queue::keeps_jobs);
        if kept && (delivered.is_some() || end.was_lost()) {
            // They may be billed, without reported usage.
            self.ledger.price_missing(job, missing.saturating_sub(closed.nameless), &mut sums);
        }
        if matches!(end, JobEnd::Failed(_) | JobEnd::Lost(_)) {
            sums.fault = Some(end.to_string());
        }
        self.ledger.charge(job, &sums);
        self.ledger.release(job);
        let (now, ended) = ((self.now)(), end.to_string());
        self.commit(stepped, |tx| {
            tx.release(job)?;
            tx.add_to_job(job, &sums)?;
            tx.job_ended(job, &ended, now)
        })?;
        Ok(Some((closed, missing)))
    }

    /// What a job's end implies: whether to wait, to send less, or to stop.
    fn classify_job_end(&mut self, closed: &Job, end: &JobEnd, missing: u64) -> Option<Error> {
        let (tokens, _) = self.in_flight.on_route(closed.route);
        let mut throttled = closed.throttled > closed.answered;
        if let Some(queue) = self.queues.get_mut(closed.route) {
            queue.ended(closed, missing);
            if end.is_queue_full() {
                queue.queue_was_full(closed, tokens + closed.tokens);
                throttled = true;
            }
        }
        // A job from an earlier process may have given its rows to that one.
        let ours = *end == JobEnd::Cancelled && self.ends_with_process(closed.route);
        let empty = closed.answered == 0
            && closed.size > 0
            && !ours
            && (*end != JobEnd::Completed || closed.unusable == 0);
        let fault = end.fault().filter(|_| empty && !throttled);
        let words = match &closed.fault {
            Some(fault) if *end == JobEnd::Completed => format!("{end}; {fault}"),
            _ => end.to_string(),
        };
        if let Some(jobs) = self.job_breaker.record(empty, end.is_lost(), fault) {
            return Some(Error::EmptyJobs { jobs, fault, last: words });
        }
        if throttled || empty {
            let seconds = Some(self.backoff.start(Instant::now()).as_secs());
            let why = format!("{} {words}", closed.tag);
            self.progress.event(Event::Waiting { why, seconds });
        } else if closed.answered > 0 {
            self.backoff.reset();
        }
        None
    }
}
