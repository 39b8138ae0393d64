//! The neutral row, for backends whose provider has no decoder.

use clinstruct_parser::decode;
use clinstruct_schema::{Fault, FinishReason, REHEARSAL_MARK, RequestId, RowFormat, RowOutcome};
use serde_json::{Value, json};

const ID: &str = "00112233445566778899aabbccddeeff";

fn read(row: &Value) -> RowOutcome {
    let decoded = decode(RowFormat::Neutral, row.to_string().as_bytes());
    assert_eq!(decoded.id, RequestId::parse(ID).ok(), "{row}");
    decoded.outcome
}

fn row(more: Value) -> Value {
    let mut row = json!({
        "custom_id": ID, "text": "Give fluids.", "finish_reason": "stop", "model": "m",
        "usage": {"prompt_tokens": 100, "completion_tokens": 50},
    });
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

#[test]
fn an_answer_has_all_that_the_row_gives() {
    let RowOutcome::Answer(answer) = read(&row(json!({"reasoning": "They are dry."}))) else {
        panic!("it is an answer")
    };
    assert_eq!((&*answer.text, &*answer.model), ("Give fluids.", "m"));
    assert_eq!(answer.reasoning.as_deref(), Some("They are dry."));
    assert_eq!(answer.finish, FinishReason::Stop);
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (100, 50));
    assert!(!answer.rehearsal);
}

#[test]
fn what_is_no_whole_answer_is_told_apart() {
    let cut = read(&row(json!({"finish_reason": "length"})));
    assert!(matches!(&cut, RowOutcome::Cut(c) if c.finish == FinishReason::Length), "{cut:?}");
    let odd = read(&row(json!({"finish_reason": "because"})));
    assert!(matches!(odd, RowOutcome::Cut(_)), "{odd:?}");
    let filtered = read(&row(json!({"finish_reason": "content_filter"})));
    assert!(matches!(filtered, RowOutcome::Filtered { .. }), "{filtered:?}");
    for text in [Value::Null, json!(""), json!(" \n")] {
        let empty = read(&row(json!({"text": text})));
        assert!(matches!(empty, RowOutcome::Empty { usage: Some(_) }), "{empty:?}");
    }
    let refused = read(&row(json!({"text": null, "refusal": "I cannot."})));
    assert!(
        matches!(&refused, RowOutcome::Refused { text, .. } if text == "I cannot."),
        "{refused:?}"
    );
}

#[test]
fn an_error_says_what_is_at_fault() {
    for (error, expected) in [
        (
            json!({"status": 429, "code": "rate_limit_exceeded", "message": "slow down"}),
            Fault::Busy,
        ),
        (json!({"status": 401, "message": "bad key"}), Fault::Account),
        (json!({"code": "server_error", "message": "oops"}), Fault::Server),
        (json!("the server broke down"), Fault::Server),
    ] {
        let outcome = read(&json!({"custom_id": ID, "error": error}));
        let RowOutcome::Failed { fault, message, .. } = &outcome else {
            panic!("{error}: {outcome:?}")
        };
        assert_eq!(*fault, expected, "{error}");
        assert!(!message.is_empty(), "{error}");
    }
    // A complete text next to an error is an answer.
    let both = read(&row(json!({"error": {"message": "a warning"}})));
    assert!(matches!(both, RowOutcome::Answer(_)), "{both:?}");
}

#[test]
fn fields_may_be_missing_or_odd() {
    let row = json!({"custom_id": ID, "content": "Give fluids.", "finish_reason": "stop", "usage": "many"});
    let RowOutcome::Answer(answer) = read(&row) else { panic!("{row}") };
    assert_eq!((answer.usage, &*answer.model), (None, ""));
    for nothing in [json!({"custom_id": ID}), json!({"custom_id": ID, "answer": "lost"})] {
        let outcome = read(&nothing);
        assert!(matches!(outcome, RowOutcome::Unreadable { .. }), "{nothing}: {outcome:?}");
    }
    // A row that a program forwards from its provider.
    let openai = json!({"custom_id": ID, "response": {"status_code": 200, "body": {"model": "m",
        "choices": [{"message": {"content": "Give fluids."}, "finish_reason": "stop"}]}}});
    assert!(matches!(read(&openai), RowOutcome::Answer(_)));
}

#[test]
fn a_rehearsal_says_so() {
    let marked = read(&row(json!({"system_fingerprint": REHEARSAL_MARK})));
    assert!(matches!(marked, RowOutcome::Answer(c) if c.rehearsal));
}
