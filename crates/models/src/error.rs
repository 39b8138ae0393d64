use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Result of fetching.
pub type Result<T> = std::result::Result<T, Error>;

/// Why weights are not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder of this machine.
    #[error("{operation} {}", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// The error below.
        #[source]
        source: io::Error,
    },
    /// A place elsewhere does not give it.
    #[error(transparent)]
    Remote(#[from] clinstruct_batch_client::Error),
    /// It came whole, and is something else.
    #[error("{what} is not what it should be: its SHA-256 is {found}, and should be {wanted}")]
    Checksum {
        /// The file.
        what: String,
        /// Sum of what came.
        found: String,
        /// Sum that it should have.
        wanted: String,
    },
    /// Something about it is not as it has to be.
    #[error("{0}")]
    Unfit(String),
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }

    pub(crate) fn unfit(what: impl Display) -> Self {
        Self::Unfit(what.to_string())
    }
}
