//! One conversation in the formats of trainers.

use clinstruct_schema::{Attributes, Conversation, Role};
use serde_json::{Value, json};

use crate::table::{Cell, Column, Field, Kind};

const CONTENT: &[Field] = &[Field::text("role"), Field::text("content")];
const FROM: &[Field] = &[Field::text("from"), Field::text("value")];
const VALUE: &[Field] = &[Field::text("role"), Field::text("value")];

/// A chat format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `messages` of `role` and `content`: TRL, axolotl's `chat_template`, most others
    /// (<https://huggingface.co/docs/trl/dataset_formats>).
    Messages,
    /// `conversations` of `from` (system, human, gpt) and `value`.
    Sharegpt,
    /// `instruction`, `input`, `output`, with `system` and earlier turns in `history`, as LLaMA-Factory reads it
    /// (<https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html>).
    Alpaca,
    /// `messages` and nothing else, as OpenAI's fine-tuning takes it
    /// (<https://platform.openai.com/docs/guides/supervised-fine-tuning>).
    OpenaiFinetune,
    /// `id` and `conversation` of `role` (user, chatbot) and `value`: the format of the first Meditron sets.
    Seed,
}

/// How rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object a line.
    Jsonl,
    /// Parquet with zstd.
    Parquet,
}

impl Encoding {
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
    /// The instructions that the system prompt gave on form; none where it gave none. Without them an answer
    /// that obeys one would teach that form for no reason.
    Styles,
    /// The instructions, behind who asks and where: profession, specialty, country, setting.
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
            Self::Styles => {}
            Self::Context => {
                lines.push(format!("Profession: {}", situation.profession));
                lines.extend(situation.specialty.as_ref().map(|s| format!("Specialty: {s}")));
                let patient = &attributes.card.patient;
                lines.push(format!("Country: {}", patient.country));
                lines.push(format!("Care setting: {}", patient.setting));
            }
        }
        lines.extend(situation.system_styles.iter().map(|s| s.text.clone()));
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Who says something, and what.
pub(crate) fn said(row: &Conversation, system: System) -> Vec<(Role, String)> {
    let lead = system.text(&row.attributes).map(|text| (Role::System, text));
    lead.into_iter().chain(row.messages.iter().map(|m| (m.role, m.content.clone()))).collect()
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

fn from(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "human",
        Role::Assistant => "gpt",
    }
}

fn seed(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "chatbot",
    }
}

/// A conversation as a last question and answer, with what was said before.
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

fn spoken(who: &str, text: String) -> Vec<Cell> {
    vec![Cell::Text(who.to_owned()), Cell::Text(text)]
}

impl Format {
    /// The row as JSON.
    pub(crate) fn json(self, row: &Conversation, system: System) -> Value {
        let said = said(row, system);
        let pairs = |name: fn(Role) -> &'static str, of: &str, text: &str| -> Vec<Value> {
            said.iter().map(|(r, t)| json!({ of: name(*r), text: t })).collect()
        };
        match self {
            Self::Messages => {
                json!({ "id": row.id, "part": row.part, "messages": pairs(role, "role", "content") })
            }
            Self::Sharegpt => {
                json!({ "id": row.id, "conversations": pairs(from, "from", "value") })
            }
            Self::OpenaiFinetune => json!({ "messages": pairs(role, "role", "content") }),
            Self::Seed => json!({ "id": row.id, "conversation": pairs(seed, "role", "value") }),
            Self::Alpaca => {
                let Last { system, instruction, output, history } = last(said);
                json!({
                    "id": row.id, "instruction": instruction, "input": "", "output": output,
                    "system": system, "history": history,
                })
            }
        }
    }

    /// Columns of its Parquet files.
    pub(crate) fn columns(self) -> Vec<Column> {
        let text = |name| Column::new(name, Kind::Text);
        let said = |name, fields| Column::new(name, Kind::Records(fields));
        match self {
            Self::Messages => vec![text("id"), text("part"), said("messages", CONTENT)],
            Self::Sharegpt => vec![text("id"), said("conversations", FROM)],
            Self::OpenaiFinetune => vec![said("messages", CONTENT)],
            Self::Seed => vec![text("id"), said("conversation", VALUE)],
            Self::Alpaca => ["id", "instruction", "input", "output", "system"]
                .into_iter()
                .map(text)
                .chain([Column::new("history", Kind::TextLists)])
                .collect(),
        }
    }

    /// The row as cells of [`Self::columns`].
    pub(crate) fn cells(self, row: &Conversation, system: System) -> Vec<Cell> {
        let said = said(row, system);
        let id = || Cell::Text(row.id.to_string());
        let pairs = |name: fn(Role) -> &'static str, said: Vec<(Role, String)>| {
            Cell::Records(said.into_iter().map(|(r, t)| spoken(name(r), t)).collect())
        };
        match self {
            Self::Messages => vec![id(), Cell::Text(row.part.to_string()), pairs(role, said)],
            Self::Sharegpt => vec![id(), pairs(from, said)],
            Self::OpenaiFinetune => vec![pairs(role, said)],
            Self::Seed => vec![id(), pairs(seed, said)],
            Self::Alpaca => {
                let Last { system, instruction, output, history } = last(said);
                let history = history.into_iter().map(Vec::from).collect();
                let texts = [instruction, String::new(), output, system].map(Cell::Text);
                [id()].into_iter().chain(texts).chain([Cell::TextLists(history)]).collect()
            }
        }
    }
}

/// The messages of the dataset folder's rows.
pub(crate) fn messages(row: &Conversation, system: System) -> Cell {
    let pairs = said(row, system).into_iter().map(|(r, t)| spoken(role(r), t));
    Cell::Records(pairs.collect())
}
