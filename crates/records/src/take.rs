//! How rows are handed on.

use serde_json::Value;

/// Takes a row: its number from 1, and its value or what is wrong with it.
pub(crate) type Take<'a> = &'a mut dyn FnMut(u64, Result<Value, String>);

/// What Windows puts before UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
