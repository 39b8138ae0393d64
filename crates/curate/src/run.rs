//! A run folder: its rows as a [`Source`], and its annotations.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clinstruct_schema::json::field;
use clinstruct_schema::summary::{Measured, MetricId, Target};
use clinstruct_schema::{
    Annotation, Attributes, Json, Message, PartId, RowId, SituationRow, Split, Summary,
};
use clinstruct_whole_file::WholeFile;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::files::{
    Lines, annotations_of, conversations_of, situations_of, unreadable, unwritable,
};
use crate::mix::id_of;
use crate::passes::{Pass, Settings, passes};
use crate::row::{Fields, Row, Source};
use crate::spill::{Column, Spill, read_at};
use crate::{Curated, Error, Result, curate};

/// Rows that are parsed together.
const ROWS_AT_ONCE: usize = 1024;

/// The conversations of a run.
#[derive(Debug)]
struct Conversations<'a> {
    dir: &'a Path,
    stems: Vec<String>,
    files: Vec<Rows>,
    /// Where each row starts in its file, by row number; known once the rows were scanned.
    starts: Column<u64>,
}

/// A file of conversations.
#[derive(Debug)]
struct Rows {
    path: PathBuf,
    file: File,
    /// Number of its first row, and the rows of this file and all before it.
    first: usize,
    end: usize,
    bytes: u64,
}

/// A stored conversation, with the fields for passes that read no attributes.
#[derive(Debug, Deserialize)]
pub struct Chat {
    id: RowId,
    part: PartId,
    messages: Vec<Message>,
    attributes: Base,
}

#[derive(Debug, Deserialize)]
struct Base {
    base: RowId,
}

/// A row without its provenance.
#[derive(Deserialize)]
struct Whole {
    id: RowId,
    part: PartId,
    messages: Vec<Message>,
    #[serde(deserialize_with = "field")]
    attributes: Attributes,
}

impl Chat {
    /// Reads a line of `conversations/`.
    ///
    /// # Errors
    /// A line that is not one of our rows.
    pub fn of_json(line: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }

    /// The conversation as input of the passes, as row 0.
    pub fn row(&self) -> Row<'_> {
        let base = Some(&self.attributes.base);
        Row { part: self.part.as_str(), base, ..Row::new(self.id.as_str(), &self.messages) }
    }
}

impl Whole {
    fn row(&self) -> Row<'_> {
        let row = Row::new(self.id.as_str(), &self.messages);
        Row { part: self.part.as_str(), ..row.with_attributes(&self.attributes) }
    }
}

/// A line of a file, with its number from 1.
type Line = (u64, String);

fn parsed<T: DeserializeOwned + Send>(path: &Path, lines: &[Line]) -> Result<Vec<T>> {
    let one = |(line, text): &Line| {
        serde_json::from_str(text).map_err(|e| Error::Row {
            path: path.to_owned(),
            line: *line,
            why: e.to_string(),
        })
    };
    lines.par_iter().map(one).collect()
}

impl<'a> Conversations<'a> {
    fn open(dir: &'a Path, stems: Vec<String>, spill: &Spill) -> Result<Self> {
        let open = |stem: &String| {
            let path = conversations_of(dir, stem);
            let file = File::open(&path).map_err(unreadable(&path))?;
            Ok(Rows { path, file, first: 0, end: 0, bytes: 0 })
        };
        let files = stems.iter().map(open).collect::<Result<_>>()?;
        Ok(Self { dir, stems, files, starts: Column::new(spill, spill.share(32)) })
    }

    /// Writes `annotations/`, and returns the counts of each part.
    fn annotate(&self, curated: &Curated) -> Result<Vec<Counts>> {
        let mut all: Vec<Counts> = Vec::new();
        let mut annotations = curated.annotations()?;
        for (rows, stem) in self.files.iter().zip(&self.stems) {
            let mut counts = Counts::default();
            let path = annotations_of(self.dir, stem);
            let mut out = WholeFile::create(&path).map_err(unwritable(&path))?;
            for annotation in annotations.by_ref().take(rows.end - rows.first) {
                let annotation = annotation?;
                let line = annotation.to_json().map_err(io::Error::from);
                line.and_then(|line| writeln!(out, "{line}")).map_err(unwritable(&path))?;
                counts.add(&annotation);
            }
            out.finish().map_err(unwritable(&path))?;
            all.push(counts);
        }
        Ok(all)
    }
}

