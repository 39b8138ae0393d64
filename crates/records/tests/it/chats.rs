//! Rows in the formats of chat datasets.

use std::borrow::Borrow;
use std::slice;

use serde_json::{Value, json};

use crate::{Read, read_as, said};

fn rows(rows: &[Value]) -> Read {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    read_as("rows.jsonl", lines.join("\n")).unwrap()
}

/// The contents of a row; all of it must be read.
#[track_caller]
fn check(row: impl Borrow<Value>, expected: &[&str]) {
    let row = row.borrow();
    let read = rows(slice::from_ref(row));
    assert_eq!(read.bad, [], "{row}");
    assert_eq!(said(&read.good[0]), expected, "{row}");
    assert_eq!(read.unread, [""; 0], "{row}");
}

/// Why a row is rejected.
#[track_caller]
fn refused(row: impl Borrow<Value>, why: &str) {
    let row = row.borrow();
    let read = rows(slice::from_ref(row));
    assert_eq!(read.good, [], "{row}");
    assert!(read.bad[0].why.contains(why), "{row}: {}", read.bad[0].why);
}

#[test]
fn messages_are_read_under_all_their_names() {
    for row in [
        json!({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}),
        json!({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}),
        json!({"conversation": [{"role": "user", "value": "q"}, {"role": "chatbot", "value": "a"}]}),
        json!({"dialogue": [{"speaker": "Patient:", "text": "q"}, {"speaker": "Doctor:", "text": "a"}]}),
        json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]),
        json!({"messages": [["user", "q"], ["assistant", "a"]]}),
        json!({"conversation": [["q", "a"]]}),
        json!({"dialog": ["q", "a"]}),
        json!({"conversations": [{"human": "q", "assistant": "a"}]}),
        // A list of structures as columns, and as text in a cell.
        json!({"messages": {"role": ["user", "assistant"], "content": ["q", "a"]}}),
        json!({"messages": r#"[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]"#}),
        json!({"row_idx": 0, "row": {"prompt": "q", "response": "a"}, "truncated_cells": []}),
    ] {
        check(row, &["u q", "a a"]);
    }
    check(json!({"id": "p", "prompt": "q"}), &["u q"]);
}

#[test]
fn null_is_absent_and_another_column_is_read() {
    let messages = json!([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]);
    for row in [
        json!({"messages": null, "conversations": messages}),
        json!({"messages": [], "conversations": messages}),
        json!({"messages": "", "conversations": messages, "system": null, "history": null}),
        json!({"prompt": null, "instruction": "q", "output": "a"}),
        json!({"prompt": "", "instruction": "q", "input": null, "output": "a"}),
        json!({"messages": null, "prompt": "q", "completion": null, "response": "a"}),
        json!({"messages": [null, {"role": "user", "content": "q", "name": null},
            {"role": "assistant", "content": "a", "tool_calls": null, "function_call": null}]}),
    ] {
        check(row, &["u q", "a a"]);
    }
    refused(json!({"messages": null, "prompt": null}), "there is neither messages");
    refused(json!({"messages": []}), "there are no messages");
    check(
        json!({"messages": [{"role": "system", "content": null}, {"role": "user", "content": "q"}]}),
        &["u q"],
    );
}

