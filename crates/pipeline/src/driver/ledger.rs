//! The money of a run: what was spent, what jobs in flight have reserved, and estimates for rows that do not report
//! their cost.

use std::collections::HashMap;

use clinstruct_batch_client::Limits;
use clinstruct_schema::{MicroUsd, RowOutcome, Usage};
use clinstruct_store::{JobId, JobSums, Money};

use super::queue::TOKENS_PER_BYTE;
use crate::Route;

/// Rows with known cost that are needed to estimate others.
const ENOUGH: u64 = 5;

/// Reserved and actual cost of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) route: usize,
    pub(super) rows: u64,
    /// Its estimated prompt tokens.
    pub(super) tokens: u64,
    /// The most that it can cost.
    pub(super) reserved: MicroUsd,
    /// The cost of its rows so far.
    pub(super) cost: MicroUsd,
}

impl Reservation {
    /// A row's share of its prompt tokens and of its reservation.
    fn share(&self) -> (u64, MicroUsd) {
        let rows = self.rows.max(1);
        (self.tokens.div_ceil(rows), self.reserved / rows as MicroUsd)
    }

    fn left(&self) -> MicroUsd {
        self.reserved.saturating_sub(self.cost)
    }
}

/// The cost of a route's rows.
#[derive(Debug)]
struct RouteCosts {
    route: Route,
    limits: Limits,
    /// Rows with known cost.
    rows: u64,
    /// Their cost.
    cost: MicroUsd,
    /// The most that they could have cost.
    most: MicroUsd,
}

impl RouteCosts {
    fn of(&self, usage: Usage) -> MicroUsd {
        self.route.cost(usage, &self.limits)
    }

    /// A row cost this much, and could have cost `most`.
    fn learn(&mut self, cost: MicroUsd, most: MicroUsd) {
        self.rows += 1;
        self.cost += cost;
        self.most += most;
    }

    /// The likely cost of a row that does not report it, and could have cost `most`.
    fn likely(&self, most: MicroUsd) -> MicroUsd {
        if self.rows < ENOUGH || self.most == 0 {
            return most;
        }
        (most as f64 * (self.cost as f64 / self.most as f64).min(1.0)).ceil() as MicroUsd
    }
}

/// The ledger of a run.
#[derive(Debug)]
pub(super) struct Ledger {
    max_cost: Option<MicroUsd>,
    spent: MicroUsd,
    estimated: MicroUsd,
    reservations: HashMap<JobId, Reservation>,
    routes: Vec<RouteCosts>,
}

impl Ledger {
    pub(super) fn new(max_cost: Option<MicroUsd>, routes: &[Route]) -> Self {
        let costs = |route: &Route| RouteCosts {
            limits: route.backend.limits(),
            route: route.clone(),
            rows: 0,
            cost: 0,
            most: 0,
        };
        Self {
            max_cost,
            spent: 0,
            estimated: 0,
            reservations: HashMap::new(),
            routes: routes.iter().map(costs).collect(),
        }
    }

    /// Continues the ledger of the journal.
    pub(super) fn recover(&mut self, money: &Money) {
        (self.spent, self.estimated) = (money.spent, money.estimated);
    }

    /// Spent so far, in earlier calls too.
    pub(super) fn spent(&self) -> MicroUsd {
        self.spent
    }

    /// The estimated part of it.
    pub(super) fn estimated(&self) -> MicroUsd {
        self.estimated
    }

    /// The most that the jobs in flight may still cost.
    pub(super) fn reserved(&self) -> MicroUsd {
        self.reservations.values().map(Reservation::left).sum()
    }

    /// What can still be reserved.
    pub(super) fn available(&self) -> MicroUsd {
        match self.max_cost {
            None => MicroUsd::MAX,
            Some(most) => most.saturating_sub(self.spent).saturating_sub(self.reserved()),
        }
    }

