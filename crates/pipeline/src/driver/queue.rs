//! The queue of each route, and how much of it can be sent now.

use clinstruct_batch_client::{Capabilities, Held, Limits, Sharder};
use clinstruct_schema::{MicroUsd, Usage};

use super::in_flight::Job;
use crate::{Route, RunConfig};

/// Tokens per byte of a request, before any job reports its usage: English has about four bytes per token.
pub(super) const TOKENS_PER_BYTE: f64 = 0.3;
/// Upper bound of tokens per byte for reserving money.
const MOST_TOKENS_PER_BYTE: f64 = 0.5;

/// Why nothing more can be sent on a route now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blocked {
    /// Nothing is queued, or no more jobs are allowed in flight.
    No,
    /// The provider's queue is full.
    Tokens,
    /// It could exceed the spending limit.
    Money,
}

/// A route with its queued requests.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) route: Route,
    pub(super) limits: Limits,
    capabilities: Capabilities,
    pub(super) sharder: Sharder,
    /// Most tokens in flight: the backend's limit, or one learned from refusals.
    most_tokens: Option<u64>,
    tokens_per_byte: f64,
}

/// The requests of a job, with what they take.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) requests: Vec<Held>,
    pub(super) size: u64,
    pub(super) tokens: u64,
    pub(super) reserved: MicroUsd,
}

impl Queue {
    pub(super) fn new(route: Route, config: &RunConfig) -> Self {
        let limits = route.backend.limits();
        let sharder = Sharder::new(&limits, config.rows_per_job, config.request_bytes);
        Self {
            most_tokens: limits.queued_tokens,
            limits,
            capabilities: route.backend.capabilities(),
            sharder,
            route,
            tokens_per_byte: TOKENS_PER_BYTE,
        }
    }

    /// Whether losing its answers costs nothing: nothing is billed, and nothing is waited for.
    pub(super) fn is_local(&self) -> bool {
        self.capabilities.is_free()
    }

    /// Whether the provider keeps its jobs, so that another process finds them and their rows.
    pub(super) fn keeps_jobs(&self) -> bool {
        self.capabilities.survives_process
    }

    /// Whether jobs end with this process: their rows are billed, sent while they are generated, and sent to nobody
    /// else.
    pub(super) fn ends_with_process(&self) -> bool {
        !self.keeps_jobs() && !self.is_local()
    }

    /// The most that a request can cost.
    fn most(&self, held: &Held) -> MicroUsd {
        let prompt_tokens = (held.size as f64 * MOST_TOKENS_PER_BYTE).ceil() as u64;
        let completion_tokens = u64::from(held.max_tokens);
        let usage = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
        self.route.cost(usage, &self.limits)
    }

    /// The next job: as much as the provider's queue and the `available` money allow.
    ///
    /// If nothing is in flight, a single request is sent even if it exceeds the queue.
    pub(super) fn take(
        &mut self,
        in_flight: u64,
        alone: bool,
        available: MicroUsd,
    ) -> (Taken, Blocked) {
        let room = self.most_tokens.map_or(u64::MAX, |limit| limit.saturating_sub(in_flight));
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
            if taken.reserved.saturating_add(cost) > available {
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
    pub(super) fn queue_was_full(&mut self, job: &Job, in_flight: u64) {
        let fits = in_flight.saturating_sub(job.tokens).max(job.tokens / 2).max(1);
        self.most_tokens = Some(self.most_tokens.map_or(fits, |known| known.min(fits)));
    }

    /// Learns the tokens per byte from a job whose rows were all received.
    pub(super) fn ended(&mut self, job: &Job, missing: u64) {
        if missing == 0 && job.size > 0 && job.usage.prompt_tokens > 0 {
            let seen = job.usage.prompt_tokens as f64 / job.size as f64 * 1.05;
            self.tokens_per_byte = f64::midpoint(self.tokens_per_byte, seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clinstruct_backend_rehearsal::{Rates, Rehearsal};
    use clinstruct_catalog::Catalog;
    use clinstruct_schema::Price;
    use clinstruct_testkit::contract::requests;

    use super::*;

    /// A queue with ten requests, each of which may cost a micro-dollar per token.
    fn queue() -> Queue {
        let catalog = Catalog::embedded().unwrap();
        let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::none(), None));
        let price = Price {
            model: "m".into(),
            input: 1.0,
            cached_input: 1.0,
            cached_from: None,
            output: 1.0,
            date: String::new(),
            source: String::new(),
        };
        let route = Route { name: "main".into(), backend, model: "m".into(), price: Some(price) };
        let mut queue = Queue::new(route, &RunConfig::default());
        queue.limits.price_factor = 1.0;
        for request in requests(10) {
            queue.sharder.hold(request);
        }
        queue
    }

    /// Tokens and maximum cost of one of these requests.
    fn one() -> (u64, MicroUsd) {
        let (taken, _) = queue().take(0, true, MicroUsd::MAX);
        assert_eq!(taken.requests.len(), 10);
        (taken.tokens.div_ceil(10), taken.reserved.div_ceil(10))
    }

    #[test]
    fn a_job_is_no_larger_than_the_queue_of_the_provider() {
        let (tokens, _) = one();
        let mut queue = queue();
        queue.most_tokens = Some(tokens * 7);
        let (taken, blocked) = queue.take(tokens * 3, false, MicroUsd::MAX);
        assert_eq!((taken.requests.len(), blocked), (4, Blocked::Tokens));
        let (taken, blocked) = queue.take(tokens * 7, false, MicroUsd::MAX);
        assert_eq!((taken.requests.len(), blocked), (0, Blocked::Tokens));
        // A request that exceeds the queue is sent alone.
        queue.most_tokens = Some(1);
        let (taken, blocked) = queue.take(0, true, MicroUsd::MAX);
        assert_eq!((taken.requests.len(), blocked), (1, Blocked::Tokens));
    }

    #[test]
    fn a_job_is_no_dearer_than_what_is_available() {
        let (_, most) = one();
        let mut queue = queue();
        let (taken, blocked) = queue.take(0, true, most * 4);
        assert_eq!((taken.requests.len(), blocked), (4, Blocked::Money));
        assert!(taken.reserved <= most * 4);
        let (taken, blocked) = queue.take(0, true, most - 1);
        assert_eq!((taken.requests.len(), blocked), (0, Blocked::Money));
        let (taken, blocked) = queue.take(0, true, MicroUsd::MAX);
        assert_eq!((taken.requests.len(), blocked), (6, Blocked::No));
    }

    #[test]
    fn limits_are_learnt_from_jobs() {
        let mut queue = queue();
        let job = Job { size: 1000, tokens: 300, ..Job::default() };
        // Three such jobs were in flight when the last one was refused: two fit.
        queue.queue_was_full(&job, 900);
        assert_eq!(queue.most_tokens, Some(600));
        queue.queue_was_full(&job, 1800);
        assert_eq!(queue.most_tokens, Some(600), "what did not fit once does not fit later");
        queue.queue_was_full(&job, 300);
        assert_eq!(queue.most_tokens, Some(150), "alone, half of it");
        let usage = Usage { prompt_tokens: 500, ..Usage::default() };
        queue.ended(&Job { usage, ..job.clone() }, 1);
        assert!((queue.tokens_per_byte - TOKENS_PER_BYTE).abs() < 1e-9, "a row is missing");
        queue.ended(&Job { usage, ..job }, 0);
        assert!((queue.tokens_per_byte - f64::midpoint(0.3, 0.525)).abs() < 1e-9);
    }
}
