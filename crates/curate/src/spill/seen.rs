//! A set of hashes that is asked for each row.

use std::collections::HashSet;

use super::{Spill, SpillFile};
use crate::Result;

/// Memory of a hash in a set, about.
const IN_SET: usize = 18;
/// Hashes that are at least held before they are written.
const LEAST: usize = 64;
/// Hashes that are read together.
const BLOCK: usize = 512;

/// Hashes that were seen, exactly: the last ones in memory, the others in sorted runs of a file.
#[derive(Debug)]
pub(crate) struct Seen {
    spill: Spill,
    limit: usize,
    recent: HashSet<u64>,
    file: Option<SpillFile>,
    runs: Vec<Run>,
}

impl Seen {
    pub(crate) fn new(spill: &Spill, limit: usize) -> Self {
        let limit = (limit / IN_SET).max(LEAST);
        Self { spill: spill.clone(), limit, recent: HashSet::new(), file: None, runs: Vec::new() }
    }

    /// Adds a hash; returns whether it is new.
    pub(crate) fn insert(&mut self, hash: u64) -> Result<bool> {
        if self.recent.contains(&hash) {
            return Ok(false);
        }
        if let Some(file) = &self.file {
            for run in self.runs.iter().rev() {
                if run.contains(hash, file)? {
                    return Ok(false);
                }
            }
        }
        self.recent.insert(hash);
        if self.recent.len() >= self.limit {
            self.flush()?;
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        let mut hashes: Vec<u64> = self.recent.drain().collect();
        hashes.sort_unstable();
        let file = SpillFile::opened(&mut self.file, &self.spill)?;
        let run = Run::of(&hashes, file.len());
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        file.append(&bytes)?;
        self.runs.push(run);
        Ok(())
    }
}

/// Sorted hashes in a file, with what says where one would be.
#[derive(Debug)]
struct Run {
    start: u64,
    len: usize,
    /// The first hash of each block.
    firsts: Vec<u64>,
    /// Bits of the hashes, 16 for each: nearly all others lack one of their four.
    filter: Vec<u64>,
}

impl Run {
    fn of(hashes: &[u64], start: u64) -> Self {
        let mut filter = vec![0; hashes.len().div_ceil(4).max(1)];
        for hash in hashes {
            let (word, bits) = place(*hash, filter.len());
            filter[word] |= bits;
        }
        Self {
            start,
            len: hashes.len(),
            firsts: hashes.iter().copied().step_by(BLOCK).collect(),
            filter,
        }
    }

    fn contains(&self, hash: u64, file: &SpillFile) -> Result<bool> {
        let (word, bits) = place(hash, self.filter.len());
        if self.filter[word] & bits != bits {
            return Ok(false);
        }
        let Some(block) = self.firsts.partition_point(|first| *first <= hash).checked_sub(1) else {
            return Ok(false);
        };
        let count = BLOCK.min(self.len - block * BLOCK);
        let mut raw = vec![0; count * 8];
        file.read(self.start + (block * BLOCK * 8) as u64, &mut raw)?;
        let (hashes, _) = raw.as_chunks();
        Ok(hashes.binary_search_by_key(&hash, |raw| u64::from_le_bytes(*raw)).is_ok())
    }
}

/// The word of a filter that a hash belongs to, and its bits there.
fn place(hash: u64, words: usize) -> (usize, u64) {
    let word = ((u128::from(hash) * words as u128) >> 64) as usize;
    let bits = (0..4).fold(0, |bits, i| bits | 1 << (hash >> (6 * i) & 63));
    (word, bits)
}
