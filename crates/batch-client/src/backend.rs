use std::fmt::Debug;

use clinstruct_schema::{BackendId, RowFormat};
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{Capabilities, JobFault, Limits, Result, Shard, ShardTag};

/// The provider's name for a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobRef(pub String);

/// A job that may have been sent, as [`BatchBackend::find`] looks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its tag.
    pub tag: ShardTag,
    /// Jobs of this run whose names are known: none of them is the one.
    pub known: Vec<JobRef>,
    /// So many of them, from the first on, were sent before it.
    pub earlier: usize,
}

impl Wanted {
    /// A job of which only the tag is known.
    pub fn tagged(tag: ShardTag) -> Self {
        Self { tag, known: Vec::new(), earlier: 0 }
    }
}

/// What a backend waits for before it goes on, as it can be shown to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Why, in the provider's words where it has any.
    pub why: String,
    /// For how many seconds from when it began, until the request is sent again. `None` where it is not sent again: it
    /// has not been answered yet.
    pub seconds: Option<u64>,
    /// Counts up with each new reason to wait, so that each is shown once.
    pub number: u64,
}

/// How a job came to its end. Any of them may have rows, and bills those it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// All that could be done was done.
    Completed,
    /// The provider's time for it ran out.
    Expired,
    /// Somebody cancelled it.
    Cancelled,
    /// The provider gave it up.
    Failed(JobFault),
    /// The provider does not know it any more.
    Lost,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Not ended; rows done so far, where the provider says.
    Running {
        /// Rows done.
        done: Option<u64>,
    },
    /// Ended, and its rows can be fetched.
    Ended(Ended),
}

/// Raw responses, one item each, in any order, exactly as the provider gave them.
pub type RowStream = BoxStream<'static, Result<Vec<u8>>>;

/// A way to have batches of chat requests answered.
#[async_trait::async_trait]
pub trait BatchBackend: Debug + Send + Sync {
    /// Its name: that of its [`Descriptor`](crate::Descriptor), where it has one.
    fn id(&self) -> BackendId;

    /// How much it takes.
    fn limits(&self) -> Limits;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Whose jobs it sees: a text without secrets that changes when another key, project or address is
    /// used, so that a run notices. Empty where that cannot matter.
    fn account(&self) -> String {
        String::new()
    }

    /// How its raw responses are to be read.
    fn row_format(&self) -> RowFormat;

    /// Sends a job. The shard's tag goes with it, so that [`find`](Self::find) can see it again.
    async fn submit(&self, shard: &Shard) -> Result<JobRef>;

    /// The job that was sent with this tag, if the provider has it: adopts an orphan after a crash.
    ///
    /// Asked for a tag whose sending may have been interrupted at any point, it has to see a job that the
    /// provider took even where its answer was lost.
    ///
    /// Where nobody can tell yet, that is an error of the kind [`ErrorKind::Unavailable`](crate::ErrorKind).
    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>>;

    /// Where a job stands. A job that the provider does not know is an error of the kind
    /// [`ErrorKind::NotFound`](crate::ErrorKind), or has ended as [`Ended::Lost`] where nobody else could know it:
    /// the driver looks again, and in the list by tag, before it counts the first as lost.
    async fn poll(&self, job: &JobRef) -> Result<JobState>;

    /// The rows that a job has once [`poll`](Self::poll) says that it ended: answers and errors alike.
    ///
    /// A stream that breaks ends with an error; the rows before it count, and asking again is free. Where a job's
    /// rows are given once (a job that lives in this process), rows that are paid for may follow the error.
    fn rows(&self, job: &JobRef) -> RowStream;

    /// Frees what the provider keeps of a job whose rows are saved and that is not asked after again, where
    /// that is more than the rows. Its failure harms nobody.
    async fn release(&self, job: &JobRef) -> Result<()> {
        let _ = job;
        Ok(())
    }

    /// What it waited for last, for backends that wait by themselves instead of returning an error.
    fn waiting(&self) -> Option<Waiting> {
        None
    }

    /// Stops a job; what it finished can still be fetched.
    async fn cancel(&self, job: &JobRef) -> Result<()>;
}
