//! What a pass is.

use clinstruct_schema::Dropped;

use crate::curated::Curated;
use crate::{Fields, Result, Row, Source};

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
