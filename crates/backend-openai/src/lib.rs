//! OpenAI's Files and Batches API, and the providers that copied it ([`Profile`]).
//!
//! A job is an uploaded JSONL file and a batch created from it, with the shard's tag in its metadata. Upload, output
//! file and error file are streamed; rows come from both files.
//!
//! Source: <https://platform.openai.com/docs/api-reference/batch>,
//! <https://platform.openai.com/docs/api-reference/files>.
//!
//! Without the feature `http` there is only the descriptor, whose backend cannot be opened.

#[cfg(feature = "http")]
mod batches;
mod descriptor;
mod profile;
#[cfg(feature = "http")]
mod wire;

#[cfg(feature = "http")]
pub use batches::OpenAi;
pub use descriptor::DESCRIPTOR;
pub use profile::{Profile, queued_tokens};

/// Its name on the command line and in rows.
const NAME: &str = "openai";
