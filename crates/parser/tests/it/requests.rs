//! What a prompt asks of the answers, in the words of its writer.

use clinstruct_parser::{PromptFormat, prompts_for};
use serde_json::{Value, json};

/// The requests of the prompts of an answer, for patients 1 and 2.
fn of(text: &str, format: PromptFormat, whole: bool) -> Vec<Option<Vec<String>>> {
    let reading = prompts_for(text, format, &[1, 2], whole);
    reading.prompts.into_iter().map(|prompt| prompt.map(|prompt| prompt.requests)).collect()
}

fn in_json(requests: &Value) -> Vec<String> {
    let entry = json!({ "patient": 1, "prompt": "Why?", "requests": requests, "facts": [] });
    let answer = json!({ "prompts": [entry] }).to_string();
    of(&answer, PromptFormat::Json, true).remove(0).unwrap_or_default()
}

#[test]
fn requests_are_read_in_the_order_of_the_list() {
    for (requests, read) in [
        (
            json!(["In 80 words.", "3 paragraphs, please."]),
            vec!["In 80 words.", "3 paragraphs, please."],
        ),
        // A list for each version.
        (json!([["One."], ["Two.", "Three."]]), vec!["One.", "Two.", "Three."]),
        // An object for each.
        (
            json!([{ "number": 1, "place": "end", "text": "Keep it short." }, { "request": "No lists." }]),
            vec!["Keep it short.", "No lists."],
        ),
        // What has no text keeps its place.
        (json!([null, "Two."]), vec!["", "Two."]),
        // Marks of a list, labels and quotation marks are not part of it.
        (
            json!(["1. One.", "2) Two.", "- Three.", "\"Four.\"", "“Five.”"]),
            vec!["One.", "Two.", "Three.", "Four.", "Five."],
        ),
        (
            json!(["version 1, request 1 (after the message): One.", "Request 2: Two."]),
            vec!["One.", "Two."],
        ),
        (json!(["Say \"stop\" or \"go\"."]), vec!["Say \"stop\" or \"go\"."]),
        (json!("One."), vec![]),
        (json!(null), vec![]),
    ] {
        assert_eq!(in_json(&requests), read, "{requests}");
    }
}

#[test]
fn requests_between_delimiters_are_lines() {
    let text = "=== 1 ===\nWhy?\n=== 1 requests ===\nIn 80 words.\n\n2. No lists.\n=== 1 facts ===\nage: 54 a\n\
                === 2 ===\nAnd now?\n=== 2 facts ===\n=== 2 Requests ===\nBe blunt.\nIn Ger";
    let all = |one: &[&str]| Some(one.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        of(text, PromptFormat::Delimited, true),
        [all(&["In 80 words.", "No lists."]), all(&["Be blunt.", "In Ger"])]
    );
    // The last line of an answer that was cut off may not be whole; its message is.
    assert_eq!(
        of(text, PromptFormat::Delimited, false),
        [all(&["In 80 words.", "No lists."]), all(&["Be blunt."])]
    );
    // Requests of a message that is not there are nobody's, and no text of another one.
    let stray = "=== 1 ===\nWhy?\n=== 3 requests ===\nBe blunt.\n=== 2 ===\nAnd now?";
    assert_eq!(of(stray, PromptFormat::Delimited, true), [all(&[]), all(&[])]);
}

#[test]
fn a_message_without_requests_is_read_as_before() {
    let answer = json!({ "prompts": [{ "patient": 1, "prompt": "Why?" }, { "patient": 2, "prompt": "How?" }] });
    assert_eq!(of(&answer.to_string(), PromptFormat::Json, true), [Some(vec![]), Some(vec![])]);
}
