use clinstruct_schema::{MicroUsd, RequestId, RowFormat, Stage, Usage};

/// The key of a task: a seed row, the record of one of its prompts, a conversation, or an annotation of a conversation. Keys
/// in order are the plan in order, a record before the conversations of its prompt, the annotations of each annotator behind
/// all rows.
///
/// `annotator << 48 | part << 40 | seed row << 16 | prompt << 8 | variant`; prompt and variant are 0 for the seed row itself,
/// the variant is 0 for a record, the annotator is 0 for all but annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey(pub(crate) i64);

/// The bits of a key that name a conversation.
const CONVERSATION: i64 = (1 << 48) - 1;

impl TaskKey {
    /// The seed row `index` of part `part`; `None` if the number is too large (2^24 and above).
    pub fn seed_row(part: u8, index: u32) -> Option<Self> {
        (index < 1 << 24).then_some(Self(i64::from(part) << 40 | i64::from(index) << 16))
    }

    /// A conversation of a seed row; prompt and variant count from 1.
    pub fn conversation(part: u8, seed_row: u32, prompt: u8, variant: u8) -> Option<Self> {
        if prompt == 0 || variant == 0 {
            return None;
        }
        Self::seed_row(part, seed_row)
            .map(|key| Self(key.0 | i64::from(prompt) << 8 | i64::from(variant)))
    }

    /// The record of a prompt, which counts from 1, of a seed row.
    pub fn extraction(part: u8, seed_row: u32, prompt: u8) -> Option<Self> {
        if prompt == 0 {
            return None;
        }
        Self::seed_row(part, seed_row).map(|key| Self(key.0 | i64::from(prompt) << 8))
    }

    /// Numbers of annotators: 1 to this.
    pub const ANNOTATORS: u16 = (1 << 15) - 1;

    /// What annotator `annotator` (from 1) is asked about this conversation; `None` where this is no conversation, or the
    /// number is none of an annotator.
    pub fn annotation(self, annotator: u16) -> Option<Self> {
        let possible = (1..=Self::ANNOTATORS).contains(&annotator);
        (possible && self.kind() == TaskKind::Conversation)
            .then(|| Self(self.0 | i64::from(annotator) << 48))
    }

    /// Number of the annotator, from 1; 0 for all but annotations.
    pub fn annotator(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// The conversation that an annotation is about; the key itself for all others.
    #[must_use]
    pub fn subject(self) -> Self {
        Self(self.0 & CONVERSATION)
    }

    /// The smallest key of an annotator's annotations of a part, and the smallest behind them.
    pub(crate) fn annotations_of(annotator: u16, part: u8) -> (Self, Self) {
        let from = i64::from(annotator) << 48 | i64::from(part) << 40;
        (Self(from), Self(from.saturating_add(1 << 40)))
    }

    /// The seed row of a conversation or annotation; the key itself for a seed row.
    #[must_use]
    pub fn seed_row_of(self) -> Self {
        Self(self.0 & CONVERSATION & !0xffff)
    }

    /// Index of the part.
    pub fn part(self) -> u8 {
        (self.0 >> 40 & 0xff) as u8
    }

    /// Index of the seed row in its part.
    pub fn seed_row_index(self) -> u32 {
        (self.0 >> 16 & 0xff_ffff) as u32
    }

    /// The same task of the seed row `index` of its part; `None` if the number is too large.
    pub fn with_seed_row(self, index: u32) -> Option<Self> {
        (index < 1 << 24).then(|| Self(self.0 & !(0xff_ffff << 16) | i64::from(index) << 16))
    }

    /// Prompt, from 1; 0 for a seed row.
    pub fn prompt(self) -> u8 {
        (self.0 >> 8 & 0xff) as u8
    }

    /// Variant, from 1; 0 for a seed row and for a record.
    pub fn variant(self) -> u8 {
        (self.0 & 0xff) as u8
    }

    /// Whether it is a seed row.
    pub fn is_seed_row(self) -> bool {
        self.0 & 0xffff == 0
    }

    /// The kind of the task.
    pub fn kind(self) -> TaskKind {
        if self.annotator() > 0 {
            TaskKind::Annotation
        } else if self.is_seed_row() {
            TaskKind::Prompt
        } else if self.variant() == 0 {
            TaskKind::Extraction
        } else {
            TaskKind::Conversation
        }
    }
}

/// The kind of a task; stored by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// The prompts of a seed row.
    Prompt,
    /// The facts that a prompt states.
    Extraction,
    /// A conversation.
    Conversation,
    /// What an annotator is asked about a conversation.
    Annotation,
}

