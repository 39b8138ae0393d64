//! Reads rows `{"id": .., "messages": [..]}` from standard input, and prints the annotation of each: its split, or which
//! pass dropped it and why.
//!
//! `cargo run --example annotate < rows.jsonl`

use std::io::{BufRead as _, Write as _};

use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::metrics::Facts;
use clinstruct_curate::splits::Shares;
use clinstruct_curate::{Row, Settings, Spill, curate, passes};
use clinstruct_schema::Message;

#[derive(serde::Deserialize)]
struct Chat {
    id: String,
    messages: Vec<Message>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut chats: Vec<Chat> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        chats.push(serde_json::from_str(&line?)?);
    }
    let mut rows: Vec<Row<'_>> = chats.iter().map(|c| Row::new(&c.id, &c.messages)).collect();

    let mut eval_items = EvalItems::new();
    let exam = eval_items.add_set("exam");
    eval_items.add(exam, "Which vitamin is given to a child with measles to prevent blindness?");
    let (facts, shares, spill) = (Facts::default(), Shares::default(), Spill::to_temporary());
    let settings =
        Settings { eval_items: &eval_items, facts: &facts, shares, seed: 1, spill: &spill };

    let mut out = std::io::stdout().lock();
    for annotation in curate(&mut rows, passes(&settings), &spill)?.annotations()? {
        writeln!(out, "{}", serde_json::to_string(&annotation?)?)?;
    }
    Ok(())
}
