//! Files that pyarrow, Polars and `DuckDB` write: see `python/write_parquet.py`, which `CI=true cargo xtask test` runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clinstruct_records::{Error, Record};
use clinstruct_schema::Role;

use crate::{read, try_read};

type Said = Vec<(String, String)>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/written-parquet")
}

fn expected() -> BTreeMap<String, Vec<Said>> {
    // If it is missing, run python/write_parquet.py first.
    let text = fs::read_to_string(folder().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn said(record: &Record) -> Said {
    let name = |role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    record.messages.iter().map(|m| (name(m.role).to_owned(), m.content.clone())).collect()
}

#[test]
#[ignore = "needs files that Python writes: CI=true cargo xtask test"]
fn files_of_other_libraries_are_read() {
    let expected = expected();
    assert!(expected.len() > 40, "{}", expected.len());
    for (name, rows) in expected {
        let read = read(&folder().join(&name));
        assert_eq!(read.bad, [], "{name}");
        assert_eq!(read.unread, [""; 0], "{name}");
        let all: Vec<Said> = read.good.iter().map(said).collect();
        assert!(all == rows, "{name}: {all:?}");
    }
}

/// A checksum detects any damage of a page; a missing end is detected without one.
#[test]
#[ignore = "needs files that Python writes: CI=true cargo xtask test"]
fn files_of_other_libraries_are_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    for (name, rows) in expected() {
        let whole = fs::read(folder().join(&name)).unwrap();
        for part in 1..8 {
            fs::write(&path, &whole[..whole.len() * part / 8]).unwrap();
            let cut = try_read(&path);
            assert!(matches!(cut, Err(Error::Damaged { .. })), "{name}: {cut:?}");
        }
        for at in (4..whole.len()).step_by(whole.len() / 40 + 1) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x24;
            fs::write(&path, &bytes).unwrap();
            let damaged = try_read(&path);
            let Ok(read) = damaged else { continue };
            assert!(read.good.len() + read.bad.len() <= rows.len(), "{name}, byte {at}");
            if name.starts_with("pyarrow-") && name.contains("-2.0-") {
                let all: Vec<Said> = read.good.iter().map(said).collect();
                assert!(all == rows, "{name}, byte {at}: {all:?}");
            }
        }
    }
}
