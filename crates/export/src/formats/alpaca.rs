//! `instruction`, `input`, `output`, with `system` and earlier turns in `history`, as LLaMA-Factory reads it
//! (<https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html>).

use clinstruct_schema::{Conversation, Role};
use serde_json::{Value, json};

use crate::format::{Encoding, Format, System, id, said};
use crate::table::{Cell, Column, Kind};

pub(crate) const FORMAT: Format = Format {
    name: "alpaca",
    description: "instruction, input, output, system, history",
    encodings: Encoding::ALL,
    json,
    columns,
    cells,
};

/// A conversation as a final question and answer, with the earlier messages as history.
struct Last {
    system: String,
    instruction: String,
    output: String,
    history: Vec<[String; 2]>,
}

fn last(said: Vec<(Role, String)>) -> Last {
    let mut last = Last {
        system: String::new(),
        instruction: String::new(),
        output: String::new(),
        history: Vec::new(),
    };
    let mut asked: Option<String> = None;
    for (role, text) in said {
        match role {
            Role::System => last.system = text,
            Role::User => asked = Some(text),
            Role::Assistant => last.history.push([asked.take().unwrap_or_default(), text]),
        }
    }
    if let Some([instruction, output]) = last.history.pop() {
        (last.instruction, last.output) = (instruction, output);
    }
    last
}

fn json(row: &Conversation, system: System) -> Value {
    let Last { system, instruction, output, history } = last(said(row, system));
    json!({
        "id": row.id, "instruction": instruction, "input": "", "output": output,
        "system": system, "history": history,
    })
}

fn columns(_reasoning: bool) -> Vec<Column> {
    ["id", "instruction", "input", "output", "system"]
        .into_iter()
        .map(|name| Column::new(name, Kind::Text))
        .chain([Column::new("history", Kind::TextLists)])
        .collect()
}

fn cells(row: &Conversation, system: System, _reasoning: bool) -> Vec<Cell> {
    let Last { system, instruction, output, history } = last(said(row, system));
    let history = history.into_iter().map(Vec::from).collect();
    let texts = [instruction, String::new(), output, system].map(Cell::Text);
    [id(row)].into_iter().chain(texts).chain([Cell::TextLists(history)]).collect()
}
