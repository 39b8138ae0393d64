//! How many requests are under way, at which endpoint, and when the next may go.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How fast to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Requests under way at each endpoint in the beginning.
    pub first: usize,
    /// Most requests under way at each endpoint.
    pub most: usize,
    /// Most requests a minute, over all endpoints.
    pub requests_per_minute: Option<u64>,
    /// Most tokens a minute, over all endpoints: a quarter of the request's bytes and all it may generate.
    pub tokens_per_minute: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: 16, most: 256, requests_per_minute: None, tokens_per_minute: None }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// It was answered.
    Good,
    /// Too much at once; nothing more for so long.
    Limited(Duration),
    /// The endpoint is in trouble; nothing more for so long.
    Broken(Duration),
}

/// An answer that takes so many times the usual latency is a sign of too much at once.
const SLOW: f64 = 4.0;
/// Weight of the latest answer in the usual latency.
const WEIGHT: f64 = 0.05;
/// Longest time that an endpoint is left alone.
const LONGEST: Duration = Duration::from_mins(1);
/// Waits are looked at again after this.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Endpoint {
    under_way: usize,
    /// Doubled each round until the first trouble; then additive increase, multiplicative decrease.
    allowed: f64,
    latency: f64,
    not_before: Option<Instant>,
    /// Requests that met trouble since the last good one.
    broken: u32,
    last_cut: Option<Instant>,
}

/// A bucket that fills with time and holds a minute's worth at most.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    level: f64,
    most: f64,
    filled: Instant,
}

impl Bucket {
    fn new(per_minute: u64, now: Instant) -> Self {
        let per_second = per_minute as f64 / 60.0;
        // A few seconds' worth at once: minutes are counted by the provider's clock, not by ours.
        let most = (per_second * 5.0).max(1.0);
        Self { per_second, level: most, most, filled: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.most);
        self.filled = now;
    }

    /// A cost above what the bucket can hold goes when it is full, and leaves a debt.
    fn has(&self, cost: f64) -> bool {
        self.level >= cost.min(self.most)
    }
}

#[derive(Debug)]
struct State {
    endpoints: Vec<Endpoint>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// The paces of all endpoints.
#[derive(Debug)]
pub(crate) struct Paces {
    state: Mutex<State>,
    freed: Notify,
    pace: Pace,
}

/// Leave to send one request to an endpoint.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    paces: &'a Paces,
    pub(crate) endpoint: usize,
    since: Instant,
    judged: bool,
}

impl Paces {
    pub(crate) fn new(pace: Pace, endpoints: usize) -> Self {
        let now = clock();
        let endpoint = || Endpoint {
            under_way: 0,
            allowed: pace.first.clamp(1, pace.most.max(1)) as f64,
            latency: 0.0,
            not_before: None,
            broken: 0,
            last_cut: None,
        };
        let state = State {
            endpoints: (0..endpoints).map(|_| endpoint()).collect(),
            requests: pace.requests_per_minute.map(|n| Bucket::new(n, now)),
            tokens: pace.tokens_per_minute.map(|n| Bucket::new(n, now)),
        };
        Self { state: Mutex::new(state), freed: Notify::new(), pace }
    }

    /// Most requests that can be under way.
    pub(crate) fn most(&self) -> usize {
        self.lock().endpoints.len() * self.pace.most.max(1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the latest request at every endpoint met trouble.
    pub(crate) fn all_broken(&self) -> bool {
        self.lock().endpoints.iter().all(|e| e.broken > 0)
    }

    /// Whether some endpoint is not in trouble.
    pub(crate) fn any_sound(&self) -> bool {
        self.lock().endpoints.iter().any(|e| e.broken == 0)
    }

    /// Waits until a request of `tokens` may be sent, and says where to.
    pub(crate) async fn slot(&self, tokens: u64) -> Slot<'_> {
        loop {
            let freed = self.freed.notified();
            if let Some(slot) = self.try_slot(tokens) {
                return slot;
            }
            // Buckets and pauses run out without anybody telling.
            let _ = tokio::time::timeout(LOOK, freed).await;
        }
    }

    fn try_slot(&self, tokens: u64) -> Option<Slot<'_>> {
        let now = clock();
        let mut state = self.lock();
        let costs = [1.0, tokens as f64];
        let State { endpoints, requests, tokens } = &mut *state;
        for (bucket, cost) in [requests, tokens].into_iter().zip(costs) {
            if let Some(bucket) = bucket {
                bucket.fill(now);
                if !bucket.has(cost) {
                    return None;
                }
            }
        }
        let (place, endpoint) = endpoints
            .iter_mut()
            .enumerate()
            .filter(|(_, e)| e.not_before.is_none_or(|t| now >= t))
            // One request at a time finds out whether an endpoint is sound again.
            .filter(|(_, e)| {
                let most = if e.broken > 0 { 1.0 } else { e.allowed.floor().max(1.0) };
                (e.under_way as f64) < most
            })
            .min_by(|(_, a), (_, b)| {
                (a.under_way as f64 / a.allowed).total_cmp(&(b.under_way as f64 / b.allowed))
            })?;
        endpoint.under_way += 1;
        for (bucket, cost) in [&mut state.requests].into_iter().zip(costs) {
            if let Some(bucket) = bucket {
                bucket.level -= cost;
            }
        }
        if let Some(bucket) = &mut state.tokens {
            bucket.level -= costs[1];
        }
        Some(Slot { paces: self, endpoint: place, since: now, judged: false })
    }

