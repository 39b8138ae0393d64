//! `conversations` of `from` (system, human, gpt) and `value`.

use clinstruct_schema::{Conversation, Role};
use serde_json::{Value, json};

use crate::format::{
    Encoding, Format, REASONING, System, id, objects, records, said, with_reasoning,
};
use crate::table::{Cell, Column, Field, Kind};

pub(crate) const FORMAT: Format = Format {
    name: "sharegpt",
    description: "`conversations` of from (system, human, gpt) and value",
    encodings: Encoding::ALL,
    json,
    columns,
    cells,
};

const FROM: &[Field] = &[Field::text("from"), Field::text("value")];
const FROM_AND_REASONING: &[Field] =
    &[Field::text("from"), Field::text("value"), Field::optional(REASONING)];

fn from(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "human",
        Role::Assistant => "gpt",
    }
}

fn json(row: &Conversation, system: System) -> Value {
    let said = objects(said(row, system), from, ["from", "value"]);
    json!({ "id": row.id, "conversations": with_reasoning(said, row, system) })
}

fn columns(reasoning: bool) -> Vec<Column> {
    let fields = if reasoning { FROM_AND_REASONING } else { FROM };
    vec![Column::new("id", Kind::Text), Column::new("conversations", Kind::Records(fields))]
}

fn cells(row: &Conversation, system: System, reasoning: bool) -> Vec<Cell> {
    let thoughts = reasoning.then(|| crate::format::reasoning(row, system));
    vec![id(row), records(from, said(row, system), thoughts.as_deref())]
}
