use std::fmt::Debug;

use clinstruct_schema::{BackendId, RowFormat};
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{Capabilities, JobFault, Limits, Result, Shard, ShardTag};

/// The provider's name for a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobRef(pub String);

/// A job that may have been sent, for [`BatchBackend::find`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its tag.
    pub tag: ShardTag,
    /// Jobs of this run with known ids: none of them is the one.
    pub known: Vec<JobRef>,
    /// How many of them, from the first, were sent before it.
    pub earlier: usize,
}

impl Wanted {
    /// A job of which only the tag is known.
    pub fn tagged(tag: ShardTag) -> Self {
        Self { tag, known: Vec::new(), earlier: 0 }
    }
}

/// What a backend waits for, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The reason, in the provider's words if there are any.
    pub why: String,
    /// Seconds from its start until the request is sent again. `None` if it is not sent again because it is still
    /// unanswered.
    pub seconds: Option<u64>,
    /// Increases with each new reason to wait, so that each is shown once.
    pub number: u64,
}

/// How a job ended. In each case it may have rows, and bills those it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It ran to its end.
    Completed,
    /// It expired at the provider.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// The provider gave it up.
    Failed(JobFault),
    /// The provider does not know it any more.
    Lost,
}

/// State of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Not ended; rows completed so far, if reported.
    Running {
        /// Rows done.
        done: Option<u64>,
    },
    /// Ended; its rows can be fetched.
    Ended(Ended),
}

/// Raw responses, one item each, in any order, exactly as the provider sent them.
pub type RowStream = BoxStream<'static, Result<Vec<u8>>>;

/// A service that answers batches of chat requests.
#[async_trait::async_trait]
pub trait BatchBackend: Debug + Send + Sync {
    /// Its name; equal to that of its [`Descriptor`](crate::Descriptor), if it has one.
    fn id(&self) -> BackendId;

    /// Its limits.
    fn limits(&self) -> Limits;

    /// Its capabilities.
    fn capabilities(&self) -> Capabilities;

    /// The account whose jobs it sees: a string without secrets that changes with the key, project or address, so that
    /// a run notices. Empty if that cannot matter.
    fn account(&self) -> String {
        String::new()
    }

    /// Format of its raw responses.
    fn row_format(&self) -> RowFormat;

    /// Sends a job. It carries the shard's tag, so that [`find`](Self::find) can find it again.
    async fn submit(&self, shard: &Shard) -> Result<JobRef>;

    /// The job that was sent with this tag, if the provider has it: adopts an orphan after a crash.
    ///
    /// Sending may have been interrupted at any point: a job that the provider accepted must be found even if the
    /// response was lost.
    ///
    /// If the answer is not known yet, that is an error of the kind [`ErrorKind::Unavailable`](crate::ErrorKind).
    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>>;

    /// State of a job. A job unknown to the provider is an error of the kind [`ErrorKind::NotFound`](crate::ErrorKind),
    /// or has ended as [`Ended::Lost`] if nobody else could know it: the driver polls again, and searches the list by
    /// tag, before it treats the former as lost.
    async fn poll(&self, job: &JobRef) -> Result<JobState>;

    /// The rows of a job that has ended according to [`poll`](Self::poll): answers and errors alike.
    ///
    /// An interrupted stream ends with an error; the rows before it count, and fetching again is free. If a job's rows
    /// are yielded only once (a job in this process), rows that are billed may follow the error.
    fn rows(&self, job: &JobRef) -> RowStream;

    /// Deletes what the provider keeps of a job beyond its rows, once they are saved and the job is not polled again.
    /// Failure is harmless.
    async fn release(&self, job: &JobRef) -> Result<()> {
        let _ = job;
        Ok(())
    }

    /// What it waited for last, for backends that wait internally instead of returning an error.
    fn waiting(&self) -> Option<Waiting> {
        None
    }

    /// Cancels a job; its completed rows can still be fetched.
    async fn cancel(&self, job: &JobRef) -> Result<()>;
}
