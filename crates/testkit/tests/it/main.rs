//! The test provider itself.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod mutants;
mod oddities;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchRequest;
use clinstruct_batch_client::openai::{Dialect, chat_body, write_line};
use clinstruct_parser::decode;
use clinstruct_schema::{RequestId, RowFormat, RowOutcome};
use clinstruct_testkit::contract::{Sent, contract, requests};
use clinstruct_testkit::{Faults, Provider, ProviderConfig};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

struct Caller {
    http: reqwest::Client,
    provider: Provider,
}

async fn start(config: ProviderConfig) -> Caller {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Caller { http, provider: Provider::start(config).await.unwrap() }
}

fn faulty(faults: Faults) -> ProviderConfig {
    ProviderConfig { faults, ..ProviderConfig::default() }
}

async fn json(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn lines(sent: &[BatchRequest]) -> Vec<u8> {
    let mut lines = Vec::new();
    for r in sent {
        write_line(&mut lines, r.id, &r.request, &Dialect::default()).unwrap();
    }
    lines
}

fn anthropic(request: RequestBuilder) -> RequestBuilder {
    request.header("x-api-key", "sk-test").header("anthropic-version", "2023-06-01")
}

impl Caller {
    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.provider.url())).bearer_auth("sk-test")
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.provider.url())).bearer_auth("sk-test")
    }

    async fn upload(&self, prefix: &str, bytes: Vec<u8>) -> String {
        let form = Form::new()
            .text("purpose", "batch")
            .part("file", Part::bytes(bytes).file_name("in.jsonl"));
        let (status, file) = json(self.post(&format!("{prefix}/files")).multipart(form)).await;
        assert_eq!(status, 200, "{file}");
        file["id"].as_str().unwrap().to_owned()
    }

    fn create(&self, file: &str, tag: &str) -> RequestBuilder {
        self.post("/v1/batches").json(&json!({
            "input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "metadata": {"tag": tag},
        }))
    }

    /// A finished job of these lines, with the states on the way.
    async fn run(&self, bytes: Vec<u8>) -> (Value, Vec<String>) {
        let file = self.upload("/v1", bytes).await;
        let (status, batch) = json(self.create(&file, "t")).await;
        assert_eq!(status, 200, "{batch}");
        let mut states = vec![batch["status"].as_str().unwrap().to_owned()];
        loop {
            let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
            let (_, batch) = json(self.get(&path)).await;
            let status = batch["status"].as_str().unwrap().to_owned();
            let over = ["completed", "failed", "expired", "cancelled"].contains(&&*status);
            states.push(status);
            assert!(states.len() < 20, "{states:?}");
            if over {
                return (batch, states);
            }
        }
    }

    async fn content(&self, file: &Value) -> Vec<(Option<RequestId>, RowOutcome)> {
        let Some(file) = file.as_str() else { return Vec::new() };
        let text = self.get(&format!("/v1/files/{file}/content")).send().await.unwrap();
        let text = text.text().await.unwrap();
        let rows = text.lines().map(|line| decode(RowFormat::OpenaiBatch, line.as_bytes()));
        rows.map(|row| (row.id, row.outcome)).collect()
    }
}

#[tokio::test]
async fn a_job_goes_round() {
    let caller = start(ProviderConfig::default()).await;
    let sent = requests(20);
    let (batch, states) = caller.run(lines(&sent)).await;
    assert_eq!(states, ["validating", "in_progress", "finalizing", "completed"]);
    assert_eq!(batch["request_counts"], json!({"total": 20, "completed": 20, "failed": 0}));
    assert_eq!((&batch["errors"], &batch["error_file_id"]), (&Value::Null, &Value::Null));
    assert_eq!(batch["metadata"], json!({"tag": "t"}));
    let rows = caller.content(&batch["output_file_id"]).await;
    let ids: Vec<_> = rows.iter().map(|row| row.0.unwrap()).collect();
    let asked: Vec<_> = sent.iter().map(|r| r.id).collect();
    assert_ne!(ids, asked, "rows come in an order of their own");
    assert_eq!(BTreeSet::from_iter(ids), BTreeSet::from_iter(asked));
    let mut tokens = (0, 0);
    for (id, outcome) in rows {
        let RowOutcome::Answer(answer) = outcome else { panic!("{outcome:?}") };
        assert_eq!(answer.text, format!("answer {}", &id.unwrap().to_string()[..8]));
        let usage = answer.usage.unwrap();
        tokens.0 += usage.prompt_tokens;
        tokens.1 += usage.completion_tokens;
    }
    let counts = caller.provider.counts();
    assert_eq!((counts.uploads, counts.jobs, counts.rows_billed), (1, 1, 20));
    assert_eq!((counts.prompt_tokens, counts.completion_tokens), tokens);
    assert_eq!(counts.rows_billed_twice, 0);
    caller.run(lines(&sent[..3])).await;
    assert_eq!(caller.provider.counts().rows_billed_twice, 3);
    assert_eq!(caller.provider.requests_seen()[&sent[0].id.to_string()], 2);
}

