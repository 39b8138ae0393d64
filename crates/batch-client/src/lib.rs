//! The seam to a model: [`BatchBackend`], what a backend can do ([`Limits`]), how requests are cut
//! into jobs ([`Sharder`]), and how a request gets its address ([`request_id`]).
//!
//! A backend is told what to do and tells what it saw; it never decides. It does not retry rows, pair
//! answers with prompts, keep state between runs (beyond what its provider keeps) or read the
//! environment. The driver in `clinstruct-pipeline` does all that, once, for all backends.
//!
//! `clinstruct-testkit` has a guide, "write your own backend in a hundred lines", and the suite that a
//! backend has to pass.

mod backend;
mod error;
mod job_fault;
pub mod openai;
mod shard;

pub use backend::{BatchBackend, Ended, JobRef, JobState, Limits, RowStream, Waiting, Wanted};
pub use error::{Error, ErrorKind, Result};
pub use job_fault::JobFault;
pub use shard::{
    BatchRequest, Held, RequestIter, Shard, ShardBody, ShardTag, Sharder, request_id, wire_size,
};
