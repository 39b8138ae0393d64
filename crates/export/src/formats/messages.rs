//! `messages` of `role` and `content`: TRL, axolotl's `chat_template`, most others
//! (<https://huggingface.co/docs/trl/dataset_formats>).

use clinstruct_schema::Conversation;
use serde_json::{Value, json};

use crate::format::{
    Encoding, Format, System, content, id, messages, objects, role, said, with_reasoning,
};
use crate::table::{Cell, Column, Kind};

pub(crate) const FORMAT: Format = Format {
    name: "messages",
    description: "`messages` of role and content: TRL, axolotl, most others",
    encodings: Encoding::ALL,
    json,
    columns,
    cells,
};

fn json(row: &Conversation, system: System) -> Value {
    let said = objects(said(row, system), role, ["role", "content"]);
    let said = with_reasoning(said, row, system);
    json!({ "id": row.id, "part": row.part, "messages": said })
}

fn columns(reasoning: bool) -> Vec<Column> {
    vec![
        Column::new("id", Kind::Text),
        Column::new("part", Kind::Text),
        Column::new("messages", Kind::Records(content(reasoning))),
    ]
}

fn cells(row: &Conversation, system: System, reasoning: bool) -> Vec<Cell> {
    vec![id(row), Cell::Text(row.part.to_string()), messages(row, system, reasoning)]
}
