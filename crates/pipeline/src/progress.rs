use clinstruct_schema::{MicroUsd, Usage};

/// Running totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Base rows begun.
    pub base_started: usize,
    /// Base rows of the plan.
    pub base_planned: usize,
    /// Conversations done.
    pub done: usize,
    /// Conversations rejected or failed.
    pub rejected: usize,
    /// Conversations under way.
    pub under_way: usize,
    /// Responses that the store had already.
    pub found: usize,
    /// Requests whose answer stands, those of earlier calls included.
    pub answered: usize,
    /// Requests sent, those sent again included.
    pub asked: usize,
    /// Raw rows received.
    pub rows: usize,
    /// Jobs that ended.
    pub jobs: usize,
    /// Tokens of the rows received.
    pub usage: Usage,
    /// What the run has cost, earlier calls included.
    pub spent: MicroUsd,
    /// The part of it that is an estimate: the provider did not say what was used.
    pub estimated: MicroUsd,
    /// What the jobs under way may still cost.
    pub reserved: MicroUsd,
}

/// Something that a person may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The journal was made for another plan: its tasks are played again from the responses.
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
        /// Rows without an answer, to be asked for again.
        missing: usize,
    },
    /// A row reports an error; each kind of error is reported once.
    RowFault {
        /// The provider's words.
        words: String,
    },
    /// Requests that the provider refused earlier are made again.
    Reopened {
        /// Prompts and conversations that wait for them.
        tasks: usize,
    },
    /// Something is in the way; the run waits and tries again.
    Waiting {
        /// What.
        why: String,
        /// For how many seconds, until it is tried again. `None` where nothing is tried again: an answer is outstanding.
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

/// Is told how a run goes.
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
