//! Writes files atomically, with checksums.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clinstruct_schema::{Conversation, Split};
use clinstruct_whole_file::WholeFile;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::format::{Encoding, Format, System};
use crate::source::{Part, Selection, rows};
use crate::table::{Cell, Column, Table};
use crate::{Error, Result, Written};

/// A file under way, with its checksum.
pub(crate) struct Pending {
    to: WholeFile,
    hash: Sha256,
    bytes: u64,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) path: PathBuf,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Write { path: path.to_owned(), source }
}

/// An error of the Parquet writer that wraps a failed write.
pub(crate) fn no_table(path: &Path) -> impl Fn(parquet::errors::ParquetError) -> Error + '_ {
    move |e| Error::Write { path: path.to_owned(), source: io::Error::other(e) }
}

impl Pending {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let to = WholeFile::create(path).map_err(failed(path))?;
        Ok(Self { to, hash: Sha256::new(), bytes: 0 })
    }

    pub(crate) fn finish(mut self) -> Result<Done> {
        let path = self.to.path().to_owned();
        self.to.sync().and_then(|()| self.to.finish()).map_err(failed(&path))?;
        let sha256 = self.hash.finalize().iter().fold(String::new(), |mut hex, b| {
            let _ = write!(hex, "{b:02x}");
            hex
        });
        Ok(Done { path, sha256, bytes: self.bytes })
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes a text file.
pub(crate) fn text(path: &Path, text: &str) -> Result<Done> {
    let mut to = Pending::create(path)?;
    to.write_all(text.as_bytes()).map_err(failed(path))?;
    to.finish()
}

/// A file of rows.
enum Sink {
    Lines(Pending),
    /// A table, and whether its messages have reasoning.
    Table(Box<Table<Pending>>, bool),
}

impl Sink {
    fn open(path: &Path, format: Format, encoding: Encoding, reasoning: bool) -> Result<Self> {
        let to = Pending::create(path)?;
        Ok(match encoding {
            Encoding::Jsonl => Self::Lines(to),
            Encoding::Parquet => {
                let table = Table::new(to, format.columns(reasoning)).map_err(no_table(path))?;
                Self::Table(Box::new(table), reasoning)
            }
        })
    }

    fn push(
        &mut self,
        path: &Path,
        format: Format,
        system: System,
        row: &Conversation,
    ) -> Result<()> {
        match self {
            Self::Lines(to) => {
                let mut line = serde_json::to_vec(&format.json(row, system))
                    .map_err(|e| failed(path)(io::Error::other(e)))?;
                line.push(b'\n');
                to.write_all(&line).map_err(failed(path))
            }
            Self::Table(table, reasoning) => {
                table.push(format.cells(row, system, *reasoning)).map_err(no_table(path))
            }
        }
    }

    fn finish(self, path: &Path) -> Result<Done> {
        match self {
            Self::Lines(to) => to.finish(),
            Self::Table(table, _) => table.finish().map_err(no_table(path))?.finish(),
        }
    }
}

pub(crate) fn write(
    parts: &[Part],
    selection: &Selection,
    format: Format,
    system: System,
    encoding: Encoding,
    reasoning: bool,
    to: &Path,
) -> Result<Written> {
    let one = |part: &Part| -> Result<Written> {
        let mut sinks: BTreeMap<Split, (PathBuf, Sink, u64)> = BTreeMap::new();
        rows(part, selection, |split, row| {
            let (path, sink, count) = match sinks.entry(split) {
                std::collections::btree_map::Entry::Occupied(e) => e.into_mut(),
                std::collections::btree_map::Entry::Vacant(e) => {
                    let name = format!("{}.{}", split.as_str(), encoding.extension());
                    let path = to.join(&part.stem).join(name);
                    let sink = Sink::open(&path, format, encoding, reasoning)?;
                    e.insert((path, sink, 0))
                }
            };
            *count += 1;
            sink.push(path, format, system, &row)
        })?;
        sinks
            .into_values()
            .map(|(path, sink, count)| sink.finish(&path).map(|done| (done.path, count)))
            .collect()
    };
    let written: Vec<Written> = parts.par_iter().map(one).collect::<Result<_>>()?;
    let written: Written = written.into_iter().flatten().collect();
    if written.is_empty() {
        return Err(Error::Empty(
            "the run has none, or none in the selected split or with the selected reviews".into(),
        ));
    }
    Ok(written)
}

/// Parquet files with a fixed number of rows each, named as the `datasets` library expects.
pub(crate) struct Shards<'a> {
    dir: PathBuf,
    split: Split,
    columns: &'a dyn Fn() -> Vec<Column>,
    rows_each: u64,
    of: u64,
    open: Option<(PathBuf, Table<Pending>, u64)>,
    pub(crate) done: Vec<(Done, u64)>,
}

impl<'a> Shards<'a> {
    /// Shards of `rows` rows in all.
    pub(crate) fn new(
        dir: PathBuf,
        split: Split,
        rows: u64,
        rows_each: u64,
        columns: &'a dyn Fn() -> Vec<Column>,
    ) -> Self {
        let of = rows.div_ceil(rows_each).max(1);
        Self { dir, split, columns, rows_each, of, open: None, done: Vec::new() }
    }

    pub(crate) fn push(&mut self, cells: Vec<Cell>) -> Result<()> {
        if self.open.is_none() {
            let (split, n, of) = (self.split.as_str(), self.done.len(), self.of);
            let path = self.dir.join(format!("{split}-{n:05}-of-{of:05}.parquet"));
            let to = Pending::create(&path)?;
            let table = Table::new(to, (self.columns)()).map_err(no_table(&path))?;
            self.open = Some((path, table, 0));
        }
        if let Some((path, table, rows)) = &mut self.open {
            table.push(cells).map_err(no_table(path))?;
            *rows += 1;
            if *rows >= self.rows_each {
                self.close()?;
            }
        }
        Ok(())
    }

    pub(crate) fn close(&mut self) -> Result<()> {
        if let Some((path, table, rows)) = self.open.take() {
            let done = table.finish().map_err(no_table(&path))?.finish()?;
            self.done.push((done, rows));
        }
        Ok(())
    }
}
