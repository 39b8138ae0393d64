//! Reported error responses of providers, gateways and servers, with their faults.

use clinstruct_parser::{error_in_success, provider_error};
use clinstruct_schema::Fault;

/// Provider, HTTP status if any, fault, body.
fn errors() -> impl Iterator<Item = (&'static str, Option<u16>, Fault, &'static str)> {
    include_str!("errors.tsv").lines().skip(1).filter_map(|line| {
        let mut fields = line.splitn(4, '\t');
        let mut field = || fields.next();
        let (provider, status, fault) = (field()?, field()?.parse().ok(), field()?);
        let fault = Fault::ALL.into_iter().find(|f| format!("{f:?}") == fault)?;
        Some((provider, status, fault, field()?))
    })
}

#[test]
fn errors_that_people_report_are_classified() {
    let lines = include_str!("errors.tsv").lines().count();
    assert_eq!(errors().count(), lines - 1, "every line below the first is read");
    let mut wrong: Vec<String> = Vec::new();
    for (provider, status, fault, body) in errors() {
        let error = provider_error(status, body.as_bytes());
        if error.fault != fault {
            wrong.push(format!("{provider}: {:?}, not {fault:?}: {error:?}\n", error.fault));
        }
        assert!(!error.message.is_empty() && !error.code.is_empty(), "{provider} {body}");
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// The same error inside a 200: the body must supply what HTTP does not.
#[test]
fn an_error_inside_a_success_is_the_same_error() {
    let mut wrong: Vec<String> = Vec::new();
    for (provider, status, fault, body) in errors() {
        // If only the status tells the fault, a 200 hides it.
        let alone = provider_error(None, body.as_bytes());
        let Some(error) = error_in_success(body.as_bytes()) else {
            // An object with just a code is an error only if something else says so.
            let says_nothing = matches!(body, "null" | r#"{"error":{}}"#);
            if !says_nothing {
                wrong.push(format!("{provider} {status:?}: no error in {body}\n"));
            }
            continue;
        };
        assert_eq!(error.message, alone.message, "{provider} {body}");
        if alone.fault == fault && error.fault != fault {
            wrong.push(format!(
                "{provider} {status:?}: {:?}, not {fault:?}: {error:?}\n",
                error.fault
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn the_providers_own_words_are_kept() {
    let shown = |status: Option<u16>, body: &str| {
        let e = provider_error(status, body.as_bytes());
        let wait = e.retry_after_s.map(|s| format!(" wait {s}")).unwrap_or_default();
        let status = e.status.map_or_else(|| "-".into(), |s| s.to_string());
        format!("{status} [{}] {}{wait}", e.code, e.message)
    };
    let all = [
        shown(Some(400), r#"{"error":{"message":"no","code":"bad","type":"t"}}"#),
        shown(Some(400), r#"{"error":"Bad Request","message":"the field 'x' is missing"}"#),
        shown(
            Some(200),
            r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"Too Many Requests"}}}"#,
        ),
        shown(None, r#"{"error":{"message":"slow","status":"429"}}"#),
        shown(
            Some(422),
            r#"{"detail":[{"loc":["body","n"],"msg":"must be 1"},{"loc":["body","seed"],"msg":"no"}]}"#,
        ),
        shown(
            Some(429),
            r#"{"error":{"message":"Please try again in 7m12s.","code":"rate_limit_exceeded"}}"#,
        ),
        shown(Some(429), r#"{"error":{"message":"Please try again in 20ms."}}"#),
        shown(Some(429), r#"{"error":{"message":"slow","details":[{"retryDelay":"34.5s"}]}}"#),
        shown(Some(429), r#"{"error":{"message":"slow","retry_after":3}}"#),
        shown(
            Some(502),
            "<html><head><title>502 Bad &amp; Gateway</title></head><body>x</body></html>",
        ),
        shown(
            Some(403),
            "<!doctype html><body><style>a{}</style><h1>Blocked</h1><script>var a = '<b>';</script><p>by policy</p></body>",
        ),
        shown(Some(500), "one\n\ttwo\u{1b}[31m three\u{202e}"),
        shown(Some(500), " \n"),
        shown(Some(500), r#"{"unknown": {"shape": 1}}"#),
        shown(Some(500), r#"{"error":{"code":"teapot"}}"#),
        shown(Some(500), r#"{"error":{"message":"no key","code":"401"}}"#),
        shown(Some(500), &format!(r#"{{"error":"{}"}}"#, "long ".repeat(200))),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    400 [bad] no
    400 [Bad Request] the field 'x' is missing
    429 [status 429] Provider returned error: Too Many Requests
    429 [status 429] slow
    422 [status 422] body.n: must be 1; body.seed: no
    429 [rate_limit_exceeded] Please try again in 7m12s. wait 432
    429 [status 429] Please try again in 20ms. wait 0.02
    429 [status 429] slow wait 34.5
    429 [status 429] slow wait 3
    502 [status 502] 502 Bad & Gateway
    403 [status 403] Blocked by policy
    500 [status 500] one two�[31m three�
    500 [status 500] empty body
    500 [status 500] {"unknown": {"shape": 1}}
    500 [teapot] teapot, without a message
    401 [status 401] no key
    500 [status 500] long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long …
    "##);
}

#[test]
fn answers_are_not_errors() {
    for body in [
        r#"{"choices":[{"message":{"content":"text"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"text"},"finish_reason":"stop"}],"error":{"message":"beside"}}"#,
        r#"{"choices":[{"message":{"content":"text"},"finish_reason":"stop"}],"error":null}"#,
        r#"{"choices":[{"message":{"content":"half"},"finish_reason":"length"}],"error":{}}"#,
        r#"{"id":"msg","type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}"#,
        r#"{"id":"batch_1","object":"batch","status":"failed","errors":{"object":"list","data":[{"code":"x","message":"y"}]}}"#,
        r#"{"id":"file-1","object":"file","bytes":3}"#,
        r#"{"object":"list","data":[]}"#,
        r#"{"choices":[]}"#,
        "[]",
        "{}",
        "null",
    ] {
        assert_eq!(error_in_success(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn errors_hide_in_successes() {
    let all = [
        r#"{"id":null,"choices":null,"usage":null,"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"Too Many Requests"}}}"#,
        r#"{"choices":[],"error":"the model `m` does not exist"}"#,
        r#"{"choices":[{"message":{"content":"half"},"finish_reason":"error","error":{"code":502,"message":"Upstream connection was lost"}}]}"#,
        r#"{"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}"#,
        r#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}],"error":{"code":429,"message":"slow"}}"#,
        r#"{"choices":[{"message":{"content":"half"},"finish_reason":null}],"error":{"code":503,"message":"gone"}}"#,
        r#"{"errors":[{"message":"Authentication error"}]}"#,
        r#"{"object":"error","message":"Rate limit exceeded","code":null}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        r#"{"detail":"Not authenticated"}"#,
        r#"{"message":"Internal Server Error"}"#,
        "<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
        "<html><head><title>Open WebUI</title></head></html>",
        "<html><body><h1>Bad Gateway</h1></body></html>",
        "Ollama is running",
        "upstream request timeout",
        "",
    ];
    let seen: Vec<String> = all
        .iter()
        .map(|body| {
            let e = error_in_success(body.as_bytes()).unwrap();
            format!("{:?} {:?} [{}] {}", e.fault, e.status, e.code, e.message)
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r##"
    Busy Some(429) [status 429] Provider returned error: Too Many Requests
    Model None [error] the model `m` does not exist
    Server Some(502) [status 502] Upstream connection was lost
    Server None [finish_reason error] generation ended with the finish reason "error"
    Busy Some(429) [status 429] slow
    Busy Some(503) [status 503] gone
    Account None [error] Authentication error
    Busy None [error] Rate limit exceeded
    Busy None [overloaded_error] Overloaded
    Account None [error] Not authenticated
    Server None [error] Internal Server Error
    NotFound None [error] Sign in
    NotFound None [error] Open WebUI
    Server None [error] Bad Gateway
    NotFound None [error] Ollama is running
    Server None [error] upstream request timeout
    Server None [error] empty body
    "##);
}
