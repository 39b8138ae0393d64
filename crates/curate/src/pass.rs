//! The trait of a pass.

use clinstruct_schema::Dropped;

use crate::curated::Curated;
use crate::{Fields, Result, Row, Source};

/// What a pass annotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annotates {
    /// Drops rows as it reads them.
    DropsAtOnce,
    /// Drops rows once it has read all of them.
    DropsAtEnd,
    /// Assigns each row to a split.
    Split,
    /// Nothing per row: it measures the dataset.
    Dataset,
}

/// A pass over a dataset: it reads rows and annotates them, and never changes them.
pub trait Pass: Send {
    /// Name, such as `near_duplicates`.
    fn name(&self) -> &'static str;

    /// The fields that it reads.
    fn reads(&self) -> Fields;

    /// What it annotates.
    fn annotates(&self) -> Annotates;

    /// Reads the next rows, and returns those to drop at once, by number.
    ///
    /// # Errors
    /// A temporary file that cannot be written: see [`Spill`](crate::Spill).
    fn read(&mut self, rows: &[Row<'_>]) -> Result<Vec<(usize, Dropped)>>;

    /// Annotates what is known only after all rows were read.
    ///
    /// # Errors
    /// Rows or a plan that cannot be read again.
    fn finish(self: Box<Self>, source: &dyn Source, curated: &mut Curated) -> Result<()>;
}
