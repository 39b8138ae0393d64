//! Decoding raw responses and answers: nothing panics, nothing is lost, texts survive to the byte.

mod faults;
mod neutral;
mod requests;
mod rows;
mod thoughts;

use clinstruct_parser::{
    Problem, PromptFormat, WrittenPrompt, clean, decode, prompts, prompts_for, turn,
};
use clinstruct_schema::{Fault, RequestId, RowFormat, RowOutcome, StatedFact};

use proptest::prelude::*;
use serde_json::json;

const ID: &str = "00112233445566778899aabbccddeeff";

fn row(message: &serde_json::Value, finish: &str) -> Vec<u8> {
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish });
    let usage = json!({ "prompt_tokens": 5, "completion_tokens": 7 });
    let body = json!({ "model": "m", "choices": [choice], "usage": usage });
    let response = json!({ "status_code": 200, "request_id": "r", "body": body });
    json!({ "custom_id": ID, "response": response, "error": null }).to_string().into_bytes()
}

fn kind(raw: &[u8]) -> String {
    let decoded = decode(RowFormat::OpenaiBatch, raw);
    let name = match decoded.outcome {
        RowOutcome::Answer(c) => format!("answer {}", c.text),
        RowOutcome::Cut(c) => format!("cut {}", c.text),
        RowOutcome::Refused { text, .. } => format!("refused {text}"),
        RowOutcome::Filtered { .. } => "filtered".into(),
        RowOutcome::Empty { .. } => "empty".into(),
        RowOutcome::Failed { fault, code, .. } => format!("failed {fault:?} {code}"),
        RowOutcome::Unreadable { .. } => "unreadable".into(),
    };
    format!("{} {name}", decoded.id.is_some())
}

