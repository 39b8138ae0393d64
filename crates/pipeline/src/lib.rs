//! The driver of a run: plan, submit, poll, ingest, advance, gate, write.
//!
//! Every conversation goes forward on its own: what is done drops out, what failed is asked for again in
//! the next job, nothing waits for a round to end. All that is known lives in the store, so the same call
//! goes on where a killed one stopped; what a run writes depends on resources, seed and responses alone,
//! and not on the number of threads, the cut of the jobs or the order of the rows.
//!
//! What asks a model is a task, one file each in `task/`; the driver delivers for all of them alike. [`play`] plays the
//! same tasks for a single row, without a store.
//!
//! [`run`] drives, [`write_outputs`] turns what the store holds into files, [`Summary`](clinstruct_schema::Summary)
//! counts every planned row exactly once and says whether the counts add up. Progress is told to a [`Progress`]; nothing
//! here prints, reads the environment or looks at the clock except to wait.

mod config;
mod control;
mod driver;
mod error;
mod estimate;
mod materialize;
mod plan_change;
mod play;
mod progress;
mod routes;
mod task;

pub use config::{Role, RunConfig, RunContext, planned_rows};
pub use control::{Drive, Outcome, StopSignal};
pub use driver::{Reopen, reopen, run};
pub use error::{Error, Result};
pub use estimate::{AnswerTokens, Estimate, EstimateLine, estimate};
pub use materialize::{OutputFiles, write_annotations, write_outputs};
pub use plan_change::{PartChange, PlanChange, check_plan};
pub use play::{Delivery, Extent, PlayEvent, PlayedConversation, PlayedRow, Retries, play};
pub use progress::{Event, Progress, Tally};
pub use routes::{Route, Routes};
pub use task::{
    Annotator, AnnotatorError, Failure, FailureKind, Reading, about, due_request, read_prompts,
    read_turn,
};