    /// Reserves the most that a job can cost, until it is released.
    pub(super) fn reserve(&mut self, job: JobId, reservation: Reservation) {
        self.reservations.insert(job, reservation);
    }

    /// Releases what a job has not used.
    pub(super) fn release(&mut self, job: JobId) {
        self.reservations.remove(&job);
    }

    /// Whether a job's reservation covers more than its cost, `more` included.
    pub(super) fn covers(&self, job: JobId, more: MicroUsd) -> bool {
        self.reservations.get(&job).is_some_and(|r| r.cost + more < r.reserved)
    }

    /// Adds the cost of a row to its job: by its usage, or an estimate if it may be billed without reporting usage.
    pub(super) fn price_row(&mut self, job: JobId, outcome: &RowOutcome, sums: &mut JobSums) {
        let Some(reservation) = self.reservations.get(&job) else { return };
        let Some(costs) = self.routes.get_mut(reservation.route) else { return };
        let (prompt_tokens, most) = reservation.share();
        if let Some(usage) = outcome.usage() {
            let cost = costs.of(usage);
            costs.learn(cost, most);
            sums.usage += usage;
            sums.cost += cost;
            return;
        }
        let (usage, cost) = match billed_bytes(outcome) {
            None => return,
            Some(0) => (Usage { prompt_tokens, ..Usage::default() }, costs.likely(most)),
            Some(bytes) => {
                let completion_tokens = (bytes as f64 * TOKENS_PER_BYTE).ceil() as u64;
                let usage = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
                (usage, costs.of(usage))
            }
        };
        let cost = cost.min(most.max(1));
        sums.usage += usage;
        sums.cost += cost;
        sums.estimated += cost;
    }

    /// Adds an estimate for `rows` of a job that were never received and may have been billed.
    pub(super) fn price_missing(&self, job: JobId, rows: u64, sums: &mut JobSums) {
        let Some(reservation) = self.reservations.get(&job) else { return };
        let (prompt_tokens, most) = reservation.share();
        let likely = self.routes.get(reservation.route).map_or(most, |c| c.likely(most));
        let cost = (likely * rows).min(reservation.left());
        sums.cost += cost;
        sums.estimated += cost;
        sums.usage += Usage { prompt_tokens: prompt_tokens * rows, ..Usage::default() };
    }

    /// Charges a job.
    pub(super) fn charge(&mut self, job: JobId, sums: &JobSums) {
        self.spent += sums.cost;
        self.estimated += sums.estimated;
        if let Some(reservation) = self.reservations.get_mut(&job) {
            reservation.cost += sums.cost;
        }
    }
}

