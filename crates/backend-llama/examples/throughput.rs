//! Tokens per second of a model in this process, or of a chat server with the same requests.
//!
//! `throughput MODEL.gguf REQUESTS ROWS AT_ONCE MAX_TOKENS THREADS [alone]`, or `throughput URL REQUESTS ..`.
//! REQUESTS is what `clinstruct requests` prints. Prints a line of JSON: seconds, tokens, and a hash of each text.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, run by hand")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clinstruct_backend_chat::{Chat, Options as ChatOptions};
use clinstruct_backend_llama::{Llama, LlamaCpp, Options, Plan, Settings};
use clinstruct_batch_client::{BatchBackend, BatchRequest, Shard, ShardTag, request_id};
use futures::StreamExt as _;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, requests, rows, at_once, max_tokens, threads, rest @ ..] = &arguments[..] else {
        println!("throughput MODEL.gguf|URL REQUESTS ROWS AT_ONCE MAX_TOKENS THREADS [alone]");
        return;
    };
    let number = |text: &String| text.parse::<usize>().unwrap();
    let (rows, at_once, threads) = (number(rows), number(at_once), number(threads));
    let file = BufReader::new(std::fs::File::open(requests).unwrap());
    let asked: Vec<BatchRequest> = file
        .lines()
        .take(rows)
        .map(|line| {
            let line: BatchRequest = serde_json::from_str(&line.unwrap()).unwrap();
            let mut request = line.request;
            // Greedy sampling without a grammar: both sides do the same work.
            request.temperature = Some(0.0);
            request.max_tokens = number(max_tokens) as u32;
            request.json_schema = None;
            BatchRequest { id: request_id(&request), request }
        })
        .collect();
    let backend: Arc<dyn BatchBackend> = if model.starts_with("http") {
        let mut options = ChatOptions::new(model, None);
        options.pace.most = at_once;
        options.pace.first = at_once;
        Arc::new(Chat::new(options).unwrap())
    } else {
        let options = Options {
            file: PathBuf::from(model),
            threads,
            context: Some(2048),
            at_once: Some(at_once),
            taken: 0,
        };
        let plan = Plan::new(&options).unwrap();
        let without_sharing = rest.iter().any(|a| a == "alone");
        let settings = Settings { without_sharing, ..Settings::default() };
        Arc::new(Llama::new(settings, move || LlamaCpp::open(&options, &plan)))
    };
    // Loading time is excluded.
    drop(answers(&*backend, "warm", asked[..1].to_vec()).await);
    let start = Instant::now();
    let (texts, generated) = answers(&*backend, "measured", asked).await;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds, "rows": texts.len(), "generated": generated,
            "tokens_per_second": generated as f64 / seconds, "texts": texts,
        })
    );
}

async fn answers(
    backend: &dyn BatchBackend,
    tag: &str,
    asked: Vec<BatchRequest>,
) -> (BTreeMap<String, String>, u64) {
    let job = backend.submit(&Shard::in_memory(ShardTag(tag.into()), asked)).await.unwrap();
    let mut rows = backend.rows(&job);
    let mut texts = BTreeMap::new();
    let mut generated = 0;
    while let Some(row) = rows.next().await {
        let row: Value = serde_json::from_slice(&row.unwrap()).unwrap();
        let body = &row["response"]["body"];
        generated += body["usage"]["completion_tokens"].as_u64().unwrap();
        let text = body["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        texts.insert(row["custom_id"].as_str().unwrap().to_owned(), text);
    }
    (texts, generated)
}
