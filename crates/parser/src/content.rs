//! Extracts the text from a message's content, in any shape.

use serde_json::{Map, Value};

/// Contents of a message.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Text of the answer.
    pub(crate) text: String,
    /// Text of parts that are marked as reasoning.
    pub(crate) reasoning: String,
    /// Text of parts that are marked as a refusal.
    pub(crate) refusal: String,
}

/// Reads a text, a list of parts, or a part.
pub(crate) fn text_of(content: &Value) -> Content {
    let mut all = Content::default();
    add(content, &mut all, 0);
    all
}

/// Nesting limit of parts.
const DEPTH: usize = 5;

fn add(content: &Value, all: &mut Content, depth: usize) {
    match content {
        Value::String(text) => all.text.push_str(text),
        Value::Array(parts) if depth < DEPTH => {
            for part in parts {
                add(part, all, depth + 1);
            }
        }
        Value::Object(part) if depth < DEPTH => add_part(part, all, depth),
        _ => {}
    }
}

fn add_part(part: &Map<String, Value>, all: &mut Content, depth: usize) {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let inner = [
        "text",
        "value",
        "content",
        "parts",
        "thinking",
        "reasoning",
        "refusal",
        "output_text",
        "summary",
    ]
    .iter()
    .find_map(|name| part.get(*name).filter(|v| !v.is_null()));
    let Some(inner) = inner else { return };
    let mut text = Content::default();
    add(inner, &mut text, depth + 1);
    if kind.contains("think") || kind.contains("reason") || part.contains_key("thinking") {
        all.reasoning.push_str(&text.text);
        all.reasoning.push_str(&text.reasoning);
    } else if kind == "refusal" || (part.contains_key("refusal") && !part.contains_key("text")) {
        all.refusal.push_str(&text.text);
    } else {
        all.text.push_str(&text.text);
        all.reasoning.push_str(&text.reasoning);
        all.refusal.push_str(&text.refusal);
    }
}

/// The reasoning in separate fields of a message. Sources: <https://api-docs.deepseek.com/guides/reasoning_model>
/// (`reasoning_content`), <https://openrouter.ai/docs/use-cases/reasoning-tokens> (`reasoning`, `reasoning_details`),
/// <https://docs.ollama.com/capabilities/thinking> (`thinking`).
pub(crate) fn reasoning_of(message: &Map<String, Value>) -> Option<String> {
    ["reasoning_content", "reasoning", "reasoning_text", "thinking", "reasoning_details"]
        .iter()
        .find_map(|name| {
            let mut content = Content::default();
            add(message.get(*name)?, &mut content, 0);
            content.reasoning.push_str(&content.text);
            Some(content.reasoning).filter(|text| !text.trim().is_empty())
        })
}
