//! What moves the vital signs of a case.

use clinstruct_catalog::Effect;

use super::curve::between;

/// An effect that applies, and how severe the case is in it: 0 mild, 1 severe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applied<'c> {
    pub(super) effect: &'c Effect,
    pub(super) severity: f64,
    /// Whether it comes from the complaint.
    pub(super) acute: bool,
}

impl Applied<'_> {
    /// The number of a range that goes with the severity.
    pub(super) fn value(&self, field: impl Fn(&Effect) -> Option<[f64; 2]>) -> Option<f64> {
        field(self.effect).map(|range| between(range, self.severity))
    }
}
