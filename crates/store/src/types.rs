use clinstruct_schema::{MicroUsd, RequestId, RowFormat, Stage, Usage};

/// The key of a task: a seed row, a conversation, or an annotation of a conversation. Keys in order are the plan in order,
/// the annotations of each annotator behind all rows.
///
/// `annotator << 48 | part << 40 | seed row << 16 | prompt << 8 | variant`; prompt and variant are 0 for the seed row itself,
/// the annotator is 0 for all but annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey(pub(crate) i64);

/// The bits of a key that name a conversation.
const CONVERSATION: i64 = (1 << 48) - 1;

impl TaskKey {
    /// The seed row `index` of part `part`; `None` where the number is too large (2^24 and above).
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

    /// Index of the part.
    pub fn part(self) -> u8 {
        (self.0 >> 40 & 0xff) as u8
    }

    /// Index of the seed row in its part.
    pub fn seed_row_index(self) -> u32 {
        (self.0 >> 16 & 0xff_ffff) as u32
    }

    /// Prompt, from 1; 0 for a seed row.
    pub fn prompt(self) -> u8 {
        (self.0 >> 8 & 0xff) as u8
    }

    /// Variant, from 1; 0 for a seed row.
    pub fn variant(self) -> u8 {
        (self.0 & 0xff) as u8
    }

    /// Whether it is a seed row.
    pub fn is_seed_row(self) -> bool {
        self.0 & 0xffff == 0
    }

    /// What the task is for.
    pub fn kind(self) -> TaskKind {
        if self.annotator() > 0 {
            TaskKind::Annotation
        } else if self.is_seed_row() {
            TaskKind::Prompt
        } else {
            TaskKind::Conversation
        }
    }
}

/// What a task is for; the journal has it by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// The prompts of a seed row.
    Prompt,
    /// A conversation.
    Conversation,
    /// What an annotator is asked about a conversation.
    Annotation,
}

impl TaskKind {
    /// The name in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Conversation => "conversation",
            Self::Annotation => "annotation",
        }
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for the response to a request.
    Waiting,
    /// It has all it needs.
    Done,
    /// It ended without.
    Rejected,
}

impl TaskState {
    pub(crate) const ALL: [Self; 3] = [Self::Waiting, Self::Done, Self::Rejected];

    /// The name in the journal.
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
    /// Attempts that it took, this one included.
    pub attempts: u8,
    /// Cleanup rules of the parser that changed the text, as bits.
    pub cleanup: u32,
}

/// Why a task ended without what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stage that rejected it.
    pub stage: Stage,
    /// Whether no answer could be had.
    pub failed: bool,
    /// Named reason.
    pub reason: String,
    /// What was seen.
    pub detail: String,
}

/// A task as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// Key.
    pub key: TaskKey,
    /// State.
    pub state: TaskState,
    /// The request that it waits for.
    pub waiting: Option<RequestId>,
    /// Attempts of what it waits for, before this one.
    pub attempts: u32,
    /// Deliveries of that request that failed.
    pub delivery_attempts: u32,
    /// Deliveries of that request that were paid for, or may have been, and gave nothing that can be used.
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
    /// Its first request.
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

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobProgress {
    /// It is about to be sent, or was sent without an answer having come.
    Intent,
    /// The provider has it.
    Sent,
    /// Its rows are in.
    Ended,
}

impl JobProgress {
    pub(crate) const ALL: [Self; 3] = [Self::Intent, Self::Sent, Self::Ended];

    /// The name in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Sent => "sent",
            Self::Ended => "ended",
        }
    }
}

