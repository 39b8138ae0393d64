//! Rows of JSON: one per line, the entries of a list, or below a key of one object.
//!
//! Rows are delimited by brackets before they are parsed, so that a lone surrogate, invalid UTF-8 or a missing comma
//! affects only its own row.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::Error;
use crate::scan::{Cut, cut, fields, first_entry, keys};
use crate::shape::{is_message, is_row};
use crate::take::{BYTE_ORDER_MARK, Take};

/// Nesting of objects around the rows: `{"data": {"train": [..]}}` has two.
const WRAPPERS: u8 = 3;

/// Passes the rows of a file to the callback, from the current position.
pub(crate) fn rows(
    path: &Path,
    mut file: File,
    lines: bool,
    wanted: Option<&str>,
    take: Take<'_>,
) -> Result<(), Error> {
    let io = |e| Error::io(path, e);
    let start = file.stream_position().map_err(io)?;
    let open = |file: File| BufReader::with_capacity(1 << 18, file);
    let mut from = open(file.try_clone().map_err(io)?);
    let blank = skip_blank(&mut from).map_err(io)?;
    let Some(first) = peek(&mut from).map_err(io)? else { return Ok(()) };
    if first == b'[' && !lines {
        return lists(path, from, wanted, take);
    }
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).map_err(io)?;
    let shape = Shape::of(&line);
    // A string cannot continue on the next line: the first line is damaged.
    if matches!(first, b'{' | b'[') && shape == Shape::Open {
        let mut again = || {
            file.seek(SeekFrom::Start(start)).map_err(io)?;
            Ok::<_, Error>(open(file.try_clone().map_err(io)?))
        };
        if first == b'[' {
            let mut from = again()?;
            skip_blank(&mut from).map_err(io)?;
            return lists(path, from, wanted, take);
        }
        match objects(path, again()?, wanted, take) {
            Err(Error::Damaged { .. }) if lines => return each_line(again()?, 0, take).map_err(io),
            other => return other,
        }
    }
    let alone = {
        skip_blank(&mut from).map_err(io)?;
        peek(&mut from).map_err(io)?.is_none()
    };
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    if alone && shape == Shape::Whole {
        one(line.trim_ascii(), blank + 1, wanted, take);
        return Ok(());
    }
    each_line(open(file), 0, take).map_err(io)
}

/// Skips white space, and returns the number of lines that ended in it.
fn skip_blank(from: &mut impl BufRead) -> std::io::Result<u64> {
    let mut lines = 0;
    loop {
        let bytes = from.fill_buf()?;
        let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace());
        let skipped = blank.inspect(|b| lines += u64::from(**b == b'\n')).count();
        let more = skipped > 0 && skipped == bytes.len();
        from.consume(skipped);
        if !more {
            return Ok(lines);
        }
    }
}

fn peek(from: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    Ok(from.fill_buf()?.first().copied())
}

fn each_line(from: impl BufRead, number: u64, take: Take<'_>) -> std::io::Result<()> {
    lines(from, number, &mut |number, line| take(number, parse(line)))
}

/// Passes the lines that are not blank to the callback, with their numbers.
pub(crate) fn lines(
    mut from: impl BufRead,
    mut number: u64,
    each: &mut dyn FnMut(u64, &[u8]),
) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        // Concatenated files contain one each.
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line);
        if !line.iter().all(u8::is_ascii_whitespace) {
            each(number, line);
        }
    }
}

/// Kind of a line by its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A complete value.
    Whole,
    /// A value that continues on the next line.
    Open,
    /// Neither.
    Other,
}

impl Shape {
    fn of(line: &[u8]) -> Self {
        let line = line.trim_ascii();
        let mut cut = Cut::default();
        for (i, byte) in line.iter().enumerate() {
            if cut.ends(*byte) {
                return if i + 1 == line.len() { Self::Whole } else { Self::Other };
            }
        }
        if cut.in_text || cut.depth == 0 { Self::Other } else { Self::Open }
    }
}

