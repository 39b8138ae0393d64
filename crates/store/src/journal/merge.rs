//! Copies what several runs were answered into the journal of a new one.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::lock::Lock;
use super::{Durability, Store, Tx};
use crate::error::{Error, ErrorKind, Result};
use crate::segment::path_of;
use crate::types::TaskKey;

/// Folder below the new run's in which the copy is made.
const PARTIAL: &str = ".merging";

/// A run to be copied.
#[derive(Clone, Copy)]
pub struct MergedRun<'a> {
    /// Its folder.
    pub dir: &'a Path,
    /// The task of the new run in the place of one of this run.
    pub task: &'a dyn Fn(TaskKey) -> TaskKey,
}

impl std::fmt::Debug for MergedRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MergedRun").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Makes a run in `out` that has the raw responses, the ended jobs with their cost, the answered requests and the requests that
/// were given up of several runs, and these values. It has no plan and no tasks yet.
///
/// The new journal gets its name once it is complete: a call that was killed is made again from the start. Where `out` has a
/// journal, nothing is done, and the result is `false`. Nothing is written to the other runs.
///
/// # Errors
/// A run that cannot be read, one that lacks raw responses that its journal has, and a folder that cannot be written to.
pub fn merge(runs: &[MergedRun<'_>], out: &Path, meta: &[(&str, &str)]) -> Result<bool> {
    fs::create_dir_all(out).map_err(|e| Error::io("create", out, e))?;
    let _lock = Lock::acquire(out)?;
    let (partial, raw, journal) = (out.join(PARTIAL), out.join("raw"), out.join("run.sqlite"));
    let was_killed = partial.exists();
    if was_killed {
        fs::remove_dir_all(&partial).map_err(|e| Error::io("remove", &partial, e))?;
    }
    if journal.exists() {
        return Ok(false);
    }
    if raw.exists() {
        if !was_killed {
            let message = "there are raw responses without a journal";
            return Err(Error::new(ErrorKind::NotAJournal, "merge into", out, message));
        }
        fs::remove_dir_all(&raw).map_err(|e| Error::io("remove", &raw, e))?;
    }
    let mut store = Store::open(&partial, Durability::Full)?;
    let to = store.raw.clone();
    store.write(|tx| {
        let mut segments = 0;
        for run in runs {
            copy(run, tx, &to, &mut segments)?;
        }
        for (key, value) in meta {
            tx.set_meta(key, value)?;
        }
        Ok(())
    })?;
    // Closes the journal, so that it is one file.
    drop(store);
    for (from, to) in [(to, raw), (partial.join("run.sqlite"), journal)] {
        fs::rename(&from, &to).map_err(|e| Error::io("create", &to, e))?;
    }
    fs::remove_dir_all(&partial).map_err(|e| Error::io("remove", &partial, e))?;
    Ok(true)
}

/// Copies one run. `segments` is the number of the last segment so far.
fn copy(run: &MergedRun<'_>, tx: &mut Tx<'_>, raw: &Path, segments: &mut u32) -> Result<()> {
    let from = Store::open_read_only(run.dir)?;
    // All tables as of the same moment, should somebody work on the run.
    let snapshot = from.connection.unchecked_transaction().map_err(from.failed("read"))?;
    let last = |table: &str| -> Result<i64> {
        let sql = format!("SELECT coalesce(max(id), 0) FROM {table}");
        tx.sql.query_row(&sql, [], |r| r.get(0)).map_err(tx.failed())
    };
    let (jobs, frames, before) = (last("job")?, last("frame")?, *segments);
    for (segment, length) in segments_of(&from)? {
        *segments = before + segment;
        copy_segment(&path_of(&from.raw, segment), &path_of(raw, *segments), length)?;
    }
    let shifted = |value: &mut Value, by: i64| {
        if let Value::Integer(number) = value {
            *number += by;
        }
    };
    let moved = |value: &mut Value| {
        if let Value::Integer(key) = value {
            *key = (run.task)(TaskKey(*key)).0;
        }
    };
    let copied = Rows { from: &from, snapshot: &snapshot, tx };
    copied.insert("job", "state = 'ended'", "INSERT", |column, value| {
        if column == "id" {
            shifted(value, jobs);
        }
    })?;
    copied.insert("frame", "TRUE", "INSERT", |column, value| match column {
        "id" => shifted(value, frames),
        "job" => shifted(value, jobs),
        "segment" => shifted(value, before.into()),
        _ => {}
    })?;
    copied.insert(
        "request",
        "state = 'answered'",
        "INSERT OR IGNORE",
        |column, value| match column {
            "task" => moved(value),
            "job" => shifted(value, jobs),
            "frame" => shifted(value, frames),
            _ => {}
        },
    )?;
    copied.insert("given_up", "TRUE", "INSERT OR IGNORE", |column, value| {
        if column == "task" {
            moved(value);
        }
    })
}

/// The segments that a journal has rows in, each with the length that is known of it.
fn segments_of(from: &Store) -> Result<Vec<(u32, u64)>> {
    from.connection
        .prepare("SELECT segment, max(start + length) FROM frame GROUP BY segment ORDER BY segment")
        .and_then(|mut s| {
            s.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as u64)))?.collect()
        })
        .map_err(from.failed("read"))
}

/// Copies the first `length` bytes of a segment. What lies behind them is in no journal.
fn copy_segment(from: &Path, to: &Path, length: u64) -> Result<()> {
    let source = File::open(from).map_err(|e| Error::io("read", from, e))?;
    let mut target = File::create(to).map_err(|e| Error::io("create", to, e))?;
    let copied = io::copy(&mut source.take(length), &mut target)
        .and_then(|copied| target.sync_all().map(|()| copied))
        .map_err(|e| Error::io("write", to, e))?;
    if copied < length {
        let message = format!("the journal expects {length} bytes, but it has {copied}");
        return Err(Error::new(ErrorKind::Corrupt, "read", from, message));
    }
    Ok(())
}

/// Rows on their way from one journal to another.
struct Rows<'a, 't> {
    from: &'a Store,
    snapshot: &'a Connection,
    tx: &'a Tx<'t>,
}

impl Rows<'_, '_> {
    /// Copies the rows of a table `that` hold, all columns, each as `change` leaves it.
    fn insert(
        &self,
        table: &str,
        that: &str,
        insert: &str,
        change: impl Fn(&str, &mut Value),
    ) -> Result<()> {
        // Both journals have the tables of this version: an older one is read from a migrated copy.
        let columns: Vec<String> = self
            .tx
            .sql
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .and_then(|mut s| s.query_map([table], |r| r.get(0))?.collect())
            .map_err(self.tx.failed())?;
        let names = columns.join(", ");
        let values = vec!["?"; columns.len()].join(", ");
        let mut read = self
            .snapshot
            .prepare(&format!("SELECT {names} FROM {table} WHERE {that}"))
            .map_err(self.from.failed("read"))?;
        let mut write = self
            .tx
            .sql
            .prepare(&format!("{insert} INTO {table} ({names}) VALUES ({values})"))
            .map_err(self.tx.failed())?;
        let mut rows = read.query([]).map_err(self.from.failed("read"))?;
        while let Some(row) = rows.next().map_err(self.from.failed("read"))? {
            let mut values = Vec::with_capacity(columns.len());
            for (i, column) in columns.iter().enumerate() {
                let mut value: Value = row.get(i).map_err(self.from.failed("read"))?;
                change(column, &mut value);
                values.push(value);
            }
            write.execute(params_from_iter(values)).map_err(self.tx.failed())?;
        }
        Ok(())
    }
}
