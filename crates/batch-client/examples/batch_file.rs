//! Writes a batch input file in OpenAI's format: one request per line of standard input.
//!
//! `printf 'Fever?\nCough?\n' | cargo run --example batch_file > input.jsonl`

use std::io::BufRead as _;

use clinstruct_batch_client::openai::{Dialect, write_line};
use clinstruct_batch_client::request_id;
use clinstruct_schema::{ChatRequest, Message, Role};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for question in std::io::stdin().lock().lines() {
        let request = ChatRequest {
            model: "gpt-4o".into(),
            messages: vec![Message { role: Role::User, content: question? }],
            max_tokens: 700,
            temperature: None,
            seed: 42,
            json_schema: None,
        };
        write_line(&mut out, request_id(&request), &request, &Dialect::default())?;
    }
    Ok(())
}
