//! The messages of the rows that were read, for those that are needed again.

use clinstruct_curate::{Result, Spill, Texts};
use clinstruct_records::Record;

/// Messages by the number of their row, in a temporary file if they are many. A file that was given may be a pipe, so it
/// cannot be read again.
pub(super) struct Rows(Texts);

impl Rows {
    pub(super) fn new(spill: &Spill) -> Self {
        Self(Texts::new(spill, 4))
    }

    pub(super) fn push(&mut self, record: &Record) -> Result<()> {
        let messages: Vec<&str> = record.messages.iter().map(|m| m.content.as_str()).collect();
        // A list of texts is always JSON.
        self.0.push(&serde_json::to_string(&messages).unwrap_or_default())
    }

    /// A message; blank if there is none.
    pub(super) fn message(&self, row: usize, message: usize) -> Result<String> {
        let messages: Vec<String> = serde_json::from_str(&self.0.get(row)?).unwrap_or_default();
        Ok(messages.into_iter().nth(message).unwrap_or_default())
    }
}
