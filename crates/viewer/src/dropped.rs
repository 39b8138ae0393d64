//! The rows that passes dropped.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use clinstruct_curate::{Annotations, Dropped, Error};

use crate::Result;

/// The annotation files of a run; none for a file of rows.
pub(crate) fn annotations_of(run: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(run.join("annotations")).into_iter().flatten();
    let mut all: Vec<PathBuf> = items.filter_map(|e| Some(e.ok()?.path())).collect();
    all.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
    all.sort();
    all
}

/// The dropped rows of a file of conversations, by id; empty if the run has no annotations.
pub(crate) fn dropped(run: &Path, conversations: &Path) -> Result<HashMap<String, Dropped>> {
    let stem = conversations.file_stem().unwrap_or_default().to_string_lossy();
    let annotations = match Annotations::open(run, &stem) {
        Err(Error::NotCurated { .. }) => return Ok(HashMap::new()),
        annotations => annotations?,
    };
    let mut all = HashMap::new();
    for annotation in annotations {
        let annotation = annotation?;
        if let Some(dropped) = annotation.dropped {
            all.insert(annotation.id, dropped);
        }
    }
    Ok(all)
}
