//! Anthropic's Message Batches API.
//!
//! Batches have no metadata, so each row's `custom_id` carries the shard's tag: request address, dash, tag. Only the
//! results of a batch, available once it has ended, show whether it is ours.
//!
//! Source: <https://docs.anthropic.com/en/api/creating-message-batches>,
//! <https://docs.anthropic.com/en/docs/build-with-claude/batch-processing>.
//!
//! Without the feature `http` there is only the descriptor, whose backend cannot be opened.

#[cfg(feature = "http")]
mod batches;
mod descriptor;
mod facts;
#[cfg(feature = "http")]
mod wire;

#[cfg(feature = "http")]
pub use batches::Anthropic;
pub use descriptor::DESCRIPTOR;

/// The provider's base URL.
pub const BASE_URL: &str = "https://api.anthropic.com/v1";

/// Its name on the command line and in rows.
const NAME: &str = "anthropic";
