//! Results of the passes.

use std::borrow::Cow;
use std::cmp::Ordering;

use clinstruct_schema::summary::Quality;
use clinstruct_schema::{Annotation, Dropped, SCHEMA_VERSION, Split};

use crate::Result;
use crate::spill::{Record, Sorted, Sorter, Spill, Texts, read_text, write_text};

/// Results of the passes.
#[derive(Debug)]
pub struct Curated {
    /// Metrics and counts of the rows that no pass dropped.
    pub quality: Quality,
    spill: Spill,
    ids: Texts,
    /// By row number.
    marks: Vec<Mark>,
    /// Why rows were dropped.
    drops: Sorter<Drop>,
    /// The same, once all passes have finished.
    sorted: Option<Sorted<Drop>>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Kept,
    In(Split),
    Dropped,
}

/// Why a row was dropped, in the order of the rows.
#[derive(Debug, Clone)]
struct Drop {
    row: u32,
    why: Dropped,
}

impl Drop {
    fn key(&self) -> (u32, &str, &str, &str) {
        (self.row, &self.why.pass, &self.why.reason, &self.why.detail)
    }
}

impl PartialEq for Drop {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Drop {}

impl PartialOrd for Drop {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Drop {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Record for Drop {
    fn write(&self, to: &mut Vec<u8>) {
        self.row.write(to);
        for text in [&*self.why.pass, &*self.why.reason, &self.why.detail] {
            write_text(text, to);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let row = u32::read(from)?;
        let (pass, reason) = (Cow::Owned(read_text(from)?), Cow::Owned(read_text(from)?));
        Some(Self { row, why: Dropped { pass, reason, detail: read_text(from)? } })
    }

    fn heap(&self) -> usize {
        self.why.detail.capacity()
    }
}

impl Curated {
    /// No rows yet.
    pub(crate) fn new(spill: &Spill) -> Self {
        Self {
            quality: Quality::default(),
            spill: spill.clone(),
            ids: Texts::new(spill, 16),
            marks: Vec::new(),
            drops: Sorter::new(spill, spill.share(16)),
            sorted: None,
        }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.marks.len()
    }

    /// Adds a row, which no pass has dropped yet.
    pub(crate) fn add(&mut self, id: &str) -> Result<()> {
        self.ids.push(id)?;
        self.marks.push(Mark::Kept);
        Ok(())
    }

    /// Whether no pass dropped this row.
    pub(crate) fn is_kept(&self, row: usize) -> bool {
        self.marks.get(row).is_some_and(|mark| *mark != Mark::Dropped)
    }

    pub(crate) fn drop_row(&mut self, row: usize, why: Dropped) -> Result<()> {
        let Some(mark) = self.marks.get_mut(row) else { return Ok(()) };
        *mark = Mark::Dropped;
        self.drops.push(Drop { row: row as u32, why })
    }

    pub(crate) fn assign(&mut self, row: usize, split: Split) {
        if let Some(mark) = self.marks.get_mut(row) {
            *mark = Mark::In(split);
        }
    }

    /// Number of rows that no pass dropped.
    pub fn kept(&self) -> u64 {
        self.marks.iter().filter(|mark| **mark != Mark::Dropped).count() as u64
    }

    /// Ids of the rows that no pass dropped, in order.
    pub(crate) fn kept_ids(&self) -> impl Iterator<Item = Result<String>> + '_ {
        let rows = self.ids.iter().zip(&self.marks);
        rows.filter(|(_, mark)| **mark != Mark::Dropped).map(|(id, _)| id)
    }

    /// Sorts what was found, once all passes have finished.
    pub(crate) fn seal(&mut self) {
        let none = Sorter::new(&self.spill, self.spill.share(16));
        self.sorted = Some(std::mem::replace(&mut self.drops, none).sorted());
    }

    /// The annotation of each row, in the order of the rows.
    ///
    /// # Errors
    /// Temporary files that cannot be read; the iterator has them, too.
    pub fn annotations(&self) -> Result<impl Iterator<Item = Result<Annotation>> + '_> {
        let drops = self.sorted.as_ref().map(Sorted::records).transpose()?;
        let mut drops = drops.into_iter().flatten();
        let mut rows = self.ids.iter().zip(&self.marks);
        Ok(std::iter::from_fn(move || {
            let (id, mark) = rows.next()?;
            let split = if let Mark::In(split) = mark { Some(*split) } else { None };
            let why = if *mark == Mark::Dropped { drops.next() } else { None };
            let annotation = |why: Option<Drop>| {
                let dropped = why.map(|drop| drop.why);
                Ok(Annotation { id: id?, split, dropped, schema_version: SCHEMA_VERSION })
            };
            Some(why.transpose().and_then(annotation))
        }))
    }
}
