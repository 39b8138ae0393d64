//! The rows of a run, one after the other, each with its split.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clinstruct_schema::{Conversation, RowId, Split};
use serde::Deserialize;

use crate::{Error, Result};

/// The files of one part.
#[derive(Debug, Clone)]
pub struct Part {
    /// Stem of its files.
    pub stem: String,
    /// Its conversations.
    pub conversations: PathBuf,
    /// Their splits, in the same order.
    pub splits: PathBuf,
}

impl Part {
    /// The part with this stem of the run in `dir`.
    pub fn of(dir: &Path, stem: &str) -> Self {
        let file = |kind: &str| dir.join(kind).join(format!("{stem}.jsonl"));
        Self { stem: stem.to_owned(), conversations: file("conversations"), splits: file("splits") }
    }
}

/// Which rows are exported.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these ids; all where it is `None`.
    pub only: Option<HashSet<String>>,
    /// Only these splits; all where it is empty.
    pub splits: Vec<Split>,
}

impl Selection {
    pub(crate) fn takes(&self, id: &RowId, split: Split) -> bool {
        (self.splits.is_empty() || self.splits.contains(&split))
            && self.only.as_ref().is_none_or(|ids| ids.contains(id.as_str()))
    }
}

#[derive(Deserialize)]
struct SplitLine {
    id: RowId,
    split: Split,
}

struct Lines {
    path: PathBuf,
    from: BufReader<File>,
    line: u64,
    text: String,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let file =
            File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let from = BufReader::with_capacity(1 << 20, file);
        Ok(Self { path: path.to_owned(), from, line: 0, text: String::new() })
    }

    fn next(&mut self) -> Result<Option<&str>> {
        self.text.clear();
        self.line += 1;
        let read = self.from.read_line(&mut self.text);
        let read = read.map_err(|source| Error::Read { path: self.path.clone(), source })?;
        Ok((read > 0).then_some(self.text.as_str()))
    }
}

/// Hands on the rows of a part that are selected.
pub(crate) fn rows(
    part: &Part,
    selection: &Selection,
    mut each: impl FnMut(Split, Conversation) -> Result<()>,
) -> Result<()> {
    let mut conversations = Lines::open(&part.conversations)?;
    let mut splits = Lines::open(&part.splits)?;
    loop {
        let (path, line) = (splits.path.clone(), splits.line + 1);
        let astray = |why: String| Error::Splits { path: path.clone(), line, why };
        let text = match (conversations.next()?, splits.next()?) {
            (None, None) => return Ok(()),
            (Some(_), None) => return Err(astray("a conversation has no split".into())),
            (None, Some(_)) => return Err(astray("a split has no conversation".into())),
            (Some(_), Some(text)) => text,
        };
        let of: SplitLine = serde_json::from_str(text).map_err(|e| astray(e.to_string()))?;
        let row: Conversation = serde_json::from_str(&conversations.text).map_err(|e| {
            let (path, line) = (conversations.path.clone(), conversations.line);
            Error::Row { path, line, why: format!("no conversation of this program: {e}") }
        })?;
        if row.id != of.id {
            return Err(astray(format!("it is of {}, the conversation is {}", of.id, row.id)));
        }
        if selection.takes(&row.id, of.split) {
            each(of.split, row)?;
        }
    }
}

/// How many selected rows of a part each split has.
///
/// Reads `splits/` only.
pub(crate) fn counts(part: &Part, selection: &Selection) -> Result<BTreeMap<Split, u64>> {
    let mut splits = Lines::open(&part.splits)?;
    let mut counts = BTreeMap::new();
    loop {
        let (path, line) = (splits.path.clone(), splits.line + 1);
        let Some(text) = splits.next()? else { return Ok(counts) };
        let of: SplitLine = serde_json::from_str(text).map_err(|e| Error::Splits {
            path,
            line,
            why: e.to_string(),
        })?;
        if selection.takes(&of.id, of.split) {
            *counts.entry(of.split).or_default() += 1;
        }
    }
}
