//! Drops rows that contain an item of an evaluation set.
//!
//! An item is a candidate if a text shares a run of eight words with it (a shorter item must occur whole). It is found
//! if in-order matching blocks of at least five words cover at least half of it.

use std::collections::HashMap;
use std::ops::Range;

use clinstruct_schema::summary::{Measured, MetricId, Target};
use clinstruct_schema::{Dropped, Message};
use rayon::prelude::*;

use super::{Annotates, Pass};
use crate::tokens::{grams, tokens};
use crate::{Curated, Fields, Result, Row, Source};

const RUN: usize = 8;
const BLOCK: usize = 5;
const COVER: f64 = 0.5;
/// Shorter evaluation items are too unspecific.
const FEWEST: usize = 5;
/// Size in bits of the filter in front of the index.
const FILTER_BITS: u32 = 27;

/// Items of evaluation sets, indexed for [`EvalItems::find`].
#[derive(Debug, Default)]
pub struct EvalItems {
    sets: Vec<String>,
    items: Vec<Item>,
    index: HashMap<u64, Vec<u32>>,
    filter: Vec<u64>,
    /// Distinct lengths of items shorter than a run.
    short: Vec<usize>,
}

#[derive(Debug)]
struct Item {
    set: u32,
    words: Vec<u64>,
}

/// An evaluation item that occurs in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its set, by the number that [`EvalItems::add_set`] returned.
    pub set: u32,
    /// Item, by its number over all sets.
    pub item: u32,
    /// Words of the item.
    pub words: usize,
    /// Words that match.
    pub matched: usize,
    /// The matching blocks in the text, as ranges of words.
    pub blocks: Vec<Range<usize>>,
}

fn slot(hash: u64) -> (usize, u64) {
    let bit = hash >> (64 - FILTER_BITS);
    ((bit / 64) as usize, 1 << (bit % 64))
}

impl EvalItems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an empty evaluation set, and returns its number.
    pub fn add_set(&mut self, name: &str) -> u32 {
        self.sets.push(name.to_owned());
        u32::try_from(self.sets.len() - 1).unwrap_or(u32::MAX)
    }

    /// Names of the sets, by their numbers.
    pub fn sets(&self) -> &[String] {
        &self.sets
    }

    /// Adds an item to a set; `false` if it has too few words to be recognized.
    pub fn add(&mut self, set: u32, text: &str) -> bool {
        let mut words = Vec::new();
        tokens(text, &mut words);
        if words.len() < FEWEST {
            return false;
        }
        if self.filter.is_empty() {
            self.filter = vec![0; 1 << (FILTER_BITS - 6)];
        }
        let number = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        let run = RUN.min(words.len());
        if run < RUN && !self.short.contains(&run) {
            self.short.push(run);
        }
        grams(&words, run, |g| {
            let (at, bit) = slot(g);
            self.filter[at] |= bit;
            let items = self.index.entry(g).or_default();
            if items.last() != Some(&number) {
                items.push(number);
            }
        });
        self.items.push(Item { set, words });
        true
    }

    /// The first item that a conversation contains: its set, and a description of its place.
    pub fn first(&self, messages: &[Message]) -> Option<(u32, String)> {
        messages.iter().enumerate().find_map(|(i, m)| {
            let hit = self.find(&m.content).into_iter().next()?;
            let name = self.sets.get(hit.set as usize)?;
            let (found, words) = (hit.matched, hit.words);
            let detail =
                format!("message {}: {found} of {words} words of an item of {name}", i + 1);
            Some((hit.set, detail))
        })
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items that occur in a text, by number.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut words = Vec::new();
        tokens(text, &mut words);
        let mut candidates: Vec<u32> = Vec::new();
        for run in std::iter::once(RUN).chain(self.short.iter().copied()) {
            if words.len() < run {
                continue;
            }
            grams(&words, run, |g| {
                let (at, bit) = slot(g);
                if self.filter[at] & bit != 0
                    && let Some(items) = self.index.get(&g)
                {
                    candidates.extend(items);
                }
            });
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().filter_map(|item| self.aligned(item, &words)).collect()
    }

    fn aligned(&self, number: u32, words: &[u64]) -> Option<Hit> {
        let item = self.items.get(number as usize)?;
        let mut blocks = Vec::new();
        let least = BLOCK.min(item.words.len());
        matching(&item.words, words, 0, least, &mut blocks);
        let matched: usize = blocks.iter().map(Range::len).sum();
        (matched as f64 >= COVER * item.words.len() as f64).then_some(Hit {
            set: item.set,
            item: number,
            words: item.words.len(),
            matched,
            blocks,
        })
    }
}

