//! From the dataset of a run to files that people train on.
//!
//! The dataset is the mix of rows and annotations: what a pass dropped is in no file that is written here.
//!
//! [`export`] writes one of the chat formats ([`Format`]) as JSONL or Parquet. [`dataset`] writes a whole
//! folder that the `datasets` library loads by itself: Parquet by part and split, card, Croissant file,
//! checksums, snippets for trainers. Rows are streamed: memory does not grow with the dataset. What the card
//! says is handed in as [`About`]; nothing here knows how a run is made.

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
pub use layout::Folder;
pub use source::{Part, Selection};

use std::path::Path;

/// Why an export could not be made.
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
    /// No row is left after the selection.
    #[error("no conversation is left to be exported: {0}")]
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

/// What was written: rows by file, in the files' order.
pub type Written = Vec<(PathBuf, u64)>;

/// Writes the rows of a run in a trainer's format: `to/STEM/SPLIT.jsonl` or `.parquet`.
///
/// `reasoning` says that the run kept its reasoning: messages in Parquet then have a field for it.
///
/// # Errors
/// A row that cannot be read, a file that cannot be written, or nothing to write.
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
