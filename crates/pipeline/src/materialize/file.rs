//! Files of one JSON object a line.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{Error, Result};

pub(super) fn line(into: &mut Vec<u8>, row: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *into, row)
        .map_err(|e| Error::Write { path: PathBuf::from("a row"), source: io::Error::other(e) })?;
    into.push(b'\n');
    Ok(())
}

/// A file that takes its name only once it is complete.
pub(super) struct Pending {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
}

impl Pending {
    pub(super) fn open(dir: &Path, kind: &str, stem: &str) -> Result<Self> {
        let folder = dir.join(kind);
        let path = folder.join(format!("{stem}.jsonl"));
        let partial = folder.join(format!(".{stem}.jsonl.partial"));
        let failed = |source| Error::Write { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = File::create(&partial).map_err(failed)?;
        Ok(Self { file: BufWriter::with_capacity(1 << 18, file), path, partial })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| fs::rename(&self.partial, &self.path))
            .map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}
