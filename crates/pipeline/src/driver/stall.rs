//! Reports once that a model has sent nothing yet, so that the run does not seem to hang.

use std::time::Duration;

use tokio::time::Instant;

/// Time without a reply to the first call after which the stall is reported.
const STALL_AFTER: Duration = Duration::from_secs(5);

/// Watches for the first reply.
#[derive(Debug, Default)]
pub(super) enum StallWatch {
    /// Nothing was sent.
    #[default]
    Idle,
    /// The first call was made; without a reply, a stall is reported at the deadline.
    Watching {
        /// Its route.
        route: String,
        /// When the stall is reported.
        deadline: Instant,
    },
    /// Something was received, or the stall was reported.
    Over,
}

impl StallWatch {
    /// A call is made on a route. Only the first one is watched.
    pub(super) fn start(&mut self, route: &str, now: Instant) {
        if matches!(self, Self::Idle) {
            *self = Self::Watching { route: route.to_owned(), deadline: now + STALL_AFTER };
        }
    }

    /// Something was received, even an error.
    pub(super) fn received(&mut self) {
        *self = Self::Over;
    }

    /// The deadline for reporting a stall.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Watching { deadline, .. } => Some(*deadline),
            Self::Idle | Self::Over => None,
        }
    }

    /// Ends the watch; returns the route whose stall is to be reported.
    pub(super) fn expire(&mut self) -> Option<String> {
        match std::mem::replace(self, Self::Over) {
            Self::Watching { route, .. } => Some(route),
            Self::Idle | Self::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_call_is_watched_and_reported_once() {
        let mut watch = StallWatch::default();
        assert_eq!((watch.deadline(), watch.expire()), (None, None));
        let mut watch = StallWatch::default();
        let now = Instant::now();
        watch.start("first", now);
        watch.start("second", now + STALL_AFTER);
        assert_eq!(watch.deadline(), Some(now + STALL_AFTER));
        assert_eq!(watch.expire().as_deref(), Some("first"));
        watch.start("third", now);
        assert_eq!((watch.deadline(), watch.expire()), (None, None));
    }

    #[test]
    fn whatever_is_received_ends_the_watch() {
        let mut watch = StallWatch::default();
        watch.start("route", Instant::now());
        watch.received();
        assert_eq!((watch.deadline(), watch.expire()), (None, None));
    }
}