#[tokio::test]
async fn files_are_under_any_prefix_and_can_be_deleted() {
    let caller = start(ProviderConfig::default()).await;
    let file = caller.upload("/openai/v1", lines(&requests(2))).await;
    let (_, object) = json(caller.get(&format!("/openai/v1/files/{file}"))).await;
    assert_eq!((&object["object"], &object["purpose"]), (&json!("file"), &json!("batch")));
    let url = format!("{}/v1/files/{file}", caller.provider.url());
    let (_, gone) = json(caller.http.delete(url)).await;
    assert_eq!(gone["deleted"], true);
    assert_eq!(json(caller.get(&format!("/v1/files/{file}"))).await.0, 404);
    assert_eq!(json(caller.get("/v1/nothing")).await.0, 404);
}

#[tokio::test]
async fn a_wrong_key_is_quoted_masked() {
    let keys = vec!["sk-test".to_owned()];
    let caller = start(ProviderConfig { keys, ..ProviderConfig::default() }).await;
    assert_eq!(json(caller.get("/v1/models")).await.0, 200);
    let url = format!("{}/v1/batches", caller.provider.url());
    assert_eq!(json(caller.http.get(&url).header("api-key", "sk-test")).await.0, 200);
    let (status, body) = json(caller.http.get(&url).bearer_auth("sk-0123456789abcdef")).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (401, &json!("invalid_api_key")));
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("sk-0***********cdef"), "{message}");
    let form = Form::new().part("file", Part::bytes(vec![b'x'; 8 << 20]));
    let files = format!("{}/v1/files", caller.provider.url());
    assert_eq!(json(caller.http.post(files).multipart(form)).await.0, 401);
    let url = format!("{}/v1/messages/batches", caller.provider.url());
    let (status, body) = json(caller.http.get(&url)).await;
    assert_eq!((status.as_u16(), &body["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(json(caller.http.get(&url).header("x-api-key", "sk-test")).await.0, 400);
}

#[tokio::test]
async fn a_listing_has_pages_newest_first() {
    let caller = start(ProviderConfig { page_size: 3, ..ProviderConfig::default() }).await;
    let file = caller.upload("/v1", lines(&requests(1))).await;
    for i in 0..7 {
        json(caller.create(&file, &i.to_string())).await;
    }
    let mut tags = Vec::new();
    let mut after = String::new();
    loop {
        let (_, page) = json(caller.get(&format!("/v1/batches?limit=100{after}"))).await;
        let data = page["data"].as_array().unwrap();
        tags.extend(data.iter().map(|b| b["metadata"]["tag"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
    assert_eq!(tags, ["6", "5", "4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn an_expired_job_lacks_its_last_third_and_no_bill_for_it() {
    let faults = Faults { expired: 1.0, ..Faults::default() };
    let mut silent = BTreeSet::new();
    for seed in 0..8 {
        let caller = start(ProviderConfig { seed, ..faulty(faults) }).await;
        let (batch, states) = caller.run(lines(&requests(20))).await;
        assert_eq!(states.last().unwrap(), "expired");
        assert_eq!(caller.content(&batch["output_file_id"]).await.len(), 13);
        let errors = caller.content(&batch["error_file_id"]).await;
        silent.insert(errors.is_empty());
        assert!(errors.is_empty() || errors.len() == 7, "{errors:?}");
        for (_, outcome) in errors {
            let RowOutcome::Failed { code, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(code, "batch_expired");
        }
        assert_eq!(caller.provider.counts().rows_billed, 13);
    }
    assert_eq!(silent.len(), 2, "both ways to expire are gone");
}

#[tokio::test]
async fn a_cut_download_ends_within_a_line() {
    let mut broken = BTreeSet::new();
    for seed in 0..16 {
        let caller = start(ProviderConfig { seed, ..ProviderConfig::default() }).await;
        let (batch, _) = caller.run(lines(&requests(20))).await;
        caller.provider.set_faults(Faults { cut_download: 1.0, ..Faults::default() });
        let path = format!("/v1/files/{}/content", batch["output_file_id"].as_str().unwrap());
        let text = caller.get(&path).send().await.unwrap().text().await;
        broken.insert(text.is_err());
        if let Ok(text) = text {
            let last = text.lines().last().unwrap();
            assert!(serde_json::from_str::<Value>(last).is_err(), "{last}");
        }
        caller.provider.set_faults(Faults::default());
        assert_eq!(caller.content(&batch["output_file_id"]).await.len(), 20);
    }
    assert_eq!(broken.len(), 2, "both ways to be cut are gone");
}

#[tokio::test]
async fn a_job_whose_reply_is_lost_is_there() {
    let caller = start(ProviderConfig::default()).await;
    let file = caller.upload("/v1", lines(&requests(5))).await;
    caller.provider.set_faults(Faults { lost_reply: 1.0, ..Faults::default() });
    assert!(caller.create(&file, "lost").send().await.is_err());
    caller.provider.set_faults(Faults { dropped: 1.0, ..Faults::default() });
    assert!(caller.create(&file, "dropped").send().await.is_err());
    caller.provider.set_faults(Faults::default());
    let (_, page) = json(caller.get("/v1/batches")).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    assert_eq!(page["data"][0]["metadata"]["tag"], "lost");
    assert_eq!(caller.provider.counts().rows_billed, 5);
}

#[tokio::test]
async fn rows_suffer_as_asked() {
    let sent = requests(200);
    let faults = Faults {
        row_error: 0.1,
        row_missing: 0.1,
        row_duplicated: 0.1,
        row_unknown: 0.1,
        ..Faults::default()
    };
    let caller = start(faulty(faults)).await;
    let (batch, _) = caller.run(lines(&sent)).await;
    let mut times = BTreeMap::new();
    for (id, _) in caller.content(&batch["output_file_id"]).await {
        *times.entry(id.unwrap()).or_insert(0) += 1;
    }
    let errors = caller.content(&batch["error_file_id"]).await;
    assert!((8..40).contains(&errors.len()), "{}", errors.len());
    let asked: BTreeSet<_> = sent.iter().map(|r| r.id).collect();
    let strangers = times.keys().filter(|id| !asked.contains(*id)).count();
    let answered = times.len() - strangers;
    assert!((5..40).contains(&strangers), "{strangers}");
    assert!((5..40).contains(&times.values().filter(|n| **n == 2).count()));
    assert!((5..40).contains(&(200 - answered - errors.len())), "some are missing");
    let counts = caller.provider.counts();
    assert_eq!((counts.rows_billed, counts.rows_billed_twice), (answered as u64, 0));
}

#[tokio::test]
async fn jobs_are_refused_for_what_is_in_them() {
    let code = |batch: &Value| batch["errors"]["data"][0]["code"].as_str().unwrap().to_owned();
    let models = vec!["test-model".to_owned()];
    let caller = start(ProviderConfig { max_rows: 3, models, ..ProviderConfig::default() }).await;
    let sent = requests(2);
    let mut other = requests(3).split_off(2);
    other[0].request.model = "other".into();
    let twice = lines(&[sent[0].clone(), sent[0].clone()]);
    for (bytes, expected) in [
        (lines(&requests(4)), "too_many_tasks"),
        (b"{\"custom_id\":".to_vec(), "invalid_json_line"),
        (twice, "duplicate_custom_id"),
        (lines(&other), "model_not_found"),
        (Vec::new(), "empty_file"),
    ] {
        let (batch, states) = caller.run(bytes).await;
        assert_eq!(states, ["validating", "failed"]);
        assert_eq!(code(&batch), expected);
    }
    assert_eq!(caller.provider.counts().rows_billed, 0);

    let config = ProviderConfig { queued_tokens: Some(60), ..ProviderConfig::default() };
    let caller = start(config).await;
    let mixed = [sent[0].clone(), other[0].clone()];
    assert_eq!(code(&caller.run(lines(&mixed)).await.0), "mismatched_model");
    let file = caller.upload("/v1", lines(&sent)).await;
    json(caller.create(&file, "first")).await;
    assert_eq!(code(&caller.run(lines(&sent)).await.0), "token_limit_exceeded");
}

#[tokio::test]
async fn a_cancelled_job_keeps_half() {
    let caller = start(ProviderConfig::default()).await;
    let file = caller.upload("/v1", lines(&requests(9))).await;
    let (_, batch) = json(caller.create(&file, "t")).await;
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    assert_eq!(json(caller.post(&format!("{path}/cancel"))).await.1["status"], "cancelling");
    let (_, batch) = json(caller.get(&path)).await;
    assert_eq!(batch["status"], "cancelled");
    assert_eq!(caller.content(&batch["output_file_id"]).await.len(), 5);
    assert_eq!(caller.content(&batch["error_file_id"]).await.len(), 4);
    let counts = caller.provider.counts();
    assert_eq!(counts.rows_billed, 5);
    assert_eq!(caller.provider.requests_seen().len(), 5);
    assert_eq!(json(caller.post(&format!("{path}/cancel"))).await.0, 400);
}

#[tokio::test]
async fn chats_are_answered_until_the_money_is_gone() {
    let config = ProviderConfig { quota_rows: Some(1), ..ProviderConfig::default() };
    let caller = start(config).await;
    let sent = requests(1);
    let chat = || {
        let body = chat_body(&sent[0].request, &Dialect::default()).unwrap();
        let id = sent[0].id.to_string();
        caller.post("/v1/chat/completions").header("x-clinstruct-id", id).body(body)
    };
    caller.provider.set_down(true);
    assert_eq!(json(chat()).await.0, 503);
    caller.provider.set_down(false);
    let (_, body) = json(chat()).await;
    let text = format!("answer {}", &sent[0].id.to_string()[..8]);
    assert_eq!(body["choices"][0]["message"]["content"], text);
    let (status, body) = json(chat()).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (429, &json!("insufficient_quota")));
    assert_eq!(caller.provider.counts().rows_billed, 1);
}

#[tokio::test]
async fn an_anthropic_batch_goes_round() {
    let caller = start(ProviderConfig::default()).await;
    let all: Vec<_> = requests(6)
        .iter()
        .map(|r| {
            json!({"custom_id": r.id, "params": {
                "model": "m", "max_tokens": 9, "system": "s",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
            }})
        })
        .collect();
    let create = || {
        let request = caller.post("/v1/messages/batches").json(&json!({"requests": all}));
        json(anthropic(request))
    };
    let (status, batch) = create().await;
    assert_eq!((status.as_u16(), &batch["processing_status"]), (200, &json!("in_progress")));
    let path = format!("/v1/messages/batches/{}", batch["id"].as_str().unwrap());
    let get = |path: &str| json(anthropic(caller.get(path)));
    assert_eq!(get(&format!("{path}/results")).await.0, 404);
    assert_eq!(get(&path).await.1["processing_status"], "in_progress");
    let (_, ended) = get(&path).await;
    assert_eq!(ended["processing_status"], "ended");
    assert_eq!(ended["request_counts"]["succeeded"], 6);
    let url = ended["results_url"].as_str().unwrap();
    let results = anthropic(caller.http.get(url)).send().await.unwrap();
    let results = results.text().await.unwrap();
    assert_eq!(results.lines().count(), 6);
    for line in results.lines() {
        let outcome = decode(RowFormat::AnthropicBatch, line.as_bytes()).outcome;
        assert!(matches!(outcome, RowOutcome::Answer(_)), "{outcome:?}");
    }

    let (_, second) = create().await;
    let path = format!("/v1/messages/batches/{}", second["id"].as_str().unwrap());
    let cancel = anthropic(caller.post(&format!("{path}/cancel")));
    assert_eq!(json(cancel).await.1["processing_status"], "canceling");
    let counts = get(&path).await.1["request_counts"].clone();
    assert_eq!((&counts["succeeded"], &counts["canceled"]), (&json!(3), &json!(3)));
    assert_eq!(caller.provider.counts().rows_billed, 9);
    let (_, page) = get("/v1/messages/batches?limit=1").await;
    assert_eq!((&page["last_id"], &page["has_more"]), (&second["id"], &json!(true)));
    let older = format!("/v1/messages/batches?after_id={}", second["id"].as_str().unwrap());
    assert_eq!(get(&older).await.1["first_id"], batch["id"]);
}

#[tokio::test]
async fn the_rehearsal_keeps_the_contract() {
    let make = async || Arc::new(Rehearsal::new(Vec::new(), Rates::none(), None)) as _;
    contract(make, Sent::Hidden("it reads its requests in place")).await;
}

#[tokio::test]
async fn the_same_seed_gives_the_same_trouble() {
    let mut all = Vec::new();
    for seed in [1, 1, 2] {
        let faults = Faults { status_429: 0.3, status_500: 0.3, ..Faults::default() };
        let caller = start(ProviderConfig { seed, ..faulty(faults) }).await;
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(json(caller.get("/v1/models")).await.0.as_u16());
        }
        all.push(seen);
    }
    assert_eq!(all[0], all[1]);
    assert_ne!(all[0], all[2]);
    assert_eq!(BTreeSet::from_iter(all.concat()), BTreeSet::from([200, 429, 500]));
}
