//! Limits the requests in flight per endpoint, and decides when the next may be sent.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Pacing settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Initial requests in flight at each endpoint.
    pub first: usize,
    /// Most requests in flight at each endpoint.
    pub most: usize,
    /// Most requests per minute, over all endpoints.
    pub requests_per_minute: Option<u64>,
    /// Most tokens per minute, over all endpoints: a quarter of the request's bytes plus its token limit.
    pub tokens_per_minute: Option<u64>,
    /// First pause after an error; doubled while errors continue.
    pub pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: 16,
            most: 256,
            requests_per_minute: None,
            tokens_per_minute: None,
            pause: Duration::from_millis(500),
        }
    }
}

/// Result of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// It was answered.
    Good,
    /// Rate limited; the pause that the endpoint asks for, if any.
    Limited(Option<Duration>),
    /// Endpoint error; the pause that the endpoint asks for, if any.
    Broken(Option<Duration>),
}

/// An answer that takes this many times the usual latency signals overload.
const SLOW: f64 = 4.0;
/// Weight of the latest answer in the moving average of latency.
const WEIGHT: f64 = 0.05;
/// Longest pause of a busy endpoint that does not ask for a longer one.
const LONGEST: Duration = Duration::from_mins(1);
/// Longest pause of an unreachable endpoint: one request at a time probes it.
const LONGEST_AWAY: Duration = Duration::from_secs(15);
/// Consecutive failed requests after which a whole endpoint is paused: one error among many good answers says nothing
/// about it.
const TROUBLED: u32 = 3;
/// Interval at which waiting requests check again.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Endpoint {
    in_flight: usize,
    /// Doubles each round until the first cut; then additive increase, multiplicative decrease.
    allowed: f64,
    latency: f64,
    /// Pause that the endpoint asked for: answers to earlier requests do not shorten it.
    limited_until: Option<Instant>,
    /// Consecutive requests for a pause.
    limits: u32,
    /// Paused until then, or until an answer arrives.
    broken_until: Option<Instant>,
    /// Failed requests since the last good one; those in flight at the same time count as one.
    broken: u32,
    last_cut: Option<Instant>,
    last_trouble: Option<Instant>,
}

impl Endpoint {
    fn paused(&self, now: Instant) -> bool {
        [self.limited_until, self.broken_until].into_iter().flatten().any(|t| now < t)
    }
}

/// A token bucket that holds at most a minute's worth.
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
        // Bursts of a few seconds only: the provider's minutes are not ours.
        let most = (per_second * 5.0).max(1.0);
        Self { per_second, level: most, most, filled: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.most);
        self.filled = now;
    }

    /// A cost above the capacity passes when the bucket is full, and leaves a debt.
    fn has(&self, cost: f64) -> bool {
        self.level >= cost.min(self.most)
    }
}

