//! What an export format is: one row of [`Format::ALL`].

use std::fmt;

use clinstruct_schema::{Attributes, Conversation, Role};
use serde_json::{Value, json};

use crate::table::{Cell, Column, Field};

const CONTENT: &[Field] = &[Field::text("role"), Field::text("content")];
/// Message field with the model's reasoning, as chat templates of reasoning models name it.
pub(crate) const REASONING: &str = "reasoning_content";
const CONTENT_AND_REASONING: &[Field] =
    &[Field::text("role"), Field::text("content"), Field::optional(REASONING)];

/// A chat format of training tools.
#[derive(Clone, Copy)]
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// Its shape and its readers, in one line.
    pub description: &'static str,
    /// Supported storage formats.
    pub encodings: &'static [Encoding],
    /// The row as JSON.
    pub(crate) json: fn(&Conversation, System) -> Value,
    /// Columns of its Parquet files; with `reasoning`, formats that support it have a field for it.
    pub(crate) columns: fn(bool) -> Vec<Column>,
    /// The row as cells of its columns.
    pub(crate) cells: fn(&Conversation, System, bool) -> Vec<Cell>,
}

impl Format {
    pub(crate) fn json(self, row: &Conversation, system: System) -> Value {
        (self.json)(row, system)
    }

    pub(crate) fn columns(self, reasoning: bool) -> Vec<Column> {
        (self.columns)(reasoning)
    }

    pub(crate) fn cells(self, row: &Conversation, system: System, reasoning: bool) -> Vec<Cell> {
        (self.cells)(row, system, reasoning)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.name).finish()
    }
}

/// Storage format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object per line.
    Jsonl,
    /// Parquet with zstd.
    Parquet,
}

impl Encoding {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Jsonl, Self::Parquet];

    /// Extension of the files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

/// Whether a conversation begins with a system message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Role, health worker, place, register, mode and the form instructions of the system prompt, as the row has them; the
    /// form instructions alone for rows of earlier versions, which have no such text.
    Full,
    /// The form instructions of the system prompt, if any. Without them, an answer that obeys one would teach that form
    /// without a reason.
    Styles,
    /// The instructions, after profession, specialty, country and setting.
    Context,
    /// None.
    No,
}

impl System {
    /// The system message of a conversation.
    pub(crate) fn text(self, attributes: &Attributes) -> Option<String> {
        let situation = &attributes.situation;
        let mut lines: Vec<String> = Vec::new();
        match self {
            Self::No => return None,
            Self::Full if attributes.system.is_some() => return attributes.system.clone(),
            Self::Full | Self::Styles => {}
            Self::Context => {
                lines.push(format!("Profession: {}", situation.profession));
                lines.extend(situation.specialty.as_ref().map(|s| format!("Specialty: {s}")));
                if let Some(place) = attributes.place() {
                    lines.push(format!("Country: {}", place.country));
                    lines.push(format!("Care setting: {}", place.setting));
                }
            }
        }
        lines.extend(situation.system_styles.iter().map(|s| s.text.clone()));
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Role and content of each message.
pub(crate) fn said(row: &Conversation, system: System) -> Vec<(Role, String)> {
    let lead = system.text(&row.attributes).map(|text| (Role::System, text));
    lead.into_iter().chain(row.messages.iter().map(|m| (m.role, m.content.clone()))).collect()
}

/// The reasoning of each message of [`said`], if the row keeps it.
pub(crate) fn reasoning(row: &Conversation, system: System) -> Vec<Option<&str>> {
    let lead = system.text(&row.attributes).map(|_| None);
    // Provenance has one entry per message.
    let of = |i: usize| row.provenance.turns.get(i)?.reasoning.as_deref();
    lead.into_iter().chain((0..row.messages.len()).map(of)).collect()
}

/// Field names of most formats.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// Messages as JSON objects with these fields.
pub(crate) fn objects(
    said: Vec<(Role, String)>,
    name: fn(Role) -> &'static str,
    [who, text]: [&str; 2],
) -> Vec<Value> {
    said.into_iter().map(|(role, said)| json!({ who: name(role), text: said })).collect()
}

/// The same messages with their reasoning, if the row keeps it.
pub(crate) fn with_reasoning(
    mut said: Vec<Value>,
    row: &Conversation,
    system: System,
) -> Vec<Value> {
    for (message, thought) in said.iter_mut().zip(reasoning(row, system)) {
        if let Some(thought) = thought {
            message[REASONING] = json!(thought);
        }
    }
    said
}

fn spoken(who: &str, text: String) -> Vec<Cell> {
    vec![Cell::Text(who.to_owned()), Cell::Text(text)]
}

/// Messages as records, with their reasoning if `thoughts` is not empty.
pub(crate) fn records(
    name: fn(Role) -> &'static str,
    said: Vec<(Role, String)>,
    thoughts: Option<&[Option<&str>]>,
) -> Cell {
    let spoken = said.into_iter().enumerate().map(|(i, (who, text))| {
        let thought = thoughts.map(|all| match all.get(i) {
            Some(Some(text)) => Cell::Text((*text).to_owned()),
            _ => Cell::Null,
        });
        spoken(name(who), text).into_iter().chain(thought).collect()
    });
    Cell::Records(spoken.collect())
}

/// The id of a row.
pub(crate) fn id(row: &Conversation) -> Cell {
    Cell::Text(row.id.to_string())
}

/// Fields of `messages`.
pub(crate) fn content(reasoning: bool) -> &'static [Field] {
    if reasoning { CONTENT_AND_REASONING } else { CONTENT }
}

/// The messages in the rows of the dataset folder.
pub(crate) fn messages(row: &Conversation, system: System, reasoning: bool) -> Cell {
    let thoughts = reasoning.then(|| self::reasoning(row, system));
    records(role, said(row, system), thoughts.as_deref())
}
