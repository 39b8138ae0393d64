//! From a row's value to a conversation.

use clinstruct_schema::{Message, Role};
use serde_json::{Map, Value};

use crate::Record;

/// Keys that hold the messages.
const MESSAGES: [&str; 4] = ["messages", "conversations", "conversation", "dialogue"];
/// Keys that hold an answer beside a `prompt`.
const ANSWERS: [&str; 4] = ["response", "completion", "output", "answer"];

pub(crate) fn record(row: u64, value: Value) -> Result<Record, String> {
    let Value::Object(mut object) = value else { return Err("no object".into()) };
    let id = match object.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => row.to_string(),
    };
    let messages = match MESSAGES.iter().find_map(|k| object.get(*k)) {
        Some(Value::Array(all)) => all.iter().map(message).collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err("the messages are no list".into()),
        None => prompt(&object)?,
    };
    if messages.is_empty() {
        return Err("there is no message".into());
    }
    // Rows of ours say what was asked; those of others may have a field of that name.
    let ours = object.contains_key("schema_version");
    let attributes = object.remove("attributes").filter(|_| ours);
    let attributes = match attributes.map(serde_json::from_value) {
        None => None,
        Some(Ok(attributes)) => Some(attributes),
        Some(Err(e)) => return Err(format!("the attributes cannot be read: {e}")),
    };
    Ok(Record { id, messages, attributes, row })
}

fn prompt(object: &Map<String, Value>) -> Result<Vec<Message>, String> {
    let text = |keys: &[&str]| keys.iter().find_map(|k| object.get(*k)).and_then(Value::as_str);
    let Some(prompt) = text(&["prompt", "instruction", "question"]) else {
        let known: Vec<&str> = object.keys().map(String::as_str).collect();
        return Err(format!(
            "there is neither {} nor prompt; there is {}",
            MESSAGES.join(", "),
            known.join(", ")
        ));
    };
    let mut messages = vec![Message { role: Role::User, content: prompt.to_owned() }];
    if let Some(answer) = text(&ANSWERS) {
        messages.push(Message { role: Role::Assistant, content: answer.to_owned() });
    }
    Ok(messages)
}

fn message(value: &Value) -> Result<Message, String> {
    let text = |keys: [&str; 2]| keys.iter().find_map(|k| value.get(*k)).and_then(Value::as_str);
    let role = text(["role", "from"]).ok_or("a message without role")?;
    let content = text(["content", "value"]).ok_or("a message without content")?;
    let role = match role.to_ascii_lowercase().as_str() {
        "user" | "human" | "doctor" | "health_worker" => Role::User,
        "assistant" | "gpt" | "chatbot" | "bot" | "model" | "ai" => Role::Assistant,
        "system" | "developer" => Role::System,
        other => return Err(format!("the role \"{other}\" is not known")),
    };
    Ok(Message { role, content: content.to_owned() })
}