/// The rows of one or several consecutive lists.
fn lists(
    path: &Path,
    mut from: impl BufRead,
    wanted: Option<&str>,
    take: Take<'_>,
) -> Result<(), Error> {
    let io = |e| Error::io(path, e);
    let mut number = 0;
    while let Some(byte) = peek(&mut from).map_err(io)? {
        if byte != b'[' {
            let why = format!("not JSON: there is more after the list of {number} rows");
            return Err(Error::Broken { path: path.to_owned(), why });
        }
        list(&mut from, &mut number, wanted, take).map_err(io)?.map_err(|why| Error::Damaged {
            path: path.to_owned(),
            place: Some(format!("row {number}")),
            why,
        })?;
        skip_blank(&mut from).map_err(io)?;
    }
    Ok(())
}

/// The rows of one list; a list of messages is one conversation.
fn list(
    from: &mut impl BufRead,
    number: &mut u64,
    wanted: Option<&str>,
    take: Take<'_>,
) -> std::io::Result<Result<(), String>> {
    from.consume(1);
    let mut value = Vec::new();
    let mut messages: Option<Vec<u8>> = None;
    let before = *number;
    loop {
        skip_blank(from)?;
        match peek(from)? {
            Some(b']') => break,
            Some(b',') if *number > before || messages.is_some() => {
                from.consume(1);
                skip_blank(from)?;
            }
            _ => {}
        }
        if peek(from)? == Some(b']') {
            break;
        }
        if !cut(from, &mut value)? {
            *number += 1;
            return Ok(Err("it has no end: the file is truncated".into()));
        }
        if value.is_empty() {
            *number += 1;
            return Ok(Err("there is an extra bracket or comma".into()));
        }
        let is_first = *number == before && messages.is_none();
        if is_first && is_message(&keys(&value)) && !is_row(&fields(&value), wanted) {
            messages = Some(b"[".to_vec());
        }
        match &mut messages {
            Some(all) => {
                all.extend_from_slice(&value);
                all.push(b',');
            }
            None => {
                *number += 1;
                take(*number, parse(&value));
            }
        }
    }
    from.consume(1);
    if let Some(mut all) = messages {
        all.pop();
        all.push(b']');
        *number += 1;
        take(*number, parse(&all));
    }
    Ok(Ok(()))
}

/// Consecutive objects over several lines.
fn objects(
    path: &Path,
    mut from: impl BufRead,
    wanted: Option<&str>,
    take: Take<'_>,
) -> Result<(), Error> {
    let io = |e| Error::io(path, e);
    let mut number = 0;
    let mut value = Vec::new();
    loop {
        skip_blank(&mut from).map_err(io)?;
        // Some separate them by commas.
        if peek(&mut from).map_err(io)? == Some(b',') && number > 0 {
            from.consume(1);
            skip_blank(&mut from).map_err(io)?;
        }
        if peek(&mut from).map_err(io)?.is_none() {
            return Ok(());
        }
        if !cut(&mut from, &mut value).map_err(io)? || value.is_empty() {
            let place = Some(format!("row {}", number + 1));
            let why = "it has no end: the file is truncated".to_owned();
            return Err(Error::Damaged { path: path.to_owned(), place, why });
        }
        number = one(&value, number + 1, wanted, take);
    }
}

/// Passes a single value, or the rows in it, to the callback. Returns the number of the last one.
fn one(value: &[u8], number: u64, wanted: Option<&str>, take: Take<'_>) -> u64 {
    let mut next = number;
    if value.first() == Some(&b'[') {
        // Reading from memory cannot fail, and a delimited list has an end.
        let mut last = number - 1;
        let mut from = value;
        return match list(&mut from, &mut last, wanted, take) {
            Ok(Ok(())) => last,
            _ => {
                take(last, Err("not JSON: the list is damaged".into()));
                last
            }
        };
    }
    if unwrap(value, &mut next, wanted, WRAPPERS, take) {
        return next - 1;
    }
    take(number, parse(value));
    number
}

