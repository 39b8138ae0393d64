use std::io;
use std::path::PathBuf;

/// Why a dataset cannot be curated, or its rows cannot be read with their annotations.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A line is not one of our rows.
    #[error("{path}, line {line}: not a row of clinstruct: {why}")]
    Row {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Annotations that do not match their conversations.
    #[error("{path}, line {line}: {why}; rerun the command that built the run to write both again")]
    Mismatch {
        /// File of annotations.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Conversations without annotations, as a killed build leaves them.
    #[error("{path} does not exist; rerun the command that built the run to write it")]
    NotCurated {
        /// The missing file.
        path: PathBuf,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
