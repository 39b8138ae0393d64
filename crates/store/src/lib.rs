//! The durable state of a run: the journal (`run.sqlite`) and the raw responses (`raw/`).
//!
//! A job is journalled before it is sent, a response is saved before it is read, and every state change is one
//! transaction: a process that is killed at any instant loses nothing that was received. Responses are addressed by the
//! hash of their request; tasks refer to their responses. All SQL of a run is here.
//!
//! It knows nothing of prompts, plans or providers, and does not use the clock.

mod error;
mod journal;
mod segment;
mod types;

pub use error::{Error, ErrorKind, Result};
pub use journal::{Durability, MergedRun, Store, Tx, merge};
pub use segment::{EncodedFrame, RawReader, encode_frame};
pub use types::{
    BesideCounts, FrameId, GivenUp, JobCounts, JobId, JobProgress, JobRecord, JobSums, Money,
    NewJob, PartCounts, PlannedRow, RawFrame, Rejection, RowLocation, Step, TaskKey, TaskKind,
    TaskRecord, TaskState, TurnCounts,
};
