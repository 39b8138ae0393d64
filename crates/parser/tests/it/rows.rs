//! Rows of odd shapes: the id is always read, a usable text is used, and anything else is described.

mod outcomes;
mod shapes;

use clinstruct_parser::decode;
use clinstruct_schema::{FinishReason, RequestId, RowFormat, RowOutcome};
use proptest::prelude::*;
use serde_json::{Value, json};

const ID: &str = "00112233445566778899aabbccddeeff";

fn openai() -> Value {
    json!({
        "id": "batch_req_1", "custom_id": ID,
        "response": { "status_code": 200, "request_id": "r", "body": {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Give fluids.", "refusal": null }, "logprobs": null, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_tokens_details": { "cached_tokens": 20 }, "completion_tokens_details": { "reasoning_tokens": 30 } },
            "system_fingerprint": null } },
        "error": null
    })
}

fn anthropic() -> Value {
    json!({
        "custom_id": format!("{ID}-tag"),
        "result": { "type": "succeeded", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{ "type": "text", "text": "Give fluids." }],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": { "input_tokens": 80, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 15, "output_tokens": 50 } } }
    })
}

/// The row with the value at a path replaced, or removed if there is none.
fn with(mut row: Value, path: &str, value: Option<Value>) -> Value {
    let place =
        path.rsplit_once('/').and_then(|(parent, name)| Some((row.pointer_mut(parent)?, name)));
    match place {
        Some((Value::Object(o), name)) => {
            match value {
                Some(value) => o.insert(name.to_owned(), value),
                None => o.remove(name),
            };
        }
        _ => {
            let slot = row.pointer_mut(path);
            assert!(slot.is_some() && value.is_some(), "nothing is at {path}");
            if let (Some(slot), Some(value)) = (slot, value) {
                *slot = value;
            }
        }
    }
    row
}

fn shown(format: RowFormat, raw: &[u8]) -> String {
    let decoded = decode(format, raw);
    let id = if decoded.id == RequestId::parse(ID).ok() { "" } else { "NO ID " };
    let usage = decoded.outcome.usage().map_or_else(
        || "unknown".to_owned(),
        |u| {
            format!(
                "{}+{} ({} cached, {} reasoning)",
                u.prompt_tokens, u.completion_tokens, u.cached_tokens, u.reasoning_tokens
            )
        },
    );
    let what = match decoded.outcome {
        RowOutcome::Answer(c) => format!(
            "answer {:?}{}",
            c.text,
            c.reasoning.map(|r| format!(" after {r:?}")).unwrap_or_default()
        ),
        RowOutcome::Cut(c) => format!("cut {:?} {:?}", c.text, c.finish),
        RowOutcome::Refused { text, .. } => format!("refused {text:?}"),
        RowOutcome::Filtered { .. } => "filtered".into(),
        RowOutcome::Empty { .. } => "empty".into(),
        RowOutcome::Failed { fault, status, code, message, .. } => {
            format!(
                "failed {fault:?} {} [{code}] {message}",
                status.map_or_else(|| "-".into(), |s| s.to_string())
            )
        }
        RowOutcome::Unreadable { message, .. } => {
            format!("unreadable {}", message.chars().take(110).collect::<String>())
        }
    };
    format!("{id}{what} | {usage}")
}

fn table(format: RowFormat, row: fn() -> Value, cases: &[(&str, Option<Value>)]) -> String {
    let shown: Vec<String> = cases
        .iter()
        .map(|(path, value)| {
            let raw = with(row(), path, value.clone()).to_string();
            let name = path.rsplit('/').next().unwrap_or_default();
            let given: String = value
                .as_ref()
                .map_or_else(|| "missing".to_owned(), |v| v.to_string().chars().take(60).collect());
            format!("{name} {given}\n  {}\n", shown(format, raw.as_bytes()))
        })
        .collect();
    shown.concat()
}

const BODY: &str = "/response/body";

#[test]
fn an_odd_field_leaves_the_text() {
    let at = |path: &str| format!("{BODY}{path}");
    let paths = [
        at("/usage/completion_tokens"),
        at("/usage/prompt_tokens"),
        at("/usage/total_tokens"),
        at("/usage"),
        at("/usage/prompt_tokens_details"),
        at("/usage/completion_tokens_details"),
        at("/model"),
        at("/id"),
        at("/choices/0/index"),
        at("/choices/0/logprobs"),
        at("/choices/0/message/refusal"),
        at("/created"),
        "/response/request_id".to_owned(),
        "/id".to_owned(),
    ];
    let odd = [
        json!(null),
        json!("text"),
        json!(""),
        json!([]),
        json!({}),
        json!(-35),
        json!(1.5),
        json!(true),
        json!([1, "x"]),
        json!({ "a": null }),
    ];
    for path in &paths {
        for value in odd.iter().map(|v| Some(v.clone())).chain([None]) {
            // A refusal with text is a refusal.
            if path.ends_with("refusal") && value.as_ref().is_some_and(|v| v == "text") {
                continue;
            }
            let raw = with(openai(), path, value.clone()).to_string();
            let decoded = decode(RowFormat::OpenaiBatch, raw.as_bytes());
            let RowOutcome::Answer(c) = &decoded.outcome else {
                panic!("{path} {value:?}: {decoded:?}")
            };
            assert_eq!(
                (c.text.as_str(), decoded.id),
                ("Give fluids.", RequestId::parse(ID).ok()),
                "{path}"
            );
            let usage = c.usage;
            if path.ends_with("_tokens") && !path.ends_with("total_tokens")
                || path.ends_with("/usage")
            {
                let missing = value.as_ref().is_none_or(Value::is_null)
                    && path.ends_with("/completion_tokens");
                assert_eq!(usage.is_some(), missing, "{path} {value:?}");
            } else {
                assert_eq!(usage.map(|u| u.prompt_tokens), Some(100), "{path} {value:?}");
            }
        }
    }
}

