//! From a row's value to a conversation.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Record;
use crate::json::{fields, first_entry};
use crate::message::{CONTENTS, SPEAKERS, Said};

/// Keys that hold the messages.
const MESSAGES: [&str; 6] =
    ["messages", "conversations", "conversation", "dialogue", "dialog", "chat"];
/// Keys that hold a question; those behind the fourth only where there is an answer too.
pub(crate) const QUESTIONS: [&str; 10] = [
    "instruction",
    "prompt",
    "question",
    "query",
    "inputs",
    "input",
    "problem",
    "user",
    "human",
    "patient",
];
/// Keys that hold an answer beside a question.
pub(crate) const ANSWERS: [&str; 13] = [
    "response",
    "completion",
    "output",
    "answer",
    "chosen",
    "outputs",
    "target",
    "targets",
    "reply",
    "solution",
    "assistant",
    "gpt",
    "doctor",
];
/// Keys that hold choices; a number beside them is that of a choice, not an answer.
const CHOICES: [&str; 3] = ["options", "choices", "opa"];
/// Keys that hold what a question is about, and belong to it.
const INPUTS: [&str; 2] = ["input", "context"];
/// Keys that hold a system prompt.
const SYSTEMS: [&str; 4] = ["system", "system_prompt", "system_message", "system_instruction"];
/// Earlier turns.
const HISTORY: [&str; 1] = ["history"];
/// Words from which on a text that is not read is worth a warning; fewer are no item of an evaluation set.
const WORDS: usize = 5;

/// The value of the first of these keys that has one, and its key. A blank text or a number counts where nothing
/// else is there.
fn find<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<(&'a str, &'a Value)> {
    let blank = |v: &Value| match v {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Number(_) | Value::Bool(_) => true,
        _ => false,
    };
    let mut empty = None;
    for name in names {
        let exact = object.get_key_value(*name);
        let found =
            exact.or_else(|| object.iter().find(|(k, _)| k.trim().eq_ignore_ascii_case(name)));
        match found {
            Some((_, Value::Null)) | None => {}
            Some((key, value)) if blank(value) => {
                empty = empty.or(Some((key.as_str(), value)));
            }
            Some((key, value)) => return Some((key, value)),
        }
    }
    empty
}

/// The text of the first of these keys that has one, with its key.
pub(crate) fn text_of<'a>(
    object: &'a Map<String, Value>,
    names: &[&str],
) -> Result<Option<(&'a str, String)>, String> {
    let Some((key, value)) = find(object, names) else { return Ok(None) };
    match value {
        Value::String(text) => Ok(Some((key, text.clone()))),
        Value::Array(all) => match &all[..] {
            [] => Ok(None),
            [Value::String(text)] => Ok(Some((key, text.clone()))),
            many => Err(format!(
                "\"{key}\" has {} values: it is not known which one is meant",
                many.len()
            )),
        },
        _ => Err(format!("\"{key}\" is no text")),
    }
}

/// Whether an object with these fields is a row; the others may have rows below a key.
pub(crate) fn is_row(fields: &[(String, &[u8])], wanted: Option<&str>) -> bool {
    fields.iter().any(|(key, value)| {
        let among = |names: &[&str]| names.iter().any(|n| key.trim().eq_ignore_ascii_case(n));
        if wanted == Some(key) {
            return true;
        }
        match value.first() {
            Some(b'"') => {
                among(&QUESTIONS) || among(&MESSAGES) || among(&crate::COLUMNS) || key == "chosen"
            }
            Some(b'[') if among(&MESSAGES) || among(&QUESTIONS) || key == "chosen" => {
                let first = first_entry(value);
                let inner = self::fields(&first);
                // Rows of their own can stand below `conversations` too.
                first.first() != Some(&b'{') || !is_row_of_messages(&inner)
            }
            Some(b'{') => {
                among(&MESSAGES)
                    && self::fields(value).iter().any(|(k, _)| SPEAKERS.contains(&k.as_str()))
            }
            _ => false,
        }
    })
}

fn is_row_of_messages(fields: &[(String, &[u8])]) -> bool {
    let keys: Vec<String> = fields.iter().map(|(k, _)| k.clone()).collect();
    !is_message(&keys) && fields.iter().any(|(k, _)| MESSAGES.contains(&k.as_str()) || k == "id")
}

/// Whether an object with these keys is a message.
pub(crate) fn is_message(keys: &[String]) -> bool {
    let has = |names: &[&str]| keys.iter().any(|k| names.contains(&k.as_str()));
    has(&SPEAKERS) && (has(&CONTENTS) || has(&["tool_calls"]))
}

/// Reads rows, and remembers which of their columns are not read.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    unread: BTreeSet<String>,
}

impl Rows {
    /// Names of columns with text that was in no conversation.
    pub(crate) fn unread(self) -> Vec<String> {
        self.unread.into_iter().collect()
    }