#[derive(Debug)]
struct State {
    endpoints: Vec<Endpoint>,
    last_good: Option<Instant>,
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

/// Permission to send one request to an endpoint.
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
            in_flight: 0,
            allowed: pace.first.clamp(1, pace.most.max(1)) as f64,
            latency: 0.0,
            limited_until: None,
            limits: 0,
            broken_until: None,
            broken: 0,
            last_cut: None,
            last_trouble: None,
        };
        let state = State {
            endpoints: (0..endpoints).map(|_| endpoint()).collect(),
            last_good: None,
            requests: pace.requests_per_minute.map(|n| Bucket::new(n, now)),
            tokens: pace.tokens_per_minute.map(|n| Bucket::new(n, now)),
        };
        Self { state: Mutex::new(state), freed: Notify::new(), pace }
    }

    /// Most requests in flight.
    pub(crate) fn most(&self) -> usize {
        self.lock().endpoints.len() * self.pace.most.max(1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// First pause after an error.
    pub(crate) fn pause(&self) -> Duration {
        self.pace.pause
    }

    /// Time of the last good answer from any endpoint.
    pub(crate) fn last_good(&self) -> Option<Instant> {
        self.lock().last_good
    }

    /// Waits until a request of `tokens` may be sent, and returns its endpoint. It avoids `failed`, the endpoint that
    /// just failed it, while another one works.
    pub(crate) async fn slot(&self, tokens: u64, failed: Option<usize>) -> Slot<'_> {
        loop {
            let freed = self.freed.notified();
            if let Some(slot) = self.try_slot(tokens, failed) {
                return slot;
            }
            // Buckets and pauses expire without notification.
            let _ = tokio::time::timeout(LOOK, freed).await;
        }
    }

    fn try_slot(&self, tokens: u64, failed: Option<usize>) -> Option<Slot<'_>> {
        let now = clock();
        let mut state = self.lock();
        let costs = [1.0, tokens as f64];
        let State { endpoints, requests, tokens, .. } = &mut *state;
        for (bucket, cost) in [requests, tokens].into_iter().zip(costs) {
            if let Some(bucket) = bucket {
                bucket.fill(now);
                if !bucket.has(cost) {
                    return None;
                }
            }
        }
        let elsewhere = endpoints
            .iter()
            .enumerate()
            .any(|(place, e)| Some(place) != failed && e.broken == 0 && !e.paused(now));
        let (place, endpoint) = endpoints
            .iter_mut()
            .enumerate()
            .filter(|(place, e)| !e.paused(now) && (!elsewhere || Some(*place) != failed))
            // One request at a time probes a paused endpoint.
            .filter(|(_, e)| {
                let most = if e.broken > 1 { 1.0 } else { e.allowed.floor().max(1.0) };
                (e.in_flight as f64) < most
            })
            .min_by(|(_, a), (_, b)| {
                (a.in_flight as f64 / a.allowed).total_cmp(&(b.in_flight as f64 / b.allowed))
            })?;
        endpoint.in_flight += 1;
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

    /// Releases a slot; returns the new pause of its endpoint, if any.
    fn release(&self, place: usize, since: Instant, verdict: Option<Verdict>) -> Option<Duration> {
        let now = clock();
        let most = self.pace.most.max(1) as f64;
        let first = self.pace.pause;
        let doubled =
            |times: u32| (first * 2_u32.pow(times.saturating_sub(1).min(10))).min(LONGEST);
        let mut state = self.lock();
        let mut pause = None;
        if verdict == Some(Verdict::Good) {
            state.last_good = Some(now);
        }
        if let Some(e) = state.endpoints.get_mut(place) {
            e.in_flight = e.in_flight.saturating_sub(1);
            let took = now.saturating_duration_since(since).as_secs_f64();
            // Simultaneous failures count once.
            let fresh = e.last_trouble.is_none_or(|t| since >= t);
            let halve = |e: &mut Endpoint| {
                if e.last_cut.is_none_or(|cut| since >= cut) {
                    e.allowed = (e.allowed / 2.0).max(1.0);
                    e.last_cut = Some(now);
                }
            };
            match verdict {
                None => {}
                Some(Verdict::Good) => {
                    e.broken = 0;
                    e.broken_until = None;
                    // It was sent after the pause, so the pause is over.
                    if e.limited_until.is_none_or(|t| since >= t) {
                        e.limits = 0;
                    }
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
                Some(Verdict::Limited(asked)) => {
                    halve(e);
                    if fresh {
                        e.limits += 1;
                        e.last_trouble = Some(now);
                    }
                    let wait = asked.unwrap_or_else(|| doubled(e.limits));
                    e.limited_until = e.limited_until.max(Some(now + wait));
                    pause = Some(wait);
                }
                Some(Verdict::Broken(asked)) => {
                    if fresh {
                        e.broken += 1;
                        e.last_trouble = Some(now);
                    }
                    if e.broken > 1 {
                        halve(e);
                    }
                    if e.broken >= TROUBLED || asked.is_some() {
                        let away =
                            doubled((e.broken + 1).saturating_sub(TROUBLED)).min(LONGEST_AWAY);
                        let wait = asked.unwrap_or(away);
                        e.broken_until = e.broken_until.max(Some(now + wait));
                        pause = Some(wait);
                    }
                }
            }
        }
        drop(state);
        // Wakes one waiter for the freed slot and one for a new slot; whoever finds none keeps waiting.
        self.freed.notify_one();
        self.freed.notify_one();
        pause
    }
}

impl Slot<'_> {
    /// Releases the slot; returns the new pause of its endpoint, if any.
    pub(crate) fn done(mut self, verdict: Verdict) -> Option<Duration> {
        self.judged = true;
        self.paces.release(self.endpoint, self.since, Some(verdict))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.judged {
            self.paces.release(self.endpoint, self.since, None);
        }
    }
}

