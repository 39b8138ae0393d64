use clinstruct_schema::{MicroUsd, Usage};
use serde::Serialize;

/// Running totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Started seed rows.
    pub seed_rows_started: usize,
    /// Seed rows of the plan.
    pub seed_rows_planned: usize,
    /// Conversations done.
    pub done: usize,
    /// Conversations rejected or failed.
    pub rejected: usize,
    /// Repairs requested by this call: a text failed a check, and is requested again with the findings.
    pub repairs: usize,
    /// Requests in flight.
    pub in_flight: usize,
    /// Responses that already existed.
    pub found: usize,
    /// Requests with a stored response, including earlier calls.
    pub answered: usize,
    /// Those of them that earlier calls stored.
    pub answered_before: usize,
    /// Requests sent, including repeated ones.
    pub requested: usize,
    /// Raw responses received.
    pub rows: usize,
    /// Jobs that ended.
    pub jobs: usize,
    /// Tokens of the rows received.
    pub usage: Usage,
    /// Cost of the run, including earlier calls.
    pub spent: MicroUsd,
    /// The estimated part of it: the provider did not report usage.
    pub estimated: MicroUsd,
    /// The most that the jobs in flight may still cost.
    pub reserved: MicroUsd,
}

/// An event to show to the user. As JSON, it is an object with the name in `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The journal was made for another plan: its tasks are replayed from the stored responses.
    Replaying,
    /// A search for a job that may have been sent earlier has ended.
    Orphan {
        /// Its tag.
        tag: String,
        /// Whether the provider has it.
        adopted: bool,
    },
    /// A job that an earlier call sent is still open.
    Open {
        /// Its tag.
        tag: String,
        /// Its rows.
        rows: usize,
        /// When it was created, in seconds since 1970.
        since: i64,
    },
    /// A conversation was rejected, or failed.
    Rejected {
        /// The named reason.
        reason: String,
    },
    /// A job was sent.
    Sent {
        /// Its tag.
        tag: String,
        /// Its rows.
        rows: usize,
    },
    /// A job ended.
    Ended {
        /// Its tag.
        tag: String,
        /// How.
        how: String,
        /// Rows without a response, to be requested again.
        missing: usize,
    },
    /// A row reports an error; each kind of error is reported once.
    RowFault {
        /// The provider's message.
        words: String,
    },
    /// Requests that the provider refused earlier are retried.
    Reopened {
        /// Prompts and conversations that wait for them.
        tasks: usize,
    },
    /// The run waits for the provider, and retries if a time is given.
    Waiting {
        /// Why.
        why: String,
        /// Seconds until the next attempt. `None` if there is none: a response is outstanding.
        seconds: Option<u64>,
    },
    /// Nothing was received for some seconds after the first call, not even an error; reported once.
    Stalled {
        /// The route of the call.
        route: String,
    },
    /// Rows were written but not indexed when the process was stopped; they are ingested now.
    Recovered {
        /// How many.
        rows: usize,
    },
}

/// Receives the progress of a run.
pub trait Progress: Send {
    /// The totals changed.
    fn tally(&mut self, tally: &Tally);
    /// Something happened.
    fn event(&mut self, event: Event);
}

impl Progress for () {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}
