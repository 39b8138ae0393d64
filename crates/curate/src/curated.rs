//! Results of the passes.

use clinstruct_schema::Annotation;
use clinstruct_schema::summary::Quality;

/// Results of the passes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curated {
    /// One per row, in the order of the rows.
    pub annotations: Vec<Annotation>,
    /// Metrics and counts of the rows that no pass dropped.
    pub quality: Quality,
}

impl Curated {
    /// Rows that no pass dropped.
    pub fn kept(&self) -> impl Iterator<Item = &Annotation> {
        self.annotations.iter().filter(|a| a.dropped.is_none())
    }

    /// The annotation of a row, by the row's number.
    pub(crate) fn annotation(&mut self, row: usize) -> Option<&mut Annotation> {
        self.annotations.get_mut(row)
    }
}