/// In-order matching blocks of at least `least` words: the longest first, then those before and after it.
fn matching(item: &[u64], text: &[u64], offset: usize, least: usize, into: &mut Vec<Range<usize>>) {
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (j, word) in text.iter().enumerate() {
        places.entry(*word).or_default().push(j);
    }
    let (mut best, mut best_i, mut best_j) = (0, 0, 0);
    let mut before: HashMap<usize, usize> = HashMap::new();
    for (i, word) in item.iter().enumerate() {
        let mut now: HashMap<usize, usize> = HashMap::new();
        for j in places.get(word).into_iter().flatten() {
            let length = j.checked_sub(1).and_then(|p| before.get(&p)).copied().unwrap_or(0) + 1;
            now.insert(*j, length);
            if length > best {
                (best, best_i, best_j) = (length, i + 1 - length, j + 1 - length);
            }
        }
        before = now;
    }
    if best < least {
        return;
    }
    matching(&item[..best_i], &text[..best_j], offset, least, into);
    into.push(offset + best_j..offset + best_j + best);
    let (i, j) = (best_i + best, best_j + best);
    matching(&item[i..], &text[j..], offset + j, least, into);
}

/// The pass.
#[derive(Debug)]
pub struct Contamination<'a> {
    items: &'a EvalItems,
    /// What something else found, by row number: set and description.
    found: Option<HashMap<usize, (u32, String)>>,
    /// Rows that were read.
    read: u64,
    /// Rows with an item, by set.
    dropped: Vec<u64>,
}

impl<'a> Contamination<'a> {
    /// A pass that drops rows with one of these items.
    pub fn new(items: &'a EvalItems) -> Self {
        Self { items, found: None, read: 0, dropped: vec![0; items.sets.len()] }
    }

    /// The same for what [`EvalItems::first`] found elsewhere, by row number: texts are not searched.
    #[must_use]
    pub fn with_found(self, found: HashMap<usize, (u32, String)>) -> Self {
        Self { found: Some(found), ..self }
    }
}

impl Pass for Contamination<'_> {
    fn name(&self) -> &'static str {
        "contamination"
    }

    fn reads(&self) -> Fields {
        Fields::Messages
    }

    fn annotates(&self) -> Annotates {
        Annotates::DropsAtOnce
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>> {
        self.read += rows.len() as u64;
        let found: Vec<_> = match &mut self.found {
            Some(found) => rows
                .iter()
                .filter_map(|row| Some((row.number, found.remove(&row.number)?)))
                .collect(),
            None if self.items.is_empty() => return Ok(Vec::new()),
            None => rows
                .par_iter()
                .filter_map(|row| Some((row.number, self.items.first(row.messages)?)))
                .collect(),
        };
        let mut dropped = Vec::with_capacity(found.len());
        for (row, (set, detail)) in found {
            if let Some(count) = self.dropped.get_mut(set as usize) {
                *count += 1;
            }
            let (pass, reason) = (self.name().into(), "contaminated".into());
            dropped.push((row, Dropped { pass, reason, detail }));
        }
        Ok(dropped)
    }

    fn finish(self: Box<Self>, _: &dyn Source, curated: &mut Curated) -> Result<()> {
        let left = self.read - self.dropped.iter().sum::<u64>();
        for (name, rows) in self.items.sets.iter().zip(&self.dropped) {
            *curated.quality.contaminated.entry(name.clone()).or_default() += rows;
            // Rows with an item are dropped; none remain.
            let metrics = &mut curated.quality.metrics;
            let measured = Measured::Counted { count: 0, of: left };
            metrics.push(MetricId::EvalItems, Some(name), measured, Target::AtMost(0.0));
        }
        Ok(())
    }
}
