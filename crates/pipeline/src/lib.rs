//! Drives a run: plan, submit, poll, ingest, advance, check, write.
//!
//! Every conversation advances on its own: finished ones drop out, failed requests are repeated in the next job, and
//! nothing waits for a round to end. All state is in the store, so the same call continues after a kill; outputs depend
//! on resources, seed and responses only, not on the number of threads, the size of the jobs or the order of the rows.
//!
//! A task is something that requests text from a model, one file each in `task/`; the driver delivers for all of them
//! alike. [`play`] plays the same tasks for a single row, without a store.
//!
//! [`run`] drives, [`write_outputs`] writes the outputs from the store, [`Summary`](clinstruct_schema::Summary) counts
//! every planned row exactly once and says whether the counts add up. A [`Progress`] receives events; nothing here
//! prints, reads the environment or uses the clock except to wait.

mod config;
mod contradictions;
mod control;
mod driver;
mod error;
mod estimate;
mod extraction;
mod materialize;
mod plan_change;
mod play;
mod progress;
mod routes;
mod shards;
mod task;

pub use config::{Role, RunConfig, RunContext, conversations, planned_rows};
pub use contradictions::contradictions_of;
pub use control::{Drive, Outcome, StopSignal};
pub use driver::{Reopen, reopen, run};
pub use error::{Error, Result};
pub use estimate::{AnswerTokens, Estimate, EstimateLine, estimate};
pub use extraction::Extraction;
pub use materialize::{
    KeptRows, OutputFiles, Written, check_outputs, write_annotations, write_outputs,
};
pub use plan_change::{PartChange, PlanChange, Resent, check_plan};
pub use play::{Delivery, Extent, PlayEvent, PlayedConversation, PlayedRow, Retries, play};
pub use progress::{Event, Progress, Tally};
pub use routes::{Route, Routes};
pub use shards::{RunPlan, Unfinished, in_whole_plan};
pub use task::{
    Annotator, AnnotatorError, Failure, FailureKind, Prompt, PromptFinding, Prompts, Reading,
    about, annotator_name, due_request, first_request, read_extraction, read_prompts, read_turn,
};
