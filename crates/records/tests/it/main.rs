//! Files as people have them, and as disks and networks damage them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod chats;
mod damaged;
mod files;
mod pyarrow;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use clinstruct_records::{BadRow, Error, Record, chats};
use clinstruct_schema::Role;

/// Everything read from a file.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) good: Vec<Record>,
    pub(crate) bad: Vec<BadRow>,
    pub(crate) unread: Vec<String>,
}

pub(crate) fn try_read(path: &Path) -> Result<Read, Error> {
    let mut read = Read::default();
    read.unread = chats(path, |row| match row {
        Ok(row) => read.good.push(row),
        Err(row) => read.bad.push(row),
    })?;
    Ok(read)
}

pub(crate) fn read(path: &Path) -> Read {
    try_read(path).unwrap()
}

/// Reads a file with this name and content.
pub(crate) fn read_as(name: &str, content: impl AsRef<[u8]>) -> Result<Read, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join(name);
    fs::write(&path, content).unwrap();
    try_read(&path)
}

/// The messages of one row: `s`, `u` or `a` before each text.
pub(crate) fn said(record: &Record) -> Vec<String> {
    let name = |role| match role {
        Role::System => "s",
        Role::User => "u",
        Role::Assistant => "a",
    };
    record.messages.iter().map(|m| format!("{} {}", name(m.role), m.content)).collect()
}
