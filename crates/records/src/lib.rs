//! Reads chat datasets and evaluation sets in the formats that people have.
//!
//! [`chats`] gives conversations of JSON, JSONL or Parquet files: our rows, OpenAI messages, ShareGPT,
//! `{id, conversation: [{role, value}]}` and `{id, prompt}` (with a `response` or `completion`, where there
//! is one). [`texts`] gives one named column of JSON, JSONL, CSV or Parquet. A row that cannot be read is
//! told with its number, and the others are read all the same.

mod row;
mod values;

use std::path::{Path, PathBuf};

use clinstruct_schema::{Attributes, Message};

/// A conversation of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id; the number of its row where it has none.
    pub id: String,
    /// Its messages, roles as we name them.
    pub messages: Vec<Message>,
    /// What is known about it, where it is a row of ours.
    pub attributes: Option<Attributes>,
    /// Line of a JSONL file, or number of the row, from 1.
    pub row: u64,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Line of a JSONL file, or number of the row, from 1.
    pub row: u64,
    /// What is wrong with it.
    pub why: String,
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be opened, or its reading broke off.
    #[error("cannot read {path}")]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Its end says nothing about its format.
    #[error(
        "{path}: a file of the kind \"{kind}\" is not known; give .jsonl, .json, .csv or .parquet"
    )]
    UnknownKind {
        /// File.
        path: PathBuf,
        /// Its extension.
        kind: String,
    },
    /// It is broken as a whole.
    #[error("{path}: {why}")]
    Broken {
        /// File.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It lacks the column asked for.
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

/// Reads the conversations of a file, one after the other.
pub fn chats(path: &Path, mut each: impl FnMut(Result<Record, BadRow>)) -> Result<(), Error> {
    values::values(path, &mut |row, value| {
        each(value.and_then(|v| row::record(row, v)).map_err(|why| BadRow { row, why }));
    })
}

/// Columns that hold the question of an evaluation set, in the order in which they are looked for.
pub const COLUMNS: [&str; 6] = ["question", "prompt", "input", "text", "query", "Question"];

/// Reads one column of a file as texts; where none is named, the first of [`COLUMNS`] that the first row has.
///
/// Choices of a question (`options`, a list or a map) are not part of it. Rows without text in the column
/// are told as bad.
pub fn texts(
    path: &Path,
    column: Option<&str>,
    mut each: impl FnMut(Result<String, BadRow>),
) -> Result<(), Error> {
    let mut chosen: Option<String> = column.map(str::to_owned);
    let mut missing = None;
    let mut rows = 0_u64;
    values::values(path, &mut |row, value| {
        rows += 1;
        let bad = |why: String| BadRow { row, why };
        let value = match value {
            Ok(value) => value,
            Err(why) => return each(Err(bad(why))),
        };
        let Some(object) = value.as_object() else {
            return each(Err(bad("no object with columns".into())));
        };
        let known = || object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let name = chosen.get_or_insert_with(|| {
            let found = COLUMNS.iter().find(|c| object.contains_key(**c));
            found.copied().unwrap_or("question").to_owned()
        });
        match object.get(name) {
            Some(serde_json::Value::String(text)) => each(Ok(text.clone())),
            Some(_) => each(Err(bad(format!("\"{name}\" is no text")))),
            None => {
                if rows == 1 {
                    missing = Some((name.clone(), known()));
                }
                each(Err(bad(format!("there is no \"{name}\"; there is {}", known()))));
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