#[test]
fn alpaca_is_read_with_its_input_history_and_system() {
    check(
        json!({"instruction": "Answer.", "input": "It burns.", "output": "a"}),
        &["u Answer.\nIt burns.", "a a"],
    );
    for blank in [json!(""), json!("  "), json!(null), json!([])] {
        check(
            json!({"instruction": "q", "input": blank.as_array().map_or(blank.clone(), |_| json!("")),
                "output": "a", "system": blank.as_array().map_or(blank.clone(), |_| json!(null)),
                "history": blank}),
            &["u q", "a a"],
        );
    }
    check(json!({"instruction": "", "input": "q", "output": "a"}), &["u q", "a a"]);
    check(json!({"input": "q", "output": "a"}), &["u q", "a a"]);
    check(json!({"instruction": "", "input": "", "output": ""}), &["u ", "a "]);
    check(json!({"instruction": "q", "context": "c", "response": "a"}), &["u q\nc", "a a"]);
    check(json!({"instruction": "q", "output": ["a"]}), &["u q", "a a"]);
    let whole = ["s s", "u 1", "a 2", "u 3", "a 4", "u q\ni", "a a"];
    for history in [
        json!([["1", "2"], ["3", "4"]]),
        json!(["1", "2", "3", "4"]),
        json!([{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"},
            {"role": "user", "content": "3"}, {"role": "assistant", "content": "4"}]),
        json!([{"from": "human", "value": "1"}, {"from": "gpt", "value": "2"},
            {"from": "human", "value": "3"}, {"from": "gpt", "value": "4"}]),
        json!([{"user": "1", "assistant": "2"}, {"user": "3", "assistant": "4"}]),
        json!([{"instruction": "1", "output": "2"}, {"prompt": "3", "response": "4"}]),
        json!(r#"[["1", "2"], ["3", "4"]]"#),
    ] {
        check(
            json!({"instruction": "q", "input": "i", "output": "a", "system": "s", "history": history}),
            &whole,
        );
    }
    check(
        json!({"instruction": "q", "output": "a", "history": [["1", null]]}),
        &["u 1", "u q", "a a"],
    );
}

#[test]
fn what_cannot_be_read_whole_is_refused() {
    refused(json!({"instruction": "q", "output": ["a", "b"]}), "\"output\" has 2 values");
    refused(
        json!({"instruction": "q", "input": ["i"], "output": "a"}),
        "\"input\" is not a string",
    );
    refused(json!({"instruction": "q", "output": {"text": "a"}}), "\"output\" is not a string");
    refused(
        json!({"instruction": "q", "output": "a", "system": ["s"]}),
        "\"system\" is not a string",
    );
    refused(
        json!({"instruction": "q", "output": "a", "history": "User: 1"}),
        "the history cannot be read",
    );
    refused(
        json!({"instruction": "q", "output": "a", "history": [["1", "2", "3"]]}),
        "the history cannot be read: message 1: it is a list, but not a pair of strings",
    );
    refused(json!({"messages": "[{'role': 'user', 'content': 'q'}]"}), "a string that is not JSON");
    refused(
        json!({"messages": [{"role": "user", "content": 5}]}),
        "message 1: its content is not a string",
    );
    refused(json!({"messages": [{"role": "user"}]}), "message 1: the user message has no content");
    refused(
        json!({"messages": [{"role": "user", "content": null}]}),
        "the user message has no content",
    );
    refused(json!({"messages": [{"content": "q"}]}), "message 1: it has no role");
    refused(json!({"messages": [{"role": "nobody", "content": ""}]}), "unknown role \"nobody\"");
    refused(
        json!({"messages": {"role": ["user"], "content": ["q", "a"]}}),
        "1 speakers have 2 texts",
    );
    refused(json!({"prompt": 5}), "\"prompt\" is not a string");
    refused(json!({"text": "t"}), "there is neither messages");
    refused(json!([1]), "not an object");
    refused(json!("q"), "not an object");
}

#[test]
fn pairs_of_a_question_and_an_answer_have_many_names() {
    for (question, answer) in [
        ("prompt", "completion"),
        ("prompt", "response"),
        ("question", "answer"),
        ("Question", "Response"),
        ("query", "response"),
        ("input", "output"),
        ("inputs", "targets"),
        ("problem", "solution"),
        ("user", "assistant"),
        ("human", "assistant"),
        ("prompt", "chosen"),
        ("Patient", "Doctor"),
    ] {
        check(json!({question: "q", answer: "a"}), &["u q", "a a"]);
    }
    // A user name is not a question.
    refused(json!({"user": "ann", "text": "t"}), "there is neither messages");
    // The index of a choice is not an answer, another number is.
    check(json!({"question": "q", "options": ["a", "b"], "answer": 1}), &["u q"]);
    check(json!({"instruction": "1 + 1", "input": 5, "output": 2}), &["u 1 + 1\n5", "a 2"]);
    check(json!({"question": "q", "answer": true}), &["u q", "a true"]);
    check(json!({"question": "q", "answer": 3, "solution": "a"}), &["u q", "a a"]);
    let message = |role: &str, text: &str| json!({"role": role, "content": text});
    for row in [
        json!({"prompt": [message("user", "q")], "completion": [message("assistant", "a")]}),
        json!({"prompt": "q", "completion": [message("assistant", "a")]}),
        json!({"prompt": "q", "chosen": [message("user", "q"), message("assistant", "a")]}),
        json!({"chosen": [message("user", "q"), message("assistant", "a")]}),
        json!({"prompt": "q", "chosen": {"from": "gpt", "value": "a"}}),
        json!({"prompt": [message("user", "q"), message("assistant", "a")]}),
    ] {
        check(row, &["u q", "a a"]);
    }
}

#[test]
fn a_system_prompt_beside_the_messages_leads_them() {
    let turns = json!([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]);
    for key in ["system", "system_prompt"] {
        check(json!({key: "s", "conversations": turns}), &["s s", "u q", "a a"]);
        check(json!({key: "", "conversations": turns}), &["u q", "a a"]);
    }
    let led = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]);
    check(json!({"system": "s", "messages": led}), &["s s", "u q"]);
    check(json!({"system": "t", "messages": led}), &["s t", "s s", "u q"]);
}

