#[cfg(any(test, feature = "http"))]
use std::fmt::Display;
use std::io;
#[cfg(any(test, feature = "http"))]
use std::path::Path;
use std::path::PathBuf;

use clinstruct_batch_client::ErrorKind;
use clinstruct_schema::{Blame, Hint};

/// Result of fetching.
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

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { source, .. } => return source.hint(),
            Self::Remote(e) if e.kind == ErrorKind::Unauthorised => {
                "accept the model's terms at the hub, create a token that may read, and export HF_TOKEN=.."
            }
            Self::Remote(_) => {
                "rerun the same command to resume the download; HF_ENDPOINT and PIP_INDEX_URL name other places to \
                 fetch from"
            }
            Self::Checksum { .. } => {
                "the file is not used; if it was there before, remove it, then rerun the same command; if the sum is \
                 wrong again, somebody has changed the file or the expected sum"
            }
            Self::Unfit(_) => "`clinstruct model list` shows models that can be fetched",
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Io { source, .. } => source.blame(),
            Self::Remote(e) => e.blame(),
            Self::Checksum { .. } => Blame::Environment,
            Self::Unfit(_) => Blame::Usage,
        }
    }
}

#[cfg(any(test, feature = "http"))]
impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }

    pub(crate) fn unfit(what: impl Display) -> Self {
        Self::Unfit(what.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_hint() {
        let remote = |kind| Error::Remote(clinstruct_batch_client::Error::new(kind, "fetch", "no"));
        let missing = io::Error::from(io::ErrorKind::NotFound);
        for (error, blame, hint) in [
            (Error::io("read", Path::new("x"))(missing), Blame::Environment, "check the path"),
            (remote(ErrorKind::Unauthorised), Blame::Environment, "accept the model's terms"),
            (remote(ErrorKind::Unavailable), Blame::Environment, "to resume the download"),
            (Error::unfit("no"), Blame::Usage, "`clinstruct model list`"),
        ] {
            assert_eq!(error.blame(), blame, "{error}");
            assert!(error.hint().is_some_and(|told| told.contains(hint)), "{error}");
        }
    }
}
