//! Reads the embedded TOML files.

use serde::de::DeserializeOwned;

/// Reads an embedded file, by way of JSON values.
///
/// `toml` hands a visitor its maps in three types, so that the code of each record would be compiled three times. Here that is
/// the code of one value.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let value: serde_json::Value = toml::from_str(text).map_err(|e| e.to_string())?;
    serde_json::from_value(value).map_err(|e| e.to_string())
}
