//! An external merge sort.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Record, Spill, SpillFile};
use crate::Result;

/// Bytes of a run that are written, or at most read, at once.
const BLOCK: usize = 1 << 18;
/// Bytes of a run that are at least read at once.
const LEAST_BLOCK: usize = 1 << 12;

/// Sorts records: in memory up to a limit, in sorted runs in a file beyond it.
#[derive(Debug)]
pub(crate) struct Sorter<T> {
    spill: Spill,
    limit: usize,
    held: Vec<T>,
    /// Memory of the held records.
    bytes: usize,
    file: Option<SpillFile>,
    runs: Vec<Range<u64>>,
    /// Runs in files of other sorters.
    others: Vec<Run>,
}

/// Sorted records in a file.
#[derive(Debug, Clone)]
struct Run {
    file: Arc<SpillFile>,
    place: Range<u64>,
}

impl<T: Record> Sorter<T> {
    /// A sorter of at most `limit` bytes.
    pub(crate) fn new(spill: &Spill, limit: usize) -> Self {
        Self {
            spill: spill.clone(),
            limit,
            held: Vec::new(),
            bytes: 0,
            file: None,
            runs: Vec::new(),
            others: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, record: T) -> Result<()> {
        self.bytes += size_of::<T>() + record.heap();
        self.held.push(record);
        if self.bytes >= self.limit { self.flush() } else { Ok(()) }
    }

    /// Adds the records of another sorter. Both keep what they hold in memory.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.bytes += other.bytes;
        self.held.append(&mut other.held);
        self.others.append(&mut other.others);
        self.others.extend(shared(other.file, other.runs));
    }

    /// Whether some records are in a file.
    pub(crate) fn is_spilled(&self) -> bool {
        self.file.is_some() || !self.others.is_empty()
    }

    /// Writes the held records as a run.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.held.par_sort_unstable();
        let file = SpillFile::opened(&mut self.file, &self.spill)?;
        let start = file.len();
        let mut block = Vec::with_capacity(BLOCK.min(self.bytes) + LEAST_BLOCK);
        for record in self.held.drain(..) {
            record.write(&mut block);
            if block.len() >= BLOCK {
                file.append(&block)?;
                block.clear();
            }
        }
        file.append(&block)?;
        self.runs.push(start..file.len());
        self.bytes = 0;
        Ok(())
    }

    /// How many records repeat another one.
    pub(crate) fn repeated(self) -> Result<u64> {
        let (mut count, mut last) = (0, None);
        for record in self.sorted().records()? {
            let record = Some(record?);
            count += u64::from(record == last);
            last = record;
        }
        Ok(count)
    }

    /// The records in order.
    pub(crate) fn sorted(mut self) -> Sorted<T> {
        self.held.par_sort_unstable();
        let mut runs = self.others;
        runs.extend(shared(self.file, self.runs));
        // While they are merged, blocks of all runs are in memory.
        let block = (self.limit / runs.len().max(1)).clamp(LEAST_BLOCK, BLOCK);
        Sorted { held: self.held, runs, block }
    }
}

fn shared(file: Option<SpillFile>, runs: Vec<Range<u64>>) -> Vec<Run> {
    let Some(file) = file.map(Arc::new) else { return Vec::new() };
    runs.into_iter().map(|place| Run { file: Arc::clone(&file), place }).collect()
}

/// Sorted records, which can be read several times.
#[derive(Debug)]
pub(crate) struct Sorted<T> {
    held: Vec<T>,
    runs: Vec<Run>,
    block: usize,
}

impl<T: Record> Sorted<T> {
    /// All records in order, equal ones included.
    pub(crate) fn records(&self) -> Result<Merge<'_, T>> {
        let mut merge = Merge { held: self.held.iter(), runs: Vec::new(), next: BinaryHeap::new() };
        if self.runs.is_empty() {
            return Ok(merge);
        }
        for (number, run) in self.runs.iter().enumerate() {
            let mut run = RunReader::new(run.clone(), self.block);
            if let Some(first) = run.next()? {
                merge.next.push(Reverse((first, number)));
            }
            merge.runs.push(run);
        }
        if let Some(first) = merge.held.next() {
            merge.next.push(Reverse((first.clone(), merge.runs.len())));
        }
        Ok(merge)
    }
}

/// Merges sorted runs.
#[derive(Debug)]
pub(crate) struct Merge<'a, T> {
    held: std::slice::Iter<'a, T>,
    runs: Vec<RunReader>,
    /// The next record of each run; the held records are the last.
    next: BinaryHeap<Reverse<(T, usize)>>,
}

impl<T: Record> Merge<'_, T> {
    fn advance(&mut self) -> Result<Option<T>> {
        let Some(mut least) = self.next.peek_mut() else { return Ok(None) };
        let number = least.0.1;
        let following = match self.runs.get_mut(number) {
            Some(run) => run.next()?,
            None => self.held.next().cloned(),
        };
        let found = match following {
            Some(record) => std::mem::replace(&mut least.0.0, record),
            None => PeekMut::pop(least).0.0,
        };
        Ok(Some(found))
    }
}

impl<T: Record> Iterator for Merge<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.runs.is_empty() {
            self.held.next().cloned().map(Ok)
        } else {
            self.advance().transpose()
        }
    }
}

/// Reads a run.
#[derive(Debug)]
struct RunReader {
    run: Run,
    block: Vec<u8>,
    used: usize,
    size: usize,
}

impl RunReader {
    fn new(run: Run, size: usize) -> Self {
        Self { run, block: Vec::new(), used: 0, size }
    }

    fn next<T: Record>(&mut self) -> Result<Option<T>> {
        loop {
            let mut bytes = self.block.get(self.used..).unwrap_or_default();
            if let Some(record) = T::read(&mut bytes) {
                self.used = self.block.len() - bytes.len();
                return Ok(Some(record));
            }
            let left = self.run.place.end - self.run.place.start;
            if left == 0 {
                return Ok(None);
            }
            self.block.drain(..self.used);
            self.used = 0;
            let kept = self.block.len();
            // A record may be longer than a block.
            let more = (self.size.max(kept) as u64).min(left) as usize;
            self.block.resize(kept + more, 0);
            self.run.file.read(self.run.place.start, &mut self.block[kept..])?;
            self.run.place.start += more as u64;
        }
    }
}
