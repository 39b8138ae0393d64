//! A local web application: search the conversations of a run, read one with all that is known of it, review it.
//!
//! [`serve`] listens on loopback only, answers only to its own name and origin, and asks nobody else for
//! anything: pages and scripts are in the binary. [`Index`] makes the rows searchable (SQLite's FTS5),
//! [`Reviews`] keeps what people think of them, in files of their own below `DIR/viewer`; the run is only read.

mod app;
mod detail;
mod index;
mod kappa;
mod reviews;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use app::router;
use clinstruct_quality::dataset::metrics::Facts;
pub use index::{Index, Query};
pub use kappa::{cohen, fleiss};
pub use reviews::{Decision, Review, Reviews};

/// Folder below the run's in which index and reviews lie.
const FOLDER: &str = "viewer";

/// Why the application cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address that others can reach.
    #[error("{0} can be reached by others; only loopback is served, such as 127.0.0.1:8080")]
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
    /// A row that is none of ours.
    #[error("{path}, line {line}: {why}")]
    Row {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// No rows to look at.
    #[error("there are no conversations in {0}")]
    Nothing(PathBuf),
    /// The index or the reviews cannot be used.
    #[error("the data base {path}")]
    Database {
        /// File.
        path: PathBuf,
        /// Cause.
        source: rusqlite::Error,
    },
    /// A review that says nothing.
    #[error("{0}")]
    Review(String),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Where the reviews of a run lie.
pub fn reviews_path(run: &Path) -> PathBuf {
    run.join(FOLDER).join("reviews.sqlite")
}

/// Serves the run in `run` until `shutdown` is over. Its texts are held against `facts`; `ready` hears the
/// address.
///
/// # Errors
/// An address that is not loopback's or is taken, or a run that cannot be read.
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
