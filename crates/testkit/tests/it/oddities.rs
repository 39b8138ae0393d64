//! Oddities and the faults built from them, as a client sees them.

use clinstruct_testkit::contract::requests;
use clinstruct_testkit::{
    Faults, Oddity, Place, Provider, ProviderConfig, RUN_BATCH, Reply, Twist, When,
};
use serde_json::Value;

use crate::{Caller, anthropic, faulty, json, lines, start};

fn set(at: &str, value: Value) -> Twist {
    Twist::Set(at.into(), value)
}

fn paid(provider: &Provider) -> Vec<(u32, u32, u32)> {
    provider.contents().values().map(|c| (c.asked, c.paid, c.usable)).collect()
}

impl Caller {
    async fn output(&self) -> String {
        let (batch, _) = self.run(lines(&requests(3))).await;
        let id = batch["output_file_id"].as_str().unwrap().to_owned();
        self.get(&format!("/v1/files/{id}/content")).send().await.unwrap().text().await.unwrap()
    }
}

#[tokio::test]
async fn rows_of_a_batch_are_odd_the_first_time() {
    let caller = start(ProviderConfig::default()).await;
    let odd = set("/response/body/choices", json!(null));
    caller.provider.set_oddities(vec![Oddity::new(Place::OpenAiRow, When::First(1), odd)]);
    let first = caller.output().await;
    assert_eq!(first.matches(r#""choices":null"#).count(), 3, "{first}");
    let second = caller.output().await;
    assert!(!second.contains(r#""choices":null"#), "{second}");
    assert_eq!(caller.provider.oddity_hits(), [3]);
    assert_eq!(paid(&caller.provider), [(2, 2, 1); 3]);
    caller.provider.set_oddities(Vec::new());
    assert_eq!(caller.output().await.lines().count(), 3);
}

#[tokio::test]
async fn a_chat_is_refused_before_it_costs_anything() {
    let caller = start(ProviderConfig::default()).await;
    let body = |text: &str| json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    let chat = |text: &str| json(caller.post("/v1/chat/completions").json(&body(text)));
    let limited = Reply::json(200, &json!({"error": {"code": 429, "message": "slow"}}));
    let once = Oddity::new(Place::ChatBody, When::Calls(1), Twist::Instead(limited));
    let one_text = Oddity::new(Place::ChatBody, When::Always, Twist::Remove("/usage".into()))
        .harmless()
        .only(|moment| moment.request.contains("odd"));
    caller.provider.set_oddities(vec![once, one_text]);
    assert_eq!(chat("a").await.1["error"]["code"], 429);
    assert_eq!(caller.provider.counts().rows_billed, 0);
    assert!(chat("a").await.1["usage"].is_object());
    assert!(chat("an odd one").await.1["usage"].is_null());
    let mut all = paid(&caller.provider);
    all.sort_unstable();
    assert_eq!(all, [(1, 1, 1), (2, 1, 1)]);
}

#[tokio::test]
async fn calls_are_odd_for_each_batch_and_file() {
    let caller = start(ProviderConfig::default()).await;
    let missing = Twist::Instead(Reply::json(404, &json!({"error": {"message": "no batch"}})));
    let ended = Oddity::new(Place::Batch, When::Always, set("/error_file_id", json!("")))
        .only(|moment| moment.reply["status"] == "completed");
    caller.provider.set_oddities(vec![
        Oddity::new(Place::Batch, When::First(1), missing),
        ended,
        Oddity::new(Place::FileObject, When::Always, set("/bytes", json!(-1))),
        Oddity::new(Place::Create, When::Calls(1), Twist::Remove("/id".into())),
    ]);
    let file = caller.upload("/v1", lines(&requests(3))).await;
    assert!(json(caller.create(&file, "t")).await.1["id"].is_null());
    let (status, batch) = json(caller.create(&file, "t")).await;
    assert_eq!(status, 200);
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    assert_eq!(json(caller.get(&path)).await.0, 404);
    let mut last = Value::Null;
    for _ in 0..5 {
        last = json(caller.get(&path)).await.1;
    }
    assert_eq!((&last["status"], &last["error_file_id"]), (&json!("completed"), &json!("")));
    assert_eq!(json(caller.get(&format!("/v1/files/{file}"))).await.1["bytes"], -1);
    assert_eq!(caller.provider.oddity_hits()[0], 1);
}

#[tokio::test]
async fn a_program_has_its_rows_from_the_same_provider() {
    let caller = start(ProviderConfig::default()).await;
    let odd = Twist::Set("/response/body".into(), json!("nothing"));
    let oddity = Oddity::new(Place::CommandRow, When::EveryThing(2), odd).free();
    caller.provider.set_oddities(vec![oddity]);
    let rows = caller.post(RUN_BATCH).body(lines(&requests(4))).send().await.unwrap();
    let rows = rows.text().await.unwrap();
    assert_eq!(rows.lines().filter(|l| l.contains(r#""body":"nothing""#)).count(), 2, "{rows}");
    assert_eq!(caller.provider.counts().rows_billed, 2);
}

/// Every fault of the list, alone and at full rate, shows where it is documented.
#[tokio::test]
async fn each_fault_is_seen_by_a_client() {
    let rows = |faults: Faults| async move { start(faulty(faults)).await.output().await };
    let all = Faults::default();
    let seen = |text: &str, what: &str| assert_eq!(text.matches(what).count(), 3, "{what}: {text}");
    seen(&rows(Faults { usage_negative: 1.0, ..all }).await, r#""completion_tokens":-35"#);
    seen(&rows(Faults { choices_null: 1.0, ..all }).await, r#""choices":null"#);
    seen(&rows(Faults { finish_unknown: 1.0, ..all }).await, r#""finish_reason":"error""#);
    seen(&rows(Faults { row_unreadable: 1.0, ..all }).await, "\u{fffd}");
    seen(&rows(Faults { body_as_string: 1.0, ..all }).await, r#""body":"{"#);
    assert!(!rows(Faults { usage_missing: 1.0, ..all }).await.contains("usage"));

    let caller = start(ProviderConfig::default()).await;
    let (batch, _) = caller.run(lines(&requests(3))).await;
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    let output = format!("/v1/files/{}", batch["output_file_id"].as_str().unwrap());
    let bytes = json(caller.get(&output)).await.1["bytes"].as_u64().unwrap();
    caller.provider.set_faults(Faults { wrong_bytes: 1.0, ..all });
    assert_eq!(json(caller.get(&output)).await.1["bytes"], bytes + 7);
    caller.provider.set_faults(Faults { not_found: 1.0, ..all });
    for path in [&path, &output, &format!("{output}/content")] {
        assert_eq!(json(caller.get(path)).await.0, 404, "{path}");
    }
    caller.provider.set_faults(Faults { malformed_poll: 1.0, ..all });
    let page = caller.get(&path).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    caller.provider.set_faults(Faults { error_in_200: 1.0, ..all });
    let (status, error) = json(caller.get(&path)).await;
    assert_eq!((status.as_u16(), &error["error"]["code"]), (200, &json!(429)));
    caller.provider.set_faults(Faults { overloaded: 1.0, ..all });
    let jobs = caller.provider.counts().jobs;
    assert_eq!(json(caller.create("file-x", "t")).await.0, 529);
    assert_eq!(caller.provider.counts().jobs, jobs);
    caller.provider.set_faults(Faults { empty_file_id: 1.0, ..all });
    assert_eq!(caller.run(lines(&requests(3))).await.0["error_file_id"], "");
}

#[tokio::test]
async fn faults_come_in_the_shape_of_each_api() {
    let all = Faults::default();
    let faults = Faults { usage_negative: 1.0, finish_unknown: 1.0, ..all };
    let caller = start(faulty(faults)).await;
    let body =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "q"}]});
    let (_, reply) = json(anthropic(caller.post("/v1/messages")).json(&body)).await;
    assert_eq!(reply["usage"]["output_tokens"], -35);
    assert_eq!(reply["stop_reason"], "error");
    let (_, reply) = json(caller.post("/v1/chat/completions").json(&body)).await;
    assert_eq!(reply["usage"]["completion_tokens"], -35);
    assert_eq!(reply["choices"][0]["finish_reason"], "error");
    caller.provider.set_faults(Faults { overloaded: 1.0, ..all });
    let (status, reply) =
        json(anthropic(caller.post("/v1/messages/batches").json(&json!({})))).await;
    assert_eq!((status.as_u16(), &reply["error"]["type"]), (529, &json!("overloaded_error")));
}
