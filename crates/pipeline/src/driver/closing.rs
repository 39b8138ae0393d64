//! Closes jobs: what they owe, what their end says about the provider, and whether the run goes on.

use clinstruct_batch_client::Ended;
use clinstruct_parser::classify;
use clinstruct_schema::{Fault, Usage};
use clinstruct_store::{JobCounts, JobId, JobSums};
use tokio::time::Instant;

use super::breaker::Halt;
use super::{Driver, Wait};
use crate::queue::{Job, under_way};
use crate::{Error, Event, Result};

/// Consecutive jobs without a row before the run stops.
const EMPTY_JOBS: u32 = 5;
/// The same where the provider refuses the form of a job: the next one has it too.
const REFUSED_JOBS: u32 = 2;
/// Consecutive jobs that the provider lost before the run stops: each may have been paid for, so that nobody but the
/// user says that it is requested again.
const LOST_JOBS: u32 = 1;

/// How a job ended, in words.
fn name_of(how: &Ended, words: Option<&str>) -> String {
    match (how, words) {
        (Ended::Completed, _) => "completed".into(),
        (Ended::Expired, _) => "expired".into(),
        (Ended::Cancelled, _) => "cancelled".into(),
        (Ended::Failed(why), _) => format!("failed: {why}"),
        (Ended::Lost, None) => "lost".into(),
        (Ended::Lost, Some(words)) => format!("lost: {words}"),
    }
}

/// What is at fault where a provider gives a job up.
fn fault_of(how: &Ended) -> Option<Fault> {
    let Ended::Failed(why) = how else { return None };
    let (code, message) = why.split_once(": ").unwrap_or(("", why));
    Some(classify(None, code, message))
}

impl Driver<'_, '_> {
    /// Why the rows that came stop the run, if they do.
    pub(super) fn stopped_by_rows(&mut self) -> Option<Error> {
        if let Some(Halt { fault, words }) = self.halt.take() {
            return Some(Error::NoAnswers { many: None, fault, words });
        }
        let (many, Halt { fault, words }) = self.breaker.tripped()?;
        self.breaker.reset();
        Some(Error::NoAnswers { many: Some(many), fault, words })
    }

    /// Notes that no row can be answered, for the reason that one of them gives.
    pub(super) fn halt_for(&mut self, outcome: &clinstruct_schema::RowOutcome) {
        let fault = match outcome {
            clinstruct_schema::RowOutcome::Failed { fault, .. } => Some(*fault),
            _ => None,
        };
        let words = super::breaker::words_of(outcome).unwrap_or_default();
        self.halt.get_or_insert(Halt { fault, words });
    }

    /// Closes a job whose rows cannot be had from this process any more. One that the provider keeps stays open.
    pub(super) fn job_failed(&mut self, job: JobId, error: &Error) -> Result<()> {
        if self.streams(job) {
            let mut words = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(e) = cause {
                words = e.to_string();
                cause = e.source();
            }
            self.close(job, &format!("failed: {words}"), None)?;
        } else {
            self.jobs.remove(&job);
        }
        Ok(())
    }

    /// Closes a job. What it owes is requested again: as another delivery where the job came to its end, as if it
    /// had never been sent where the job did not. Gives the error that stops the run, if its end is one.
    pub(super) fn job_ended(
        &mut self,
        job: JobId,
        how: &Ended,
        words: Option<&str>,
    ) -> Result<Option<Error>> {
        let Some(open) = self.jobs.get(&job) else { return Ok(None) };
        let rehearsal = self.queues.get(open.route).is_some_and(|q| q.limits.rehearsal);
        let delivered = (*how == Ended::Completed && self.halt.is_none()) || rehearsal;
        let name = name_of(how, words);
        let absent = format!("no row came in job {}, which is {name}", open.tag);
        let counted = delivered.then_some(absent.as_str());
        let Some((closed, missing)) = self.close(job, &name, counted)? else { return Ok(None) };
        self.tally.jobs += 1;
        if closed.responded > 0 && !self.ends_with_us(closed.route) {
            // Rows of a batch come in no order that means anything: errors may all be at its end.
            self.breaker.reset();
        }
        let tag = closed.tag.clone();
        self.progress.event(Event::Ended { tag, how: name.clone(), missing: missing as usize });
        Ok(self.classify_job_end(&closed, how, &name, missing))
    }