impl TaskKind {
    /// Name in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Extraction => "extraction",
            Self::Conversation => "conversation",
            Self::Annotation => "annotation",
        }
    }
}

/// State of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for the response to a request.
    Waiting,
    /// It has everything it needs.
    Done,
    /// It ended incomplete.
    Rejected,
}

impl TaskState {
    pub(crate) const ALL: [Self; 3] = [Self::Waiting, Self::Done, Self::Rejected];

    /// Name in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }
}

/// A response that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The request.
    pub request: RequestId,
    /// Attempts, including this one.
    pub attempts: u8,
    /// Cleanup rules of the parser that changed the text, as bits.
    pub cleanup: u32,
}

/// Why a task ended incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stage that rejected it.
    pub stage: Stage,
    /// Whether there was no answer.
    pub failed: bool,
    /// Named reason.
    pub reason: String,
    /// Details.
    pub detail: String,
}

/// A task in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// Key.
    pub key: TaskKey,
    /// State.
    pub state: TaskState,
    /// The request that it waits for.
    pub waiting: Option<RequestId>,
    /// Earlier attempts of the current step.
    pub attempts: u32,
    /// Deliveries of that request that failed.
    pub delivery_attempts: u32,
    /// Deliveries of that request that were or may have been billed, and gave nothing usable.
    pub unusable: u32,
    /// Accepted responses, oldest first.
    pub steps: Vec<Step>,
    /// Why it was rejected.
    pub rejection: Option<Rejection>,
}

/// A row of the plan, as it was when the journal was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// The seed row's task.
    pub task: TaskKey,
    /// The seed row's id.
    pub id: String,
    /// The address of its first request.
    pub request: RequestId,
    /// Digests of all else that shapes what comes of it; the pipeline's own format.
    pub shape: Vec<u8>,
}

/// The journal's number of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

/// The journal's number of a frame of raw responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameId(pub i64);

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobProgress {
    /// It is about to be sent, or was sent without a response yet.
    Intent,
    /// The provider has it.
    Sent,
    /// Its rows are stored.
    Ended,
}

impl JobProgress {
    pub(crate) const ALL: [Self; 3] = [Self::Intent, Self::Sent, Self::Ended];

    /// Name in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Sent => "sent",
            Self::Ended => "ended",
        }
    }
}

/// A job in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// Number.
    pub id: JobId,
    /// Its tag.
    pub tag: String,
    /// The provider's id of it.
    pub provider_ref: Option<String>,
    /// Its state.
    pub state: JobProgress,
    /// How it ended.
    pub ended: Option<String>,
    /// Rows sent.
    pub rows: u64,
    /// Its route.
    pub route: String,
    /// Estimated tokens that it occupies in the provider's queue.
    pub queued_tokens: u64,
    /// Upper bound of its cost.
    pub reserved: MicroUsd,
    /// Cost of its rows so far.
    pub cost: MicroUsd,
    /// The estimated part of that cost: the provider did not report usage.
    pub estimated: MicroUsd,
    /// Its first error, in the provider's words.
    pub fault: Option<String>,
    /// Tokens of its rows so far.
    pub usage: Usage,
    /// Its rows so far.
    pub counts: JobCounts,
    /// Creation time, in seconds since 1970.
    pub created: i64,
    /// Time of the last state change, in seconds since 1970.
    pub updated: i64,
}

