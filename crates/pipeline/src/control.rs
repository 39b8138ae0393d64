//! How far a call goes, how it is stopped, and how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Stops a run as soon as its data in memory is saved.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    stopped: Arc<AtomicBool>,
    pub(crate) notify: Arc<Notify>,
}

impl StopSignal {
    /// Requests a stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// Whether a stop was requested.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every planned row is done, rejected or failed.
    Finished,
    /// It was stopped, or limited to a part of the work; the same call resumes.
    Stopped,
    /// The next request could exceed the spending limit; the same call with a higher limit resumes.
    CostReached,
}

/// How far a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// Until every row is accounted for.
    ToTheEnd,
    /// Sends what is due and fits, and returns.
    SubmitOnly,
    /// Ingests the rows of jobs that were sent, and sends none.
    CollectOnly,
    /// Replays the plan from the stored responses; neither sends nor fetches.
    Replay,
}
