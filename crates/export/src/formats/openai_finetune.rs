//! `messages` only, as OpenAI's fine-tuning expects (<https://platform.openai.com/docs/guides/supervised-fine-tuning>).

use clinstruct_schema::Conversation;
use serde_json::{Value, json};

use crate::format::{Encoding, Format, System, content, messages, objects, role, said};
use crate::table::{Cell, Column, Kind};

pub(crate) const FORMAT: Format = Format {
    name: "openai-finetune",
    description: "`messages` only, as OpenAI's fine-tuning expects",
    encodings: Encoding::ALL,
    json,
    columns,
    cells,
};

fn json(row: &Conversation, system: System) -> Value {
    json!({ "messages": objects(said(row, system), role, ["role", "content"]) })
}

// It rejects unknown fields, so reasoning is left out.

fn columns(_reasoning: bool) -> Vec<Column> {
    vec![Column::new("messages", Kind::Records(content(false)))]
}

fn cells(row: &Conversation, system: System, _reasoning: bool) -> Vec<Cell> {
    vec![messages(row, system, false)]
}
