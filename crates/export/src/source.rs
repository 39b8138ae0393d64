//! Iterates over the rows of a dataset with their splits: the mix of conversations and annotations.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use clinstruct_curate::{Annotation, Annotations, Mix};
use clinstruct_schema::{Conversation, Split};

use crate::Result;

/// One part of a run.
#[derive(Debug, Clone)]
pub struct Part {
    /// Folder of the run.
    pub dir: PathBuf,
    /// Stem of the part's files.
    pub stem: String,
}

impl Part {
    /// The part with this stem of the run in `dir`.
    pub fn of(dir: &Path, stem: &str) -> Self {
        Self { dir: dir.to_owned(), stem: stem.to_owned() }
    }
}

/// Selects rows to export.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These ids only; all if `None`.
    pub only: Option<HashSet<String>>,
    /// These splits only; all if empty.
    pub splits: Vec<Split>,
}

impl Selection {
    /// The split of a row, if it is in the dataset and selected.
    fn split_of(&self, annotation: &Annotation) -> Option<Split> {
        let split = annotation.split.filter(|_| annotation.dropped.is_none())?;
        let wanted = (self.splits.is_empty() || self.splits.contains(&split))
            && self.only.as_ref().is_none_or(|ids| ids.contains(&annotation.id));
        wanted.then_some(split)
    }
}

/// Passes the selected dataset rows of a part to the callback.
pub(crate) fn rows(
    part: &Part,
    selection: &Selection,
    mut each: impl FnMut(Split, Conversation) -> Result<()>,
) -> Result<()> {
    let mut mix = Mix::open(&part.dir, &part.stem)?;
    while let Some((annotation, _)) = mix.advance()? {
        if let Some(split) = selection.split_of(&annotation) {
            each(split, mix.parse()?)?;
        }
    }
    Ok(())
}

/// Number of selected rows per split of a part. Reads only the annotations.
pub(crate) fn counts(part: &Part, selection: &Selection) -> Result<BTreeMap<Split, u64>> {
    let mut counts = BTreeMap::new();
    for annotation in Annotations::open(&part.dir, &part.stem)? {
        if let Some(split) = selection.split_of(&annotation?) {
            *counts.entry(split).or_default() += 1;
        }
    }
    Ok(counts)
}