    /// Closes a job in the journal; gives it with the number of rows that it owes. `delivered` says, where the job
    /// was done, how a row that is not there is reported.
    pub(super) fn close(
        &mut self,
        job: JobId,
        name: &str,
        delivered: Option<&str>,
    ) -> Result<Option<(Job, u64)>> {
        let Some(closed) = self.jobs.remove(&job) else { return Ok(None) };
        let left = self.store.open_requests(job)?;
        let mut stepped = Vec::new();
        let mut items = Vec::new();
        let mut missing = 0;
        for (request, _) in &left {
            // One that failed before its job ended is queued again already.
            let sent = self.waits.get(request).copied().filter(|w| w.job == Some(job));
            let Some(Wait { task, .. }) = sent else { continue };
            self.waits.remove(request);
            missing += 1;
            let Some(task) = task else { continue };
            match delivered {
                Some(absent) => items.extend(self.item(task, *request, None, absent.to_owned())?),
                None => stepped.extend(self.as_before(task, *request)?),
            }
        }
        stepped.extend(self.step_all(items)?);
        let counts = JobCounts { missing, ..JobCounts::default() };
        let mut sums = JobSums { counts, ..JobSums::default() };
        let kept = self.queues.get(closed.route).is_some_and(|q| q.limits.finds_jobs);
        if kept && (delivered.is_some() || name.starts_with("lost:")) {
            // They may have been paid for, and nobody says what they used.
            let (prompt_tokens, most) = closed.share();
            let unsaid = missing.saturating_sub(closed.nameless);
            let likely = self.queues.get(closed.route).map_or(most, |q| q.likely(most));
            sums.cost = (likely * unsaid).min(closed.reserved.saturating_sub(closed.cost));
            sums.estimated = sums.cost;
            sums.usage = Usage { prompt_tokens: prompt_tokens * unsaid, ..Usage::default() };
        }
        if name.starts_with("failed") || name.starts_with("lost:") {
            sums.fault = Some(name.to_owned());
        }
        self.tally.spent += sums.cost;
        self.tally.estimated += sums.estimated;
        let now = (self.now)();
        self.settle(stepped, |tx| {
            tx.release(job)?;
            tx.add_to_job(job, &sums)?;
            tx.job_ended(job, name, now)
        })?;
        Ok(Some((closed, missing)))
    }

    /// What a job's end says about the provider: whether to wait, to send less, or to stop.
    fn classify_job_end(
        &mut self,
        closed: &Job,
        how: &Ended,
        name: &str,
        missing: u64,
    ) -> Option<Error> {
        let (tokens, _) = under_way(&self.jobs, closed.route);
        let mut busy = closed.throttled > closed.answered;
        if let Some(queue) = self.queues.get_mut(closed.route) {
            queue.ended(closed, missing);
            if let Ended::Failed(why) = how
                && why.starts_with("token_limit_exceeded")
            {
                queue.refused(closed, tokens + closed.tokens);
                busy = true;
            }
        }
        // A job that an earlier process sent may have given its rows to that one.
        let ours = *how == Ended::Cancelled && self.ends_with_us(closed.route);
        let empty = closed.answered == 0
            && closed.size > 0
            && !ours
            && (*how != Ended::Completed || closed.unusable == 0);
        let fault = fault_of(how).filter(|_| empty && !busy);
        self.empty_jobs = if empty { self.empty_jobs + 1 } else { 0 };
        self.lost_jobs = if empty && *how == Ended::Lost { self.lost_jobs + 1 } else { 0 };
        let words = match &closed.fault {
            Some(fault) if *how == Ended::Completed => format!("{name}; {fault}"),
            _ => name.to_owned(),
        };
        let most = if fault.is_some_and(|f| f.concerns_run() && f != Fault::NotFound) {
            1
        } else if fault == Some(Fault::Request) {
            REFUSED_JOBS
        } else {
            EMPTY_JOBS
        };
        if (self.empty_jobs >= most && empty) || self.lost_jobs >= LOST_JOBS {
            let jobs = self.empty_jobs;
            (self.empty_jobs, self.lost_jobs) = (0, 0);
            return Some(Error::EmptyJobs { jobs, fault, last: words });
        }
        if busy || empty {
            self.cool_until = Some(Instant::now() + self.cooling);
            let why = format!("{} {words}", closed.tag);
            let seconds = Some(self.cooling.as_secs());
            self.progress.event(Event::Waiting { why, seconds });
            self.cooling = self.pauses().after(self.cooling);
        } else if closed.answered > 0 {
            self.cooling = self.context.config.pause;
        }
        None
    }
}
