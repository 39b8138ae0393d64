//! The rows of our own files, read straight into their records.
//!
//! What is read here is what the reader of any row makes of it; a row with anything else in it is left to that one.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use clinstruct_schema::json::field;
use clinstruct_schema::{Attributes, Message, Role};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::json::{lines, parse};
use crate::row::Rows;
use crate::{Error, Record};

/// A row of `conversations/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    #[serde(rename = "part")]
    _part: IgnoredAny,
    messages: Vec<Said>,
    #[serde(deserialize_with = "field")]
    attributes: Attributes,
    #[serde(rename = "provenance")]
    _provenance: IgnoredAny,
    #[serde(rename = "schema_version")]
    _schema_version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    role: Role,
    content: String,
}

/// The start of every row of ours.
const START: &[u8] = b"{\"id\":\"";

fn record(row: u64, line: &[u8]) -> Option<Record> {
    if !line.starts_with(START) {
        return None;
    }
    let read: Row = serde_json::from_str(std::str::from_utf8(line).ok()?).ok()?;
    if read.messages.is_empty() {
        return None;
    }
    let messages = read.messages.into_iter();
    Some(Record {
        id: read.id,
        has_id: true,
        messages: messages.map(|Said { role, content }| Message { role, content }).collect(),
        aside: Vec::new(),
        attributes: Some(read.attributes),
        row,
    })
}

/// Passes the rows of a file to the callback if its first line is a row of ours, else does nothing. Whether it did.
pub(crate) fn rows(
    path: &Path,
    rows: &mut Rows,
    mut each: impl FnMut(u64, Result<Record, String>),
) -> Result<bool, Error> {
    let io = |e| Error::io(path, e);
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    if !matches!(extension.as_deref(), Some("jsonl" | "ndjson")) {
        return Ok(false);
    }
    let mut from = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
    let mut first = Vec::new();
    // No row of ours begins behind the start of a file; another file may have one line of any length.
    if !from.fill_buf().map_err(io)?.starts_with(START) {
        return Ok(false);
    }
    from.read_until(b'\n', &mut first).map_err(io)?;
    if record(1, &first).is_none() {
        return Ok(false);
    }
    from.seek(SeekFrom::Start(0)).map_err(io)?;
    lines(from, 0, &mut |number, line| {
        let found = record(number, line)
            .map_or_else(|| parse(line).and_then(|value| rows.record(number, value)), Ok);
        each(number, found);
    })
    .map_err(io)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::chats;

    fn own_row(id: &str) -> Value {
        json!({
            "id": id, "part": "p",
            "messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": " So. "}],
            "attributes": {
                "base": "b", "subjects": [],
                "situation": {
                    "mode": "normal", "turns": 1, "assistant_register": "standard", "user_register": "standard",
                    "asked_styles": [], "system_styles": [], "user_styles": [], "emergency_instruction": false,
                    "profession": "nurse",
                },
            },
            "provenance": {"turns": []}, "schema_version": 2,
        })
    }

    /// The line of a row, its id first.
    fn line(mut row: Value) -> String {
        let id = row.as_object_mut().unwrap().remove("id").unwrap();
        row.to_string().replacen('{', &format!("{{\"id\":{id},"), 1)
    }

    /// What is read of lines, without the numbers of rows.
    fn read(lines: &[String]) -> (Vec<Result<Record, String>>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, lines.join("\n")).unwrap();
        let mut all = Vec::new();
        let unread = chats(&path, |row| {
            all.push(row.map(|row| Record { row: 0, ..row }).map_err(|bad| bad.why));
        });
        (all, unread.unwrap())
    }

    #[test]
    fn our_rows_are_read_as_any_rows_are() {
        let with = |key: &str, value: Value| {
            let mut row = own_row("a");
            row[key] = value;
            line(row)
        };
        let plain = line(own_row("a"));
        assert!(record(1, plain.as_bytes()).is_some(), "{plain}");
        let lines = [
            plain.clone(),
            with("system", "Be brief.".into()),
            with("schema_version", Value::Null),
            with("attributes", Value::Null),
            with("attributes", json!({"base": 1})),
            with("messages", json!([])),
            with(
                "messages",
                json!([{"role": "Human", "content": "a"}, {"role": "gpt", "content": "b"}]),
            ),
            with("messages", json!([{"role": "user", "content": "a", "name": "x"}])),
            with("messages", json!([{"role": "user", "content": null}])),
            plain.replace("So.", "\\ud800"),
            plain[..40].to_owned(),
            String::new(),
            format!("{plain}{plain}"),
            plain.clone(),
        ];
        let foreign = r#"{"question":"q","answer":"a"}"#.to_owned();
        let (any, unread) = read(&[&[foreign], &lines[..]].concat());
        let (ours, unread_of_ours) = read(&lines);
        assert_eq!((&any[1..], unread), (&ours[..], unread_of_ours));
        assert!(ours[0].as_ref().unwrap().attributes.is_some());
        assert_eq!(ours[1].as_ref().unwrap().messages.len(), 3);
        assert!(ours[9].is_err() && ours[10].is_err() && ours[12].is_ok(), "{ours:?}");
    }
}
