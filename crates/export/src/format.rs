//! One conversation in the formats of trainers.

use clinstruct_schema::{Attributes, Conversation, Role};
use serde_json::{Value, json};

use crate::table::{Cell, Column, Field, Kind};

const CONTENT: &[Field] = &[Field::text("role"), Field::text("content")];
const FROM: &[Field] = &[Field::text("from"), Field::text("value")];
/// Member of a message that holds what the model thought before it, as chat templates of reasoning models name it.
const REASONING: &str = "reasoning_content";
const CONTENT_AND_REASONING: &[Field] =
    &[Field::text("role"), Field::text("content"), Field::optional(REASONING)];
const FROM_AND_REASONING: &[Field] =
    &[Field::text("from"), Field::text("value"), Field::optional(REASONING)];
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

/// The reasoning of each message of [`said`], where the row keeps it.
fn reasoning(row: &Conversation, system: System) -> Vec<Option<&str>> {
    let lead = system.text(&row.attributes).map(|_| None);
    // One entry of the provenance a message.
    let of = |i: usize| row.provenance.turns.get(i)?.reasoning.as_deref();
    lead.into_iter().chain((0..row.messages.len()).map(of)).collect()
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

/// Messages as records, with their reasoning where `thoughts` has any entries.
fn records(
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

impl Format {
    /// The row as JSON.
    pub(crate) fn json(self, row: &Conversation, system: System) -> Value {
        let said = said(row, system);
        let pairs = |name: fn(Role) -> &'static str, of: &str, text: &str| -> Vec<Value> {
            said.iter().map(|(r, t)| json!({ of: name(*r), text: t })).collect()
        };
        let thoughts = reasoning(row, system);
        let with_thoughts = |mut said: Vec<Value>| {
            for (message, thought) in said.iter_mut().zip(&thoughts) {
                if let Some(thought) = thought {
                    message[REASONING] = json!(thought);
                }
            }
            said
        };
        match self {
            Self::Messages => {
                let messages = with_thoughts(pairs(role, "role", "content"));
                json!({ "id": row.id, "part": row.part, "messages": messages })
            }
            Self::Sharegpt => {
                let said = with_thoughts(pairs(from, "from", "value"));
                json!({ "id": row.id, "conversations": said })
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

    /// Columns of its Parquet files; with `reasoning` those that can hold it have a field for it.
    pub(crate) fn columns(self, reasoning: bool) -> Vec<Column> {
        let text = |name| Column::new(name, Kind::Text);
        let said = |name, fields| Column::new(name, Kind::Records(fields));
        match self {
            Self::Messages => vec![text("id"), text("part"), said("messages", content(reasoning))],
            Self::Sharegpt => {
                let fields = if reasoning { FROM_AND_REASONING } else { FROM };
                vec![text("id"), said("conversations", fields)]
            }
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
    pub(crate) fn cells(self, row: &Conversation, system: System, reasoning: bool) -> Vec<Cell> {
        let said = said(row, system);
        let thoughts = reasoning.then(|| self::reasoning(row, system));
        let thoughts = thoughts.as_deref();
        let id = || Cell::Text(row.id.to_string());
        match self {
            Self::Messages => {
                vec![id(), Cell::Text(row.part.to_string()), records(role, said, thoughts)]
            }
            Self::Sharegpt => vec![id(), records(from, said, thoughts)],
            Self::OpenaiFinetune => vec![records(role, said, None)],
            Self::Seed => vec![id(), records(seed, said, None)],
            Self::Alpaca => {
                let Last { system, instruction, output, history } = last(said);
                let history = history.into_iter().map(Vec::from).collect();
                let texts = [instruction, String::new(), output, system].map(Cell::Text);
                [id()].into_iter().chain(texts).chain([Cell::TextLists(history)]).collect()
            }
        }
    }
}

/// Fields of `messages`.
pub(crate) fn content(reasoning: bool) -> &'static [Field] {
    if reasoning { CONTENT_AND_REASONING } else { CONTENT }
}

/// The messages of the dataset folder's rows.
pub(crate) fn messages(row: &Conversation, system: System, reasoning: bool) -> Cell {
    let thoughts = reasoning.then(|| self::reasoning(row, system));
    records(role, said(row, system), thoughts.as_deref())
}
