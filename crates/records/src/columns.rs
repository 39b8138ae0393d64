//! Known names of columns and of message keys, and their text.

use serde_json::{Map, Value};

/// Keys of messages.
pub(crate) const MESSAGES: [&str; 6] =
    ["messages", "conversations", "conversation", "dialogue", "dialog", "chat"];
/// Keys of a question; from the fifth on only if there is an answer too.
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
/// Keys of an answer to a question.
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
/// Keys of a message's speaker.
pub(crate) const SPEAKERS: [&str; 3] = ["role", "from", "speaker"];
/// Keys of a message's text.
pub(crate) const CONTENTS: [&str; 4] = ["content", "value", "text", "utterance"];
/// Number of words from which unread text deserves a warning; shorter text is not an evaluation item.
const WORDS: usize = 5;

/// The value of the first of these keys that has one, and its key. A blank text or a number counts only if there is
/// nothing else.
pub(crate) fn find<'a>(
    object: &'a Map<String, Value>,
    names: &[&str],
) -> Option<(&'a str, &'a Value)> {
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
            many => Err(format!("\"{key}\" has {} values: ambiguous", many.len())),
        },
        _ => Err(format!("\"{key}\" is not a string")),
    }
}

/// Whether a value has more text than a name.
pub(crate) fn has_prose(value: &Value) -> bool {
    match value {
        Value::String(text) => is_prose(text),
        Value::Array(all) => all.iter().any(has_prose),
        Value::Object(object) => object.values().any(has_prose),
        _ => false,
    }
}

/// Whether a text has more words than a name.
pub(crate) fn is_prose(text: &str) -> bool {
    let words = text.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).count();
    // Some languages have no spaces.
    let unspaced = text.chars().filter(|c| c.is_alphabetic() && *c >= '\u{e00}').count();
    words >= WORDS || unspaced >= 3 * WORDS
}
