//! Files with one JSON object per line.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clinstruct_schema::Json;
use clinstruct_whole_file::WholeFile;
use serde::Serialize;

use crate::{Error, Result};

fn ended(into: &mut Vec<u8>, written: serde_json::Result<()>) -> Result<()> {
    written
        .map_err(|e| Error::Write { path: PathBuf::from("a row"), source: io::Error::other(e) })?;
    into.push(b'\n');
    Ok(())
}

/// Appends the line of a record.
pub(super) fn line(into: &mut Vec<u8>, row: &impl Json) -> Result<()> {
    let written = row.append_json(into);
    ended(into, written)
}

/// The same for a row of another shape.
pub(super) fn line_of(into: &mut Vec<u8>, row: &impl Serialize) -> Result<()> {
    let written = serde_json::to_writer(&mut *into, row);
    ended(into, written)
}

/// A file of rows with the errors of this crate.
pub(super) struct Pending(WholeFile);

impl Pending {
    pub(super) fn open(dir: &Path, kind: &str, stem: &str) -> Result<Self> {
        let path = dir.join(kind).join(format!("{stem}.jsonl"));
        WholeFile::create(&path).map(Self).map_err(|source| Error::Write { path, source })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.0.write_all(bytes);
        written.map_err(|source| Error::Write { path: self.0.path().to_owned(), source })
    }

    pub(super) fn finish(self) -> Result<()> {
        let path = self.0.path().to_owned();
        self.0.finish().map_err(|source| Error::Write { path, source })
    }
}