#[test]
fn outcomes_are_told_apart() {
    let error = |status: u16, code: &str| {
        let body = json!({ "error": { "code": code, "message": "no" } });
        let response = json!({ "status_code": status, "body": body });
        json!({ "custom_id": ID, "response": response }).to_string().into_bytes()
    };
    let all = [
        row(&json!({ "content": "text", "refusal": null }), "stop"),
        row(&json!({ "content": [{ "type": "text", "text": "parts" }] }), "stop"),
        row(&json!({ "content": "half a wo" }), "length"),
        row(&json!({ "content": null, "refusal": "no" }), "stop"),
        row(&json!({ "content": "x" }), "content_filter"),
        row(&json!({ "content": null }), "stop"),
        row(&json!({ "content": "  \n" }), "stop"),
        error(429, "rate_limit_exceeded"),
        error(500, "server_error"),
        error(400, "invalid_request_error"),
        error(400, "content_policy_violation"),
        json!({ "custom_id": ID, "error": { "code": "batch_expired" } }).to_string().into_bytes(),
        json!({ "custom_id": "other" }).to_string().into_bytes(),
        b"{\"custom_id\": \"0011".to_vec(),
        vec![0xff, 0xfe],
    ];
    let kinds: Vec<String> = all.iter().map(|raw| kind(raw)).collect();
    insta::assert_snapshot!(kinds.join("\n"), @r"
    true answer text
    true answer parts
    true cut half a wo
    true refused no
    true filtered
    true empty
    true empty
    true failed Busy rate_limit_exceeded
    true failed Server server_error
    true failed Request invalid_request_error
    true failed Content content_policy_violation
    true failed Expired batch_expired
    false unreadable
    false unreadable
    false unreadable
    ");
}

#[test]
fn generation_that_broke_off_was_paid_for_where_no_status_says_so() {
    let read =
        |format, row: serde_json::Value| match decode(format, row.to_string().as_bytes()).outcome {
            RowOutcome::Failed { fault, status, usage, .. } => (fault, status, usage.is_some()),
            other => panic!("{other:?}"),
        };
    let message = |text: &str, reason: &str, error: serde_json::Value| {
        let content = json!([{ "type": "text", "text": text }]);
        let message =
            json!({ "type": "message", "content": content, "stop_reason": reason, "error": error });
        let result = json!({ "type": "succeeded", "message": message });
        json!({ "custom_id": ID, "result": result })
    };
    let choice = |text: &str, reason: &str, error: serde_json::Value| {
        let choice =
            json!({ "message": { "content": text }, "finish_reason": reason, "error": error });
        json!({ "custom_id": ID, "response": { "body": { "choices": [choice] } } })
    };
    let none = serde_json::Value::Null;
    let broken = json!({ "message": "upstream broke off" });
    let paid = (Fault::Server, Some(200), false);
    for format in [RowFormat::OpenaiBatch, RowFormat::AnthropicBatch] {
        let openai = format == RowFormat::OpenaiBatch;
        let row = if openai { choice } else { message };
        for reason in ["error", "abort", "network_error"] {
            assert_eq!(read(format, row("Half a", reason, none.clone())), paid, "{reason}");
            assert_eq!(read(format, row("", reason, none.clone())), paid, "{reason}");
        }
        assert_eq!(read(format, row("Half a", "length", broken.clone())), paid);
        assert_eq!(read(format, row("", "length", broken.clone())), (Fault::Server, None, false));
    }
}

#[test]
fn rules_take_away_what_they_name() {
    let all = [
        "\"Give fluids.\"",
        "«Donnez de l'eau.»",
        "User: what now?",
        "(chatbot) Rest.\n(user) more",
        "```\nRest.\n```",
        "### Plan\nRest.",
        "Rest\u{8}.",
        "1. What now?",
    ];
    let cleaned: Vec<String> = all
        .iter()
        .map(|text| {
            let c = clean(text, true);
            format!("{:?} {:?}", c.text, c.cleanup.names().collect::<Vec<_>>())
        })
        .collect();
    insta::assert_snapshot!(cleaned.join("\n"), @r#"
    "Give fluids." ["wrapping_quotes"]
    "Donnez de l'eau." ["wrapping_quotes"]
    "what now?" ["role_tag"]
    "Rest.\nmore" ["role_tag"]
    "Rest." ["code_fence"]
    "**Plan**\nRest." ["hash_heading"]
    "Rest." ["control_character"]
    "What now?" ["numbering"]
    "#);
}

#[test]
fn what_no_rule_names_survives_to_the_byte() {
    for text in [
        r"Use \frac{1}{2} of \times \beta in C:\new\table.",
        "on **warfarin 5 mg** daily and **aspirin**",
        "a\tb\r\nc\r\nd",
        "cafe\u{301} 👩‍⚕️ नमस्ते สวัสดี",
        "\"Rest\" and \"fluids\"",
        "Text\n```\n### not a heading\n```\nmore",
        "1. one\n2. two",
    ] {
        assert_eq!(turn(text).unwrap().text, text);
        let raw = row(&json!({ "content": text }), "stop");
        let RowOutcome::Answer(c) = decode(RowFormat::OpenaiBatch, &raw).outcome else {
            panic!("{text}")
        };
        assert_eq!(c.text, text);
    }
}

#[test]
fn prompts_are_joined_by_patient() {
    let entry = |n: u32, text: &str| json!({ "patient": n, "prompt": text });
    let read = |entries: Vec<serde_json::Value>| {
        let reading = prompts(&json!({ "prompts": entries }).to_string(), PromptFormat::Json, 4);
        let texts: Vec<&str> =
            reading.prompts.iter().map(|p| p.as_ref().map_or("-", |p| &p.text.text)).collect();
        let problems: Vec<&str> = reading.problems.iter().map(Problem::code).collect();
        format!("{texts:?} {problems:?}")
    };
    let four = || vec![entry(3, "c"), entry(1, "a"), entry(4, "d"), entry(2, "b")];
    let mut five = four();
    five.push(entry(5, "e"));
    let mut twice = four();
    twice[0] = entry(1, "again");
    let mut blank = four();
    blank[1] = entry(1, " ");
    let all = [read(four()), read(four()[..3].to_vec()), read(five), read(twice), read(blank)];
    insta::assert_snapshot!(all.join("\n"), @r#"
    ["a", "b", "c", "d"] []
    ["a", "-", "c", "d"] ["prompt_count"]
    ["a", "b", "c", "d"] ["prompt_count", "unknown_patient"]
    ["again", "b", "-", "d"] ["duplicate_patient"]
    ["-", "b", "c", "d"] ["blank_prompt"]
    "#);
}

/// The prompts of a reading: text and facts of each.
fn written(text: &str, format: PromptFormat, numbers: &[u64], whole: bool) -> String {
    let reading = prompts_for(text, format, numbers, whole);
    let each: Vec<String> = reading
        .prompts
        .iter()
        .map(|prompt| {
            let Some(WrittenPrompt { text, facts, .. }) = prompt else { return "-".into() };
            let fact = |f: &StatedFact| format!("{}={} {}", f.name.as_str(), f.value, f.unit);
            let facts = facts.as_ref().map(|all| all.iter().map(fact).collect::<Vec<_>>());
            format!("{:?} {facts:?}", text.text)
        })
        .collect();
    let problems: Vec<&str> = reading.problems.iter().map(Problem::code).collect();
    format!("{} {problems:?}", each.join(" | "))
}

#[test]
fn facts_come_with_their_prompt() {
    let fact =
        |name: &str, value: serde_json::Value| json!({ "name": name, "value": value, "unit": "1" });
    let entry = |n: u32, facts: serde_json::Value| json!({ "patient": n, "prompt": "Why?", "facts": facts });
    let json = |entries: Vec<serde_json::Value>| {
        written(&json!({ "prompts": entries }).to_string(), PromptFormat::Json, &[1], true)
    };
    let known = json!([
        fact("age", json!("54")),
        fact("Heart Rate", json!(88)),
        fact("mood", json!("low"))
    ]);
    let delimited = |text: &str| written(text, PromptFormat::Delimited, &[1], true);
    let all = [
        json(vec![entry(1, known)]),
        json(vec![entry(1, json!([]))]),
        json(vec![entry(1, json!("none"))]),
        json(vec![entry(1, json!({ "age": 54, "medications": "aspirin 75 mg" }))]),
        json(vec![json!({ "patient": "1", "prompt": "Why?" })]),
        delimited(
            "=== 1 ===\nWhy?\n=== 1 facts ===\nage: 54 a\n- pulse: 88 /min\nmedicine: aspirin 75 mg once daily 1\nsex: female 1\nbp: 120/80 mm[Hg]",
        ),
        delimited("=== 1 ===\nWhy: because?\n"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    "Why?" Some(["age=54 1", "heart_rate=88 1"]) []
    "Why?" Some([]) []
    "Why?" None []
    "Why?" Some(["age=54 1", "medicine=aspirin 75 mg 1"]) []
    "Why?" None []
    "Why?" Some(["age=54 a", "heart_rate=88 /min", "medicine=aspirin 75 mg once daily 1", "sex=female 1", "systolic=120/80 mm[Hg]"]) []
    "Why: because?" None []
    "#);
}

#[test]
fn a_complaint_with_a_key_of_its_own_is_a_fact() {
    let of = |complaint: serde_json::Value, facts: serde_json::Value| {
        let entry =
            json!({ "patient": 1, "prompt": "Why?", "complaint": complaint, "facts": facts });
        written(&json!({ "prompts": [entry] }).to_string(), PromptFormat::Json, &[1], true)
    };
    let fact = |name: &str, value: &str| json!({ "name": name, "value": value, "unit": "1" });
    let cough = || json!("Cough for a week");
    let all = [
        of(cough(), json!([fact("age", "54")])),
        of(cough(), json!([fact("complaint", "cough for a week")])),
        of(cough(), json!([fact("complaint", "dry cough for a week, worse at night")])),
        // What it says is not listed twice, and what else is listed stays.
        of(cough(), json!([fact("complaint", "cough"), fact("complaint", "night sweats")])),
        of(cough(), json!(null)),
        of(json!(" "), json!([fact("age", "54")])),
        of(json!(["cough"]), json!([])),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    "Why?" Some(["complaint=Cough for a week 1", "age=54 1"]) []
    "Why?" Some(["complaint=cough for a week 1"]) []
    "Why?" Some(["complaint=dry cough for a week, worse at night 1"]) []
    "Why?" Some(["complaint=Cough for a week 1", "complaint=night sweats 1"]) []
    "Why?" None []
    "Why?" Some(["age=54 1"]) []
    "Why?" Some([]) []
    "#);
}

#[test]
fn an_answer_that_is_cut_off_or_damaged_keeps_its_complete_prompts() {
    let whole = json!({ "prompts": [
        { "patient": 1, "prompt": "One?", "facts": [{ "name": "age", "value": "5", "unit": "a" }] },
        { "patient": 2, "prompt": "Two?", "facts": [] },
        { "patient": 3, "prompt": "Three?", "facts": [] },
    ] })
    .to_string();
    let cut = |at: &str| &whole[..whole.find(at).unwrap() + at.len()];
    let json = |text: &str, whole| written(text, PromptFormat::Json, &[1, 2, 3], whole);
    let delimited = "=== 1 ===\nOne?\n=== 1 facts ===\nage: 5 a\n=== 2 ===\nTwo is cu";
    let in_facts = "=== 1 ===\nOne?\n=== 2 ===\nTwo?\n=== 2 facts ===\nage: 5 a\nweight: 1";
    let all = [
        json(cut("Three"), false),
        json(cut("\"Two?\""), false),
        json(&whole.replace("\"prompt\":\"Two?\"", "\"prompt\":null"), true),
        json(&whole.replace("\"Two?\"", "\"Two\"?\""), true),
        json(&whole.replace("\"patient\":2,", ""), true),
        written(delimited, PromptFormat::Delimited, &[1, 2], false),
        written(in_facts, PromptFormat::Delimited, &[1, 2], false),
        written("One without an end", PromptFormat::Delimited, &[1], false),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    "One?" Some(["age=5 a"]) | "Two?" Some([]) | - ["prompt_count"]
    "One?" Some(["age=5 a"]) | - | - ["prompt_count"]
    "One?" Some(["age=5 a"]) | - | "Three?" Some([]) ["prompt_count"]
    "One?" Some(["age=5 a"]) | - | "Three?" Some([]) ["prompt_count"]
    "One?" Some(["age=5 a"]) | - | "Three?" Some([]) ["unknown_patient"]
    "One?" Some(["age=5 a"]) | - ["prompt_count"]
    "One?" None | "Two?" Some(["age=5 a"]) []
    - ["missing_delimiters"]
    "#);
}

proptest! {
    #[test]
    fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in [RowFormat::OpenaiBatch, RowFormat::AnthropicBatch, RowFormat::Neutral] {
            let decoded = decode(format, &raw);
            let unreadable = matches!(decoded.outcome, RowOutcome::Unreadable { .. });
            prop_assert!(decoded.id.is_some() || unreadable);
        }
    }

    #[test]
    fn a_text_comes_back_as_it_was(text in "\\PC{1,80}") {
        prop_assume!(!text.trim().is_empty());
        let decoded = decode(RowFormat::OpenaiBatch, &row(&json!({ "content": text }), "stop"));
        prop_assert_eq!(decoded.id, RequestId::parse(ID).ok());
        let RowOutcome::Answer(completion) = decoded.outcome else { return Err(TestCaseError::fail("no answer")) };
        prop_assert_eq!(completion.text, text);
    }

    #[test]
    fn cleaning_twice_is_cleaning_once(text in "[\"'#`(){}<>|*:a-z1-3. \n\u{8}]{0,60}", item in any::<bool>()) {
        let once = clean(&text, item);
        prop_assert_eq!(&clean(&once.text, item).text, &once.text);
    }

    #[test]
    fn there_is_a_place_for_every_patient(text in "\\PC{0,200}", expected in 1_usize..5, json in any::<bool>()) {
        let format = if json { PromptFormat::Json } else { PromptFormat::Delimited };
        let reading = prompts(&text, format, expected);
        prop_assert_eq!(reading.prompts.len(), expected);
        let whole = reading.prompts.iter().all(Option::is_some);
        prop_assert!(whole || !reading.problems.is_empty(), "nothing is dropped in silence");
    }

    #[test]
    fn a_list_of_facts_is_read_from_any_text(text in "[\\[\\]{}\":,a-z =<>/`\n-]{0,80}", cut in 0_usize..60) {
        // Whatever stands around a list, it is read, or there is a named problem.
        let list = r#"{"facts":[{"name":"age","value":"54","unit":"a"}]}"#;
        for text in [text.clone(), format!("{text}{list}"), format!("{}{text}", list.get(..cut).unwrap_or(list))] {
            for whole in [true, false] {
                let read = clinstruct_parser::facts_of(&text, whole);
                prop_assert!(read.map_or_else(|problem| !problem.code().is_empty(), |facts| facts.len() < 99));
            }
        }
    }
}
