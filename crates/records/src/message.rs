//! Converts a row's messages, in any format, into ours.

use clinstruct_schema::{Message, Role};
use serde_json::{Map, Value};

use crate::columns::{ANSWERS, CONTENTS, QUESTIONS, SPEAKERS, has_prose, text_of};

/// Keys of tool calls in a message.
const CALLS: [&str; 3] = ["tool_calls", "function_call", "tool_call"];
/// Keys of reasoning in a message.
const THOUGHTS: [&str; 4] = ["reasoning_content", "reasoning", "thinking", "thought"];

/// Speaker before the others are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    System,
    User,
    Assistant,
    /// One who seeks help.
    Patient,
    /// One who answers a patient, and asks an assistant.
    Carer,
    /// A tool, or a call of one.
    Tool,
}

fn speaker(name: &str) -> Option<Speaker> {
    let name = name.trim().trim_end_matches(':').to_ascii_lowercase();
    Some(match name.as_str() {
        "user" | "human" | "prompter" | "question" | "instruction" => Speaker::User,
        "assistant" | "gpt" | "chatbot" | "bot" | "model" | "ai" | "chatgpt" | "bing" | "bard"
        | "claude" | "llm" | "answer" => Speaker::Assistant,
        "system" | "developer" => Speaker::System,
        "patient" | "client" | "customer" | "caller" | "seeker" => Speaker::Patient,
        "doctor" | "dr" | "dr." | "physician" | "clinician" | "nurse" | "health_worker"
        | "health worker" | "therapist" | "counselor" | "counsellor" | "pharmacist"
        | "supporter" => Speaker::Carer,
        "tool" | "function" | "ipython" | "observation" | "function_call" | "function_response"
        | "function-call" | "function-response" | "tool_call" | "tool_calls" | "tool_response"
        | "tool_result" | "environment" => Speaker::Tool,
        _ => return None,
    })
}

/// The contents of a row, in order.
#[derive(Debug, Default)]
pub(crate) struct Said {
    turns: Vec<(Speaker, String)>,
    /// Texts outside messages.
    aside: Vec<String>,
    /// Names of parts without readable text, such as images.
    pub(crate) unread: Vec<String>,
}

impl Said {
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(crate) fn system(&mut self, text: String) {
        self.turns.push((Speaker::System, text));
    }

    pub(crate) fn question(&mut self, text: String) {
        self.turns.push((Speaker::User, text));
    }

    pub(crate) fn answer(&mut self, text: String) {
        self.turns.push((Speaker::Assistant, text));
    }

    /// Whether the first turn is a system prompt with this text.
    pub(crate) fn has_system(&self, text: &str) -> bool {
        self.turns.first().is_some_and(|(who, said)| *who == Speaker::System && said == text)
    }

    /// Whether a user message is exactly this.
    pub(crate) fn asks(&self, text: &str) -> bool {
        self.turns.iter().any(|(who, said)| *who == Speaker::User && said.trim() == text.trim())
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.turns.append(&mut other.turns);
        self.aside.append(&mut other.aside);
        self.unread.append(&mut other.unread);
    }