/// Bytes of model output, 0 if unknown; `None` if nothing is billed.
fn billed_bytes(outcome: &RowOutcome) -> Option<usize> {
    match outcome {
        RowOutcome::Answer(c) | RowOutcome::Cut(c) => {
            Some(c.text.len() + c.reasoning.as_ref().map_or(0, String::len))
        }
        RowOutcome::Refused { text, .. } => Some(text.len()),
        RowOutcome::Filtered { .. } | RowOutcome::Empty { .. } | RowOutcome::Unreadable { .. } => {
            Some(0)
        }
        // A success without an answer was billed all the same.
        RowOutcome::Failed { status: Some(200..=299), .. } => Some(0),
        RowOutcome::Failed { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clinstruct_backend_rehearsal::{Rates, Rehearsal};
    use clinstruct_schema::{Completion, Fault, FinishReason, Price};

    use super::*;

    const JOB: JobId = JobId(1);

    /// One micro-dollar per prompt token, two per completion token.
    fn ledger(max_cost: Option<MicroUsd>) -> Ledger {
        let catalog = clinstruct_catalog::Catalog::embedded().unwrap();
        let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::none(), None));
        let price = Price {
            model: "m".into(),
            input: 1.0,
            cached_input: 1.0,
            cached_from: None,
            output: 2.0,
            date: String::new(),
            source: String::new(),
        };
        let route = Route { name: "main".into(), backend, model: "m".into(), price: Some(price) };
        let mut ledger = Ledger::new(max_cost, &[route]);
        ledger.routes[0].limits.price_factor = 1.0;
        ledger.reserve(JOB, Reservation { rows: 10, tokens: 50, reserved: 1000, ..reservation() });
        ledger
    }

    fn reservation() -> Reservation {
        Reservation::default()
    }

    fn answer(usage: Option<Usage>) -> RowOutcome {
        RowOutcome::Answer(Completion {
            text: "0123456789".into(),
            finish: FinishReason::Stop,
            model: "m".into(),
            usage,
            reasoning: None,
            rehearsal: false,
        })
    }

    fn priced(ledger: &mut Ledger, outcome: &RowOutcome) -> JobSums {
        let mut sums = JobSums::default();
        ledger.price_row(JOB, outcome, &mut sums);
        sums
    }

    #[test]
    fn what_is_reserved_cannot_be_spent_twice() {
        let mut ledger = ledger(Some(1500));
        assert_eq!((ledger.reserved(), ledger.available()), (1000, 500));
        let other = JobId(2);
        ledger.reserve(other, Reservation { reserved: 400, ..reservation() });
        assert_eq!(ledger.available(), 100);
        ledger.charge(JOB, &JobSums { cost: 300, estimated: 100, ..JobSums::default() });
        // The reservation is spent: nothing changes for other jobs.
        assert_eq!((ledger.spent(), ledger.estimated(), ledger.reserved()), (300, 100, 1100));
        assert_eq!(ledger.available(), 100);
        ledger.release(JOB);
        assert_eq!((ledger.reserved(), ledger.available()), (400, 800));
        ledger.recover(&Money { spent: 2000, ..Money::default() });
        assert_eq!(ledger.available(), 0);
        assert_eq!(super::Ledger::new(None, &[]).available(), MicroUsd::MAX);
    }

    #[test]
    fn a_row_costs_its_usage_or_an_estimate_within_its_share() {
        let mut ledger = ledger(None);
        let usage = Usage { prompt_tokens: 7, completion_tokens: 4, ..Usage::default() };
        let sums = priced(&mut ledger, &answer(Some(usage)));
        assert_eq!((sums.cost, sums.estimated, sums.usage), (15, 0, usage));
        // Five prompt tokens per row, and three per ten bytes.
        let sums = priced(&mut ledger, &answer(None));
        assert_eq!((sums.cost, sums.estimated), (11, 11));
        assert_eq!((sums.usage.prompt_tokens, sums.usage.completion_tokens), (5, 3));
        let failed = |status| RowOutcome::Failed {
            fault: Fault::Server,
            status: Some(status),
            code: "c".into(),
            message: "m".into(),
            usage: None,
        };
        assert_eq!(priced(&mut ledger, &failed(500)), JobSums::default());
        assert_eq!(priced(&mut ledger, &failed(200)).cost, 100, "the most, for too few are known");
        let mut sums = JobSums::default();
        ledger.price_row(JobId(9), &answer(Some(usage)), &mut sums);
        assert_eq!(sums, JobSums::default(), "a job that nobody knows");
    }

    #[test]
    fn missing_rows_cost_what_others_did_within_the_reservation() {
        let mut ledger = ledger(None);
        let usage = Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() };
        for _ in 0..ENOUGH {
            let sums = priced(&mut ledger, &answer(Some(usage)));
            ledger.charge(JOB, &sums);
        }
        assert!(ledger.covers(JOB, 899) && !ledger.covers(JOB, 900));
        // Each cost 20 of 100.
        let mut sums = JobSums::default();
        ledger.price_missing(JOB, 3, &mut sums);
        assert_eq!((sums.cost, sums.estimated, sums.usage.prompt_tokens), (60, 60, 15));
        let mut sums = JobSums::default();
        ledger.price_missing(JOB, 300, &mut sums);
        assert_eq!(sums.cost, 900, "no more than is reserved");
    }
}
