//! Curates large runs on a query engine, `DataFusion`: in this process within a memory limit, or on a Ballista cluster.
//!
//! The expensive passes are queries ([`plan`]): the search for evaluation items, signatures, buckets, and the comparison of
//! candidates. What they decide with are the functions of `clinstruct-curate`, so that annotations and summary are those that a
//! build writes, byte for byte. The other passes, clusters of near duplicates among them, run in the calling process.
//!
//! Left out on purpose: the reading of runs from object storage. All processes see the run at the same path.

mod cluster;
mod curate;
mod engine;
mod error;
mod functions;
pub mod plan;
mod rows;

pub use cluster::{Executor, Scheduler};
pub use curate::{Inputs, Options, Outcome, curate};
pub use engine::{Engine, Query, Width};
pub use error::{Error, Result};
pub use rows::{Evaluation, Group, Manifest, Place, Stored};
