//! From settings to what a run needs.

pub(crate) use clinstruct_app::{Setup, now, read_resources, run_name};
