//! Builds the index of a run's files.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params, params_from_iter};

use super::Index;
use crate::dropped::{annotations_of, dropped};
use crate::facets::FACETS;
use crate::row::Indexed;
use crate::{Error, Result};

/// Increment this when the indexed data changes.
const VERSION: &str = "5";

/// Identifies the state of a run's files.
pub(super) fn fingerprint(run: &Path, files: &[(PathBuf, bool)]) -> Result<String> {
    let mut all = VERSION.to_owned();
    let annotations = annotations_of(run);
    for path in files.iter().map(|(path, _)| path).chain(&annotations) {
        let failed = |source| Error::Io { path: path.clone(), source };
        let meta = fs::metadata(path).map_err(failed)?;
        let changed = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |d| d.as_nanos());
        let _ = write!(all, "\n{} {} {changed}", path.display(), meta.len());
    }
    Ok(all)
}

impl Index {
    /// Reads all rows into the empty database.
    pub(super) fn fill(&self) -> Result<()> {
        let facets: Vec<String> = FACETS.iter().map(|f| format!("{f} TEXT NOT NULL")).collect();
        let schema = format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             CREATE TABLE meta (print TEXT NOT NULL);
             CREATE TABLE row (n INTEGER PRIMARY KEY, id TEXT NOT NULL, base TEXT NOT NULL, file INTEGER NOT NULL,
                 start INTEGER NOT NULL, length INTEGER NOT NULL, attempts INTEGER NOT NULL, opening TEXT NOT NULL,
                 text_hash TEXT NOT NULL, rehearsal INTEGER NOT NULL, dropped TEXT NOT NULL, {});
             CREATE VIRTUAL TABLE text USING fts5(body, content='', detail=full, prefix='2 3', tokenize='unicode61 remove_diacritics 2');
             BEGIN;",
            facets.join(", ")
        );
        self.connection.execute_batch(&schema).map_err(self.failed())?;
        let mut number = 0_i64;
        for (file, (path, rejected)) in self.files.iter().enumerate() {
            let unreadable = |source| Error::Io { path: path.clone(), source };
            let mut dropped = if *rejected { HashMap::new() } else { dropped(&self.run, path)? };
            let mut reader =
                BufReader::with_capacity(1 << 20, File::open(path).map_err(unreadable)?);
            let (mut start, mut line, mut text) = (0_u64, 0_u64, String::new());
            loop {
                text.clear();
                line += 1;
                let length = reader.read_line(&mut text).map_err(unreadable)? as u64;
                if length == 0 {
                    break;
                }
                let mut row = Indexed::of(&text, *rejected).map_err(|e| Error::Row {
                    path: path.clone(),
                    line,
                    why: e.to_string(),
                })?;
                if let Some(dropped) = dropped.remove(&row.id) {
                    row.drop(&dropped);
                }
                number += 1;
                self.insert(number, file, start, length, &row).map_err(self.failed())?;
                start += length;
            }
        }
        self.connection
            .execute("INSERT INTO meta VALUES (?1)", [&self.print])
            .and_then(|_| {
                self.connection.execute_batch(
                    "COMMIT; CREATE INDEX row_id ON row (id); CREATE INDEX row_base ON row (base);",
                )
            })
            .map_err(self.failed())
    }

    fn insert(
        &self,
        number: i64,
        file: usize,
        start: u64,
        length: u64,
        row: &Indexed,
    ) -> rusqlite::Result<()> {
        let marks = vec!["?"; 11 + FACETS.len()].join(", ");
        let mut values: Vec<Sql> = vec![
            number.into(),
            row.id.clone().into(),
            row.base.clone().into(),
            (file as i64).into(),
            (start as i64).into(),
            (length as i64).into(),
            row.attempts.into(),
            row.opening.clone().into(),
            row.text_hash.as_str().to_owned().into(),
            i64::from(row.rehearsal).into(),
            row.dropped.clone().into(),
        ];
        values.extend(row.facets.iter().map(|f| Sql::from(f.clone())));
        self.connection
            .prepare_cached(&format!("INSERT INTO row VALUES ({marks})"))?
            .execute(params_from_iter(values))?;
        self.connection
            .prepare_cached("INSERT INTO text (rowid, body) VALUES (?1, ?2)")?
            .execute(params![number, row.body])?;
        Ok(())
    }
}

/// An index whose files are unchanged.
pub(super) fn still_good(path: &Path, print: &str) -> Option<Connection> {
    if !path.exists() {
        return None;
    }
    let connection = Connection::open(path).ok()?;
    let known: String = connection.query_row("SELECT print FROM meta", [], |r| r.get(0)).ok()?;
    (known == print).then_some(connection)
}
