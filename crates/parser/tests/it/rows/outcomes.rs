//! Finish reasons, and rows of Anthropic's format.

use std::fmt::Write as _;

use clinstruct_schema::RowFormat;
use serde_json::{Value, json};

use super::{anthropic, openai, shown, table, with};

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
    // Without a reason the counts must show that the text is complete.
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
