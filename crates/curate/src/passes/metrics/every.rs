//! All places where one metric finds a fault, in the memory that a spill allows.

use clinstruct_schema::summary::MetricId;

use super::faults::{Fault, Place};
use crate::spill::{Record, Sorted, Sorter, read_text, write_text};
use crate::{Error, Result, Spill};

/// A fault with the number of its row, which comes first in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    row: u64,
    fault: Fault,
}

impl Record for Listed {
    fn write(&self, to: &mut Vec<u8>) {
        let Fault { id, turn, message, span, excerpt, detail } = &self.fault;
        let [from, until] = span.unwrap_or_default();
        let numbers = [*turn, *message, usize::from(span.is_some()), from, until];
        self.row.write(to);
        for number in numbers {
            (number as u64).write(to);
        }
        for text in [id, excerpt, detail] {
            write_text(text, to);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let row = u64::read(from)?;
        let mut number = || u64::read(from).map(|n| n as usize);
        let (turn, message) = (number()?, number()?);
        let (has_span, span) = (number()? == 1, [number()?, number()?]);
        let [id, excerpt, detail] = [read_text(from)?, read_text(from)?, read_text(from)?];
        let span = has_span.then_some(span);
        Some(Self { row, fault: Fault { id, turn, message, span, excerpt, detail } })
    }

    fn heap(&self) -> usize {
        let Fault { id, excerpt, detail, .. } = &self.fault;
        id.capacity() + excerpt.capacity() + detail.capacity()
    }
}

/// Collects all faults of one metric.
#[derive(Debug)]
pub(super) struct Every {
    pub(super) id: MetricId,
    found: Sorter<Listed>,
    /// Places of equal things, by a hash of what is equal.
    equal: Sorter<(u64, Listed)>,
    /// Why a temporary file could not be written: nothing more is collected, and reading fails.
    failed: Option<Error>,
}

impl Every {
    /// A collector of at most `limit` bytes in memory.
    pub(super) fn new(id: MetricId, spill: &Spill, limit: usize) -> Self {
        let (found, equal) = (Sorter::new(spill, limit), Sorter::new(spill, limit));
        Self { id, found, equal, failed: None }
    }

    pub(super) fn add(&mut self, at: Place<'_>, fault: Fault) {
        let listed = Listed { row: at.row.number as u64, fault };
        self.keep(|every| every.found.push(listed));
    }

    /// A place of what may be equal to something elsewhere.
    pub(super) fn add_equal(&mut self, hash: u64, at: Place<'_>) {
        let listed = Listed { row: at.row.number as u64, fault: at.fault(None, "") };
        self.keep(|every| every.equal.push((hash, listed)));
    }

    fn keep(&mut self, push: impl FnOnce(&mut Self) -> Result<()>) {
        if self.failed.is_none() {
            self.failed = push(self).err();
        }
    }

    /// Adds what another thread collected of other rows.
    pub(super) fn join(&mut self, other: Self) {
        self.found.absorb(other.found);
        self.equal.absorb(other.equal);
        self.failed = self.failed.take().or(other.failed);
    }

    /// All faults in the order of their rows; of equal things, all places but the first.
    pub(super) fn faults(self) -> Result<Faults> {
        let Self { mut found, equal, failed, .. } = self;
        failed.map_or(Ok(()), Err)?;
        let equal = equal.sorted();
        let mut first: Option<(u64, String)> = None;
        for place in equal.records()? {
            let (hash, Listed { row, fault }) = place?;
            match &first {
                Some((same, repeated)) if *same == hash => {
                    let detail = format!("repeats {repeated}");
                    found.push(Listed { row, fault: Fault { detail, ..fault } })?;
                }
                _ => first = Some((hash, format!("{}, message {}", fault.id, fault.message + 1))),
            }
        }
        Ok(Faults(found.sorted()))
    }
}

/// Faults in the order of their rows, which can be read several times.
#[derive(Debug)]
pub struct Faults(Sorted<Listed>);

impl Faults {
    /// The faults.
    ///
    /// # Errors
    /// Temporary files that cannot be read.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<Fault>>> {
        Ok(self.0.records()?.map(|listed| listed.map(|l| l.fault)))
    }
}
