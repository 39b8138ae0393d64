//! Rows of odd shapes: the id is always read, a usable text is used, anything else says what was seen.

use std::fmt::Write as _;

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

/// The row with the value at a path replaced, or taken out where there is none.
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
            // A refusal with words is one.
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
fn bodies_of_odd_shapes() {
    let body = openai()["response"]["body"].clone();
    let choice = body["choices"][0].clone();
    let string = Value::String(body.to_string());
    let cases = [
        ("/response/body", Some(string.clone())),
        ("/response/body", Some(Value::String(string.to_string()))),
        ("/response/body", Some(json!([body.clone()]))),
        ("/response/body", Some(json!({ "body": body.clone() }))),
        ("/response/body", Some(json!({ "response": { "body": body.clone() } }))),
        ("/response", Some(body.clone())),
        (
            "/response",
            Some(Value::String(json!({ "status_code": 200, "body": body.clone() }).to_string())),
        ),
        ("/response", Some(json!({ "status_code": "200", "body": string }))),
        ("/response", Some(json!({ "body": body.clone() }))),
        ("/response/status_code", Some(json!(200.0))),
        ("/response/status_code", Some(json!(null))),
        ("/response/status_code", Some(json!("ok"))),
        ("/response/body/choices", Some(choice.clone())),
        ("/response/body/choices", Some(json!([null, choice.clone()]))),
        ("/response/body/choices/0/message", Some(json!("Give fluids."))),
        (
            "/response/body/choices/0/message/content",
            Some(
                json!([{ "type": "text", "text": "Give " }, { "type": "text", "text": { "value": "fluids." } }]),
            ),
        ),
        ("/response/body/choices/0/message/content", Some(json!(["Give ", "fluids."]))),
        (
            "/response/body/choices/0/message/content",
            Some(json!({ "type": "text", "text": "Give fluids." })),
        ),
        (
            "/response/body/choices/0/message/content",
            Some(
                json!([{ "type": "thinking", "thinking": [{ "type": "text", "text": "Hm." }] }, { "type": "text", "text": "Give fluids." }]),
            ),
        ),
        ("/response/body/choices/0/message/reasoning_content", Some(json!("Hm."))),
        ("/response/body/choices/0/message/reasoning", Some(json!("Hm."))),
        (
            "/response/body/choices/0/message/reasoning_details",
            Some(json!([{ "type": "reasoning.text", "text": "Hm." }])),
        ),
        ("/response/body/choices/0/message/reasoning_content", Some(json!({}))),
        (
            "/response/body/choices/0",
            Some(json!({ "text": "Give fluids.", "finish_reason": "stop" })),
        ),
        ("/response/body/choices/0/message", Some(json!(null))),
        ("/response/body/choices/0/message/content", Some(json!(null))),
        ("/response/body/choices/0/message/content", Some(json!(" \n"))),
        ("/response/body/choices/0/message/content", Some(json!(7))),
        (
            "/response/body/choices/0/message/content",
            Some(json!("<html><body>502 Bad Gateway</body></html>")),
        ),
        ("/response/body/choices", Some(json!(null))),
        ("/response/body/choices", Some(json!([]))),
        ("/response/body/choices", Some(json!("none"))),
        ("/response/body", Some(json!(null))),
        ("/response/body", Some(json!("Internal Server Error"))),
        ("/response/body", Some(json!("<html><head><title>502 Bad Gateway</title></head></html>"))),
        ("/response/body", Some(json!("odd"))),
        ("/response/body", Some(json!([]))),
        ("/response/body", Some(json!(3))),
        ("/response", Some(json!(null))),
        ("/response", Some(json!("upstream connect error"))),
        ("/response", Some(json!([]))),
        ("/response", None),
    ];
    insta::assert_snapshot!(table(RowFormat::OpenaiBatch, openai, &cases), @r##"
    body "{\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"log
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    body "\"{\\\"choices\\\":[{\\\"finish_reason\\\":\\\"stop\\\",\\\
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    body [{"choices":[{"finish_reason":"stop","index":0,"logprobs":nu
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    body {"body":{"choices":[{"finish_reason":"stop","index":0,"logpr
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    body {"response":{"body":{"choices":[{"finish_reason":"stop","ind
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    response {"choices":[{"finish_reason":"stop","index":0,"logprobs":nul
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    response "{\"body\":{\"choices\":[{\"finish_reason\":\"stop\",\"index
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    response {"body":"{\"choices\":[{\"finish_reason\":\"stop\",\"index\"
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    response {"body":{"choices":[{"finish_reason":"stop","index":0,"logpr
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    status_code 200.0
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    status_code null
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    status_code "ok"
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    choices {"finish_reason":"stop","index":0,"logprobs":null,"message":
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    choices [null,{"finish_reason":"stop","index":0,"logprobs":null,"mes
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    message "Give fluids."
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    content [{"text":"Give ","type":"text"},{"text":{"value":"fluids."},
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    content ["Give ","fluids."]
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    content {"text":"Give fluids.","type":"text"}
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    content [{"thinking":[{"text":"Hm.","type":"text"}],"type":"thinking
      answer "Give fluids." after "Hm." | 100+50 (20 cached, 30 reasoning)
    reasoning_content "Hm."
      answer "Give fluids." after "Hm." | 100+50 (20 cached, 30 reasoning)
    reasoning "Hm."
      answer "Give fluids." after "Hm." | 100+50 (20 cached, 30 reasoning)
    reasoning_details [{"text":"Hm.","type":"reasoning.text"}]
      answer "Give fluids." after "Hm." | 100+50 (20 cached, 30 reasoning)
    reasoning_content {}
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    0 {"finish_reason":"stop","text":"Give fluids."}
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    message null
      empty | 100+50 (20 cached, 30 reasoning)
    content null
      empty | 100+50 (20 cached, 30 reasoning)
    content " \n"
      empty | 100+50 (20 cached, 30 reasoning)
    content 7
      empty | 100+50 (20 cached, 30 reasoning)
    content "<html><body>502 Bad Gateway</body></html>"
      unreadable the text is a page of HTML: "<html><body>502 Bad Gateway</body></html>" | 100+50 (20 cached, 30 reasoning)
    choices null
      unreadable the response has no choices: {"choices":null,"created":1,"id":"chatcmpl-1","model":"m","object":"chat.completi | 100+50 (20 cached, 30 reasoning)
    choices []
      unreadable the response has no choices: {"choices":[],"created":1,"id":"chatcmpl-1","model":"m","object":"chat.completion | 100+50 (20 cached, 30 reasoning)
    choices "none"
      unreadable the response has no choices: {"choices":"none","created":1,"id":"chatcmpl-1","model":"m","object":"chat.comple | 100+50 (20 cached, 30 reasoning)
    body null
      unreadable neither a response nor an error: {"custom_id":"00112233445566778899aabbccddeeff","error":null,"id":"batch_req_ | unknown
    body "Internal Server Error"
      failed Server 200 [error] Internal Server Error | unknown
    body "<html><head><title>502 Bad Gateway</title></head></html>"
      failed Server 200 [error] 502 Bad Gateway | unknown
    body "odd"
      unreadable the response is not an object: "odd" | unknown
    body []
      unreadable the response is not an object: [] | unknown
    body 3
      unreadable the response is not an object: 3 | unknown
    response null
      unreadable neither a response nor an error: {"custom_id":"00112233445566778899aabbccddeeff","error":null,"id":"batch_req_ | unknown
    response "upstream connect error"
      unreadable the response is not an object: "upstream connect error" | unknown
    response []
      unreadable the response is not an object: [] | unknown
    response missing
      unreadable neither a response nor an error: {"custom_id":"00112233445566778899aabbccddeeff","error":null,"id":"batch_req_ | unknown
    "##);
    // The row itself may be wrapped, or be the body.
    let mut direct = body.as_object().unwrap().clone();
    direct.insert("custom_id".into(), json!(ID));
    let wrapped = [
        json!([openai()]),
        json!({ "row": openai() }),
        json!({ "data": { "row": openai() } }),
        Value::Object(direct),
    ];
    for row in wrapped {
        let shown = shown(RowFormat::OpenaiBatch, row.to_string().as_bytes());
        assert!(shown.starts_with("answer \"Give fluids.\""), "{row}: {shown}");
    }
}

#[test]
fn errors_of_odd_shapes() {
    let no_body = || {
        let row = with(openai(), "/response/status_code", Some(json!(400)));
        with(row, "/response/body", Some(json!(null)))
    };
    let error = |value: Value| ("/error", Some(value));
    let cases = [
        error(json!(
            "The decoder prompt (length 4410) is longer than the maximum model length of 4096."
        )),
        error(json!({ "error": { "message": "too long for the context window", "code": 400 } })),
        error(json!(["rate limit", "exceeded"])),
        error(json!({ "message": "no such parameter" })),
        error(json!({ "code": "insufficient_quota" })),
        error(json!(7)),
        error(json!(null)),
    ];
    insta::assert_snapshot!(table(RowFormat::OpenaiBatch, no_body, &cases), @r##"
    error "The decoder prompt (length 4410) is longer than the maximum
      failed Request 400 [status 400] The decoder prompt (length 4410) is longer than the maximum model length of 4096. | unknown
    error {"error":{"code":400,"message":"too long for the context win
      failed Request 400 [status 400] too long for the context window | unknown
    error ["rate limit","exceeded"]
      failed Busy 400 [status 400] rate limit | unknown
    error {"message":"no such parameter"}
      failed Request 400 [status 400] no such parameter | unknown
    error {"code":"insufficient_quota"}
      failed Quota 400 [insufficient_quota] insufficient_quota, without a message | unknown
    error 7
      failed Request 400 [status 400] status 400, without a message | unknown
    error null
      failed Request 400 [status 400] empty body | unknown
    "##);
    // Beside a good answer an error that is none, or is about something else, changes nothing.
    for value in [
        json!(null),
        json!(""),
        json!({}),
        json!([]),
        json!("slow"),
        json!({ "code": null, "message": "" }),
    ] {
        for path in ["/error", "/response/body/error", "/response/body/choices/0/error"] {
            let raw = with(openai(), path, Some(value.clone())).to_string();
            let shown = shown(RowFormat::OpenaiBatch, raw.as_bytes());
            assert!(shown.starts_with("answer \"Give fluids.\""), "{path} {value}: {shown}");
        }
    }
    // Beside one that is not known to be whole, it says why.
    for finish in [json!("error"), json!(null), json!("length"), json!("whatever"), json!("")] {
        for path in ["/error", "/response/body/error", "/response/body/choices/0/error"] {
            let row =
                with(openai(), "/response/body/choices/0/finish_reason", Some(finish.clone()));
            let raw = with(row, path, Some(json!({ "code": 502, "message": "Upstream was lost" })))
                .to_string();
            let shown = shown(RowFormat::OpenaiBatch, raw.as_bytes());
            assert!(
                shown.starts_with("failed Server 502 [status 502] Upstream was lost"),
                "{path} {finish}: {shown}"
            );
        }
    }
}

#[test]
fn only_known_finish_reasons_make_an_answer() {
    let of = |reason: &Value| {
        let raw = with(openai(), "/response/body/choices/0/finish_reason", Some(reason.clone()))
            .to_string();
        shown(RowFormat::OpenaiBatch, raw.as_bytes()).split(" |").next().unwrap().to_owned()
    };
    let mut seen = String::new();
    let words = [
        "stop",
        "eos",
        "eos_token",
        "end_turn",
        "stop_sequence",
        "stop_str",
        "COMPLETE",
        "STOP",
        "",
        "length",
        "max_tokens",
        "MAX_TOKENS",
        "model_length",
        "model_context_window_exceeded",
        "max_output_tokens",
        "token_limit",
        "content_filter",
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "refusal",
        "error",
        "abort",
        "aborted",
        "cancelled",
        "failed",
        "timeout",
        "insufficient_system_resource",
        "MALFORMED_FUNCTION_CALL",
        "tool_calls",
        "function_call",
        "pause_turn",
        "OTHER",
        "load",
        "whatever",
        "stopped_early",
    ];
    for word in words {
        writeln!(seen, "{word}: {}", of(&json!(word))).unwrap();
    }
    for value in [json!(null), json!({ "type": "stop" }), json!(["stop"]), json!(1), json!(false)] {
        writeln!(seen, "{value}: {}", of(&value)).unwrap();
    }
    // Without a reason the counts have to say that the text was written to its end.
    let row = with(openai(), "/response/body/choices/0/finish_reason", Some(json!(null)));
    let raw = with(row, "/response/body/usage", Some(json!(null))).to_string();
    writeln!(seen, "null, no usage: {}", shown(RowFormat::OpenaiBatch, raw.as_bytes())).unwrap();
    insta::assert_snapshot!(seen, @r##"
    stop: answer "Give fluids."
    eos: answer "Give fluids."
    eos_token: answer "Give fluids."
    end_turn: answer "Give fluids."
    stop_sequence: answer "Give fluids."
    stop_str: answer "Give fluids."
    COMPLETE: answer "Give fluids."
    STOP: answer "Give fluids."
    : answer "Give fluids."
    length: cut "Give fluids." Length
    max_tokens: cut "Give fluids." Length
    MAX_TOKENS: cut "Give fluids." Length
    model_length: cut "Give fluids." Length
    model_context_window_exceeded: cut "Give fluids." Length
    max_output_tokens: cut "Give fluids." Length
    token_limit: cut "Give fluids." Length
    content_filter: filtered
    SAFETY: filtered
    RECITATION: filtered
    BLOCKLIST: filtered
    PROHIBITED_CONTENT: filtered
    refusal: refused "Give fluids."
    error: failed Server 200 [finish_reason error] generation ended with the finish reason "error"
    abort: failed Server 200 [finish_reason abort] generation ended with the finish reason "abort"
    aborted: failed Server 200 [finish_reason aborted] generation ended with the finish reason "aborted"
    cancelled: failed Server 200 [finish_reason cancelled] generation ended with the finish reason "cancelled"
    failed: failed Server 200 [finish_reason failed] generation ended with the finish reason "failed"
    timeout: failed Server 200 [finish_reason timeout] generation ended with the finish reason "timeout"
    insufficient_system_resource: failed Server 200 [finish_reason insufficient_system_resource] generation ended with the finish reason "insufficient_system_resource"
    MALFORMED_FUNCTION_CALL: failed Server 200 [finish_reason MALFORMED_FUNCTION_CALL] generation ended with the finish reason "MALFORMED_FUNCTION_CALL"
    tool_calls: cut "Give fluids." Other("tool_calls")
    function_call: cut "Give fluids." Other("function_call")
    pause_turn: cut "Give fluids." Other("pause_turn")
    OTHER: cut "Give fluids." Other("OTHER")
    load: cut "Give fluids." Other("load")
    whatever: cut "Give fluids." Other("whatever")
    stopped_early: cut "Give fluids." Other("stopped_early")
    null: answer "Give fluids."
    {"type":"stop"}: answer "Give fluids."
    ["stop"]: cut "Give fluids." Other("[\"stop\"]")
    1: cut "Give fluids." Other("1")
    false: cut "Give fluids." Other("false")
    null, no usage: cut "Give fluids." Other("") | unknown
    "##);
}

#[test]
fn rows_of_anthropics_format() {
    let cases = [
        ("/result/message/usage", Some(json!(null))),
        ("/result/message/usage/output_tokens", Some(json!(-1))),
        ("/result/message/usage/cache_read_input_tokens", Some(json!(null))),
        ("/result/message/content", Some(json!("Give fluids."))),
        (
            "/result/message/content",
            Some(
                json!([{ "type": "thinking", "thinking": "Hm.", "signature": "s" }, { "type": "text", "text": "Give fluids." }]),
            ),
        ),
        ("/result/message/content", Some(json!(null))),
        ("/result/message/model", Some(json!(null))),
        ("/result/message/stop_reason", Some(json!("refusal"))),
        ("/result/message/stop_reason", Some(json!("max_tokens"))),
        ("/result/message/stop_reason", Some(json!("model_context_window_exceeded"))),
        ("/result/message/stop_reason", Some(json!("pause_turn"))),
        ("/result/message/stop_reason", Some(json!("novel"))),
        ("/result/message/stop_reason", Some(json!(null))),
        ("/result/type", Some(json!("done"))),
        ("/result/type", Some(json!(null))),
        ("/result/type", Some(json!("expired"))),
        ("/result/type", Some(json!("canceled"))),
        ("/result/message", Some(json!(null))),
        ("/result/message", Some(Value::String(anthropic()["result"]["message"].to_string()))),
        ("/result", Some(anthropic()["result"]["message"].clone())),
        ("/result", Some(Value::String(anthropic()["result"].to_string()))),
        ("/result", Some(openai()["response"]["body"].clone())),
        (
            "/result",
            Some(
                json!({ "type": "errored", "error": { "type": "error", "error": { "type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum" } } }),
            ),
        ),
        (
            "/result",
            Some(
                json!({ "type": "errored", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
            ),
        ),
        (
            "/result",
            Some(
                json!({ "type": "errored", "error": "Your credit balance is too low to access the Anthropic API." }),
            ),
        ),
        ("/result", Some(json!({ "type": "errored" }))),
        ("/result", Some(json!("error"))),
        ("/result", Some(json!(null))),
        ("/result", Some(json!([]))),
        ("/result", None),
    ];
    insta::assert_snapshot!(table(RowFormat::AnthropicBatch, anthropic, &cases), @r##"
    usage null
      answer "Give fluids." | unknown
    output_tokens -1
      answer "Give fluids." | unknown
    cache_read_input_tokens null
      answer "Give fluids." | 85+50 (0 cached, 0 reasoning)
    content "Give fluids."
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    content [{"signature":"s","thinking":"Hm.","type":"thinking"},{"text
      answer "Give fluids." after "Hm." | 100+50 (15 cached, 0 reasoning)
    content null
      empty | 100+50 (15 cached, 0 reasoning)
    model null
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    stop_reason "refusal"
      refused "Give fluids." | 100+50 (15 cached, 0 reasoning)
    stop_reason "max_tokens"
      cut "Give fluids." Length | 100+50 (15 cached, 0 reasoning)
    stop_reason "model_context_window_exceeded"
      cut "Give fluids." Length | 100+50 (15 cached, 0 reasoning)
    stop_reason "pause_turn"
      cut "Give fluids." Other("pause_turn") | 100+50 (15 cached, 0 reasoning)
    stop_reason "novel"
      cut "Give fluids." Other("novel") | 100+50 (15 cached, 0 reasoning)
    stop_reason null
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    type "done"
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    type null
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    type "expired"
      failed Expired - [expired] the batch was expired before this row was done | unknown
    type "canceled"
      failed Expired - [canceled] the batch was canceled before this row was done | unknown
    message null
      unreadable the result holds no message: {"message":null,"type":"succeeded"} | unknown
    message "{\"content\":[{\"text\":\"Give fluids.\",\"type\":\"text\"}
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    result {"content":[{"text":"Give fluids.","type":"text"}],"id":"msg
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    result "{\"message\":{\"content\":[{\"text\":\"Give fluids.\",\"typ
      answer "Give fluids." | 100+50 (15 cached, 0 reasoning)
    result {"choices":[{"finish_reason":"stop","index":0,"logprobs":nul
      answer "Give fluids." | 100+50 (20 cached, 30 reasoning)
    result {"error":{"error":{"message":"prompt is too long: 9 tokens >
      failed Request - [invalid_request_error] prompt is too long: 9 tokens > 8 maximum | unknown
    result {"error":{"message":"Overloaded","type":"overloaded_error"},
      failed Busy - [overloaded_error] Overloaded | unknown
    result {"error":"Your credit balance is too low to access the Anthr
      failed Quota - [error] Your credit balance is too low to access the Anthropic API. | unknown
    result {"type":"errored"}
      failed Server - [errored] errored, without a message | unknown
    result "error"
      unreadable the result is not an object: "error" | unknown
    result null
      unreadable no result: {"custom_id":"00112233445566778899aabbccddeeff-tag","result":null} | unknown
    result []
      unreadable the result is not an object: [] | unknown
    result missing
      unreadable no result: {"custom_id":"00112233445566778899aabbccddeeff-tag"} | unknown
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

/// Any JSON, not deep.
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
        for format in [RowFormat::OpenaiBatch, RowFormat::AnthropicBatch] {
            prop_assert_eq!(decode(format, &raw).id, RequestId::parse(ID).ok());
        }
    }

    #[test]
    fn a_broken_row_keeps_its_id(at in 0_usize..2000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut raw = openai().to_string().into_bytes();
        let id = raw.windows(ID.len()).position(|w| w == ID.as_bytes()).unwrap();
        let at = at % raw.len();
        // What hits the member itself may hide it.
        prop_assume!(at < id - 14 || at > id + ID.len());
        if cut && at > id { raw.truncate(at) } else { raw[at] = byte }
        let decoded = decode(RowFormat::OpenaiBatch, &raw);
        prop_assert_eq!(decoded.id, RequestId::parse(ID).ok());
    }
}
