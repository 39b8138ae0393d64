//! Completes what the plan fixes and a message states to a case.

mod conditions;
mod fill;
mod history;
mod known;
#[cfg(test)]
mod lists_tests;
mod medicines;

use clinstruct_catalog::Catalog;
use clinstruct_schema::{Frame, FramePatient, Stated};
pub(crate) use conditions::{conditions, frame_condition};
pub(crate) use fill::{Slots, fill};
pub(crate) use history::{allergies, family, history, social};
pub(crate) use medicines::medicines;

/// What a case is completed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completion<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) seed: u64,
    /// Key of the case's draws.
    pub(crate) key: &'a str,
    pub(crate) frame: &'a Frame,
    pub(crate) patient: &'a FramePatient,
    pub(crate) stated: &'a Stated,
    /// Index of the age band.
    pub(crate) band: usize,
}
