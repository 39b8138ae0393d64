//! Turns a row that is almost JSON into JSON: broken bytes, lone surrogates, numbers that JSON does not have.

use std::borrow::Cow;

/// Placeholder for broken bytes until it is known which text they belong to. A Unicode noncharacter, which no text
/// contains: <https://www.unicode.org/versions/Unicode16.0.0/core-spec/chapter-23/#G12612>.
pub(crate) const BROKEN: char = '\u{fdd1}';

/// The row as text, with [`BROKEN`] for invalid UTF-8.
pub(crate) fn lossy(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(raw.len());
            for chunk in raw.utf8_chunks() {
                text.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    text.push(BROKEN);
                }
            }
            Cow::Owned(text)
        }
    }
}

/// The text as strict JSON: lone surrogate escapes become [`BROKEN`], raw control characters are escaped, `NaN` and
/// numbers out of range become `null`.
pub(crate) fn json(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\0', '\u{1e}']);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut quoted = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if quoted {
            match c {
                '"' => {
                    quoted = false;
                    out.push(c);
                }
                '\\' => length = escape(rest, &mut out),
                c if (c as u32) < 0x20 => {
                    out.push_str("\\u00");
                    out.push(char::from_digit(c as u32 / 16, 16).unwrap_or('0'));
                    out.push(char::from_digit(c as u32 % 16, 16).unwrap_or('0'));
                }
                c => out.push(c),
            }
        } else if c == '"' {
            quoted = true;
            out.push(c);
        } else if c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.') {
            let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
            length = rest.len() - rest.trim_start_matches(in_word).len();
            let word = rest.get(..length).unwrap_or_default();
            let known = matches!(word, "true" | "false" | "null")
                || serde_json::from_str::<f64>(word).is_ok();
            out.push_str(match word {
                "True" => "true",
                "False" => "false",
                word if known => word,
                _ => "null",
            });
        } else {
            out.push(c);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Copies the escape at the start of `text`; returns its length.
fn escape(text: &str, out: &mut String) -> usize {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u16::from_str_radix(digits, 16).ok())?
    };
    match unit(text) {
        Some(0xd800..=0xdbff) => {
            if matches!(text.get(6..).and_then(unit), Some(0xdc00..=0xdfff)) {
                out.push_str(text.get(..12).unwrap_or_default());
                return 12;
            }
            out.push(BROKEN);
            6
        }
        Some(0xdc00..=0xdfff) => {
            out.push(BROKEN);
            6
        }
        Some(_) => {
            out.push_str(text.get(..6).unwrap_or_default());
            6
        }
        None => {
            let next = text.chars().nth(1);
            if let Some(c) = next.filter(|c| "\"\\/bfnrt".contains(*c)) {
                out.push('\\');
                out.push(c);
                return 2;
            }
            // A backslash that escapes nothing is part of the text.
            out.push_str("\\\\");
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let value: serde_json::Value = serde_json::from_str(&json(text)).unwrap();
        value.to_string()
    }

    #[test]
    fn what_is_almost_json_becomes_json() {
        for (text, expected) in [
            (r#"{"a": "x\ud83dy"}"#, "{\"a\":\"x\u{fdd1}y\"}"),
            (r#"{"a": "\ud83d\ude00 \ude00"}"#, "{\"a\":\"😀 \u{fdd1}\"}"),
            (r#"{"a": "\\ud83d"}"#, r#"{"a":"\\ud83d"}"#),
            ("{\"a\": \"b\tc\u{1}\"}", "{\"a\":\"b\\tc\\u0001\"}"),
            (
                r#"{"a": -Infinity, "b": NaN, "c": 1e999, "d": -1.5e3}"#,
                r#"{"a":null,"b":null,"c":null,"d":-1500.0}"#,
            ),
            (r#"{"a": "\d"}"#, r#"{"a":"\\d"}"#),
            ("\u{feff}{\"a\": true}\0\0", r#"{"a":true}"#),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn broken_bytes_are_marked() {
        assert_eq!(lossy(b"a\xe2\x82b"), "a\u{fdd1}b");
        assert!(matches!(lossy("aé".as_bytes()), Cow::Borrowed("aé")));
    }
}
