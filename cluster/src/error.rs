use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clinstruct_schema::Hint as _;
use datafusion::error::DataFusionError;

/// Why a run cannot be curated on the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot use {path}")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A line is not one of our rows.
    #[error("{path}, byte {offset}: not a row of clinstruct")]
    Row {
        /// File.
        path: PathBuf,
        /// Where the line starts, in bytes.
        offset: u64,
        /// Cause.
        source: serde_json::Error,
    },
    /// More bytes of conversations than places can address.
    #[error("the conversations have {bytes} bytes, and at most {most} are possible")]
    TooLarge {
        /// Bytes of all conversations.
        bytes: u64,
        /// The most that is possible.
        most: u64,
    },
    /// No scheduler listens at the address.
    #[error("cannot reach a scheduler at {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// Cause.
        source: io::Error,
    },
    /// A query took too long.
    #[error("{doing} took more than {} s", limit.as_secs())]
    Slow {
        /// What the query does.
        doing: String,
        /// The most that it may take.
        limit: Duration,
    },
    /// The engine could not run a query.
    #[error("cannot finish {doing}")]
    Engine {
        /// What was being done.
        doing: String,
        /// Cause.
        source: Box<DataFusionError>,
    },
    /// A process of the cluster ended.
    #[error("the {role} ended")]
    Process {
        /// Scheduler or executor.
        role: &'static str,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The passes that do not run on the engine.
    #[error(transparent)]
    Passes(#[from] clinstruct_curate::Error),
    /// Settings or files of the run.
    #[error(transparent)]
    Run(#[from] clinstruct_app::Error),
}

impl Error {
    /// An error with a file.
    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// An error of the engine.
    pub(crate) fn engine(doing: &str) -> impl Fn(DataFusionError) -> Self + '_ {
        move |source| Self::Engine { doing: doing.to_owned(), source: Box::new(source) }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { source, .. } => source.hint(),
            Self::Row { .. } => Some("use a folder that `clinstruct build` wrote".to_owned()),
            Self::TooLarge { .. } => Some("curate shards of the run on their own".to_owned()),
            Self::Unreachable { .. } => Some(
                "start one with `clinstruct-cluster scheduler`, and name it with --scheduler HOST:PORT"
                    .to_owned(),
            ),
            Self::Slow { .. } => Some(
                "check that executors are connected to the scheduler, or allow more with --timeout"
                    .to_owned(),
            ),
            Self::Engine { source, .. } => {
                matches!(source.find_root(), DataFusionError::ResourcesExhausted(_))
                    .then(|| "give it more memory with --memory".to_owned())
            }
            Self::Process { .. } => None,
            Self::Passes(error) => error.hint(),
            Self::Run(error) => error.hint.clone(),
        }
    }
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
