//! Delimits JSON values by brackets, without parsing them.

use std::io::BufRead;

/// Tracks brackets and strings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cut {
    pub(crate) depth: u64,
    pub(crate) in_text: bool,
    escaped: bool,
}

impl Cut {
    /// Processes a byte; returns whether a list, an object or a string ends with it.
    pub(crate) fn ends(&mut self, byte: u8) -> bool {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_text = false;
                    return self.depth == 0;
                }
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_text = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// Copies a value into `value`; false if it has no end.
pub(crate) fn cut(from: &mut impl BufRead, value: &mut Vec<u8>) -> std::io::Result<bool> {
    value.clear();
    let mut cut = Cut::default();
    loop {
        let bytes = from.fill_buf()?;
        if bytes.is_empty() {
            // A number or a literal may end with the file.
            return Ok(!value.is_empty() && cut.depth == 0 && !cut.in_text);
        }
        let mut length = bytes.len();
        let mut done = false;
        for (i, byte) in bytes.iter().enumerate() {
            let bare = cut.depth == 0 && !cut.in_text;
            let begun = i > 0 || !value.is_empty();
            if bare && (matches!(byte, b',' | b']' | b'}') || (begun && byte.is_ascii_whitespace()))
            {
                (length, done) = (i, true);
                break;
            }
            if cut.ends(*byte) {
                (length, done) = (i + 1, true);
                break;
            }
        }
        value.extend_from_slice(&bytes[..length]);
        from.consume(length);
        if done {
            return Ok(true);
        }
    }
}

/// The first entry of a list, verbatim.
pub(crate) fn first_entry(list: &[u8]) -> Vec<u8> {
    let mut from = list.get(1..).unwrap_or_default().trim_ascii_start();
    let mut value = Vec::new();
    let _ = cut(&mut from, &mut value);
    value
}

/// Keys of an object with their values, verbatim.
pub(crate) fn fields(object: &[u8]) -> Vec<(String, &[u8])> {
    let mut all = Vec::new();
    let Some(mut rest) = object.trim_ascii().strip_prefix(b"{") else { return all };
    let mut value = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        if rest.first() != Some(&b'"') {
            return all;
        }
        let mut from = rest;
        if !matches!(cut(&mut from, &mut value), Ok(true)) {
            return all;
        }
        let Ok(key) = serde_json::from_slice::<String>(&value) else { return all };
        let Some(behind) = from.trim_ascii_start().strip_prefix(b":") else { return all };
        let begins = behind.trim_ascii_start();
        let mut from = begins;
        if !matches!(cut(&mut from, &mut value), Ok(true)) {
            return all;
        }
        all.push((key, &begins[..begins.len() - from.len()]));
        rest = from;
    }
}

pub(crate) fn keys(object: &[u8]) -> Vec<String> {
    fields(object).into_iter().map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_out() {
        let object = br#"{"a": [1, "]"], "b\u0063" :{"c": "}"},"d":1.5 , "e": null}"#;
        let fields = fields(object);
        let shown: Vec<(&str, &str)> =
            fields.iter().map(|(k, v)| (k.as_str(), std::str::from_utf8(v).unwrap())).collect();
        let expected = [("a", r#"[1, "]"]"#), ("bc", r#"{"c": "}"}"#), ("d", "1.5"), ("e", "null")];
        assert_eq!(shown, expected);
    }
}
