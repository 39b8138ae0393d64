//! Prints the first prompt requests of each part of the built-in catalog.
//!
//! `cargo run --example first_requests`

use std::io::Write as _;

use clinstruct_catalog::Catalog;
use clinstruct_promptgen::{Plan, PromptOptions, prompt_request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let catalog = Catalog::embedded()?;
    let options = PromptOptions { model: "gpt-4o", seed: 42, ..PromptOptions::default() };
    let mut out = std::io::stdout().lock();
    for part in &catalog.parts {
        for row in Plan::new(&catalog, part, options.seed, Some(2)).rows() {
            let request = prompt_request(&catalog, part, &row, &options)?;
            writeln!(out, "== {}", row.id)?;
            for message in &request.messages {
                writeln!(out, "{:?}: {}", message.role, message.content)?;
            }
        }
    }
    Ok(())
}
