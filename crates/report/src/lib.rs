//! The report of a run: one HTML page with charts and their data.
//!
//! [`Counts`] accumulates the rows of a run in constant memory; its [`Summary`] is `summary.json`. [`page`] shows both,
//! [`compare`] compares two runs. The page needs no network and no script, and contains all model output as text. Pure:
//! no file, no clock.

mod compare;
mod counts;
mod html;
mod page;
mod picture;
mod places;

pub use compare::compare;
pub use counts::Counts;
pub use page::page;

use clinstruct_schema::Summary;

/// A job of the run, for costs over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCost {
    /// End time, in seconds since 1970.
    pub ended: i64,
    /// Prompt and completion tokens of its rows.
    pub tokens: u64,
    /// Their cost, in millionths of a dollar.
    pub micro_usd: u64,
}

/// Contents of a page.
#[derive(Debug, Clone)]
pub struct Report {
    /// Name of the run, such as that of its folder.
    pub name: String,
    /// What became of it.
    pub summary: Summary,
    /// Counts of its rows.
    pub counts: Counts,
    /// Its jobs, by end time.
    pub jobs: Vec<JobCost>,
}
