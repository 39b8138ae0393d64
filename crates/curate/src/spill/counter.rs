//! Counts of texts.

use std::collections::HashMap;

use super::{Sorter, Spill};
use crate::Result;

/// Memory of a text in a map, beyond its letters: its place, and what the allocator adds.
const OVERHEAD: usize = 64;

/// Counts how often each text was seen.
#[derive(Debug)]
pub(crate) struct Counter {
    counts: HashMap<String, u64>,
    /// Memory of the counts.
    bytes: usize,
    limit: usize,
    total: u64,
    /// Counts that did not fit; a text can have several.
    spilled: Sorter<(String, u64)>,
}

impl Counter {
    pub(crate) fn new(spill: &Spill, limit: usize) -> Self {
        let spilled = Sorter::new(spill, usize::MAX);
        Self { counts: HashMap::new(), bytes: 0, limit, total: 0, spilled }
    }

    /// Counts a text.
    pub(crate) fn add(&mut self, text: String) -> Result<()> {
        self.total += 1;
        self.bytes += match self.counts.get_mut(&text) {
            Some(count) => {
                *count += 1;
                return Ok(());
            }
            None => text.len() + OVERHEAD,
        };
        self.counts.insert(text, 1);
        if self.bytes >= self.limit {
            self.counts.drain().try_for_each(|count| self.spilled.push(count))?;
            self.spilled.flush()?;
            self.bytes = 0;
        }
        Ok(())
    }

    /// Adds the counts of another counter.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.total += other.total;
        for (text, count) in other.counts {
            *self.counts.entry(text).or_default() += count;
        }
        self.spilled.absorb(other.spilled);
    }

    /// The `most` most frequent texts, ties by text, and the sum of all counts.
    pub(crate) fn top(mut self, most: usize) -> Result<(Vec<(String, u64)>, u64)> {
        let mut top = Vec::new();
        if self.spilled.is_spilled() {
            self.counts.drain().try_for_each(|count| self.spilled.push(count))?;
            let sorted = self.spilled.sorted();
            let mut current: Option<(String, u64)> = None;
            for next in sorted.records()? {
                let (text, count) = next?;
                match &mut current {
                    Some((same, sum)) if *same == text => *sum += count,
                    _ => top.extend(current.replace((text, count))),
                }
                if top.len() > 64 * most {
                    cut(&mut top, most);
                }
            }
            top.extend(current);
        } else {
            top.extend(self.counts);
        }
        cut(&mut top, most);
        Ok((top, self.total))
    }
}

/// Keeps the `most` most frequent.
fn cut(counts: &mut Vec<(String, u64)>, most: usize) {
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(most);
}