#[test]
fn counts_are_read_where_they_can_be_true() {
    let usage = |value: Value| (format!("{BODY}/usage"), Some(value));
    let cases = [
        usage(json!({ "prompt_tokens": "100", "completion_tokens": 50.0 })),
        usage(json!({ "prompt_tokens": 100, "total_tokens": 150 })),
        usage(json!({ "input_tokens": 100, "output_tokens": 50 })),
        usage(json!({ "input_tokens": 10, "output_tokens": 50, "cache_read_input_tokens": 90 })),
        usage(json!({ "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 150 })),
        usage(
            json!({ "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 150, "completion_tokens_details": { "reasoning_tokens": 40 } }),
        ),
        usage(
            json!({ "prompt_tokens": 100, "completion_tokens": 50, "prompt_cache_hit_tokens": 64 }),
        ),
        usage(
            json!({ "prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": { "cached_tokens": 900 } }),
        ),
        usage(json!({ "prompt_tokens": 100, "completion_tokens": -35 })),
        usage(json!({ "prompt_tokens": 100, "completion_tokens": 0 })),
        usage(json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 })),
        usage(json!({ "prompt_tokens": 100, "completion_tokens": 99_999_999_999_u64 })),
        usage(json!({ "prompt_tokens": 1e300, "completion_tokens": 50 })),
    ];
    let cases: Vec<(&str, Option<Value>)> =
        cases.iter().map(|(p, v)| (p.as_str(), v.clone())).collect();
    insta::assert_snapshot!(table(RowFormat::OpenaiBatch, openai, &cases), @r##"
    usage {"completion_tokens":50.0,"prompt_tokens":"100"}
      answer "Give fluids." | 100+50 (0 cached, 0 reasoning)
    usage {"prompt_tokens":100,"total_tokens":150}
      answer "Give fluids." | 100+50 (0 cached, 0 reasoning)
    usage {"input_tokens":100,"output_tokens":50}
      answer "Give fluids." | 100+50 (0 cached, 0 reasoning)
    usage {"cache_read_input_tokens":90,"input_tokens":10,"output_toke
      answer "Give fluids." | 100+50 (90 cached, 0 reasoning)
    usage {"completion_tokens":10,"prompt_tokens":100,"total_tokens":1
      answer "Give fluids." | 100+50 (0 cached, 40 reasoning)
    usage {"completion_tokens":10,"completion_tokens_details":{"reason
      answer "Give fluids." | 100+50 (0 cached, 40 reasoning)
    usage {"completion_tokens":50,"prompt_cache_hit_tokens":64,"prompt
      answer "Give fluids." | 100+50 (64 cached, 0 reasoning)
    usage {"completion_tokens":50,"prompt_tokens":100,"prompt_tokens_d
      answer "Give fluids." | 100+50 (100 cached, 0 reasoning)
    usage {"completion_tokens":-35,"prompt_tokens":100}
      answer "Give fluids." | unknown
    usage {"completion_tokens":0,"prompt_tokens":100}
      answer "Give fluids." | unknown
    usage {"completion_tokens":0,"prompt_tokens":0,"total_tokens":0}
      answer "Give fluids." | unknown
    usage {"completion_tokens":99999999999,"prompt_tokens":100}
      answer "Give fluids." | unknown
    usage {"completion_tokens":50,"prompt_tokens":1e+300}
      answer "Give fluids." | unknown
    "##);
}

#[test]
fn broken_bytes_do_not_hide_a_row() {
    let row = openai().to_string();
    let broken = |from: &str, to: &[u8]| {
        let at = row.find(from).unwrap();
        [&row.as_bytes()[..at], to, &row.as_bytes()[at + from.len()..]].concat()
    };
    let all = [
        // In the text.
        broken("fluids", b"fl\xe2\x82uids"),
        broken("fluids", br"fl\ud83duids"),
        broken("fluids", br"fl\ude00uids"),
        broken("fluids", b"fl\xed\xa0\xbduids"),
        broken("fluids", b"fl\x01uids"),
        broken("fluids", "fl\u{fffd}uids".as_bytes()),
        broken("fluids", br"fl\ud83d\ude00uids"),
        broken("fluids", br"fl\\ud83duids"),
        // Elsewhere.
        broken("chatcmpl-1", b"\xff"),
        broken("\"m\"", b"\"m\xff\""),
        broken("\"logprobs\":null", b"\"logprobs\":[-Infinity, NaN]"),
        broken("\"created\":1", b"\"created\":1e999"),
        // Not JSON at all.
        broken("\"error\":null", b"\"error\":"),
        row.as_bytes()[..row.len() / 2].to_vec(),
        format!("{row}{row}").into_bytes(),
        format!("\u{feff}{row}\0\0").into_bytes(),
        row.replace('"', "'").into_bytes(),
        b"half a row".to_vec(),
        Vec::new(),
    ];
    let shown: Vec<String> = all.iter().map(|raw| shown(RowFormat::OpenaiBatch, raw)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r##"
    unreadable the text holds broken bytes: "…Give fl�uids.…" | 100+50 (20 cached, 30 reasoning)
    unreadable the text holds broken bytes: "…Give fl�uids.…" | 100+50 (20 cached, 30 reasoning)
    unreadable the text holds broken bytes: "…Give fl�uids.…" | 100+50 (20 cached, 30 reasoning)
    unreadable the text holds broken bytes: "…Give fl���uids.…" | 100+50 (20 cached, 30 reasoning)
    answer "Give fl\u{1}uids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fl�uids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fl😀uids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fl\\ud83duids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    unreadable not JSON: {"custom_id":"00112233445566778899aabbccddeeff","error":,"id":"batch_req_1","response":{"body":{"cho | unknown
    unreadable not JSON: {"custom_id":"00112233445566778899aabbccddeeff","error":null,"id":"batch_req_1","response":{"body":{ | unknown
    unreadable not JSON: {"custom_id":"00112233445566778899aabbccddeeff","error":null,"id":"batch_req_1","response":{"body":{ | unknown
    answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    unreadable not JSON: {'custom_id':'00112233445566778899aabbccddeeff','error':null,'id':'batch_req_1','response':{'body':{ | unknown
    NO ID unreadable not JSON: half a row | unknown
    NO ID unreadable not JSON:  | unknown
    "##);
}

/// Any JSON of small depth.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("error"),
            Just("stop"),
            Just("200"),
            Just("custom_id"),
            Just("{\"error\": \"x\"}"),
            Just("[]")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof![
            Just("error"),
            Just("message"),
            Just("choices"),
            Just("body"),
            Just("text"),
            Just("type"),
            Just("a")
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| members
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<serde_json::Map<_, _>>())
                .prop_map(Value::Object),
        ]
    })
}

const PATHS: [&str; 17] = [
    "/response",
    "/error",
    "/id",
    "/response/status_code",
    "/response/body",
    "/response/body/choices",
    "/response/body/usage",
    "/response/body/model",
    "/response/body/error",
    "/response/body/choices/0",
    "/response/body/choices/0/message",
    "/response/body/choices/0/finish_reason",
    "/response/body/choices/0/error",
    "/response/body/choices/0/message/refusal",
    "/response/body/choices/0/message/reasoning",
    "/response/body/usage/completion_tokens",
    "/response/extra",
];

proptest! {
    #[test]
    fn any_value_in_any_place_keeps_the_id(path in prop::sample::select(&PATHS[..]), value in any_json()) {
        let raw = with(openai(), path, Some(value)).to_string();
        let decoded = decode(RowFormat::OpenaiBatch, raw.as_bytes());
        prop_assert_eq!(decoded.id, RequestId::parse(ID).ok());
        if let RowOutcome::Answer(c) = decoded.outcome {
            prop_assert_eq!(c.finish, FinishReason::Stop);
            if !["/response", "/response/body", "/response/body/choices", "/response/body/choices/0", "/response/body/choices/0/message"].contains(&path) {
                prop_assert_eq!(c.text, "Give fluids.");
            }
        }
    }

    #[test]
    fn an_id_that_is_there_is_found(before in prop::collection::vec(any::<u8>(), 0..60), after in prop::collection::vec(any::<u8>(), 0..60), space in "[ \t]{0,3}") {
        let member = format!("\"custom_id\"{space}:{space}\"{ID}\"");
        let raw = [&before[..], member.as_bytes(), &after[..]].concat();
        for format in [RowFormat::OpenaiBatch, RowFormat::AnthropicBatch, RowFormat::Neutral] {
            prop_assert_eq!(decode(format, &raw).id, RequestId::parse(ID).ok());
        }
    }

    #[test]
    fn a_broken_row_keeps_its_id(at in 0_usize..2000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut raw = openai().to_string().into_bytes();
        let id = raw.windows(ID.len()).position(|w| w == ID.as_bytes()).unwrap();
        let at = at % raw.len();
        // A change to the field itself may hide it.
        prop_assume!(at < id - 14 || at > id + ID.len());
        if cut && at > id { raw.truncate(at) } else { raw[at] = byte }
        let decoded = decode(RowFormat::OpenaiBatch, &raw);
        prop_assert_eq!(decoded.id, RequestId::parse(ID).ok());
    }
}
