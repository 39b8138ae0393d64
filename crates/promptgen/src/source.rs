//! What all draws of a row start from.

use clinstruct_catalog::{Catalog, Part};
use clinstruct_schema::Subject;

/// Inputs of all frames of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) part: &'c Part,
    pub(crate) seed: u64,
    pub(crate) subjects: &'c [Subject],
    /// Whether one of the subjects is emergency medicine.
    pub(crate) emergency: bool,
}
