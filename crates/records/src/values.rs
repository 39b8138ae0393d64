//! Rows of a file as JSON values, whatever the file is.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;

use crate::Error;

/// Takes a row: its number from 1, and its value or what is wrong with it.
pub(crate) type Take<'a> = &'a mut dyn FnMut(u64, Result<Value, String>);

pub(crate) fn values(path: &Path, take: Take<'_>) -> Result<(), Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let kind =
        path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let file = File::open(path).map_err(io)?;
    match kind.as_str() {
        "jsonl" | "ndjson" => lines(BufReader::with_capacity(1 << 18, file), take).map_err(io),
        "json" => {
            let mut file = file;
            let mut first = [0; 64];
            let read = file.read(&mut first).map_err(io)?;
            file.rewind().map_err(io)?;
            let array = first[..read].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
            let reader = BufReader::with_capacity(1 << 18, file);
            if array { entries(path, reader, take) } else { lines(reader, take).map_err(io) }
        }
        "csv" => table(path, file, take),
        "parquet" => columns(path, file, take),
        _ => Err(Error::UnknownKind { path: path.to_owned(), kind }),
    }
}

fn lines(mut reader: impl BufRead, take: Take<'_>) -> std::io::Result<()> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value = match std::str::from_utf8(&line) {
            Err(e) => Err(format!("no UTF-8 from byte {} of the line on", e.valid_up_to() + 1)),
            Ok(text) => serde_json::from_str(text).map_err(|e| format!("no JSON: {e}")),
        };
        take(number, value);
    }
}

/// Hands the entries of an array on one by one.
struct Entries<'a>(Take<'a>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(value) = entries.next_element::<Value>()? {
            number += 1;
            (self.0)(number, Ok(value));
        }
        Ok(())
    }
}

fn entries(path: &Path, reader: impl BufRead, take: Take<'_>) -> Result<(), Error> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    deserializer
        .deserialize_seq(Entries(take))
        .and_then(|()| deserializer.end())
        .map_err(|e| Error::Broken { path: path.to_owned(), why: format!("no JSON: {e}") })
}

fn table(path: &Path, file: File, take: Take<'_>) -> Result<(), Error> {
    let broken = |e: csv::Error| Error::Broken { path: path.to_owned(), why: e.to_string() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
    let names: Vec<String> = reader
        .byte_headers()
        .map_err(broken)?
        .iter()
        .map(|h| String::from_utf8_lossy(h).trim().to_owned())
        .collect();
    for (i, row) in reader.byte_records().enumerate() {
        let row = row.map_err(broken)?;
        // The head is a line too.
        let number = row.position().map_or(i as u64 + 2, csv::Position::line);
        let mut object = serde_json::Map::new();
        let mut wrong = None;
        for (name, cell) in names.iter().zip(&row) {
            match std::str::from_utf8(cell) {
                Ok(cell) => drop(object.insert(name.clone(), cell.into())),
                Err(_) => wrong = Some(format!("no UTF-8 in \"{name}\"")),
            }
        }
        take(number, wrong.map_or(Ok(Value::Object(object)), Err));
    }
    Ok(())
}

fn columns(path: &Path, file: File, take: Take<'_>) -> Result<(), Error> {
    let broken = |e: parquet::errors::ParquetError| Error::Broken {
        path: path.to_owned(),
        why: format!("no Parquet: {e}"),
    };
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    for (i, row) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        let value = row.map(|r| r.to_json_value()).map_err(|e| e.to_string());
        take(i as u64 + 1, value);
    }
    Ok(())
}