#[test]
fn a_doctor_answers_patients_and_asks_assistants() {
    let row = |who: &[&str]| {
        let turns: Vec<Value> =
            who.iter().map(|w| json!({"role": w, "content": w.to_lowercase()})).collect();
        json!({ "messages": turns })
    };
    check(row(&["patient", "doctor"]), &["u patient", "a doctor"]);
    check(row(&["Patient", "Nurse", "Patient"]), &["u patient", "a nurse", "u patient"]);
    check(row(&["client", "therapist"]), &["u client", "a therapist"]);
    check(row(&["user", "physician"]), &["u user", "a physician"]);
    check(row(&["doctor", "assistant"]), &["u doctor", "a assistant"]);
    check(row(&["health_worker", "chatbot"]), &["u health_worker", "a chatbot"]);
    check(row(&["doctor"]), &["u doctor"]);
    check(row(&["patient", "assistant"]), &["u patient", "a assistant"]);
    check(row(&["developer", "human", "model"]), &["s developer", "u human", "a model"]);
    refused(row(&["patient", "doctor", "assistant"]), "ambiguous roles");
}

#[test]
fn parts_of_a_message_are_joined() {
    let row = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    for content in [
        json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]),
        json!([{"type": "input_text", "text": "one"}, {"type": "output_text", "text": "two"}]),
        json!(["one", "two"]),
        json!([{"text": "one"}, null, {"text": "two", "image_url": null}]),
        json!({"content_type": "text", "parts": ["one", "two"]}),
    ] {
        check(row(content), &["u one\ntwo"]);
    }
    check(row(json!([])), &["u "]);
    let read = rows(&[row(json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "What is it?"},
    ]))]);
    assert_eq!(said(&read.good[0]), ["u What is it?"]);
    assert_eq!(read.unread, ["messages.content.image_url"]);
    refused(row(json!([{"type": "text"}])), "a part has no text");
    refused(row(json!([5])), "a part of its content is neither a string nor an object");
}

