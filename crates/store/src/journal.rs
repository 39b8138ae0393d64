//! The journal and the raw responses of a run as one store with one transaction.
//!
//! Tables and their history are in `migrations`, the storage of values in `columns`, queries in `reads`, changes in
//! `writes`; `planned` and `given_up` have the reads and writes of their tables, and `merge` copies rows
//! from one journal to another.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use crate::error::{Error, ErrorKind, Result};
use crate::segment::Appender;
use crate::types::RawFrame;

mod columns;
mod given_up;
mod lock;
mod merge;
mod migrations;
mod opening;
mod planned;
mod reads;
mod writes;

use lock::Lock;
pub use merge::{MergedRun, merge};
use migrations::{VERSION, migrate};
use opening::{Access, check_version};

/// Pause before copying a journal again that another process is writing to.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// What a power cut may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: rows and intents are on disk before their consequences. For responses that cost money.
    Full,
    /// The latest changes, though a killed process loses nothing. For responses that cost nothing to request again.
    Fast,
}

/// A run's journal and raw responses.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
    appender: Option<Appender>,
    unindexed: Vec<RawFrame>,
    raw: PathBuf,
    /// Held until the store is dropped: no second process may write.
    _lock: Option<Lock>,
}

/// A transaction: atomic.
#[derive(Debug)]
pub struct Tx<'a> {
    path: &'a Path,
    sql: rusqlite::Transaction<'a>,
    appender: &'a mut Appender,
}

impl Store {
    /// Opens the run in `dir`, creating it if needed, and locks it against other processes.
    ///
    /// A journal of an earlier version is migrated.
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))?;
        let lock = Lock::acquire(dir)?;
        let path = dir.join("run.sqlite");
        check_version(&path, Access::Write)?;
        let failed = |e| Error::sql("open", &path, e);
        let mut connection = Connection::open(&path).map_err(failed)?;
        let full = durability == Durability::Full;
        // A checkpoint writes each changed page once, however often it changed: few checkpoints mean fewer writes. The
        // log stays below 64 MB.
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {};
                 PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;
                 PRAGMA wal_autocheckpoint = 16000;",
                if full { "FULL" } else { "NORMAL" }
            ))
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate(&mut connection).map_err(failed)?;
        let known = connection
            .query_row(
                "SELECT segment, start + length FROM frame ORDER BY segment DESC, start DESC LIMIT 1",
                [],
                |r| Ok((r.get::<_, u32>(0)?, r.get::<_, i64>(1)? as u64)),
            )
            .optional()
            .map_err(failed)?
            .unwrap_or((1, 0));
        let raw = dir.join("raw");
        let (appender, unindexed) = Appender::open(&raw, known, full)?;
        Ok(Self { path, connection, appender: Some(appender), unindexed, raw, _lock: Some(lock) })
    }

    /// Opens the run in `dir` for reading, even while another process works on it. Writes nothing to the folder: a
    /// journal of an earlier version is read from a migrated copy, as of the time of opening.
    pub fn open_read_only(dir: &Path) -> Result<Self> {
        let path = dir.join("run.sqlite");
        let version = check_version(&path, Access::Read)?;
        let failed = |e| Error::sql("open", &path, e);
        let mut connection =
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        if version < VERSION {
            connection = migrated_copy(&connection).map_err(failed)?;
        }
        let raw = dir.join("raw");
        Ok(Self { path, connection, appender: None, unindexed: Vec::new(), raw, _lock: None })
    }

    fn failed(&self, operation: &'static str) -> impl Fn(rusqlite::Error) -> Error + '_ {
        move |e| Error::sql(operation, &self.path, e)
    }

    /// Sets a value of the run by its key.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        self.write(|tx| tx.set_meta(key, value))
    }

    /// One transaction.
    ///
    /// If it fails after rows were appended, the rows stay saved and the store accepts no more changes: the next
    /// opening returns them through [`unindexed`](Self::unindexed).
    pub fn write<T>(&mut self, change: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let path = &self.path;
        let Some(appender) = &mut self.appender else {
            let message = "the run was opened read-only";
            return Err(Error::new(ErrorKind::ReadOnly, "write", path, message));
        };
        if appender.has_uncommitted() {
            let message = "an earlier change failed after its rows were saved";
            return Err(Error::new(ErrorKind::Io, "write", path, message));
        }
        let failed = |e| Error::sql("write", path, e);
        let sql = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut tx = Tx { path, sql, appender };
        let value = change(&mut tx)?;
        let Tx { sql, appender, .. } = tx;
        appender.flush()?;
        sql.commit().map_err(failed)?;
        appender.committed();
        Ok(value)
    }

    /// Copies the journal, as one file, to `to`, in place of a file that is there. The same journal gives the same bytes.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn copy_journal(&self, to: &Path) -> Result<()> {
        let partial = to.with_extension("partial");
        let failed = |e| Error::io("create", to, e);
        match fs::remove_file(&partial) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let name = partial.to_string_lossy();
        self.connection
            .execute("VACUUM INTO ?1", [name])
            .map_err(|e| Error::sql("copy to", to, e))?;
        fs::rename(&partial, to).map_err(failed)
    }

    /// Rows that were appended but not indexed when a process was stopped, to be passed to [`Tx::index`].
    pub fn unindexed(&mut self) -> Result<Vec<RawFrame>> {
        Ok(std::mem::take(&mut self.unindexed))
    }
}

/// A copy of a journal in a temporary database, migrated to the current version.
fn migrated_copy(journal: &Connection) -> rusqlite::Result<Connection> {
    // A database without a name is temporary: in memory while it is small, then in a private file of SQLite.
    let mut copy = Connection::open("")?;
    Backup::new(journal, &mut copy)?.run_to_completion(i32::MAX, BUSY_PAUSE, None)?;
    migrate(&mut copy)?;
    Ok(copy)
}
