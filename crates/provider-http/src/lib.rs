//! Shared code of backends over HTTP: a client with its key, errors that say what to do, rows as lines of a stream.
//!
//! A key is a [`Secret`]: it is only in a header. It is redacted from every provider response before that becomes part
//! of an error.
//!
//! Without the feature `http` there is no client: only facts about addresses, and why the backends cannot be opened.

mod address;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
pub mod fields;
#[cfg(feature = "http")]
mod lines;

pub use address::{is_loopback, without_secrets};
#[cfg(feature = "http")]
pub use client::{Auth, Client, file_body, retry_after};
pub use clinstruct_batch_client::Secret;
use clinstruct_batch_client::Unavailable;
#[cfg(feature = "http")]
pub use lines::lines;

/// Why a program without the feature `http` cannot do what needs a network.
pub const LEFT_OUT: Unavailable = Unavailable {
    message: "this clinstruct was built without HTTP",
    hint: "the wheel of the release page has it, and so has `cargo install --path crates/cli`; \
           `cargo xtask build-dataset` compiles it in where --backend or --role needs it",
};
