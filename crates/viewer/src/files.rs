//! The files of a run that the viewer reads.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The files of a run, or one file of rows; with whether each contains rejected rows.
pub(crate) fn files_of(run: &Path) -> Result<Vec<(PathBuf, bool)>> {
    if run.is_file() {
        return Ok(vec![(run.to_owned(), false)]);
    }
    let mut files = Vec::new();
    for (kind, rejected) in [("conversations", false), ("rejected", true)] {
        let dir = run.join(kind);
        let Ok(items) = fs::read_dir(&dir) else { continue };
        let mut some: Vec<PathBuf> = items
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        some.sort();
        files.extend(some.into_iter().map(|p| (p, rejected)));
    }
    if files.iter().all(|f| f.1) {
        return Err(Error::Nothing(run.to_owned()));
    }
    Ok(files)
}
