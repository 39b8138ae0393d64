//! The `clinstruct` command as a library: arguments, terminal and exit codes; everything else is the other crates' work.
//!
//! stdout is data, stderr is everything else. Exit codes are those of [`Backends::main`].
//!
//! A program with a backend of its own is five lines, and has the whole command line:
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
mod hub;
mod plan;
mod progress;
mod register;
mod settings;
mod table;
mod terminal;

pub use clinstruct_app::{Annotator, AnnotatorError};
pub use register::Backends;
