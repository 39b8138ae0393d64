//! A whole dataset: duplicates, contamination, splits, and what is measured of it.

pub mod contamination;
pub mod duplicates;
pub mod metrics;
pub mod near;
pub mod split;
mod tokens;

pub use tokens::tokens;