/// A job that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewJob<'a> {
    /// Its tag, unique in the run.
    pub tag: &'a str,
    /// Rows.
    pub rows: usize,
    /// Its route.
    pub route: &'a str,
    /// Estimated tokens that it occupies in the provider's queue.
    pub queued_tokens: u64,
    /// Upper bound of its cost.
    pub reserved: MicroUsd,
}

/// The cost of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Money {
    /// Cost of all rows that were received, or may have been billed.
    pub spent: MicroUsd,
    /// The estimated part of it: the provider did not report usage.
    pub estimated: MicroUsd,
    /// The most that open jobs may still cost.
    pub reserved: MicroUsd,
    /// Tokens of all received rows.
    pub usage: Usage,
}

/// Counts of a job's rows by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Accepted responses.
    pub answered: u64,
    /// Rows with a retryable error.
    pub errors: u64,
    /// Rows for requests that were answered before.
    pub duplicates: u64,
    /// Rows that match no request of ours.
    pub unknown: u64,
    /// Requests without a row.
    pub missing: u64,
}

impl JobCounts {
    /// Adds other counts to these.
    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.errors += other.errors;
        self.duplicates += other.duplicates;
        self.unknown += other.unknown;
        self.missing += other.missing;
    }
}

/// An update of a job's totals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobSums {
    /// Rows.
    pub counts: JobCounts,
    /// Their tokens.
    pub usage: Usage,
    /// Their cost.
    pub cost: MicroUsd,
    /// The estimated part of the cost.
    pub estimated: MicroUsd,
    /// An error, in the provider's words. Only the first one of a job is kept.
    pub fault: Option<String>,
}

impl JobSums {
    /// Adds other totals to these.
    pub fn add(&mut self, other: Self) {
        self.counts.add(&other.counts);
        self.usage += other.usage;
        self.cost += other.cost;
        self.estimated += other.estimated;
        self.fault = self.fault.take().or(other.fault);
    }
}

/// A request that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The request.
    pub request: RequestId,
    /// The task that waited for it.
    pub task: TaskKey,
    /// Whether the provider refused it for a reason that can be fixed: a parameter, a limit, a key.
    pub refused: bool,
    /// Named reason.
    pub reason: String,
    /// Details, in the provider's words.
    pub detail: String,
}

/// Counts of one position in the conversations of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnCounts {
    /// Part, by its index in the catalog.
    pub part: u8,
    /// 0 for the prompt; then odd positions are the assistant's, even ones the health worker's.
    pub place: usize,
    /// Accepted answers.
    pub answered: u64,
    /// Tasks that wait for this one.
    pub waiting: u64,
}

/// Number of tasks beside the conversations of a part by state: the records of its prompts, or the annotations of one
/// annotator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BesideCounts {
    /// Part, by its index in the catalog.
    pub part: u8,
    /// The journal's number of the annotator; 0 for records.
    pub annotator: u16,
    /// Tasks that wait for an answer.
    pub waiting: u64,
    /// Tasks with an accepted answer.
    pub done: u64,
    /// Tasks without one.
    pub rejected: u64,
}

/// Number of tasks of a part by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartCounts {
    /// Index of the part.
    pub part: u8,
    /// Seed rows that wait.
    pub seed_rows_waiting: u64,
    /// Seed rows that have their prompts.
    pub seed_rows_done: u64,
    /// Seed rows that ended incomplete.
    pub seed_rows_rejected: u64,
    /// Conversations that wait.
    pub conversations_waiting: u64,
    /// Conversations that are done.
    pub conversations_done: u64,
    /// Conversations that ended incomplete.
    pub conversations_rejected: u64,
}

/// Raw responses that were appended but not indexed when a process was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Their job.
    pub job: JobId,
    /// Their format.
    pub format: RowFormat,
    /// The rows.
    pub rows: Vec<Vec<u8>>,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Location of a raw response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLocation {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) row: u32,
}
