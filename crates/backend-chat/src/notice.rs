//! What the backend waits for, as it can be shown.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clinstruct_batch_client::Waiting;

/// While it waits, the same reason is shown again after this time.
const AGAIN: Duration = Duration::from_secs(30);
/// Reasons that follow each other faster are one: their texts may have a request's name in them.
const BESIDE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct State {
    waiting: Option<Waiting>,
    raised: Option<Instant>,
    number: u64,
}

/// The reason to wait at this moment.
#[derive(Debug, Default)]
pub(crate) struct Notice(Mutex<State>);

impl Notice {
    /// Notes a reason to wait. Many requests that meet the same trouble are one.
    pub(crate) fn raise(&self, why: &str, wait: Option<Duration>, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A pause that is longer than what was shown is shown; the same again is not.
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

    /// The last reason, also where the wait is over: it may have been shorter than the time between two looks.
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
