//! Pauses: between polls, after temporary errors, and before sending more to a provider that returned nothing.

use std::time::Duration;

use clinstruct_batch_client::Error as BackendError;
use tokio::time::Instant;

/// Server errors before any call succeeded, before the run stops: about fifteen seconds.
const FIRST_ERRORS: u32 = 5;

/// Pauses between polls of a job and after errors, starting with the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) first: Duration,
}

impl Pauses {
    /// The longest pause.
    pub(super) fn longest(self) -> Duration {
        self.first * 60
    }

    /// The pause after this one.
    pub(super) fn after(self, pause: Duration) -> Duration {
        (pause * 2).min(self.longest())
    }

    /// How long to wait after an error: what the provider asks for, however long, or `pause`.
    pub(super) fn for_error(self, e: &BackendError, pause: Duration) -> Duration {
        e.retry_after.unwrap_or_else(|| pause.min(self.longest()))
    }
}

/// Delays sending after a job that the provider had no room for, or that returned nothing. Consecutive pauses double.
#[derive(Debug)]
pub(super) struct Backoff {
    pauses: Pauses,
    next: Duration,
    until: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(pauses: Pauses) -> Self {
        Self { pauses, next: pauses.first, until: None }
    }

    /// End of the current pause, if there is one.
    pub(super) fn backoff_until(&self) -> Option<Instant> {
        self.until
    }

    /// Starts a pause; returns its length.
    pub(super) fn start(&mut self, now: Instant) -> Duration {
        let pause = self.next;
        self.until = Some(now + pause);
        self.next = self.pauses.after(pause);
        pause
    }

    /// Ends the current pause.
    pub(super) fn end(&mut self) {
        self.until = None;
    }

    /// A job returned answers: the next pause is the shortest again.
    pub(super) fn reset(&mut self) {
        self.next = self.pauses.first;
    }
}

/// Whether the provider ever answered a call. A provider that only returned server errors is not waited for.
#[derive(Debug)]
pub(super) struct FirstContact {
    reached: bool,
    server_errors: u32,
}

impl FirstContact {
    /// `reached` by an earlier call.
    pub(super) fn new(reached: bool) -> Self {
        Self { reached, server_errors: 0 }
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached
    }

    /// A call was answered.
    pub(super) fn reached(&mut self) {
        self.reached = true;
    }

    /// A call failed with a server error; returns whether to give up.
    pub(super) fn server_error(&mut self) -> bool {
        if self.reached {
            return false;
        }
        self.server_errors += 1;
        self.server_errors >= FIRST_ERRORS
    }
}

/// How long a partial job waits for more requests.
#[derive(Debug, Default)]
pub(super) struct BatchDeadline {
    before: Option<Instant>,
    now: Option<Instant>,
}

impl BatchDeadline {
    /// The deadline that some queue waits for.
    pub(super) fn batch_deadline(&self) -> Option<Instant> {
        self.now
    }

    /// Starts a round of sending: a queue that waited in the last round keeps its deadline, if it waits again.
    pub(super) fn begin_round(&mut self) {
        self.before = self.now.take();
    }

    /// Whether a queue waits at `now`, at most for `patience` since it first did.
    pub(super) fn waits(&mut self, now: Instant, patience: Duration) -> bool {
        let until = self.before.or(self.now).unwrap_or(now + patience);
        if until <= now {
            return false;
        }
        self.now = Some(until);
        true
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_batch_client::ErrorKind;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PAUSES: Pauses = Pauses { first: SECOND };

    #[test]
    fn each_pause_doubles_the_last_until_a_job_returns_answers() {
        let mut backoff = Backoff::new(PAUSES);
        assert_eq!(backoff.backoff_until(), None);
        let now = Instant::now();
        let lengths: Vec<u64> = (0..8).map(|_| backoff.start(now).as_secs()).collect();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.backoff_until(), Some(now + SECOND * 60));
        backoff.reset();
        assert!(backoff.backoff_until().is_some(), "a pause that has begun goes on");
        backoff.end();
        assert_eq!(backoff.backoff_until(), None);
        assert_eq!(backoff.start(now), SECOND);
    }

    #[test]
    fn a_provider_that_says_how_long_to_wait_is_obeyed() {
        let mut e = BackendError::new(ErrorKind::RateLimited, "test", "busy");
        assert_eq!(PAUSES.for_error(&e, SECOND * 100), SECOND * 60);
        e.retry_after = Some(SECOND * 100);
        assert_eq!(PAUSES.for_error(&e, SECOND), SECOND * 100);
    }

    #[test]
    fn server_errors_count_only_before_the_first_answer() {
        let mut contact = FirstContact::new(false);
        assert!((1..FIRST_ERRORS).all(|_| !contact.server_error()));
        assert!(contact.server_error());
        contact.reached();
        assert!(contact.is_reached() && !contact.server_error());
        assert!(!FirstContact::new(true).server_error());
    }

    #[test]
    fn a_batch_keeps_its_deadline_from_round_to_round() {
        let mut deadline = BatchDeadline::default();
        let now = Instant::now();
        deadline.begin_round();
        assert!(deadline.waits(now, SECOND));
        assert_eq!(deadline.batch_deadline(), Some(now + SECOND));
        deadline.begin_round();
        assert!(deadline.waits(now + SECOND / 2, SECOND));
        assert_eq!(deadline.batch_deadline(), Some(now + SECOND));
        deadline.begin_round();
        assert!(!deadline.waits(now + SECOND, SECOND), "the deadline is over");
        // Nobody waits: the next batch has its own deadline.
        deadline.begin_round();
        assert!(deadline.waits(now + SECOND, SECOND));
        assert_eq!(deadline.batch_deadline(), Some(now + SECOND * 2));
    }
}
