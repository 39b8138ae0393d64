use std::io;
use std::path::{Path, PathBuf};

use clinstruct_schema::{Blame, Hint};

/// Result of using the store.
pub type Result<T> = std::result::Result<T, Error>;

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk is full.
    StorageFull,
    /// The folder or a file cannot be written to.
    ReadOnly,
    /// Another process uses the run.
    Locked,
    /// The journal was written by a newer clinstruct.
    NewerJournal {
        /// Version found.
        found: i64,
        /// Newest version that this build knows.
        known: i64,
    },
    /// The file is not one of our journals.
    NotAJournal,
    /// The run was stopped before its journal existed; opening it for writing continues.
    Unfinished,
    /// The journal and the raw responses do not match.
    Corrupt,
    /// Any other error of the system.
    Io,
}

/// An error of a run's store.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {message}", path.display())]
pub struct Error {
    /// Kind, for decisions.
    pub kind: ErrorKind,
    /// The operation.
    pub operation: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What was seen.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        operation: &'static str,
        path: &Path,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, operation, path: path.to_owned(), message: message.into(), source: None }
    }

    pub(crate) fn io(operation: &'static str, path: &Path, e: io::Error) -> Self {
        let (kind, message) = match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ErrorKind::StorageFull, "the disk is full")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ErrorKind::ReadOnly, "no write permission")
            }
            _ => (ErrorKind::Io, "the system returned an error"),
        };
        Self { source: Some(Box::new(e)), ..Self::new(kind, operation, path, message) }
    }

    pub(crate) fn sql(operation: &'static str, path: &Path, e: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let (kind, message) = match e.sqlite_error_code() {
            Some(Code::DiskFull) => (ErrorKind::StorageFull, "the disk is full"),
            Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
                (ErrorKind::ReadOnly, "no write permission")
            }
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
                (ErrorKind::Locked, "another process is using it")
            }
            Some(Code::NotADatabase) => (ErrorKind::NotAJournal, "it is not a clinstruct journal"),
            Some(Code::DatabaseCorrupt) => (ErrorKind::Corrupt, "the journal is damaged"),
            None if matches!(
                e,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::InvalidColumnType(..)
            ) =>
            {
                (ErrorKind::Corrupt, "the journal is damaged")
            }
            _ => (ErrorKind::Io, "the journal returned an error"),
        };
        Self { source: Some(Box::new(e)), ..Self::new(kind, operation, path, message) }
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ErrorKind::StorageFull => "free some disk space, then rerun the same command to resume",
            ErrorKind::ReadOnly => "use --out to name a folder that you can write to",
            ErrorKind::Locked => {
                "wait for the other process to end, or name another folder with --out"
            }
            ErrorKind::NewerJournal { .. } => {
                "use the newer clinstruct that built this run, or name another folder with --out"
            }
            ErrorKind::NotAJournal => "move the file away, or name another folder with --out",
            ErrorKind::Unfinished => "rerun the command that started the run to resume it",
            ErrorKind::Corrupt => {
                "restore the folder from a backup; `zstdcat` prints the rows in raw/"
            }
            ErrorKind::Io => "fix it, then rerun the same command to resume",
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        match self.kind {
            ErrorKind::NewerJournal { .. } | ErrorKind::NotAJournal => Blame::Usage,
            ErrorKind::StorageFull
            | ErrorKind::ReadOnly
            | ErrorKind::Locked
            | ErrorKind::Unfinished
            | ErrorKind::Corrupt
            | ErrorKind::Io => Blame::Environment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_hint() {
        let kinds = [
            ErrorKind::StorageFull,
            ErrorKind::ReadOnly,
            ErrorKind::Locked,
            ErrorKind::NewerJournal { found: 9, known: 5 },
            ErrorKind::NotAJournal,
            ErrorKind::Unfinished,
            ErrorKind::Corrupt,
            ErrorKind::Io,
        ];
        let lines: Vec<String> = kinds
            .into_iter()
            .map(|kind| {
                let e = Error::new(kind, "open", Path::new("run.sqlite"), "no");
                format!("{kind:?}, {:?}: {}", e.blame(), e.hint().unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        StorageFull, Environment: free some disk space, then rerun the same command to resume
        ReadOnly, Environment: use --out to name a folder that you can write to
        Locked, Environment: wait for the other process to end, or name another folder with --out
        NewerJournal { found: 9, known: 5 }, Usage: use the newer clinstruct that built this run, or name another folder with --out
        NotAJournal, Usage: move the file away, or name another folder with --out
        Unfinished, Environment: rerun the command that started the run to resume it
        Corrupt, Environment: restore the folder from a backup; `zstdcat` prints the rows in raw/
        Io, Environment: fix it, then rerun the same command to resume
        ");
    }
}
