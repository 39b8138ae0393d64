use clinstruct_schema::{MicroUsd, Usage};

/// Running totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Seed rows begun.
    pub seed_rows_started: usize,
    /// Seed rows of the plan.
    pub seed_rows_planned: usize,
    /// Conversations done.
    pub done: usize,
    /// Conversations rejected or failed.
    pub rejected: usize,
    /// Requests in flight.
    pub under_way: usize,
    /// Responses that were stored already.
    pub found: usize,
    /// Requests with a stored response, those of earlier calls included.
    pub answered: usize,
    /// Requests sent, those sent again included.
    pub asked: usize,
    /// Raw responses received.
    pub rows: usize,
    /// Jobs that ended.
    pub jobs: usize,
    /// Tokens of the rows received.
    pub usage: Usage,
    /// What the run has cost, earlier calls included.
    pub spent: MicroUsd,
    /// The part of it that is an estimate: the provider did not say what was used.
    pub estimated: MicroUsd,
    /// What the jobs in flight may still cost.
    pub reserved: MicroUsd,
}

/// Something worth showing to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The journal was made for another plan: its tasks are replayed from the stored responses.
    Replaying,
    /// A job that was sent before is found at the provider, or is not.
    Orphan {
        /// Its tag.
        tag: String,
        /// Whether the provider has it.
        adopted: bool,
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
        /// The provider's words.
        words: String,
    },
    /// Requests that the provider refused earlier are retried.
    Reopened {
        /// Prompts and conversations that wait for them.
        tasks: usize,
    },
    /// The run waits for the provider, and retries where a time is given.
    Waiting {
        /// Why.
        why: String,
        /// Seconds until the next attempt. `None` where there is none: a response is outstanding.
        seconds: Option<u64>,
    },
    /// Nothing was received for some seconds after the first call, not even an error; reported once.
    Stalled {
        /// The route that the call went.
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
