//! The durable state of a run: the journal (`run.sqlite`) and the raw responses (`raw/`).
//!
//! A job is journalled before it is sent, a response is saved before it is read, and every change of
//! state is one transaction: a process that is killed at any instant loses nothing that was received.
//! Responses are addressed by the hash of their request; tasks only say
//! which responses they are made of. The only SQL of the workspace is here.
//!
//! It knows nothing of prompts, plans or providers, and never looks at the clock.

mod error;
mod journal;
mod segment;
mod types;

pub use error::{Error, ErrorKind, Result};
pub use journal::{Durability, Store, Tx};
pub use segment::{EncodedFrame, RawReader, encode_frame};
pub use types::{
    FrameId, GivenUp, JobCounts, JobId, JobProgress, JobRecord, JobSums, Money, NewJob, PartCounts,
    PlannedRow, RawFrame, Rejection, RowLocation, Step, TaskKey, TaskKind, TaskRecord, TaskState,
    TurnCounts,
};
