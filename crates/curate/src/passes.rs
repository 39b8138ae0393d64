//! The passes, one file each. [`passes`] lists them.

pub mod contamination;
pub mod metrics;
pub mod near_duplicates;
pub mod plan_distance;
pub mod splits;

use clinstruct_schema::Dropped;

use self::contamination::{Contamination, EvalItems};
use self::metrics::{Facts, Measure};
use self::near_duplicates::NearDuplicates;
use self::plan_distance::PlanDistance;
use self::splits::{Shares, Splits};
use crate::{Curated, Fields, Result, Row, Source};

/// What the passes depend on beside the rows.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Items of evaluation sets that must not be in the dataset.
    pub eval_items: &'a EvalItems,
    /// Facts that texts are compared with.
    pub facts: &'a Facts,
    /// Shares of the splits.
    pub shares: Shares,
    /// Seed of the splits.
    pub seed: u64,
}

/// Every pass, in the order in which they run. A pass sees the rows that no pass before it dropped.
pub fn passes<'a>(settings: &Settings<'a>) -> Vec<Box<dyn Pass + 'a>> {
    vec![
        Box::new(Contamination::new(settings.eval_items)),
        Box::new(NearDuplicates::default()),
        Box::new(Measure::new(settings.facts)),
        Box::new(PlanDistance::default()),
        Box::new(Splits::new(settings.shares, settings.seed)),
    ]
}

/// What a pass says of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annotates {
    /// Drops rows, each as it reads it.
    DropsAtOnce,
    /// Drops rows once it has read them all.
    DropsAtEnd,
    /// Gives each row its split.
    Split,
    /// Nothing of single rows: it measures the dataset.
    Dataset,
}

/// A pass over a dataset: it reads rows and annotates them, and never changes them.
pub trait Pass: Send {
    /// Name, such as `near_duplicates`.
    fn name(&self) -> &'static str;

    /// What it reads of a row.
    fn reads(&self) -> Fields;

    /// What it annotates.
    fn annotates(&self) -> Annotates;

    /// Reads the next rows, and returns those that it drops at once, by their number.
    fn read(&mut self, rows: &[Row<'_>]) -> Vec<(usize, Dropped)>;

    /// Annotates what it can say only now that it has read all rows.
    ///
    /// # Errors
    /// Rows or a plan that cannot be read again.
    fn finish(self: Box<Self>, source: &dyn Source, curated: &mut Curated) -> Result<()>;
}
