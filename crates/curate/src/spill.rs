//! Data of all rows that may not fit into memory.
//!
//! What passes keep of each row is in a [`Bytes`], [`Column`], [`Texts`] or [`Sorter`]. Each holds its data in memory up to a
//! share of the budget, and moves them to a temporary file beyond it. Results are the same for any budget. The files have no
//! name, so that the system deletes them however the process ends.

mod bytes;
mod column;
mod counter;
mod record;
mod seen;
mod sorter;
mod texts;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use bytes::Bytes;
pub(crate) use column::Column;
pub(crate) use counter::Counter;
pub(crate) use record::{Record, read_text, write_text};
pub(crate) use seen::Seen;
pub(crate) use sorter::{Sorted, Sorter};
pub use texts::Texts;

use crate::{Error, Result};

/// Memory for data of all rows, unless another budget is given: enough for some 80,000 conversations of four messages.
const BUDGET: usize = 128 << 20;

/// How much data of all rows stays in memory, and where the rest goes. Clones share the count of bytes written.
#[derive(Debug, Clone)]
pub struct Spill(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: Option<PathBuf>,
    /// Whether the folder is the system's temporary one, which the user chooses by the environment.
    is_temporary: bool,
    budget: usize,
    written: AtomicU64,
}

impl Spill {
    fn new(folder: Option<PathBuf>, is_temporary: bool, budget: usize) -> Self {
        Self(Arc::new(Inner { folder, is_temporary, budget, written: AtomicU64::new(0) }))
    }

    /// Everything stays in memory.
    pub fn in_memory() -> Self {
        Self::new(None, false, usize::MAX)
    }

    /// What does not fit goes to nameless files in this folder, which must exist.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        Self::new(Some(folder.into()), false, BUDGET)
    }

    /// What does not fit goes to nameless files in the system's temporary folder.
    pub fn to_temporary() -> Self {
        Self::new(Some(std::env::temp_dir()), true, BUDGET)
    }

    /// With another budget, in bytes. Some parts grow by whole blocks, so memory can exceed it by a few megabytes.
    #[must_use]
    pub fn with_budget(self, bytes: usize) -> Self {
        Self::new(self.0.folder.clone(), self.0.is_temporary, bytes)
    }

    /// Bytes that were written to temporary files.
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// One of `parts` equal shares of the budget, in bytes.
    pub(crate) fn share(&self, parts: usize) -> usize {
        if self.0.folder.is_none() { usize::MAX } else { self.0.budget / parts.max(1) }
    }

    fn error(&self, source: io::Error) -> Error {
        let folder = self.0.folder.clone().unwrap_or_default();
        Error::Spill { folder, is_temporary: self.0.is_temporary, source }
    }
}

/// A nameless file to which bytes are appended.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: File,
    end: u64,
    spill: Spill,
}

impl SpillFile {
    fn create(spill: &Spill) -> Result<Self> {
        let folder = spill.0.folder.as_deref().unwrap_or(Path::new("."));
        let file = tempfile::tempfile_in(folder).map_err(|e| spill.error(e))?;
        Ok(Self { file, end: 0, spill: spill.clone() })
    }

    /// The file, which is created if there is none yet.
    pub(crate) fn opened<'f>(file: &'f mut Option<Self>, spill: &Spill) -> Result<&'f mut Self> {
        match file {
            Some(file) => Ok(file),
            none => Ok(none.insert(Self::create(spill)?)),
        }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.end
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        write_at(&self.file, bytes, self.end).map_err(|e| self.spill.error(e))?;
        self.end += bytes.len() as u64;
        self.spill.0.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Fills `into` with the bytes from `at`.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        read_at(&self.file, into, at).map_err(|e| self.spill.error(e))
    }
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (bytes, offset) = (&mut bytes[read..], offset + read as u64);
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        (bytes, offset) = (&bytes[written..], offset + written as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
