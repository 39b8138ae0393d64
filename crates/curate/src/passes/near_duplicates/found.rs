//! The pass for pairs that something else found, such as a cluster.

use clinstruct_schema::Dropped;
use clinstruct_schema::summary::{DuplicateCounts, TextKind};

use super::{Clusters, NAME, add_metric, repeats};
use crate::spill::{Spill, Texts};
use crate::{Annotates, Curated, Fields, Pass, Result, Row, Source};

/// Two similar texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// What both texts are.
    pub kind: TextKind,
    /// Their conversations, by row number.
    pub rows: [u32; 2],
}

type Pairs<'a> = Box<dyn Iterator<Item = Result<Pair>> + Send + 'a>;

/// The pass for pairs that are known: it drops what [`NearDuplicates`](super::NearDuplicates) would, without comparing texts.
pub struct FoundPairs<'a> {
    pairs: Pairs<'a>,
    spill: Spill,
    /// By row number; blank for rows that another pass dropped.
    ids: Texts,
    variants: u64,
}

impl<'a> FoundPairs<'a> {
    /// A pass for these pairs, each of which is there once, in any order. Neither of their rows was dropped by an earlier
    /// pass.
    pub fn new(pairs: impl Iterator<Item = Result<Pair>> + Send + 'a, spill: &Spill) -> Self {
        let ids = Texts::new(spill, 16);
        Self { pairs: Box::new(pairs), spill: spill.clone(), ids, variants: 0 }
    }
}

impl Pass for FoundPairs<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Fields {
        Fields::Messages
    }

    fn annotates(&self) -> Annotates {
        Annotates::DropsAtEnd
    }

    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>> {
        for row in rows {
            while self.ids.len() < row.number {
                self.ids.push("")?;
            }
            self.ids.push(row.id)?;
            self.variants += u64::from(row.variant);
        }
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>, _: &dyn Source, curated: &mut Curated) -> Result<()> {
        let Self { pairs, spill, ids, variants } = *self;
        let mut counts = DuplicateCounts { variants, ..DuplicateCounts::default() };
        let mut clusters = Clusters::new(ids.len());
        for pair in pairs {
            let Pair { kind, rows } = pair?;
            counts.pairs[kind as usize] += 1;
            let [a, b] = rows.map(|row| row as usize);
            clusters.connect(a, b);
        }
        clusters.duplicates(&ids, &spill, &mut counts, &mut |duplicate| {
            curated.drop_row(duplicate.row, repeats(&duplicate))
        })?;
        curated.quality.duplicates = counts;
        add_metric(curated);
        Ok(())
    }
}
