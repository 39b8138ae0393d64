//! Prints the conversations of a dataset file: JSON, JSONL, CSV or Parquet.
//!
//! `cargo run --example show -- data.jsonl`

use std::io::Write as _;
use std::path::PathBuf;

use clinstruct_records::chats;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("give a file")?.into();
    let mut out = std::io::stdout().lock();
    let unread = chats(&path, |row| {
        let _ = match row {
            Ok(record) => {
                let turns: Vec<&str> = record.messages.iter().map(|m| m.content.as_str()).collect();
                writeln!(out, "{}: {}", record.id, turns.join(" | "))
            }
            Err(bad) => writeln!(out, "row {}: {}", bad.row, bad.why),
        };
    })?;
    for column in unread {
        writeln!(out, "the column \"{column}\" is not in any conversation")?;
    }
    Ok(())
}
