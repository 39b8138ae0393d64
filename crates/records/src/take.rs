//! Callbacks for rows.

use serde_json::Value;

/// Receives a row: its number from 1, and its value or an error.
pub(crate) type Take<'a> = &'a mut dyn FnMut(u64, Result<Value, String>);

/// The byte order mark that Windows writes.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
