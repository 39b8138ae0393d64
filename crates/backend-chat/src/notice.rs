//! What the backend waits for, for display.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clinstruct_batch_client::Waiting;

/// Interval at which an unchanged reason is shown again.
const AGAIN: Duration = Duration::from_secs(30);
/// Reasons that follow each other faster count as one: their texts may contain request names.
const BESIDE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct State {
    waiting: Option<Waiting>,
    raised: Option<Instant>,
    number: u64,
}

/// The current reason to wait.
#[derive(Debug, Default)]
pub(crate) struct Notice(Mutex<State>);

impl Notice {
    /// Records a reason to wait. Requests that meet the same problem share one.
    pub(crate) fn raise(&self, why: &str, wait: Option<Duration>, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only a pause longer than the one shown is shown again.
        let seconds = wait.map(|wait| wait.as_secs());
        let longest = |w: &Waiting| w.seconds.unwrap_or(0).max(1) * 4;
        let known = state.waiting.as_ref().filter(|w| seconds.unwrap_or(0) <= longest(w));
        let quiet = known.map(|w| if w.why == why { AGAIN } else { BESIDE });
        let since = state.raised.map(|at| now.saturating_duration_since(at));
        if since.zip(quiet).is_some_and(|(since, quiet)| since < quiet) {
            return;
        }
        state.number += 1;
        state.raised = Some(now);
        state.waiting = Some(Waiting { why: why.to_owned(), seconds, number: state.number });
    }

    /// The last reason, even if the wait is over: it may have been shorter than the polling interval.
    pub(crate) fn last(&self) -> Option<Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_of_many_requests_is_shown_once() {
        let (notice, now) = (Notice::default(), Instant::now());
        for _ in 0..9 {
            notice.raise("429: slow down", Some(Duration::from_secs(1)), now);
        }
        assert_eq!(notice.last().map(|w| w.number), Some(1));
        notice.raise("429: slow down", Some(Duration::from_mins(10)), now);
        assert_eq!(notice.last().map(|w| (w.number, w.seconds)), Some((2, Some(600))));
        notice.raise("429: slow down", Some(Duration::from_mins(1)), now + AGAIN);
        assert_eq!(notice.last().map(|w| w.number), Some(3));
        notice.raise("503: loading", Some(Duration::from_secs(1)), now + AGAIN);
        assert_eq!(notice.last().map(|w| w.number), Some(3));
        notice.raise("503: loading", Some(Duration::from_secs(1)), now + AGAIN + BESIDE);
        assert_eq!(notice.last().map(|w| w.number), Some(4));
    }
}
