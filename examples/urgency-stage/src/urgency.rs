//! Asks how urgent the case of a conversation is.

use clinstruct_catalog::Templates;
use clinstruct_cli::{Annotator, AnnotatorError};
use clinstruct_multiturn::Dialogue;
use clinstruct_schema::{ChatRequest, JsonSchema, Message, Role};
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("urgency.j2");
const LEVELS: [&str; 3] = ["emergency", "soon", "routine"];

#[derive(Debug)]
pub struct Urgency;

impl Annotator for Urgency {
    fn name(&self) -> &'static str {
        "urgency"
    }

    fn request(
        &self,
        conversation: &Dialogue,
        model: &str,
    ) -> Result<Option<ChatRequest>, AnnotatorError> {
        let variables = json!({ "messages": conversation.messages() });
        let content = Templates::render_text("urgency.j2", TEMPLATE, &variables)?;
        let schema = json!({
            "type": "object",
            "properties": { "reason": { "type": "string" }, "urgency": { "enum": LEVELS } },
            "required": ["reason", "urgency"],
            "additionalProperties": false,
        });
        Ok(Some(ChatRequest {
            model: model.to_owned(),
            messages: vec![Message { role: Role::User, content }],
            max_tokens: 100,
            temperature: None,
            seed: 0,
            json_schema: Some(JsonSchema { name: "urgency".into(), schema: schema.to_string() }),
        }))
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        let answer: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
        let level = answer["urgency"].as_str().unwrap_or_default();
        if LEVELS.contains(&level) { Ok(level.into()) } else { Err(format!("the level {level:?}")) }
    }

    fn answer_tokens(&self) -> u32 {
        25
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_levels_are_accepted() {
        assert_eq!(Urgency.read(r#"{"reason": "Stable.", "urgency": "soon"}"#), Ok("soon".into()));
        assert!(Urgency.read(r#"{"reason": "Stable.", "urgency": "maybe"}"#).is_err());
        assert!(Urgency.read("soon").is_err());
    }
}
