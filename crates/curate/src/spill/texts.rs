//! Texts, one after the other.

use super::{Bytes, Column, Spill};
use crate::Result;

/// Texts by their number, in memory up to a share of the budget and in temporary files beyond it.
#[derive(Debug)]
pub struct Texts {
    bytes: Bytes,
    /// Where each text ends.
    ends: Column<u64>,
}

impl Texts {
    /// No texts yet; they may fill one of `parts` equal shares of the budget.
    pub fn new(spill: &Spill, parts: usize) -> Self {
        let limit = spill.share(parts);
        Self { bytes: Bytes::new(spill, limit), ends: Column::new(spill, limit / 8) }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a text.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn push(&mut self, text: &str) -> Result<()> {
        self.bytes.append(text.as_bytes())?;
        self.ends.push(self.bytes.len())
    }

    /// The text with this number; blank beyond the last.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn get(&self, number: usize) -> Result<String> {
        if number >= self.len() {
            return Ok(String::new());
        }
        let start = number.checked_sub(1).map_or(Ok(0), |before| self.ends.get(before))?;
        let mut bytes = vec![0; (self.ends.get(number)? - start) as usize];
        self.bytes.read(start, &mut bytes)?;
        Ok(into_text(bytes))
    }

    /// All texts in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<String>> + '_ {
        let mut reader = self.bytes.reader();
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = end?;
            let bytes = reader.next((end - start) as usize)?.unwrap_or_default().to_vec();
            start = end;
            Ok(into_text(bytes))
        })
    }
}

/// Bytes that were a text.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}
