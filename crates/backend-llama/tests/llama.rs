//! llama.cpp itself: what is known before a model is loaded, and texts of a real model.
//!
//! The tests of the second kind need a file: `CLINSTRUCT_TEST_MODEL=FILE.gguf cargo test --package
//! clinstruct-backend-llama --features llama --test llama -- --include-ignored`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clinstruct_backend_llama::{Llama, LlamaCpp, Options, Plan, Settings};
use clinstruct_batch_client::{BatchBackend, BatchRequest, ErrorKind, Shard, ShardTag, request_id};
use clinstruct_schema::{ChatRequest, JsonSchema, Message, Role};
use futures::StreamExt as _;
use serde_json::Value;

/// The start of a GGUF file, without weights. Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
fn head(texts: &[(&str, &str)], numbers: &[(&str, u32)]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut file = b"GGUF".to_vec();
    file.extend(3_u32.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(((texts.len() + numbers.len()) as u64).to_le_bytes());
    for (key, value) in texts {
        file.extend(text(key));
        file.extend(8_u32.to_le_bytes());
        file.extend(text(value));
    }
    for (key, value) in numbers {
        file.extend(text(key));
        file.extend(4_u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file
}

fn options(file: &Path) -> Options {
    Options { file: file.to_owned(), threads: 2, context: None, at_once: None, taken: 0 }
}

const NUMBERS: [(&str, u32); 4] = [
    ("llama.block_count", 30),
    ("llama.embedding_length", 576),
    ("llama.attention.head_count", 9),
    ("llama.context_length", 8192),
];

#[test]
fn what_is_wrong_is_known_before_a_model_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: Vec<u8>| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let family = ("general.architecture", "llama");
    let template = ("tokenizer.chat_template", "{{ messages }}");
    let good = put("good.gguf", head(&[family, template], &NUMBERS));
    let plan = Plan::new(&Options { at_once: Some(2), ..options(&good) }).unwrap();
    // Two conversations and a spare sequence; 30 layers, 576 numbers each for keys and values, of 2 bytes.
    assert_eq!((plan.context, plan.cache), (8192, 3 * 8192 * 30 * 2 * 576 * 2));

    let refused = |options: Options, what: &str| {
        let broken = Plan::new(&options).unwrap_err();
        assert_eq!(broken.kind, ErrorKind::Refused, "{broken}");
        assert!(broken.message.contains(what), "{broken}");
    };
    let plain = put("base.gguf", head(&[family], &NUMBERS));
    refused(options(&plain), "has no chat template");
    refused(options(&put("page.gguf", b"<html>".to_vec())), "is not a model in the GGUF format");
    let cut = head(&[family, template], &NUMBERS);
    refused(options(&put("cut.gguf", cut[..cut.len() / 2].to_vec())), "or is incomplete");
    let long = Options { context: Some(9000), ..options(&good) };
    refused(long, "--context 9000 is more than");
    // Other models of this process have reserved everything.
    let none = Options { taken: u64::MAX, ..options(&good) };
    refused(none, "give a smaller --concurrency or --context, or a smaller model");
    let gone = Plan::new(&options(&folder.path().join("none.gguf"))).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Io);
}

#[expect(clippy::disallowed_methods, reason = "the model is where the caller says")]
fn model() -> PathBuf {
    std::env::var("CLINSTRUCT_TEST_MODEL").unwrap().into()
}

fn backend(context: usize, at_once: usize) -> Llama {
    let options = Options { context: Some(context), at_once: Some(at_once), ..options(&model()) };
    let plan = Plan::new(&options).unwrap();
    Llama::new(Settings::default(), move || LlamaCpp::open(&options, &plan))
}

fn request(user: &str, max_tokens: u32) -> ChatRequest {
    // Long enough to be worth a copy.
    let system = "You answer health workers in a small hospital. Be brief. Say what you are not sure of. Name the \
                  next step first, then the reason for it, then what would change your mind. Give doses only where \
                  the weight and the age are known, and always with the largest dose of a day. Never send anyone to \
                  a place that may not be near. Use plain words, short sentences, and the units that are used there. \
                  Where something cannot wait, say so in the first line, and say who has to be called for it.";
    let message = |role, text: &str| Message { role, content: text.to_owned() };
    ChatRequest {
        model: "test".into(),
        messages: vec![message(Role::System, system), message(Role::User, user)],
        max_tokens,
        temperature: Some(0.0),
        seed: 1,
        json_schema: None,
    }
}

/// The texts in the order of `requests`; the kind and message of an error instead of its text.
async fn ask(
    backend: &Llama,
    requests: &[ChatRequest],
) -> Result<Vec<Value>, clinstruct_batch_client::Error> {
    let asked: Vec<BatchRequest> = requests
        .iter()
        .map(|request| BatchRequest { id: request_id(request), request: request.clone() })
        .collect();
    let order: Vec<String> = asked.iter().map(|r| r.id.to_string()).collect();
    let job = backend.submit(&Shard::in_memory(ShardTag("a".into()), asked)).await?;
    let rows: Vec<_> = backend.rows(&job).collect().await;
    let mut by_id = BTreeMap::new();
    for row in rows {
        let row: Value = serde_json::from_slice(&row?).unwrap();
        by_id
            .insert(row["custom_id"].as_str().unwrap().to_owned(), row["response"]["body"].clone());
    }
    Ok(order.iter().map(|id| by_id[id].clone()).collect())
}

fn text(body: &Value) -> &str {
    body["choices"][0]["message"]["content"].as_str().unwrap()
}

#[tokio::test]
#[ignore = "needs CLINSTRUCT_TEST_MODEL"]
async fn the_likeliest_text_is_the_same_alone_and_among_31_others() {
    let what =
        ["a cough", "a burn", "a fever", "a rash", "dizziness", "a fracture", "thirst", "cramps"];
    let who = ["a child", "an old man", "a pregnant woman", "a nurse"];
    let requests: Vec<ChatRequest> = what
        .iter()
        .flat_map(|what| {
            who.map(|who| request(&format!("{who} comes with {what}. What first?"), 48))
        })
        .collect();
    let together = ask(&backend(1024, 32), &requests).await.unwrap();
    assert_eq!(together.len(), 32);
    let reused: u64 = together
        .iter()
        .map(|b| b["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap())
        .sum();
    assert!(reused > 0, "prefixes are shared");
    let lone = backend(1024, 32);
    let mut other = Vec::new();
    for (request, among) in requests.iter().zip(&together) {
        let alone = ask(&lone, std::slice::from_ref(request)).await.unwrap();
        if text(&alone[0]) != text(among) {
            other.push((text(&alone[0]).to_owned(), text(among).to_owned()));
        }
    }
    assert!(other.is_empty(), "{} of 32 differ: {other:#?}", other.len());
}

#[tokio::test]
#[ignore = "needs CLINSTRUCT_TEST_MODEL"]
async fn a_schema_is_held() {
    let schema = r#"{"type": "object", "properties": {"question": {"type": "string", "maxLength": 80},
        "urgent": {"type": "boolean"}}, "required": ["question", "urgent"], "additionalProperties": false}"#;
    let mut request = request("Write a question that a nurse would ask about a burn.", 200);
    request.temperature = Some(0.7);
    request.json_schema = Some(JsonSchema { name: "prompt".into(), schema: schema.into() });
    let got = ask(&backend(1024, 2), &[request]).await.unwrap();
    let said: Value = serde_json::from_str(text(&got[0])).unwrap();
    assert!(said["question"].is_string() && said["urgent"].is_boolean(), "{said}");
}

#[tokio::test]
#[ignore = "needs CLINSTRUCT_TEST_MODEL"]
async fn a_room_that_is_too_small_is_told_before_a_row_is_lost() {
    let e = ask(&backend(256, 2), &[request("What first?", 1000)]).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Refused);
    assert!(e.to_string().contains("--context"), "{e}");
}
