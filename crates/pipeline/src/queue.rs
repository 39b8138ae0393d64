//! What waits to be sent on each route, and how much of it may go now.

use std::collections::HashMap;

use clinstruct_batch_client::{Held, Limits, Sharder};
use clinstruct_schema::{MicroUsd, Usage};
use clinstruct_store::JobId;

use crate::{Route, RunConfig};

/// Tokens of a byte of a request, before any job told better: English has about four bytes a token.
pub(crate) const TOKENS_PER_BYTE: f64 = 0.3;
/// Most tokens that a byte is thought to have where money is set aside.
const MOST_TOKENS_PER_BYTE: f64 = 0.5;

/// Rows whose cost is known before that of others is thought to be alike.
const ENOUGH: u64 = 5;

/// A job under way.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) tag: String,
    pub(crate) route: usize,
    /// Bytes of its requests; 0 where an earlier process sent it.
    pub(crate) size: u64,
    pub(crate) tokens: u64,
    pub(crate) reserved: MicroUsd,
    pub(crate) cost: MicroUsd,
    pub(crate) usage: Usage,
    pub(crate) answered: u64,
    /// Its rows.
    pub(crate) rows: u64,
    /// Rows in which the model responded.
    pub(crate) responded: u64,
    /// Rows that came and cannot be used, or were refused.
    pub(crate) unusable: u64,
    /// Rows that came without the name of a request.
    pub(crate) nameless: u64,
    /// Rows that report that the provider has too much to do.
    pub(crate) throttled: u64,
    /// Its first error, in the provider's words.
    pub(crate) fault: Option<String>,
}

impl Job {
    /// What one of its rows has of its prompt tokens and of the money that was set aside.
    pub(crate) fn share(&self) -> (u64, MicroUsd) {
        let rows = self.rows.max(1);
        (self.tokens.div_ceil(rows), self.reserved / rows as MicroUsd)
    }
}

/// Why nothing more can be sent on a route now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blocked {
    /// Nothing waits, or all places are taken.
    No,
    /// The provider's queue is full.
    Tokens,
    /// It could cost more than allowed.
    Money,
}

/// A route with what waits for it.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) route: Route,
    pub(crate) limits: Limits,
    pub(crate) sharder: Sharder,
    /// Most tokens under way at once: what the backend says, or what was learnt.
    most_tokens: Option<u64>,
    tokens_per_byte: f64,
    /// Rows whose cost is known, that cost, and the most that it could have been.
    known: (u64, MicroUsd, MicroUsd),
}

/// The requests of a job, with what they take.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) requests: Vec<Held>,
    pub(crate) size: u64,
    pub(crate) tokens: u64,
    pub(crate) reserved: MicroUsd,
}

impl Queue {
    pub(crate) fn new(route: Route, config: &RunConfig) -> Self {
        let limits = route.backend.limits();
        let sharder = Sharder::new(&limits, config.rows_per_job, config.request_bytes);
        Self {
            most_tokens: limits.queued_tokens,
            limits,
            sharder,
            route,
            tokens_per_byte: TOKENS_PER_BYTE,
            known: (0, 0, 0),
        }
    }

    /// Learns from a row whose cost is known what rows cost of the most that they can.
    pub(crate) fn learn(&mut self, cost: MicroUsd, most: MicroUsd) {
        let (rows, known, of) = self.known;
        self.known = (rows + 1, known + cost, of + most);
    }

    /// What a row is thought to have cost that does not say, and could have cost `most`.
    pub(crate) fn likely(&self, most: MicroUsd) -> MicroUsd {
        let (rows, known, of) = self.known;
        if rows < ENOUGH || of == 0 {
            return most;
        }
        (most as f64 * (known as f64 / of as f64).min(1.0)).ceil() as MicroUsd
    }

    /// The most that a request can cost.
    fn most(&self, held: &Held) -> MicroUsd {
        let prompt_tokens = (held.size as f64 * MOST_TOKENS_PER_BYTE).ceil() as u64;
        let completion_tokens = u64::from(held.max_tokens);
        let usage = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
        self.route.cost(usage, &self.limits)
    }

    /// The next job: as much as the provider's queue and `money` have room for.
    ///
    /// Where nothing is under way a single request goes even if it is larger than the queue.
    pub(crate) fn take(
        &mut self,
        under_way: u64,
        alone: bool,
        money: MicroUsd,
    ) -> (Taken, Blocked) {
        let room = self.most_tokens.map_or(u64::MAX, |limit| limit.saturating_sub(under_way));
        let mut taken = Taken { requests: Vec::new(), size: 0, tokens: 0, reserved: 0 };
        let mut blocked = Blocked::No;
        let mut sharder = std::mem::replace(&mut self.sharder, Sharder::new(&self.limits, 1, 0));
        let mut rows = 0;
        let requests = sharder.take(|held| {
            let tokens = (held.size as f64 * self.tokens_per_byte).ceil() as u64;
            let cost = self.most(held);
            let first = rows == 0 && alone;
            if taken.tokens + tokens > room && !first {
                blocked = Blocked::Tokens;
                return false;
            }
            if taken.reserved.saturating_add(cost) > money {
                blocked = Blocked::Money;
                return false;
            }
            rows += 1;
            taken.size += held.size;
            taken.tokens += tokens;
            taken.reserved += cost;
            true
        });
        self.sharder = sharder;
        taken.requests = requests;
        (taken, blocked)
    }

    /// Learns from a job that was refused because the queue is full.
    pub(crate) fn refused(&mut self, job: &Job, under_way: u64) {
        let fits = under_way.saturating_sub(job.tokens).max(job.tokens / 2).max(1);
        self.most_tokens = Some(self.most_tokens.map_or(fits, |known| known.min(fits)));
    }

    /// Learns how many tokens a byte has from a job whose rows all came.
    pub(crate) fn ended(&mut self, job: &Job, missing: u64) {
        if missing == 0 && job.size > 0 && job.usage.prompt_tokens > 0 {
            let seen = job.usage.prompt_tokens as f64 / job.size as f64 * 1.05;
            self.tokens_per_byte = f64::midpoint(self.tokens_per_byte, seen);
        }
    }
}

/// Tokens in the provider's queue, and jobs, of a route.
pub(crate) fn under_way(jobs: &HashMap<JobId, Job>, route: usize) -> (u64, usize) {
    jobs.values()
        .filter(|j| j.route == route)
        .fold((0, 0), |(tokens, many), j| (tokens + j.tokens, many + 1))
}

/// What the jobs under way may still cost.
pub(crate) fn outstanding(jobs: &HashMap<JobId, Job>) -> MicroUsd {
    jobs.values().map(|j| j.reserved.saturating_sub(j.cost)).sum()
}
