//! Bytes that are appended, and read again at any place.

use super::{Spill, SpillFile};
use crate::Result;

/// Bytes that are written or read at once.
const BLOCK: usize = 1 << 18;

/// Bytes in memory up to a limit, and in a file beyond it.
#[derive(Debug)]
pub(crate) struct Bytes {
    spill: Spill,
    limit: usize,
    file: Option<SpillFile>,
    /// What follows the bytes of the file.
    held: Vec<u8>,
}

impl Bytes {
    pub(crate) fn new(spill: &Spill, limit: usize) -> Self {
        Self { spill: spill.clone(), limit, file: None, held: Vec::new() }
    }

    fn spilled(&self) -> u64 {
        self.file.as_ref().map_or(0, SpillFile::len)
    }

    pub(crate) fn len(&self) -> u64 {
        self.spilled() + self.held.len() as u64
    }

    /// Appends bytes that are read together: they are never partly in the file.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let limit = if self.file.is_some() { self.limit.min(BLOCK) } else { self.limit };
        if !self.held.is_empty() && self.held.len().saturating_add(bytes.len()) > limit {
            SpillFile::opened(&mut self.file, &self.spill)?.append(&self.held)?;
            self.held.clear();
            self.held.shrink_to(BLOCK);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// Fills `into` with the bytes from `at`, which were appended together.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let spilled = self.spilled();
        match &self.file {
            Some(file) if at < spilled => file.read(at, into),
            _ => {
                let from = (at - spilled) as usize;
                if let Some(bytes) = self.held.get(from..from + into.len()) {
                    into.copy_from_slice(bytes);
                }
                Ok(())
            }
        }
    }

    /// Reads from the start.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { from: self, at: 0, block: Vec::new(), used: 0 }
    }
}

/// Reads bytes one after the other, in the pieces in which they were appended.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    from: &'a Bytes,
    /// Where the block ends.
    at: u64,
    block: Vec<u8>,
    used: usize,
}

impl Reader<'_> {
    /// The next `n` bytes; `None` at the end.
    pub(crate) fn next(&mut self, n: usize) -> Result<Option<&[u8]>> {
        if self.block.len() - self.used < n {
            let spilled = self.from.spilled();
            if let (Some(file), true) = (&self.from.file, self.at < spilled) {
                self.block.drain(..self.used);
                self.used = 0;
                let more = (n - self.block.len()).max(BLOCK) as u64;
                let more = more.min(spilled - self.at) as usize;
                let kept = self.block.len();
                self.block.resize(kept + more, 0);
                file.read(self.at, &mut self.block[kept..])?;
                self.at += more as u64;
            } else {
                let from = (self.at - spilled) as usize;
                self.at += n as u64;
                return Ok(self.from.held.get(from..from + n));
            }
        }
        let found = self.block.get(self.used..self.used + n);
        self.used += n;
        Ok(found)
    }
}
