//! A decoded row, and shared functions of its readers.

use clinstruct_schema::{RequestId, RowOutcome};

/// A decoded raw response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedRow {
    /// The request that it answers; `None` if the row does not say.
    pub id: Option<RequestId>,
    /// Its content.
    pub outcome: RowOutcome,
}

/// The request in a `custom_id`. A backend may append to the address: the name of its job.
pub(crate) fn request_id(text: &str) -> Option<RequestId> {
    RequestId::parse(text.get(..32).unwrap_or(text)).ok()
}

/// Whether a text is a whole HTML page, which no answer is.
pub(crate) fn is_page(text: &str) -> bool {
    let start = text.trim_start();
    let begins = |tag: &str| start.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag));
    begins("<!doctype html") || begins("<html")
}
