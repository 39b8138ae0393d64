//! A local web application: search the conversations of a run, read one with everything known about it, review it.
//!
//! [`serve`] listens on loopback only, accepts only its own host name and origin, and makes no requests: pages and
//! scripts are embedded. [`Index`] makes the rows searchable (SQLite's FTS5), [`Reviews`] stores reviews; both are
//! files in `DIR/viewer`, and the run itself is only read. A row that a pass dropped is shown with the pass's reason.
//!
//! A review belongs to the text that was read ([`TextHash`]), not to the id of its row: a rebuilt run may have another
//! text there. Only reviews of the current texts count ([`MatchedReviews`]).

mod app;
mod detail;
mod dropped;
mod facets;
mod files;
mod index;
mod kappa;
mod matching;
mod review;
mod reviews;
mod row;
mod text;
mod words;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use app::router;
use clinstruct_curate::metrics::Facts;
use clinstruct_schema::{Blame, Hint};
pub use index::{Found, Hit, Index, Neighbors, Query};
pub use kappa::{cohen, fleiss};
pub use matching::{Agreement, MatchedReview, MatchedReviews, TextCounts, TextStatus};
pub use review::{Decision, Review};
pub use reviews::Reviews;
pub use text::{TextHash, Texts};

/// Name of the folder with index and reviews.
const FOLDER: &str = "viewer";

/// Why the application cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not loopback.
    #[error(
        "{0} is reachable from other machines; only loopback is served, such as 127.0.0.1:8080"
    )]
    NotLoopback(SocketAddr),
    /// The address is in use, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Address.
        address: SocketAddr,
        /// Cause.
        source: io::Error,
    },
    /// A file of the run cannot be read, or one of ours not written.
    #[error("cannot read or write {path}")]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A row that is not one of ours.
    #[error("{path}, line {line}: {why}")]
    Row {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The annotations of the run cannot be read.
    #[error(transparent)]
    Annotations(#[from] clinstruct_curate::Error),
    /// The files of the run change while they are read.
    #[error("the run in {0} is being rebuilt; try again when that is done")]
    Rebuilding(PathBuf),
    /// There are no rows.
    #[error("there are no conversations in {0}")]
    Nothing(PathBuf),
    /// The index or the reviews cannot be used.
    #[error("the database {path}")]
    Database {
        /// File.
        path: PathBuf,
        /// Cause.
        source: rusqlite::Error,
    },
    /// An invalid review.
    #[error("{0}")]
    Review(String),
    /// A row that the run does not have, or no longer has.
    #[error("there is no row {0} in the run")]
    NoRow(String),
    /// The submitted review is of a text that the run no longer has.
    #[error(
        "{what} changed after it was displayed, because the run was rebuilt; nothing was saved"
    )]
    TextChanged {
        /// The row whose text has changed.
        what: String,
    },
    /// The file does not contain reviews.
    #[error("{0} does not contain reviews of clinstruct")]
    NotReviews(PathBuf),
    /// The reviews were saved by a newer clinstruct.
    #[error("{path} has version {found}, this build supports versions up to {known}")]
    NewerReviews {
        /// File.
        path: PathBuf,
        /// Version found.
        found: u32,
        /// Newest version that this build knows.
        known: u32,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotLoopback(_) => "use a tunnel, such as ssh -L, to read from another machine",
            Self::Listen { .. } => "name another port with --port, or 0 for any that is free",
            Self::Io { source, .. } => return source.hint(),
            Self::Row { .. } => "name a folder or file of rows that `clinstruct build` wrote",
            Self::Annotations(e) => return e.hint(),
            Self::Rebuilding(_) => "wait until the build has ended, then rerun the same command",
            Self::Nothing(_) => "make some with `clinstruct build`, or name another folder",
            Self::Database { .. } => {
                "check the disk and the permissions, then rerun the same command"
            }
            Self::Review(_) | Self::NoRow(_) | Self::TextChanged { .. } => {
                "reload the page, then send the review again"
            }
            Self::NotReviews(_) => "move the file away, or name another run",
            Self::NewerReviews { .. } => {
                "use the newer clinstruct that saved these reviews; the file was not changed"
            }
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        match self {
            Self::NotLoopback(_)
            | Self::Listen { .. }
            | Self::Row { .. }
            | Self::Nothing(_)
            | Self::Review(_)
            | Self::NoRow(_)
            | Self::TextChanged { .. }
            | Self::NotReviews(_)
            | Self::NewerReviews { .. } => Blame::Usage,
            Self::Io { source, .. } => source.blame(),
            Self::Annotations(e) => e.blame(),
            Self::Rebuilding(_) | Self::Database { .. } => Blame::Environment,
        }
    }
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Path of the reviews of a run.
pub fn reviews_path(run: &Path) -> PathBuf {
    run.join(FOLDER).join("reviews.sqlite")
}

/// Serves the run in `run` until `shutdown` completes. Checks compare its texts with `facts`; `ready` receives the
/// address.
///
/// # Errors
/// An address that is not loopback or is in use, or a run that cannot be read.
pub async fn serve(
    run: &Path,
    address: SocketAddr,
    facts: Facts,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let failed = |source| Error::Listen { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let router = router(run, bound.port(), facts)?;
    ready(bound);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_a_hint() {
        let path = || PathBuf::from("run");
        let at = SocketAddr::from(([0, 0, 0, 0], 80));
        for (error, blame, hint) in [
            (Error::NotLoopback(at), Blame::Usage, "use a tunnel"),
            (
                Error::Listen { address: at, source: io::ErrorKind::AddrInUse.into() },
                Blame::Usage,
                "--port",
            ),
            (
                Error::Io { path: path(), source: io::ErrorKind::NotFound.into() },
                Blame::Environment,
                "check the path",
            ),
            (Error::Row { path: path(), line: 1, why: "no".into() }, Blame::Usage, "rows that"),
            (Error::Rebuilding(path()), Blame::Environment, "wait until the build has ended"),
            (Error::Nothing(path()), Blame::Usage, "make some with `clinstruct build`"),
            (
                Error::Database { path: path(), source: rusqlite::Error::InvalidQuery },
                Blame::Environment,
                "check the disk",
            ),
            (Error::NoRow("x".into()), Blame::Usage, "reload the page"),
            (Error::NotReviews(path()), Blame::Usage, "move the file away"),
            (
                Error::NewerReviews { path: path(), found: 9, known: 1 },
                Blame::Usage,
                "use the newer clinstruct",
            ),
        ] {
            assert_eq!(error.blame(), blame, "{error}");
            assert!(error.hint().is_some_and(|told| told.contains(hint)), "{error}");
        }
    }
}
