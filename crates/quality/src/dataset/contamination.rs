//! Text of evaluation sets in a dataset, in two stages.
//!
//! Runs of eight words that a text shares with an evaluation item make the item a candidate (a shorter item
//! is looked for whole); it is found where blocks of at least five words that match in order cover at least
//! half of it.

use std::collections::HashMap;
use std::ops::Range;

use super::tokens::{grams, tokens};

const RUN: usize = 8;
const BLOCK: usize = 5;
const COVER: f64 = 0.5;
/// An evaluation item with fewer words says nothing by being found.
const FEWEST: usize = 5;
/// Bits of the filter in front of the index.
const FILTER_BITS: u32 = 27;

/// Evaluation items, ready to be looked for.
#[derive(Debug, Default)]
pub struct Evaluation {
    items: Vec<Item>,
    index: HashMap<u64, Vec<u32>>,
    filter: Vec<u64>,
    /// Lengths of items shorter than a run, each once.
    short: Vec<usize>,
}

#[derive(Debug)]
struct Item {
    benchmark: u32,
    words: Vec<u64>,
}

/// An evaluation item that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Benchmark, by the number it was added with.
    pub benchmark: u32,
    /// Item, by its number among all.
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

impl Evaluation {
    /// None yet.
    pub fn new() -> Self {
        Self { filter: vec![0; 1 << (FILTER_BITS - 6)], ..Self::default() }
    }

    /// Adds an item of a benchmark; false where it has too few words to be told.
    pub fn add(&mut self, benchmark: u32, text: &str) -> bool {
        let mut words = Vec::new();
        tokens(text, &mut words);
        if words.len() < FEWEST {
            return false;
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
        self.items.push(Item { benchmark, words });
        true
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items that stand in a text, by their numbers.
    pub fn find(&self, text: &str) -> Vec<Hit> {
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
            benchmark: item.benchmark,
            item: number,
            words: item.words.len(),
            matched,
            blocks,
        })
    }
}

/// Blocks of at least `least` words that match in order: the longest first, then those before and behind it.
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
