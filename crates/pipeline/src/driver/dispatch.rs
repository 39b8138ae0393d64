//! Decides what is sent now: cuts jobs from the queues, and starts seed rows if nothing else is due.

use clinstruct_schema::Speaker;
use rayon::prelude::*;
use tokio::time::Instant;

use super::poll_job::{ROWS_AT_ONCE, WORTH_SPREADING};
use super::queue::Blocked;
use super::state::Driver;
use crate::control::Drive;
use crate::task::{Stepped, start};
use crate::{Result, planned_rows};

impl Driver<'_, '_> {
    /// Whether anything is queued or not started.
    pub(super) fn has_due(&self) -> bool {
        self.queues.iter().any(|q| q.sharder.held() > 0)
            || self.context.plans.iter().zip(&self.cursor).any(|((_, p), c)| *c < p.len())
    }

    /// Sends jobs while there is room, and starts new seed rows if nothing else is due. Returns what blocks if
    /// something is queued and nothing can be sent.
    pub(super) async fn fill(&mut self) -> Result<Blocked> {
        let mut blocked = Blocked::No;
        self.batch_deadline.begin_round();
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
                let (tokens, jobs) = self.in_flight.on_route(number);
                let held_back =
                    self.fatal_error.is_some() || (jobs > 0 && self.breaker.holds_back());
                if self.backoff.backoff_until().is_some()
                    || self.stop.is_stopped()
                    || jobs >= at_once
                    || held_back
                {
                    break;
                }
                let full = self.queues.get(number).is_some_and(|q| q.sharder.is_full());
                if !full && self.begin_rows()? {
                    continue;
                }
                if !full && jobs > 0 && self.waits_for_more(number) {
                    break;
                }
                let available = self.ledger.available();
                let alone = jobs == 0;
                let Some(queue) = self.queues.get_mut(number) else { break };
                let (taken, why) = queue.take(tokens, alone, available);
                if taken.requests.is_empty() {
                    blocked = blocked.max(why);
                    break;
                }
                self.submit(number, taken).await?;
            }
        }
        Ok(blocked)
    }

    /// Whether a partial job waits briefly for more of the rows that are arriving.
    fn waits_for_more(&mut self, number: usize) -> bool {
        let Some(queue) = self.queues.get(number) else { return false };
        let at_once = self.how == Drive::SubmitOnly
            || !queue.keeps_jobs()
            || queue.is_local()
            || queue.sharder.held() == 0;
        !at_once && self.batch_deadline.waits(Instant::now(), self.context.config.pause / 4)
    }

    /// Starts some seed rows; false if none are left or the window is full.
    fn begin_rows(&mut self) -> Result<bool> {
        let Some(at) = (0..self.cursor.len())
            .find(|i| self.context.plans.get(*i).is_some_and(|(_, p)| self.cursor[*i] < p.len()))
        else {
            return Ok(false);
        };
        let Some((part, plan)) = self.context.plans.get(at) else { return Ok(false) };
        let each = (planned_rows(plan) / plan.len().max(1)).max(1);
        // A request for prompts becomes the conversations of its seed row, which the window has to have room for.
        let in_flight = self.in_flight.len() + self.in_flight.of_seed_rows() * (each - 1);
        let Some(left) = self.context.config.window.checked_sub(in_flight).filter(|n| *n > 0)
        else {
            return Ok(false);
        };
        let writer = self.context.routes.number(Speaker::PromptWriter);
        let held = self.queues.get(writer).map_or(0, |q| q.sharder.held());
        let room = self.context.config.rows_per_job.saturating_sub(held);
        let many = (left / each).clamp(1, room.clamp(1, ROWS_AT_ONCE));
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
        self.tally.seed_rows_started += to - from;
        self.commit(vec![stepped], |_| Ok(()))?;
        Ok(true)
    }
}