    fn settle(&self, place: usize, since: Instant, verdict: Option<Verdict>) {
        let now = clock();
        let most = self.pace.most.max(1) as f64;
        let mut state = self.lock();
        if let Some(e) = state.endpoints.get_mut(place) {
            e.under_way = e.under_way.saturating_sub(1);
            let took = now.saturating_duration_since(since).as_secs_f64();
            // Of many answers that say the same at once, one counts.
            let fresh = e.last_cut.is_none_or(|cut| since >= cut);
            let halve = |e: &mut Endpoint| {
                if fresh {
                    e.allowed = (e.allowed / 2.0).max(1.0);
                    e.last_cut = Some(now);
                }
            };
            match verdict {
                None => {}
                Some(Verdict::Good) => {
                    e.broken = 0;
                    e.not_before = None;
                    if e.latency > 0.0 && took > SLOW * e.latency && took > 1.0 {
                        halve(e);
                    } else {
                        let more = if e.last_cut.is_none() { 1.0 } else { 1.0 / e.allowed };
                        e.allowed = (e.allowed + more).min(most);
                    }
                    e.latency = if e.latency == 0.0 {
                        took
                    } else {
                        e.latency + WEIGHT * (took - e.latency)
                    };
                }
                Some(Verdict::Limited(wait)) => {
                    halve(e);
                    e.not_before = Some(now + wait);
                }
                Some(Verdict::Broken(wait)) => {
                    halve(e);
                    e.broken += 1;
                    // Many that were under way fail at once: they count as one.
                    let times = if fresh { e.broken.min(7) } else { 1 };
                    let wait = (wait * (1 << (times - 1))).min(LONGEST);
                    e.not_before = e.not_before.max(Some(now + wait));
                }
            }
        }
        drop(state);
        // One for the place that is free again, one for a place that is new; who finds none waits on.
        self.freed.notify_one();
        self.freed.notify_one();
    }
}

impl Slot<'_> {
    /// Gives the slot back.
    pub(crate) fn done(mut self, verdict: Verdict) {
        self.judged = true;
        self.paces.settle(self.endpoint, self.since, Some(verdict));
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.judged {
            self.paces.settle(self.endpoint, self.since, None);
        }
    }
}

/// A clock that no change of the machine's time moves.
fn clock() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_until_trouble_then_goes_up_by_one_a_round_and_down_by_half() {
        let paces = Paces::new(Pace { first: 4, most: 12, ..Pace::default() }, 1);
        let round = |verdict: Verdict| {
            let slots: Vec<_> = std::iter::from_fn(|| paces.try_slot(1)).collect();
            let many = slots.len();
            for slot in slots {
                slot.done(verdict);
            }
            many
        };
        let limited = Verdict::Limited(Duration::ZERO);
        assert_eq!([round(Verdict::Good), round(limited)], [4, 8]);
        assert_eq!([round(Verdict::Good), round(Verdict::Good)], [4, 4]);
        // 4, and a quarter for each of four answers, is a little less than 5.
        assert_eq!(round(Verdict::Good), 5);
        assert_eq!([round(limited), round(Verdict::Good)], [6, 3]);
        for _ in 0..60 {
            round(Verdict::Good);
        }
        assert_eq!(round(Verdict::Good), 12);
    }

    #[test]
    fn an_endpoint_in_trouble_is_left_alone() {
        let paces = Paces::new(Pace { first: 2, ..Pace::default() }, 2);
        let first = paces.try_slot(1).unwrap();
        let bad = first.endpoint;
        first.done(Verdict::Broken(Duration::from_mins(1)));
        let rest: Vec<_> = std::iter::from_fn(|| paces.try_slot(1)).collect();
        assert_eq!(rest.len(), 2);
        assert!(rest.iter().all(|s| s.endpoint != bad));
        assert!(!paces.all_broken());
    }

    #[test]
    fn a_minute_has_so_many_requests_and_tokens() {
        let pace = Pace { first: 100, requests_per_minute: Some(60), ..Pace::default() };
        let paces = Paces::new(pace, 1);
        assert_eq!(std::iter::from_fn(|| paces.try_slot(1)).collect::<Vec<_>>().len(), 5);
        let pace = Pace { first: 100, tokens_per_minute: Some(6000), ..Pace::default() };
        let paces = Paces::new(pace, 1);
        let slots: Vec<_> = std::iter::from_fn(|| paces.try_slot(200)).collect();
        assert_eq!(slots.len(), 2);
    }
}
