//! The passes, one file each. [`passes`] lists them.

pub mod contamination;
pub mod metrics;
pub mod near_duplicates;
pub mod plan_distance;
pub mod splits;

use self::contamination::{Contamination, EvalItems};
use self::metrics::{Facts, Measure};
use self::near_duplicates::NearDuplicates;
use self::plan_distance::PlanDistance;
use self::splits::{Shares, Splits};
pub use crate::pass::{Annotates, Pass};
use crate::spill::Spill;

/// What the passes depend on besides the rows.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Evaluation items that must not be in the dataset.
    pub eval_items: &'a EvalItems,
    /// Facts that texts are compared with.
    pub facts: &'a Facts,
    /// Shares of the splits.
    pub shares: Shares,
    /// Seed of the splits.
    pub seed: u64,
    /// Where the data of all rows goes that does not fit into memory.
    pub spill: &'a Spill,
}

/// All passes, in order. A pass sees the rows that no earlier pass dropped.
pub fn passes<'a>(settings: &Settings<'a>) -> Vec<Box<dyn Pass + 'a>> {
    vec![
        Box::new(Contamination::new(settings.eval_items)),
        Box::new(NearDuplicates::new(settings.spill)),
        Box::new(Measure::new(settings.facts, settings.spill)),
        Box::new(PlanDistance::default()),
        Box::new(Splits::new(settings.shares, settings.seed, settings.spill)),
    ]
}
