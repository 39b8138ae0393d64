use std::path::PathBuf;

/// Result of a stage.
pub type Result<T> = std::result::Result<T, Error>;

/// What stopped a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run's journal or raw responses.
    #[error("use the run's store")]
    Store(#[from] clinstruct_store::Error),
    /// The plan.
    #[error("lay out the plan")]
    Plan(#[from] clinstruct_promptgen::Error),
    /// A conversation's texts.
    #[error("play a conversation on")]
    Machine(#[from] clinstruct_multiturn::Error),
    /// The backend.
    #[error("have requests answered")]
    Backend(#[from] clinstruct_batch_client::Error),
    /// An output file.
    #[error("write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: std::io::Error,
    },
    /// A part that the catalog does not have.
    #[error("there is no part \"{0}\"")]
    UnknownPart(String),
    /// The provider gives up one job after the other.
    #[error("job after job ended without a row; the last one: {0}")]
    JobsRefused(String),
    /// Rows say that none can be answered until somebody mends something.
    #[error("the provider answers no row: {code}: {message}")]
    RowsRefused {
        /// The provider's code.
        code: String,
        /// Its message.
        message: String,
    },
    /// The run was begun with other models.
    #[error("this run was begun with {known}, and not with {asked}")]
    OtherModel {
        /// Models that it was begun with.
        known: String,
        /// Models of this call.
        asked: String,
    },
    /// Answered rows would change or disappear.
    #[error("{0}")]
    PlanChange(Box<crate::PlanChange>),
    /// Jobs are under way at another account.
    #[error("{jobs} jobs were sent to {known} and have not ended; this call is for {asked}")]
    OtherAccount {
        /// How many.
        jobs: usize,
        /// Account that they were sent to.
        known: String,
        /// Account of this call.
        asked: String,
    },
    /// The journal does not fit the plan.
    #[error("the journal has a row that the plan does not have: {0}")]
    Astray(String),
}
