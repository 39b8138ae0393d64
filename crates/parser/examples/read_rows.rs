//! Reads a batch output file in OpenAI's format from standard input, and describes each row.
//!
//! `cargo run --example read_rows < output.jsonl`

use std::io::{BufRead as _, Write as _};

use clinstruct_parser::{decode, turn};
use clinstruct_schema::{RowFormat, RowOutcome};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let decoded = decode(RowFormat::OpenaiBatch, line?.as_bytes());
        let id = decoded.id.map_or_else(|| "no id".to_owned(), |id| id.to_string());
        match decoded.outcome {
            RowOutcome::Answer(answer) => match turn(&answer.text) {
                Ok(cleaned) => writeln!(out, "{id}: {}", cleaned.text)?,
                Err(problem) => writeln!(out, "{id}: {problem}")?,
            },
            other => writeln!(out, "{id}: {other:?}")?,
        }
    }
    Ok(())
}
