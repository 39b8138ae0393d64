//! Bodies and errors of odd shapes.

use clinstruct_schema::RowFormat;
use serde_json::{Value, json};

use super::{ID, openai, shown, table, with};

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
    // Next to a good answer, an empty or unrelated error changes nothing.
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
    // Next to a possibly incomplete answer, it is the reason.
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
