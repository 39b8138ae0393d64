//! What became of a run, as one HTML page with pictures and their numbers.
//!
//! [`Counts`] takes the rows of a run in, one after the other, in memory that does not grow with them;
//! its [`Summary`] is `summary.json`. [`page`] draws both, [`compare`] puts two runs side by side. The page
//! needs no network and no script, and everything that a model wrote is in it as text. Pure: no file, no
//! clock.

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
    /// When it ended, in seconds since 1970.
    pub ended: i64,
    /// Tokens of its rows, both ways.
    pub tokens: u64,
    /// What they cost, in millionths of a dollar.
    pub micro_usd: u64,
}

/// All that a page is made of.
#[derive(Debug, Clone)]
pub struct Report {
    /// Name of the run, such as its folder's.
    pub name: String,
    /// What became of it.
    pub summary: Summary,
    /// Its rows, counted.
    pub counts: Counts,
    /// Its jobs, in the order of their ends.
    pub jobs: Vec<JobCost>,
}
