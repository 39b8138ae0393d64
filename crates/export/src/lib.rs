//! Exports the dataset of a run to training files.
//!
//! The dataset is the mix of rows and annotations: a row that a pass dropped is in none of these files.
//!
//! [`export`] writes one of the chat formats ([`Format`]) as JSONL or Parquet. [`dataset`] writes a folder for the
//! `datasets` library: Parquet by part and split, card, Croissant file, checksums, snippets for training tools. Rows
//! are streamed: memory does not grow with the dataset. The content of the card is passed in as [`About`]; this crate
//! does not know how a run is made.

mod about;
mod card;
mod croissant;
mod files;
mod folder;
mod format;
mod formats;
mod layout;
mod snippets;
mod source;
mod table;

use std::io;
use std::path::PathBuf;

use clinstruct_schema::{Blame, Hint};

pub use about::About;
pub use folder::dataset;
pub use format::{Encoding, Format, System};
pub use layout::{Folder, Shard, Used};
pub use source::{Part, Selection};

use std::path::Path;

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Rows and annotations could not be read.
    #[error(transparent)]
    Rows(#[from] clinstruct_curate::Error),
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The selection is empty.
    #[error("there are no conversations to export: {0}")]
    Empty(String),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Rows(e) => e.hint(),
            Self::Write { source, .. } => source.hint(),
            Self::Empty(_) => {
                Some("choose other splits, or more reviewed conversations".to_owned())
            }
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Rows(e) => e.blame(),
            Self::Write { source, .. } => source.blame(),
            Self::Empty(_) => Blame::Usage,
        }
    }
}

/// Result of an export.
pub type Result<T> = std::result::Result<T, Error>;

/// Rows by file, in the order of the files.
pub type Written = Vec<(PathBuf, u64)>;

/// Writes the rows of a run in a chat format: `to/STEM/SPLIT.jsonl` or `.parquet`.
///
/// `reasoning`: the run keeps its reasoning, so messages in Parquet have a field for it.
///
/// # Errors
/// A row that cannot be read, a file that cannot be written, or an empty selection.
pub fn export(
    parts: &[Part],
    selection: &Selection,
    format: Format,
    system: System,
    encoding: Encoding,
    reasoning: bool,
    to: &Path,
) -> Result<Written> {
    files::write(parts, selection, format, system, encoding, reasoning, to)
}
