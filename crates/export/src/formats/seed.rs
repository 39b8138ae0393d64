//! `id` and `conversation` of `role` (user, chatbot) and `value`: the format of the first Meditron sets.

use clinstruct_schema::{Conversation, Role};
use serde_json::{Value, json};

use crate::format::{Encoding, Format, System, id, objects, records, said};
use crate::table::{Cell, Column, Field, Kind};

pub(crate) const FORMAT: Format = Format {
    name: "seed",
    description: "`conversation` of role (user, chatbot) and value",
    encodings: Encoding::ALL,
    json,
    columns,
    cells,
};

const VALUE: &[Field] = &[Field::text("role"), Field::text("value")];

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "chatbot",
    }
}

fn json(row: &Conversation, system: System) -> Value {
    json!({ "id": row.id, "conversation": objects(said(row, system), role, ["role", "value"]) })
}

fn columns(_reasoning: bool) -> Vec<Column> {
    vec![Column::new("id", Kind::Text), Column::new("conversation", Kind::Records(VALUE))]
}

fn cells(row: &Conversation, system: System, _reasoning: bool) -> Vec<Cell> {
    vec![id(row), records(role, said(row, system), None)]
}
