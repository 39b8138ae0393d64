use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Result of a download.
pub type Result<T> = std::result::Result<T, Error>;

/// Why weights are not available.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A local file or folder.
    #[error("{operation} {}", path.display())]
    Io {
        /// The operation.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A remote source failed.
    #[error(transparent)]
    Remote(#[from] clinstruct_batch_client::Error),
    /// The download is complete, but its checksum differs.
    #[error("{what} has the wrong checksum: its SHA-256 is {found}, expected {wanted}")]
    Checksum {
        /// The file.
        what: String,
        /// Actual checksum.
        found: String,
        /// Expected checksum.
        wanted: String,
    },
    /// It is not valid.
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
