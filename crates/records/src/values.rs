//! Rows of a file as JSON values, in any format.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::take::{BYTE_ORDER_MARK, Take};
use crate::{Error, json, parquet};

/// Passes the rows of a file to the callback. An object with the column `wanted` is a row, whatever else it has.
pub(crate) fn values(path: &Path, wanted: Option<&str>, take: Take<'_>) -> Result<(), Error> {
    let io = |source| Error::io(path, source);
    let kind =
        path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let mut file = File::open(path).map_err(io)?;
    if !matches!(kind.as_str(), "jsonl" | "ndjson" | "json" | "csv" | "parquet") {
        return Err(Error::UnknownKind { path: path.to_owned(), kind });
    }
    let mut first = Vec::new();
    (&mut file).take(64).read_to_end(&mut first).map_err(io)?;
    if let Some(what) = other_format(&first, kind == "parquet") {
        let why = format!("this is {what}");
        return Err(Error::Broken { path: path.to_owned(), why });
    }
    let marked = first.starts_with(BYTE_ORDER_MARK) && kind != "parquet";
    let start = if marked { BYTE_ORDER_MARK.len() as u64 } else { 0 };
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    match kind.as_str() {
        "parquet" => parquet::rows(path, file, take),
        "csv" => table(path, file, take),
        _ => json::rows(path, file, kind != "json", wanted, take),
    }
}

/// The format by a file's first bytes, if its extension is wrong.
fn other_format(first: &[u8], parquet: bool) -> Option<&'static str> {
    let begins = |with: &[u8]| first.starts_with(with);
    Some(match first {
        _ if begins(b"version https://git-lfs") => {
            "a Git LFS pointer, not the file: run `git lfs pull`"
        }
        _ if begins(b"\x1f\x8b") => "compressed with gzip: unpack it first",
        _ if begins(b"\x28\xb5\x2f\xfd") => "compressed with zstd: unpack it first",
        _ if begins(b"PK\x03\x04") => "a ZIP archive: unpack it first",
        _ if begins(b"<!DOCTYPE") || begins(b"<!doctype") || begins(b"<html") => {
            "an HTML page: the download is not the file"
        }
        _ if parquet => return None,
        _ if begins(b"PAR1") => "a Parquet file: rename it to .parquet",
        _ if begins(b"\xff\xfe") || begins(b"\xfe\xff") => "text in UTF-16: save it as UTF-8",
        [0, b, ..] | [b, 0, ..] if b.is_ascii_graphic() => "text in UTF-16: save it as UTF-8",
        _ => return None,
    })
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
        // The header is a line too.
        let number = row.position().map_or(i as u64 + 2, csv::Position::line);
        let mut object = serde_json::Map::new();
        let mut wrong = (row.len() > names.len())
            .then(|| format!("it has {} cells, the header has {} columns", row.len(), names.len()));
        for (name, cell) in names.iter().zip(&row) {
            match std::str::from_utf8(cell) {
                Ok(cell) => drop(object.insert(name.clone(), cell.into())),
                Err(_) => wrong = Some(format!("invalid UTF-8 in \"{name}\"")),
            }
        }
        take(number, wrong.map_or(Ok(Value::Object(object)), Err));
    }
    Ok(())
}