/// A monotonic clock.
fn clock() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_does_not_return_to_the_endpoint_that_failed_it() {
        let paces = Paces::new(Pace { first: 2, ..Pace::default() }, 2);
        for _ in 0..2 {
            paces.try_slot(1, None).unwrap().done(Verdict::Broken(None));
            assert_eq!(paces.try_slot(1, Some(0)).unwrap().endpoint, 1);
        }
        // The other endpoint is full: wait for a slot there.
        let held: Vec<_> = std::iter::from_fn(|| paces.try_slot(1, Some(0))).collect();
        assert!(held.iter().all(|slot| slot.endpoint == 1), "{held:?}");
        drop(held);
        // Neither works: try either.
        let slot = paces.try_slot(1, Some(0)).unwrap();
        assert_eq!(slot.endpoint, 1);
        slot.done(Verdict::Broken(None));
        assert!(paces.try_slot(1, Some(1)).is_some_and(|slot| slot.endpoint == 0));
    }

    #[test]
    fn doubles_until_trouble_then_goes_up_by_one_a_round_and_down_by_half() {
        let paces = Paces::new(Pace { first: 4, most: 12, ..Pace::default() }, 1);
        let round = |verdict: Verdict| {
            let slots: Vec<_> = std::iter::from_fn(|| paces.try_slot(1, None)).collect();
            let many = slots.len();
            for slot in slots {
                slot.done(verdict);
            }
            many
        };
        let limited = Verdict::Limited(Some(Duration::ZERO));
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
        let pace = Pace { first: 2, pause: Duration::from_mins(1), ..Pace::default() };
        let paces = Paces::new(pace, 2);
        let mut pauses = Vec::new();
        for _ in 0..TROUBLED {
            // The other endpoint is kept busy.
            let others: Vec<_> = std::iter::from_fn(|| paces.try_slot(1, None)).collect();
            for slot in others {
                if slot.endpoint == 0 {
                    pauses.push(slot.done(Verdict::Broken(None)));
                } else {
                    slot.done(Verdict::Good);
                }
            }
        }
        assert_eq!(pauses.iter().flatten().count(), 1, "{pauses:?}");
        let rest: Vec<_> = std::iter::from_fn(|| paces.try_slot(1, None)).collect();
        assert!(!rest.is_empty() && rest.iter().all(|s| s.endpoint == 1));
    }

    #[test]
    fn one_error_among_good_answers_pauses_nothing() {
        let pace = Pace { first: 8, most: 8, pause: Duration::from_mins(1), ..Pace::default() };
        let paces = Paces::new(pace, 1);
        for _ in 0..20 {
            let mut slots: Vec<_> = std::iter::from_fn(|| paces.try_slot(1, None)).collect();
            assert_eq!(slots.len(), 8);
            assert_eq!(slots.pop().unwrap().done(Verdict::Broken(None)), None);
            for slot in slots {
                slot.done(Verdict::Good);
            }
        }
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept_and_doubles_only_while_it_does_not_help() {
        let pace = Pace { first: 2, pause: Duration::from_millis(1), ..Pace::default() };
        let paces = Paces::new(pace, 1);
        let early = paces.try_slot(1, None).unwrap();
        let hour = Duration::from_hours(1);
        let asked = paces.try_slot(1, None).unwrap().done(Verdict::Limited(Some(hour)));
        assert_eq!(asked, Some(hour));
        // An answer that was under way meanwhile does not end it.
        early.done(Verdict::Good);
        assert!(paces.try_slot(1, None).is_none());
        let paces = Paces::new(pace, 1);
        let limited = || {
            loop {
                if let Some(slot) = paces.try_slot(1, None) {
                    return slot.done(Verdict::Limited(None)).unwrap().as_millis();
                }
            }
        };
        assert_eq!([limited(), limited(), limited()], [1, 2, 4]);
        while paces.try_slot(1, None).map(|slot| slot.done(Verdict::Good)).is_none() {}
        assert_eq!(limited(), 1);
    }

    #[test]
    fn a_minute_has_so_many_requests_and_tokens() {
        let pace = Pace { first: 100, requests_per_minute: Some(60), ..Pace::default() };
        let paces = Paces::new(pace, 1);
        assert_eq!(std::iter::from_fn(|| paces.try_slot(1, None)).collect::<Vec<_>>().len(), 5);
        let pace = Pace { first: 100, tokens_per_minute: Some(6000), ..Pace::default() };
        let paces = Paces::new(pace, 1);
        let slots: Vec<_> = std::iter::from_fn(|| paces.try_slot(200, None)).collect();
        assert_eq!(slots.len(), 2);
    }
}
