//! What the `clinstruct` command does, without its arguments and its terminal: settings from all their sources, the
//! registered backends, routes to the models, the budget, the run, the stages that write its outputs.
//!
//! It reads the environment, the clock and files, and prints nothing: messages for the user go to [`Host::notify`] or
//! are returned. It names no backend; programs register theirs.
//!
//! A command uses it in this order: [`Given`] settings are combined into [`Settings`] (module [`settings`]); with the
//! resources they form a [`Setup`]; a [`Run`] of it has a [`budget`], begins, and is driven. The runs of
//! [`Shards`] are merged into one first.

mod address;
mod backend_settings;
pub mod budget;
mod environment;
mod error;
mod merge;
mod project;
mod record;
mod registry;
pub mod remote;
mod routes;
mod run;
pub mod settings;
mod setup;
pub mod stages;
pub mod tokens;
pub mod weights;

pub use clinstruct_pipeline::{Annotator, AnnotatorError};
pub use environment::{now, variable};
pub use error::{Context, Error, ErrorKind, Result, suggest, usage};
pub use merge::Shards;
pub use record::{Call, Given, Settings};
pub use registry::{BackendFacts, Host, Registry};
pub use routes::routes;
pub use run::Run;
pub use setup::{Setup, read_catalog, run_name};
pub use stages::{
    Card, DATASET, Inputs, Stage, about, facts, finished_files, parts, raw_files, read_report,
    run_stages, summary_of, write_report, write_whole,
};