/// A job as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// Number.
    pub id: JobId,
    /// Name under which it was sent.
    pub tag: String,
    /// The provider's name for it.
    pub provider_ref: Option<String>,
    /// Where it stands.
    pub state: JobProgress,
    /// How it ended.
    pub ended: Option<String>,
    /// Rows sent.
    pub rows: u64,
    /// The route that it took to a model.
    pub route: String,
    /// Tokens that it takes of the provider's queue, estimated.
    pub queued_tokens: u64,
    /// Most that it was thought to cost.
    pub reserved: MicroUsd,
    /// What its rows cost so far.
    pub cost: MicroUsd,
    /// The part of that cost that is an estimate: the provider did not say what it used.
    pub estimated: MicroUsd,
    /// The first error of it, in the provider's words.
    pub fault: Option<String>,
    /// Tokens of its rows so far.
    pub usage: Usage,
    /// Its rows so far.
    pub counts: JobCounts,
    /// When it was recorded, in seconds since 1970.
    pub created: i64,
    /// When its state changed last, in seconds since 1970.
    pub updated: i64,
}

/// A job that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewJob<'a> {
    /// Name under which it is sent, unique in the run.
    pub tag: &'a str,
    /// Rows.
    pub rows: usize,
    /// The route that it takes to a model.
    pub route: &'a str,
    /// Tokens that it takes of the provider's queue, estimated.
    pub queued_tokens: u64,
    /// Most that it can cost.
    pub reserved: MicroUsd,
}

/// What a run has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Money {
    /// Cost of all rows that came, or may have been paid for.
    pub spent: MicroUsd,
    /// The part of it that is an estimate: the provider did not say what was used.
    pub estimated: MicroUsd,
    /// What the jobs that have not ended may still cost.
    pub reserved: MicroUsd,
    /// Tokens of all rows that came.
    pub usage: Usage,
}

/// What the rows of a job were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Responses that stand.
    pub answered: u64,
    /// Rows that report an error to be tried again.
    pub errors: u64,
    /// Rows for requests that were answered before.
    pub duplicates: u64,
    /// Rows that no request of ours fits.
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

/// What is added to what is known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobSums {
    /// Rows.
    pub counts: JobCounts,
    /// Their tokens.
    pub usage: Usage,
    /// Their cost.
    pub cost: MicroUsd,
    /// The part of the cost that is an estimate.
    pub estimated: MicroUsd,
    /// An error, in the provider's words. The first one of a job is kept.
    pub fault: Option<String>,
}

impl JobSums {
    /// Adds other sums to these.
    pub fn add(&mut self, other: Self) {
        self.counts.add(&other.counts);
        self.usage += other.usage;
        self.cost += other.cost;
        self.estimated += other.estimated;
        self.fault = self.fault.take().or(other.fault);
    }
}

/// A request for which no answer could be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The request.
    pub request: RequestId,
    /// The task that waited for it.
    pub task: TaskKey,
    /// Whether the provider refused it for a reason that somebody can change: a parameter, a limit, a key.
    pub refused: bool,
    /// Named reason.
    pub reason: String,
    /// What was seen, in the provider's words.
    pub detail: String,
}

/// Answers of one place in the conversations of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnCounts {
    /// Part, by its index in the catalog.
    pub part: u8,
    /// 0 for the prompt; then the assistant's answers have the odd places, the health worker's the even ones.
    pub place: usize,
    /// Answers that were taken.
    pub answered: u64,
    /// Tasks that wait for this one.
    pub waiting: u64,
}

/// How many tasks of a part stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartCounts {
    /// Index of the part.
    pub part: u8,
    /// Seed rows that wait.
    pub seed_rows_waiting: u64,
    /// Seed rows that have their prompts.
    pub seed_rows_done: u64,
    /// Seed rows that ended without.
    pub seed_rows_rejected: u64,
    /// Conversations that wait.
    pub conversations_waiting: u64,
    /// Conversations that are done.
    pub conversations_done: u64,
    /// Conversations that ended without.
    pub conversations_rejected: u64,
}

/// Raw responses that were appended but not indexed when a process was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// Job that they are of.
    pub job: JobId,
    /// How they are read.
    pub format: RowFormat,
    /// The rows.
    pub rows: Vec<Vec<u8>>,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Where a raw response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLocation {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) row: u32,
}
