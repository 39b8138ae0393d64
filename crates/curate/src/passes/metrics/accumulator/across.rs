//! What is counted across rows: equal texts, equal ids, openings.

use clinstruct_schema::summary::{Measured, MetricId, Metrics, TextKind};

use super::super::{TOP, target};
use crate::Result;
use crate::spill::{Counter, Sorter, Spill};

/// Hashes of ids and texts, and counts of openings. They are in files if they do not fit into memory.
#[derive(Debug)]
pub(super) struct Across {
    ids: Sorter<u64>,
    texts: [Sorter<u64>; 3],
    openings: [Counter; 3],
}

impl Across {
    /// Each of the seven may use `limit` bytes of memory.
    pub(super) fn new(spill: &Spill, limit: usize) -> Self {
        Self {
            ids: Sorter::new(spill, limit),
            texts: std::array::from_fn(|_| Sorter::new(spill, limit)),
            openings: std::array::from_fn(|_| Counter::new(spill, limit)),
        }
    }

    pub(super) fn id(&mut self, hash: u64) -> Result<()> {
        self.ids.push(hash)
    }

    pub(super) fn text(&mut self, kind: TextKind, hash: u64) -> Result<()> {
        self.texts[kind as usize].push(hash)
    }

    pub(super) fn opening(&mut self, kind: TextKind, opening: String) -> Result<()> {
        self.openings[kind as usize].add(opening)
    }

    pub(super) fn join(&mut self, other: Self) {
        self.ids.absorb(other.ids);
        for (own, other) in self.texts.iter_mut().zip(other.texts) {
            own.absorb(other);
        }
        for (own, other) in self.openings.iter_mut().zip(other.openings) {
            own.absorb(other);
        }
    }

    /// Adds the metrics of texts, and returns how many ids repeat another one.
    pub(super) fn finish(self, metrics: &mut Metrics, texts: [u64; 3]) -> Result<u64> {
        let counted = TextKind::ALL.into_iter().zip(texts).zip(self.texts).zip(self.openings);
        for (place, (((kind, of), hashes), openings)) in counted.enumerate() {
            let subject = Some(kind.plural());
            let id = MetricId::ExactDuplicates;
            let measured = Measured::Counted { count: hashes.repeated()?, of };
            metrics.push(id, subject, measured, target(id, Some(kind)));

            let (all, total) = openings.top(TOP)?;
            let top: u64 = all.iter().map(|(_, n)| n).sum();
            let id = MetricId::TopOpenings;
            let measured = Measured::Counted { count: top, of: total };
            metrics.push(id, subject, measured, target(id, Some(kind)));
            metrics.openings[place] = all;
        }
        self.ids.repeated()
    }
}