    pub(crate) fn record(&mut self, row: u64, value: Value) -> Result<Record, String> {
        let mut object = match value {
            Value::Object(object) => object,
            // A conversation without anything around it.
            Value::Array(all) if all.first().is_some_and(|v| v.is_object() || v.is_array()) => {
                Map::from_iter([("messages".to_owned(), Value::Array(all))])
            }
            _ => return Err("no object".into()),
        };
        let id = match object.get("id") {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let mut used: Vec<&str> = Vec::new();
        let said = read(&object, &mut used)?;
        if said.is_empty() {
            return Err("there is no message".into());
        }
        // Rows of ours say what was asked; those of others may have a field of that name.
        let ours = object.contains_key("schema_version");
        // The dataset folder has most of it as a column of JSON.
        let known =
            ours || (object.contains_key("attributes") && object.contains_key("provenance"));
        self.unread.extend(said.unread.iter().cloned());
        if !known {
            for (key, value) in &object {
                if !used.contains(&key.as_str())
                    && !self.unread.contains(key)
                    && is_unread(key, value, &said)
                {
                    self.unread.insert(key.clone());
                }
            }
        }
        let (messages, aside) = said.finish()?;
        let attributes = object.remove("attributes").filter(|_| ours);
        let attributes = match attributes.map(serde_json::from_value) {
            None => None,
            Some(Ok(attributes)) => Some(attributes),
            Some(Err(e)) => return Err(format!("the attributes cannot be read: {e}")),
        };
        let has_id = id.is_some();
        let id = id.unwrap_or_else(|| row.to_string());
        Ok(Record { id, has_id, messages, aside, attributes, row })
    }
}

/// Whether a column has text that stands nowhere else.
fn is_unread(key: &str, value: &Value, said: &Said) -> bool {
    match value {
        Value::String(text) => {
            let answers = ANSWERS.iter().any(|n| key.eq_ignore_ascii_case(n));
            (answers && !text.trim().is_empty() || is_prose(text)) && !said.contains(text)
        }
        Value::Array(all) => all.iter().any(|v| is_unread(key, v, said)),
        Value::Object(object) => object.iter().any(|(k, v)| is_unread(k, v, said)),
        _ => false,
    }
}

/// Whether a value has text of more than a name.
pub(crate) fn has_prose(value: &Value) -> bool {
    match value {
        Value::String(text) => is_prose(text),
        Value::Array(all) => all.iter().any(has_prose),
        Value::Object(object) => object.values().any(has_prose),
        _ => false,
    }
}

/// Whether a text has words enough to be more than a name.
fn is_prose(text: &str) -> bool {
    let words = text.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).count();
    // Some languages set no spaces.
    let unspaced = text.chars().filter(|c| c.is_alphabetic() && *c >= '\u{e00}').count();
    words >= WORDS || unspaced >= 3 * WORDS
}

/// Reads what a row says, and notes which of its columns that took.
fn read<'a>(object: &'a Map<String, Value>, used: &mut Vec<&'a str>) -> Result<Said, String> {
    let mut body = Said::default();
    if let Some((key, value)) = find(object, &MESSAGES) {
        used.push(key);
        body.messages(value)?;
    }
    if body.is_empty() {
        pair(object, used, &mut body)?;
    }
    let mut said = Said::default();
    if let Some((key, value)) = find(object, &SYSTEMS) {
        used.push(key);
        let text = value.as_str().ok_or_else(|| format!("\"{key}\" is no text"))?;
        if !text.trim().is_empty() && !body.has_system(text) {
            said.system(text.to_owned());
        }
    }
    if let Some((key, value)) = find(object, &HISTORY) {
        used.push(key);
        said.messages(value).map_err(|why| format!("the history cannot be read: {why}"))?;
    }
    said.append(body);
    Ok(said)
}

/// A question, with what it is about, and its answer.
fn pair<'a>(
    object: &'a Map<String, Value>,
    used: &mut Vec<&'a str>,
    said: &mut Said,
) -> Result<(), String> {
    let answer = find(object, &ANSWERS);
    let question = find(object, &QUESTIONS[..4]);
    let question = question.or_else(|| answer.and_then(|_| find(object, &QUESTIONS)));
    let has_messages = |v: &Value| match v {
        Value::Array(all) => all.first().is_some_and(Value::is_object),
        Value::Object(object) => SPEAKERS.iter().any(|s| object.contains_key(*s)),
        _ => false,
    };
    let mut asked = None;
    match question {
        Some((key, value)) if has_messages(value) => {
            used.push(key);
            said.messages(value)?;
        }
        Some((key, _)) => {
            used.push(key);
            let mut text = text_of(object, &[key])?.map(|(_, text)| text).unwrap_or_default();
            // Alpaca's form, and Dolly's, which calls the input a context.
            let about =
                if key.eq_ignore_ascii_case("instruction") { &INPUTS[..] } else { &INPUTS[..1] };
            let others: Vec<&str> =
                about.iter().copied().filter(|n| !key.eq_ignore_ascii_case(n)).collect();
            if let Some((key, input)) = find(object, &others) {
                used.push(key);
                let input = match input {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return Err(format!("\"{key}\" is no text")),
                };
                if !input.trim().is_empty() {
                    if text.trim().is_empty() {
                        text.clear();
                    } else {
                        text.push('\n');
                    }
                    text.push_str(&input);
                }
            }
            asked = Some(text.clone());
            said.question(text);
        }
        None if answer.is_some_and(|(key, value)| key == "chosen" && has_messages(value)) => {}
        None if find(object, &MESSAGES).is_some() => return Err("there is no message".into()),
        None => {
            let known: Vec<&str> = object.keys().map(String::as_str).collect();
            return Err(format!(
                "there is neither {} nor {}; there is {}",
                MESSAGES[..4].join(", "),
                QUESTIONS[..4].join(", "),
                known.join(", ")
            ));
        }
    }
    match answer {
        Some((key, value)) if has_messages(value) => {
            used.push(key);
            let mut answer = Said::default();
            answer.messages(value)?;
            // Some repeat the question before the answer.
            if asked.is_some_and(|asked| answer.asks(&asked)) {
                *said = Said::default();
            }
            said.append(answer);
        }
        None => {}
        Some((key, value @ (Value::Number(_) | Value::Bool(_)))) => {
            used.push(key);
            if find(object, &CHOICES).is_none() {
                said.answer(value.to_string());
            }
        }
        Some((key, _)) => {
            used.push(key);
            if let Some((_, text)) = text_of(object, &[key])? {
                said.answer(text);
            }
        }
    }
    Ok(())
}
