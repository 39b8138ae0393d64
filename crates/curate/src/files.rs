//! The files of a run that passes read and write.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Name of the annotations folder.
const ANNOTATIONS: &str = "annotations";
/// Folder of the splits of version 1, which had no annotations.
const SPLITS: &str = "splits";

/// Path of the conversations of a part, by the part's file stem.
pub fn conversations_of(dir: &Path, stem: &str) -> PathBuf {
    dir.join("conversations").join(format!("{stem}.jsonl"))
}

pub(crate) fn situations_of(dir: &Path, stem: &str) -> PathBuf {
    dir.join("situations").join(format!("{stem}.jsonl"))
}

/// Path for writing the annotations of a part.
pub(crate) fn annotations_of(dir: &Path, stem: &str) -> PathBuf {
    dir.join(ANNOTATIONS).join(format!("{stem}.jsonl"))
}

/// Path for reading the annotations of a part; for a run of version 1, its splits.
pub(crate) fn annotations_to_read(dir: &Path, stem: &str) -> Result<PathBuf> {
    let path = annotations_of(dir, stem);
    let splits = dir.join(SPLITS).join(format!("{stem}.jsonl"));
    if path.exists() {
        Ok(path)
    } else if splits.exists() {
        Ok(splits)
    } else {
        Err(Error::NotCurated { path })
    }
}

/// Removes the annotations of a run, and the splits of version 1.
///
/// Call it before `conversations/` is written: stale annotations must not accompany new texts, even if the process is
/// killed in between.
///
/// # Errors
/// A file that cannot be removed.
pub fn clear_annotations(dir: &Path) -> Result<()> {
    for folder in [ANNOTATIONS, SPLITS] {
        let path = dir.join(folder);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Write { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Read { path: path.to_owned(), source }
}

pub(crate) fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Write { path: path.to_owned(), source }
}

/// The lines of a file, one after the other.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) path: PathBuf,
    from: BufReader<File>,
    /// Number of the line in `text`, from 1.
    pub(crate) line: u64,
    pub(crate) text: String,
}

impl Lines {
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let file = File::open(&path).map_err(unreadable(&path))?;
        let from = BufReader::with_capacity(1 << 20, file);
        Ok(Self { path, from, line: 0, text: String::new() })
    }

    /// Reads the next line; `false` at the end.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        self.text.clear();
        self.line += 1;
        let read = self.from.read_line(&mut self.text).map_err(unreadable(&self.path))?;
        Ok(read > 0)
    }

    /// The current line is not one of our rows.
    pub(crate) fn not_a_row(&self, why: &serde_json::Error) -> Error {
        Error::Row { path: self.path.clone(), line: self.line, why: why.to_string() }
    }
}