    /// Whether a text was read already.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let text = text.trim();
        self.turns.iter().map(|(_, said)| said).chain(&self.aside).any(|said| said.contains(text))
    }

    /// Adds messages: a list of them, columns of them, or JSON of either.
    pub(crate) fn messages(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
                let value: Value = serde_json::from_str(text)
                    .map_err(|e| format!("the messages are a string that is not JSON: {e}"))?;
                self.messages(&value)
            }
            Value::String(text) if text.trim().is_empty() => Ok(()),
            Value::String(_) => Err("the messages are a string, not a list".into()),
            Value::Array(all) => self.list(all),
            Value::Object(columns) => self.columns(columns),
            Value::Null => Ok(()),
            _ => Err("the messages are not a list".into()),
        }
    }

    fn list(&mut self, all: &[Value]) -> Result<(), String> {
        let all: Vec<&Value> = all.iter().filter(|v| !v.is_null()).collect();
        // Texts only: the user starts.
        if all.iter().all(|v| v.is_string()) {
            for (i, text) in all.into_iter().filter_map(Value::as_str).enumerate() {
                let who = if i % 2 == 0 { Speaker::User } else { Speaker::Assistant };
                self.turns.push((who, text.to_owned()));
            }
            return Ok(());
        }
        for (i, value) in all.into_iter().enumerate() {
            self.message(value).map_err(|why| format!("message {}: {why}", i + 1))?;
        }
        Ok(())
    }

    /// `{"role": [..], "content": [..]}`, as some libraries store a list of structures.
    fn columns(&mut self, columns: &Map<String, Value>) -> Result<(), String> {
        let list =
            |names: &[&str]| names.iter().find_map(|n| columns.get(*n)).and_then(Value::as_array);
        let (Some(who), Some(said)) = (list(&SPEAKERS), list(&CONTENTS)) else {
            return self.message(&Value::Object(columns.clone()));
        };
        if who.len() != said.len() {
            return Err(format!("{} speakers have {} texts", who.len(), said.len()));
        }
        for (i, (who, said)) in who.iter().zip(said).enumerate() {
            let message = serde_json::json!({ "role": who, "content": said });
            self.message(&message).map_err(|why| format!("message {}: {why}", i + 1))?;
        }
        Ok(())
    }

    fn message(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Object(object) => self.object(object),
            Value::Array(pair) => self.pair(pair),
            _ => Err("it is neither an object nor a pair".into()),
        }
    }

    /// A question with its answer, or a speaker with a text.
    fn pair(&mut self, pair: &[Value]) -> Result<(), String> {
        if pair.len() > 2 || pair.iter().any(|v| !v.is_string() && !v.is_null()) {
            return Err("it is a list, but not a pair of strings".into());
        }
        let [first, second] = [0, 1].map(|i| pair.get(i).and_then(Value::as_str));
        if let (Some(name), Some(text)) = (first, second)
            && let Some(who) = speaker(name)
        {
            self.turns.push((who, text.to_owned()));
            return Ok(());
        }
        self.turns.extend(first.map(|text| (Speaker::User, text.to_owned())));
        self.turns.extend(second.map(|text| (Speaker::Assistant, text.to_owned())));
        Ok(())
    }

    fn object(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let get =
            |names: &[&str]| names.iter().find_map(|n| object.get(*n).filter(|v| !v.is_null()));
        let Some(name) = get(&SPEAKERS) else {
            // A turn of two: `{"question": .., "answer": ..}`.
            let question = text_of(object, &QUESTIONS)?;
            let answer = text_of(object, &ANSWERS)?;
            if question.is_none() && answer.is_none() {
                return Err("it has no role".into());
            }
            self.turns.extend(question.map(|(_, text)| (Speaker::User, text)));
            self.turns.extend(answer.map(|(_, text)| (Speaker::Assistant, text)));
            return Ok(());
        };
        let name = name.as_str().ok_or("its role is not a string")?;
        let who = speaker(name).ok_or_else(|| format!("unknown role \"{name}\""))?;
        self.note_unread(object);
        let mut beside = |names: &[&str]| -> usize {
            let values = names.iter().filter_map(|n| object.get(*n));
            values.map(|v| strings(v, &mut self.aside)).sum()
        };
        let calls = beside(&CALLS) > 0;
        beside(&THOUGHTS);
        let content = get(&CONTENTS).or_else(|| get(&["refusal"]));
        let text = match content {
            Some(content) => self.content(content)?,
            None => None,
        };
        match text {
            Some(text) if who == Speaker::Tool => self.aside.push(text),
            Some(text) if calls && text.trim().is_empty() => {}
            Some(text) => {
                self.turns.push((who, text));
                return Ok(());
            }
            None if calls || content.is_some() || who == Speaker::Tool => {}
            // Null counts as missing, and so does an empty system prompt.
            None if who == Speaker::System => return Ok(()),
            None => return Err(format!("the {name} message has no content")),
        }
        self.turns.push((Speaker::Tool, String::new()));
        Ok(())
    }

    /// Records the keys of a message with unread text.
    fn note_unread(&mut self, object: &Map<String, Value>) {
        let first = CONTENTS.iter().find(|n| object.get(**n).is_some_and(|v| !v.is_null()));
        for (key, value) in object {
            let name = key.as_str();
            let read = Some(&name) == first
                || SPEAKERS.contains(&name)
                || CALLS.contains(&name)
                || THOUGHTS.contains(&name);
            if !read && has_prose(value) && Some(value) != first.and_then(|n| object.get(*n)) {
                self.unread.push(format!("messages.{key}"));
            }
        }
    }

    /// The text of a message; `None` if it has parts, but no text.
    fn content(&mut self, value: &Value) -> Result<Option<String>, String> {
        match value {
            Value::String(text) => Ok(Some(text.clone())),
            Value::Array(parts) => {
                let mut texts = Vec::new();
                for part in parts.iter().filter(|p| !p.is_null()) {
                    texts.extend(self.part(part)?);
                }
                Ok((!texts.is_empty() || parts.is_empty()).then(|| texts.join("\n")))
            }
            Value::Object(_) => self.part(value),
            _ => Err("its content is not a string".into()),
        }
    }

    /// The text of a part of a message.
    fn part(&mut self, part: &Value) -> Result<Option<String>, String> {
        let Value::Object(object) = part else {
            return part
                .as_str()
                .map(|t| Some(t.to_owned()))
                .ok_or_else(|| "a part of its content is neither a string nor an object".into());
        };
        let kind = object.get("type").or_else(|| object.get("content_type"));
        let kind = kind.and_then(Value::as_str).unwrap_or("text");
        match kind {
            "text" | "input_text" | "output_text" | "refusal" => {
                let parts = object.get("parts").filter(|v| !v.is_null());
                if let Some(parts @ Value::Array(_)) = parts {
                    return self.content(parts);
                }
                let text = ["text", "content", "value", "refusal"]
                    .iter()
                    .find_map(|k| object.get(*k).and_then(Value::as_str));
                text.map(|t| Some(t.to_owned())).ok_or_else(|| "a part has no text".into())
            }
            "tool_use"
            | "tool_call"
            | "tool_result"
            | "thinking"
            | "reasoning"
            | "function_call"
            | "function_call_output" => {
                strings(part, &mut self.aside);
                Ok(None)
            }
            other => {
                self.unread.push(format!("messages.content.{other}"));
                Ok(None)
            }
        }
    }

    /// The messages with our role names, and the other texts.
    pub(crate) fn finish(self) -> Result<(Vec<Message>, Vec<String>), String> {
        let has = |who| self.turns.iter().any(|(w, _)| *w == who);
        let (asked, answered) =
            (has(Speaker::Patient) || has(Speaker::User), has(Speaker::Assistant));
        if has(Speaker::Carer) && asked && answered {
            return Err(
                "ambiguous roles: either the assistant or the clinician may be answering".into()
            );
        }
        let mut messages: Vec<Message> = Vec::new();
        // An assistant's text before and after a tool call is one answer.
        let mut joins = false;
        for (who, content) in self.turns {
            let role = match who {
                Speaker::System => Role::System,
                Speaker::Assistant => Role::Assistant,
                Speaker::Carer if asked => Role::Assistant,
                Speaker::User | Speaker::Patient | Speaker::Carer => Role::User,
                Speaker::Tool => {
                    joins = true;
                    continue;
                }
            };
            match messages.last_mut() {
                Some(last) if joins && role == Role::Assistant && last.role == role => {
                    if !last.content.is_empty() && !content.is_empty() {
                        last.content.push_str("\n\n");
                    }
                    last.content.push_str(&content);
                }
                _ => messages.push(Message { role, content }),
            }
            joins = false;
        }
        Ok((messages, self.aside))
    }
}

/// Collects all texts of a value; returns their number.
fn strings(value: &Value, into: &mut Vec<String>) -> usize {
    match value {
        Value::String(text) if text.trim().is_empty() => 0,
        Value::String(text) => {
            into.push(text.clone());
            1
        }
        Value::Array(all) => all.iter().map(|v| strings(v, into)).sum(),
        Value::Object(object) => object.values().map(|v| strings(v, into)).sum(),
        _ => 0,
    }
}
