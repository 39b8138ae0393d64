//! The `clinstruct` command as a library: arguments, terminal, exit codes. Everything else is in other crates.
//!
//! stdout is data, stderr is everything else. [`Backends::main`] documents the exit codes.
//!
//! A program with its own backend is five lines, and gets the whole command line:
//!
//! ```no_run
//! # mod my_backend {
//! #     use clinstruct_batch_client::{Descriptor, OpenError};
//! #     pub const DESCRIPTOR: Descriptor =
//! #         Descriptor::new("my", |_| Err(OpenError::setting("not today", "come back tomorrow")));
//! # }
//! fn main() -> std::process::ExitCode {
//!     clinstruct_cli::Backends::shipped().with(my_backend::DESCRIPTOR).main()
//! }
//! ```

mod args;
mod commands;
#[cfg(test)]
mod documented;
mod exit;
#[cfg(feature = "http")]
mod hub;
mod metric_name;
mod pilot;
mod plan;
mod progress;
mod reason;
#[cfg(test)]
mod reference;
mod register;
mod remote;
mod settings;
mod table;
mod terminal;
mod verdict;

pub use clinstruct_app::{Annotator, AnnotatorError};
pub use register::Backends;
