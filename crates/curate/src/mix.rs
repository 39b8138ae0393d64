//! The mix: rows with their annotations.

use std::borrow::Cow;
use std::path::Path;

use clinstruct_schema::{Annotation, Conversation, Json};
use serde::Deserialize;

use crate::files::{Lines, annotations_to_read, conversations_of};
use crate::{Error, Result};

/// The annotations of one part of a run, in the order of its rows.
///
/// For a run of version 1, they are read from `splits/`: nothing is dropped there, since version 1 moved such rows to
/// `rejected/`.
#[derive(Debug)]
pub struct Annotations(Lines);

impl Annotations {
    /// Opens the annotations of the part with this stem, of the run in `dir`.
    ///
    /// # Errors
    /// A run without annotations, or a file that cannot be read.
    pub fn open(dir: &Path, stem: &str) -> Result<Self> {
        annotations_to_read(dir, stem).and_then(Lines::open).map(Self)
    }

    fn mismatch(&self, why: String) -> Error {
        Error::Mismatch { path: self.0.path.clone(), line: self.0.line, why }
    }
}

impl Iterator for Annotations {
    type Item = Result<Annotation>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.advance() {
            Ok(false) => None,
            Ok(true) => {
                let parsed = Annotation::of_json(&self.0.text);
                Some(parsed.map_err(|e| self.mismatch(format!("not an annotation: {e}"))))
            }
            Err(e) => Some(Err(e)),
        }
    }
}

/// The rows of one part of a run with their annotations. The dataset is those that no pass dropped.
#[derive(Debug)]
pub struct Mix {
    rows: Lines,
    annotations: Annotations,
}

impl Mix {
    /// Opens the part with this stem, of the run in `dir`.
    ///
    /// # Errors
    /// A run without annotations, or a file that cannot be read.
    pub fn open(dir: &Path, stem: &str) -> Result<Self> {
        let rows = Lines::open(conversations_of(dir, stem))?;
        Ok(Self { rows, annotations: Annotations::open(dir, stem)? })
    }

    /// The next row, dropped or not: its annotation, and its line as in the file.
    ///
    /// # Errors
    /// A file that cannot be read, or annotations that do not match the rows.
    pub fn advance(&mut self) -> Result<Option<(Annotation, &str)>> {
        let row = self.rows.advance()?;
        let annotation = match (row, self.annotations.next().transpose()?) {
            (false, None) => return Ok(None),
            (true, Some(annotation)) => annotation,
            (true, None) => {
                return Err(self.annotations.mismatch("a conversation has no annotation".into()));
            }
            (false, Some(_)) => {
                return Err(self.annotations.mismatch("an annotation has no conversation".into()));
            }
        };
        let id = match id_of(&self.rows.text) {
            Some(id) => Cow::Borrowed(id),
            // Not in our format, such as a file that another program rewrote.
            None => Cow::Owned(self.id()?),
        };
        if id != annotation.id {
            let why = format!("it is of {}, the conversation is \"{id}\"", annotation.id);
            return Err(self.annotations.mismatch(why));
        }
        Ok(Some((annotation, &self.rows.text)))
    }

    /// Parses the current row.
    ///
    /// # Errors
    /// A line that is not a conversation row.
    pub fn parse(&self) -> Result<Conversation> {
        Conversation::of_json(&self.rows.text).map_err(|e| self.rows.not_a_row(&e))
    }

    /// The id of the current row.
    fn id(&self) -> Result<String> {
        let row = serde_json::from_str(&self.rows.text).map_err(|e| self.rows.not_a_row(&e));
        row.map(|Id { id }| id)
    }
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// The id at the start of a line in our format.
pub(crate) fn id_of(line: &str) -> Option<&str> {
    line.strip_prefix("{\"id\":\"")?.split('"').next()
}
