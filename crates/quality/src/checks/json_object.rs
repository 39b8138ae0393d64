//! A JSON object with exactly the requested keys.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "json_object",
    former_ids: &[],
    repair_name: None,
    summary: "A JSON object with exactly the requested keys.",
    group: Group::Instruction,
    strictness: PerSpeaker {
        prompt: None,
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Instruction {
        verify,
        example: || Constraint::JsonObject { keys: vec!["summary".into()] },
    },
    good: &["{\"summary\": [\"Rest.\", \"Drink.\"]}"],
    bad: &["Rest.", "{\"plan\": \"Rest.\"}", "{\"summary\": 1}"],
};

fn verify(constraint: &Constraint, text: &str, _: Language) -> Outcome {
    let Constraint::JsonObject { keys } = constraint else { return Outcome::Undecided };
    fault(keys, text).into()
}

/// What is wrong with the object.
fn fault(keys: &[String], text: &str) -> Option<Finding> {
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> =
        serde_json::from_str(text.trim());
    let object = match parsed {
        Ok(object) => object,
        Err(e) => return Some(Finding::new(format!("no JSON object: {e}"))),
    };
    let text_or_texts = |v: &serde_json::Value| {
        v.is_string() || v.as_array().is_some_and(|a| a.iter().all(serde_json::Value::is_string))
    };
    let missing = keys
        .iter()
        .find(|k| !object.contains_key(*k))
        .map(|k| format!("the key \"{k}\" is missing"));
    let extra = object
        .keys()
        .find(|k| !keys.contains(k))
        .map(|k| format!("the key \"{k}\" was not asked for"));
    let wrong = object
        .iter()
        .find(|(_, v)| !text_or_texts(v))
        .map(|(k, _)| format!("\"{k}\" is neither a text nor a list of texts"));
    missing.or(extra).or(wrong).map(Finding::new)
}
