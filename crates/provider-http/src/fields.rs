//! Fields of a provider's objects, read one by one: a field of an unexpected type counts as missing.

use serde_json::Value;

/// A non-empty string: gateways send `""`, `"null"` and `"None"` for missing values. A number becomes its digits.
pub fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty() && text != "null" && text != "None").then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The id of an object such as a batch or a file; implausible ones count as missing.
pub fn name(value: Option<&Value>) -> Option<String> {
    text(value).filter(|name| {
        name != "0"
            && name.len() <= 256
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@=+~".contains(c))
    })
}

/// A count, also as an integral float or a string of digits.
pub fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| {
            number.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A page of a listing.
#[derive(Debug)]
pub struct Page<T> {
    /// The readable entries.
    pub entries: Vec<T>,
    /// Whether the provider has more pages.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Reads `{"data": [..], "has_more": ..}`; `None` if there is no list.
    pub fn read(value: &Value, entry: impl Fn(&Value) -> Option<T>) -> Option<Self> {
        let entries = match value.get("data")? {
            Value::Array(all) => all.iter().filter_map(entry).collect(),
            Value::Null => Vec::new(),
            _ => return None,
        };
        let has_more = value.get("has_more").and_then(Value::as_bool).unwrap_or(false);
        Some(Self { entries, has_more })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_keeps_what_can_be_read() {
        let read = |value: Value| {
            Page::read(&value, |v| name(v.get("id"))).map(|page| (page.entries, page.has_more))
        };
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mixed = json!({"data": [{"id": "a"}, {"id": ""}, null, {"id": "b"}], "has_more": true});
        assert_eq!(read(mixed), Some((ids(&["a", "b"]), true)));
        assert_eq!(read(json!({"data": null, "has_more": "yes"})), Some((ids(&[]), false)));
        assert_eq!(read(json!({"data": {}})), None);
        assert_eq!(read(json!([])), None);
    }

    #[test]
    fn numbers_come_in_several_types() {
        for (value, expected) in [
            (json!(3), Some(3)),
            (json!(3.0), Some(3)),
            (json!("3"), Some(3)),
            (json!(-3), None),
            (json!(3.5), None),
            (json!(null), None),
            (json!([3]), None),
        ] {
            assert_eq!(number(Some(&value)), expected, "{value}");
        }
    }
}