impl Source for Conversations<'_> {
    fn scan(
        &mut self,
        fields: Fields,
        each: &mut dyn FnMut(&[Row<'_>]) -> Result<()>,
    ) -> Result<()> {
        let is_first = self.starts.len() == 0;
        let mut number = 0;
        for rows in &mut self.files {
            let path = &rows.path;
            let mut lines = Lines::open(path.clone())?;
            let mut offset = 0;
            rows.first = number;
            let mut some: Vec<Line> = Vec::with_capacity(ROWS_AT_ONCE);
            loop {
                let more = lines.advance()?;
                if more {
                    if is_first {
                        self.starts.push(offset)?;
                    }
                    number += 1;
                    offset += lines.text.len() as u64;
                    some.push((lines.line, std::mem::take(&mut lines.text)));
                }
                if some.len() >= ROWS_AT_ONCE || (!more && !some.is_empty()) {
                    match fields {
                        Fields::Messages => {
                            let rows: Vec<Chat> = parsed(path, &some)?;
                            each(&rows.iter().map(Chat::row).collect::<Vec<_>>())?;
                        }
                        Fields::Attributes => {
                            let rows: Vec<Whole> = parsed(path, &some)?;
                            each(&rows.iter().map(Whole::row).collect::<Vec<_>>())?;
                        }
                    }
                    some.clear();
                }
                if !more {
                    break;
                }
            }
            (rows.end, rows.bytes) = (number, offset);
        }
        Ok(())
    }

    fn text(&self, row: usize, message: usize) -> Result<String> {
        let rows = self.files.iter().find(|rows| (rows.first..rows.end).contains(&row));
        let Some(rows) = rows else { return Ok(String::new()) };
        let start = self.starts.get(row)?;
        let end = if row + 1 < rows.end { self.starts.get(row + 1)? } else { rows.bytes };
        let mut bytes = vec![0; (end - start) as usize];
        read_at(&rows.file, &mut bytes, start).map_err(unreadable(&rows.path))?;
        let parsed = Chat::of_json(&bytes).map_err(|why| Error::Row {
            path: rows.path.clone(),
            line: (row - rows.first + 1) as u64,
            why: why.to_string(),
        })?;
        let message = parsed.messages.into_iter().nth(message);
        Ok(message.map_or_else(String::new, |m| m.content))
    }

    fn planned(
        &self,
        skip: &mut dyn FnMut(&str) -> Result<bool>,
        each: &mut dyn FnMut(&Attributes),
    ) -> Result<()> {
        for stem in &self.stems {
            let mut lines = Lines::open(situations_of(self.dir, stem))?;
            while lines.advance()? {
                if id_of(&lines.text).map_or(Ok(false), &mut *skip)? {
                    continue;
                }
                let row = SituationRow::of_json(&lines.text).map_err(|e| lines.not_a_row(&e))?;
                each(&row.attributes);
            }
        }
        Ok(())
    }
}

/// Counts from the annotations of a part.
#[derive(Debug, Default)]
struct Counts {
    splits: [u64; 3],
    dropped: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, annotation: &Annotation) {
        match (&annotation.dropped, annotation.split) {
            (Some(dropped), _) => {
                *self.dropped.entry(dropped.reason.to_string()).or_default() += 1;
            }
            (None, Some(split)) => self.splits[split as usize] += 1,
            (None, None) => {}
        }
    }
}

/// Runs all passes over the run in `dir`: reads `conversations/` and `situations/`, writes `annotations/`, and adds the
/// results to the summary. Changes nothing else.
///
/// Call [`clear_annotations`](crate::clear_annotations) before the conversations are written.
///
/// # Errors
/// A file that cannot be read or written.
pub fn curate_run(dir: &Path, summary: &mut Summary, settings: &Settings<'_>) -> Result<()> {
    curate_run_with(dir, summary, passes(settings), settings.spill)
}

/// The same as [`curate_run`] with these passes, some of which may have been done elsewhere.
///
/// # Errors
/// A file that cannot be read or written, and errors of the passes.
pub fn curate_run_with<'p>(
    dir: &Path,
    summary: &mut Summary,
    passes: Vec<Box<dyn Pass + 'p>>,
    spill: &Spill,
) -> Result<()> {
    let stems = summary.parts.iter().map(|p| p.stem.clone()).collect();
    let mut conversations = Conversations::open(dir, stems, spill)?;
    let curated = curate(&mut conversations, passes, spill)?;
    let counts = conversations.annotate(&curated)?;
    let mut quality = curated.quality;
    for (part, counts) in summary.parts.iter_mut().zip(counts) {
        part.dropped = counts.dropped;
        part.in_dataset -= part.dropped();
        let splits = Split::ALL.into_iter().zip(counts.splits);
        let splits = splits.map(|(split, rows)| (split.as_str().to_owned(), rows)).collect();
        quality.splits.insert(part.stem.clone(), splits);
    }
    let off = summary.parts.iter().filter(|p| !p.adds_up()).count();
    summary.counts_add_up = off == 0;
    let of = if summary.planned() == 0 { 0 } else { summary.parts.len() as u64 };
    let measured = Measured::Counted { count: off as u64, of };
    quality.metrics.push(MetricId::PartsNotAddingUp, None, measured, Target::AtMost(0.0));
    summary.quality = Some(quality);
    Ok(())
}