/// Passes the rows below keys of an object to the callback; false if it is a row itself.
fn unwrap(value: &[u8], next: &mut u64, wanted: Option<&str>, depth: u8, take: Take<'_>) -> bool {
    let fields = fields(value);
    if depth == 0 || is_row(&fields, wanted) {
        return false;
    }
    // Rows by their ids.
    let keyed =
        |inner: &&[u8]| inner.first() == Some(&b'{') && is_row(&self::fields(inner), wanted);
    if !fields.is_empty() && fields.iter().all(|(_, inner)| keyed(inner)) {
        for (id, inner) in fields {
            take(*next, parse(inner).map(|row| with_id(row, id)));
            *next += 1;
        }
        return true;
    }
    let mut found = false;
    for (_, inner) in fields {
        match inner.first() {
            Some(b'[') if matches!(first_entry(inner).first(), Some(b'{' | b'[')) => {
                let mut last = *next - 1;
                let mut from = inner;
                if !matches!(list(&mut from, &mut last, wanted, take), Ok(Ok(()))) {
                    take(last, Err("not JSON: the list is damaged".into()));
                }
                *next = last + 1;
                found = true;
            }
            Some(b'{') => found |= unwrap(inner, next, wanted, depth - 1, take),
            _ => {}
        }
    }
    found
}

fn with_id(mut row: Value, id: String) -> Value {
    if let Value::Object(row) = &mut row {
        row.entry("id").or_insert(Value::String(id));
    }
    row
}

/// Parses a row. The error is for display.
pub(crate) fn parse(row: &[u8]) -> Result<Value, String> {
    let text = match std::str::from_utf8(row) {
        Ok(text) => text,
        Err(e) => return Err(format!("invalid UTF-8 at byte {} of the row", e.valid_up_to() + 1)),
    };
    let value = serde_json::from_str(text)
        .or_else(|e| without_nan(text).and_then(|t| serde_json::from_str(&t).ok()).ok_or(e))
        .map_err(|e| format!("not JSON: {e}"))?;
    Ok(match value {
        // Rows from the hub's viewer have their number next to them.
        Value::Object(mut row) if row.contains_key("row_idx") => match row.remove("row") {
            Some(inner @ Value::Object(_)) => inner,
            Some(other) => {
                row.insert("row".into(), other);
                Value::Object(row)
            }
            None => Value::Object(row),
        },
        value => value,
    })
}

/// The row with `null` for Python's non-finite numbers; `None` if it has none.
fn without_nan(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let mut out = String::with_capacity(text.len());
    let mut cut = Cut::default();
    let mut rest = text;
    let mut found = false;
    while let Some(c) = rest.chars().next() {
        if !cut.in_text
            && let Some(word) = WORDS.iter().find(|w| rest.starts_with(**w))
        {
            out.push_str("null");
            rest = &rest[word.len()..];
            found = true;
            continue;
        }
        cut.ends(if c.is_ascii() { c as u8 } else { b' ' });
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_shape() {
        for (line, shape) in [
            (r#"{"a": "}"}"#, Shape::Whole),
            (r#" [1, {"a": "\"]"}]  "#, Shape::Whole),
            (r#"{"data": ["#, Shape::Open),
            ("{", Shape::Open),
            (r#"{"a": "cut o"#, Shape::Other),
            ("not json", Shape::Other),
            (r#"{"a": 1} {"b": 2}"#, Shape::Other),
        ] {
            assert_eq!(Shape::of(line.as_bytes()), shape, "{line}");
        }
    }

    #[test]
    fn pythons_numbers_that_are_none_are_null() {
        let row = parse(br#"{"NaN": "NaN", "a": NaN, "b": [-Infinity, Infinity]}"#).unwrap();
        assert_eq!(row, serde_json::json!({"NaN": "NaN", "a": null, "b": [null, null]}));
        assert!(parse(b"{\"a\": nan}").is_err());
    }
}