#[test]
fn tools_speak_to_nobody_and_their_texts_are_kept() {
    let call =
        json!([{"id": "c", "function": {"name": "look_up", "arguments": "{\"of\": \"dose\"}"}}]);
    let openai = json!({"messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "tool_calls": call},
        {"role": "tool", "tool_call_id": "c", "content": "400 mg"},
        {"role": "assistant", "content": "a"},
    ]});
    let talking = json!({"messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "I look it up.", "tool_calls": call},
        {"role": "tool", "content": [{"type": "text", "text": "400 mg"}]},
        {"role": "assistant", "content": "a"},
    ]});
    let sharegpt = json!({"conversations": [
        {"from": "human", "value": "q"}, {"from": "function_call", "value": "look_up dose"},
        {"from": "observation", "value": "400 mg"}, {"from": "gpt", "value": "a"},
    ]});
    let anthropic = json!({"messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Look it up."},
            {"type": "tool_use", "name": "look_up", "input": {"of": "dose"}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "400 mg"}]}]},
        {"role": "assistant", "content": "a"},
    ]});
    for row in [openai, sharegpt, anthropic] {
        check(&row, &["u q", "a a"]);
        let read = rows(&[row]);
        assert!(read.good[0].aside.iter().any(|t| t == "400 mg"), "{:?}", read.good[0].aside);
        assert!(read.good[0].aside.iter().any(|t| t.contains("dose")), "{:?}", read.good[0].aside);
    }
    check(talking, &["u q", "a I look it up.\n\na"]);
    let thinking = json!({"messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "reasoning_content": "They ask q."},
    ]});
    assert_eq!(rows(slice::from_ref(&thinking)).good[0].aside, ["They ask q."]);
    check(thinking, &["u q", "a a"]);
}

#[test]
fn columns_with_text_that_is_not_read_are_named() {
    let long = "It was dark, and the ward was quiet.";
    let unread = |row: Value| rows(&[row]).unread;
    assert_eq!(unread(json!({"prompt": "q", "context": long})), ["context"]);
    assert_eq!(
        unread(json!({"Question": "q", "Complex_CoT": long, "Response": "a"})),
        ["Complex_CoT"]
    );
    assert_eq!(unread(json!({"prompt": "q", "chosen": "a", "rejected": long})), ["rejected"]);
    assert_eq!(unread(json!({"prompt": "q", "response": "a", "output": "b"})), ["output"]);
    assert_eq!(unread(json!({"question": "q", "options": {"A": long, "B": "no"}})), ["options"]);
    assert_eq!(
        unread(json!({"question": "q", "note": "糖尿病の患者に何を勧めればよいですか"})),
        ["note"]
    );
    let translated = json!({"messages": [{"role": "user", "content": "q", "original": long}]});
    assert_eq!(unread(translated), ["messages.original"]);
    // A name is not text, and text in a message is read.
    let nothing: [&str; 0] = [];
    assert_eq!(unread(json!({"prompt": "q", "source": "a site", "lang": "en", "n": 5})), nothing);
    assert_eq!(
        unread(
            json!({"prompt": long, "messages": [{"role": "user", "content": format!("{long} Why?")}]})
        ),
        nothing
    );
    let ours = json!({"id": "x", "prompt": "q", "attributes": {"note": long}, "provenance": {}});
    assert_eq!(unread(ours), nothing);
    // Each is named once.
    let row = json!({"prompt": "q", "context": long, "about": long});
    assert_eq!(rows(&[row.clone(), row]).unread, ["about", "context"]);
}

#[test]
fn rows_have_the_ids_that_they_bring() {
    let read = rows(&[
        json!({"id": "x", "prompt": "q"}),
        json!({"id": 7, "prompt": "q"}),
        json!({"id": null, "prompt": "q"}),
        json!({"prompt": "q"}),
    ]);
    let ids: Vec<_> = read.good.iter().map(|r| (r.id.as_str(), r.has_id, r.row)).collect();
    assert_eq!(ids, [("x", true, 1), ("7", true, 2), ("3", false, 3), ("4", false, 4)]);
}
