//! Converts a row into a conversation.

use std::collections::BTreeSet;

use clinstruct_schema::{Attributes, Json as _};
use serde_json::{Map, Value};

use crate::Record;
use crate::columns::{ANSWERS, MESSAGES, QUESTIONS, SPEAKERS, find, is_prose, text_of};
use crate::message::Said;

/// Keys of choices; a number next to them is an index, not an answer.
const CHOICES: [&str; 3] = ["options", "choices", "opa"];
/// Keys of a question's context, which belongs to it.
const INPUTS: [&str; 2] = ["input", "context"];
/// Keys of a system prompt.
const SYSTEMS: [&str; 4] = ["system", "system_prompt", "system_message", "system_instruction"];
/// Earlier turns.
const HISTORY: [&str; 1] = ["history"];
/// Reads rows, and remembers unread columns.
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
            // A conversation without a wrapper.
            Value::Array(all) if all.first().is_some_and(|v| v.is_object() || v.is_array()) => {
                Map::from_iter([("messages".to_owned(), Value::Array(all))])
            }
            _ => return Err("not an object".into()),
        };
        let id = match object.get("id") {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let mut used: Vec<&str> = Vec::new();
        let said = read(&object, &mut used)?;
        if said.is_empty() {
            return Err("there are no messages".into());
        }
        // Our rows contain the instructions; others may have a field with that name.
        let ours = object.contains_key("schema_version");
        // The dataset folder stores most of it as a JSON column.
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
        let attributes = match attributes.map(|value| Attributes::of_json(&value.to_string())) {
            None => None,
            Some(Ok(attributes)) => Some(attributes),
            Some(Err(e)) => return Err(format!("the attributes cannot be read: {e}")),
        };
        let has_id = id.is_some();
        let id = id.unwrap_or_else(|| row.to_string());
        Ok(Record { id, has_id, messages, aside, attributes, row })
    }
}

/// Whether a column has text that occurs nowhere else.
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

/// Reads the contents of a row, and records the columns that were used.
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
        let text = value.as_str().ok_or_else(|| format!("\"{key}\" is not a string"))?;
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

/// A question with its context, and its answer.
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
            // Alpaca's format, and Dolly's, where the input is called context.
            let about =
                if key.eq_ignore_ascii_case("instruction") { &INPUTS[..] } else { &INPUTS[..1] };
            let others: Vec<&str> =
                about.iter().copied().filter(|n| !key.eq_ignore_ascii_case(n)).collect();
            if let Some((key, input)) = find(object, &others) {
                used.push(key);
                let input = match input {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return Err(format!("\"{key}\" is not a string")),
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
        None if find(object, &MESSAGES).is_some() => return Err("there are no messages".into()),
        None => {
            let known: Vec<&str> = object.keys().map(String::as_str).collect();
            return Err(format!(
                "there is neither {} nor {}; found {}",
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
