//! Reads chat datasets and evaluation sets in common formats.
//!
//! [`chats`] reads the conversations of JSON, JSONL, CSV or Parquet files: our rows, OpenAI messages, ShareGPT, Alpaca
//! with its `input`, `history` and `system`, preference pairs, and pairs of a question and an answer. [`texts`] reads
//! one named column. A row is read completely or not at all: an unreadable row is reported with its number, the others
//! are read, and columns with text that belongs to no message are named.
//!
//! Files may be damaged, truncated or malicious. Reading terminates, with rows or an error, and uses no more memory
//! than the file's contents need.
//!
//! ```
//! use clinstruct_records::chats;
//!
//! let path = std::env::temp_dir().join("clinstruct-records-front-page.jsonl");
//! let rows = [
//!     r#"{"conversations": [{"from": "human", "value": "Fever?"}, {"from": "gpt", "value": "Since when?"}]}"#,
//!     r#"{"instruction": "What is a fever?", "output": "A temperature of 38 degrees or more."}"#,
//!     r#"{"messages": "not a list"}"#,
//! ];
//! std::fs::write(&path, rows.join("\n"))?;
//!
//! let (mut good, mut bad) = (Vec::new(), Vec::new());
//! chats(&path, |row| match row {
//!     Ok(record) => good.push(record),
//!     Err(row) => bad.push(row),
//! })?;
//! assert_eq!(good.len(), 2);
//! assert_eq!(good[1].messages[1].content, "A temperature of 38 degrees or more.");
//! assert_eq!(bad[0].row, 3);
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod json;
mod message;
mod own;
mod parquet;
mod row;
mod scan;
mod shape;
mod take;
mod values;

use std::path::{Path, PathBuf};

use clinstruct_schema::{Attributes, Blame, Hint, Message};

/// A conversation from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id; the number of its row if it has none.
    pub id: String,
    /// Whether the id is its own.
    pub has_id: bool,
    /// Its messages, with our role names.
    pub messages: Vec<Message>,
    /// Texts outside messages: tool calls, their results, and reasoning.
    pub aside: Vec<String>,
    /// Its attributes, if it is one of our rows.
    pub attributes: Option<Attributes>,
    /// Line of a JSONL file, or number of the row, from 1.
    pub row: u64,
}

/// An unreadable row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Line of a JSONL file, or number of the row, from 1.
    pub row: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be opened, or reading failed.
    #[error("cannot read {path}")]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Its extension is unknown.
    #[error("{path}: unknown file type \"{kind}\"; use .jsonl, .json, .csv or .parquet")]
    UnknownKind {
        /// File.
        path: PathBuf,
        /// Its extension.
        kind: String,
    },
    /// Its content does not match its extension.
    #[error("{path}: {why}")]
    Broken {
        /// File.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It is damaged or truncated.
    #[error("{path} is damaged{}: {why}", .place.as_ref().map(|p| format!(" in {p}")).unwrap_or_default())]
    Damaged {
        /// File.
        path: PathBuf,
        /// Location in the file, if known.
        place: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// It is encrypted.
    #[error("{path} is encrypted")]
    Encrypted {
        /// File.
        path: PathBuf,
    },
    /// It lacks the requested column.
    #[error("{path} has no column \"{column}\"; it has: {known}")]
    NoColumn {
        /// File.
        path: PathBuf,
        /// Column.
        column: String,
        /// Columns of its first row.
        known: String,
    },
    /// It has no rows.
    #[error("{path} has no rows")]
    Empty {
        /// File.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => "check the path, and whether the file may be read",
            Self::UnknownKind { .. } => {
                "convert it, or rename it where only the extension is wrong"
            }
            Self::Broken { .. } => "check what the file is, and that its extension says so",
            Self::Damaged { .. } => {
                "download the file or write it again; none of its rows were used"
            }
            Self::Encrypted { .. } => "decrypt it first",
            Self::NoColumn { .. } => "name one of its columns, as in FILE:COLUMN",
            Self::Empty { .. } => "check that it is the right file",
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        Blame::Usage
    }
}

/// Reads the conversations of a file one by one.
///
/// Returns the names of columns with text that is in no conversation.
pub fn chats(
    path: &Path,
    mut each: impl FnMut(Result<Record, BadRow>),
) -> Result<Vec<String>, Error> {
    let mut rows = row::Rows::default();
    let ours =
        own::rows(path, &mut rows, |row, found| each(found.map_err(|why| BadRow { row, why })))?;
    if ours {
        return Ok(rows.unread());
    }
    values::values(path, None, &mut |row, value| {
        each(value.and_then(|v| rows.record(row, v)).map_err(|why| BadRow { row, why }));
    })?;
    Ok(rows.unread())
}

/// Columns of evaluation questions, in search order.
///
/// Case-insensitive: `Question` matches too.
pub const COLUMNS: [&str; 5] = ["question", "prompt", "input", "text", "query"];

/// Reads one column of a file as texts; by default the first of [`COLUMNS`] that the first row has.
///
/// The choices of a question (`options`, a list or a map) are not part of it. Rows without text in the column are
/// reported as bad.
pub fn texts(
    path: &Path,
    column: Option<&str>,
    mut each: impl FnMut(Result<String, BadRow>),
) -> Result<(), Error> {
    let mut chosen: Option<String> = column.map(str::to_owned);
    let mut missing = None;
    let mut rows = 0_u64;
    values::values(path, column, &mut |row, value| {
        rows += 1;
        let bad = |why: String| BadRow { row, why };
        let object = match value {
            Err(why) => return each(Err(bad(why))),
            Ok(serde_json::Value::Object(object)) => object,
            // A list of questions only.
            Ok(serde_json::Value::String(text)) if column.is_none() => return each(Ok(text)),
            Ok(_) => return each(Err(bad("not an object with columns".into()))),
        };
        let known = || object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = chosen.get_or_insert_with(|| {
            let named = |of: &dyn Fn(&serde_json::Value) -> bool| {
                COLUMNS.iter().find_map(|c| {
                    object.iter().find(|(k, v)| k.eq_ignore_ascii_case(c) && of(v)).map(|(k, _)| k)
                })
            };
            let found = named(&|v| !v.is_null()).or_else(|| named(&|_| true));
            found.map_or("question", String::as_str).to_owned()
        });
        match object.get(name) {
            Some(serde_json::Value::String(text)) => each(Ok(text.clone())),
            Some(serde_json::Value::Null) => each(Err(bad(format!("\"{name}\" is null")))),
            Some(_) => each(Err(bad(format!("\"{name}\" is not a string")))),
            None => {
                if rows == 1 {
                    missing = Some((name.clone(), known()));
                }
                each(Err(bad(format!("missing \"{name}\"; found {}", known()))));
            }
        }
    })?;
    if let Some((column, known)) = missing {
        return Err(Error::NoColumn { path: path.to_owned(), column, known });
    }
    if rows == 0 {
        return Err(Error::Empty { path: path.to_owned() });
    }
    Ok(())
}
