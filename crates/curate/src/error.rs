use std::io;
use std::path::PathBuf;

use clinstruct_schema::{Blame, Hint};

/// Why a dataset cannot be curated, or its rows not be read with their annotations.
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
    /// A temporary file could not be made, written or read.
    #[error("cannot use a temporary file in {folder}")]
    Spill {
        /// Its folder.
        folder: PathBuf,
        /// Whether it is the system's folder for temporary files.
        is_temporary: bool,
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
    /// Annotations that do not belong to the conversations beside them.
    #[error("{path}, line {line}: {why}")]
    Mismatch {
        /// File of annotations.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Conversations without annotations, as a killed build leaves them.
    #[error("{path} does not exist")]
    NotCurated {
        /// The missing file.
        path: PathBuf,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => source.hint(),
            Self::Spill { folder, is_temporary, source } => {
                let full = matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                );
                let folder = folder.display();
                match (full, is_temporary) {
                    (true, true) => Some(format!(
                        "free some disk space in {folder}, or set TMPDIR to a folder with more of it"
                    )),
                    (true, false) => Some(format!(
                        "free some disk space in {folder}, then rerun the same command"
                    )),
                    (false, true) => {
                        Some("set TMPDIR to a folder that you can write to".to_owned())
                    }
                    (false, false) => source.hint(),
                }
            }
            Self::Row { .. } => Some("use a folder that `clinstruct build` wrote".to_owned()),
            Self::Mismatch { .. } | Self::NotCurated { .. } => {
                Some("rerun the command that built the run to write its files again".to_owned())
            }
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Row { .. } => Blame::Usage,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Spill { .. }
            | Self::Mismatch { .. }
            | Self::NotCurated { .. } => Blame::Environment,
        }
    }
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
