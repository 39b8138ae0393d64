//! The scheduler and the backend over an engine that records what it was fed.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod engine;
mod sharing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clinstruct_backend_llama::{Broken, Llama, Settings};
use clinstruct_batch_client::{BatchBackend, ErrorKind, Shard, ShardTag, Wanted};
use clinstruct_testkit::contract::{Sent, contract, requests};
use engine::Counting;
use futures::StreamExt as _;

async fn rows(backend: &Llama, many: usize) -> Vec<clinstruct_batch_client::Result<Vec<u8>>> {
    let shard = Shard::in_memory(ShardTag("a".into()), requests(many));
    let job = backend.submit(&shard).await.unwrap();
    backend.rows(&job).collect().await
}

#[tokio::test]
async fn keeps_the_contract() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let make = async || {
        let mut engine = Counting::new(4, 1000);
        engine.seen = Arc::clone(&seen);
        let open = || Ok(engine);
        Arc::new(Llama::new(Settings::default(), open)) as Arc<dyn BatchBackend>
    };
    contract(make, Sent::Seen(&|| seen.lock().unwrap().clone())).await;
}

#[tokio::test]
async fn a_model_is_loaded_with_the_first_request_and_not_before() {
    let loaded = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&loaded);
    let backend = Llama::new(Settings::default(), move || {
        seen.store(true, Ordering::Relaxed);
        Ok(Counting::new(2, 1000))
    });
    assert!(backend.find(&Wanted::tagged(ShardTag("x".into()))).await.unwrap().is_none());
    assert!(!loaded.load(Ordering::Relaxed));
    assert_eq!(rows(&backend, 3).await.len(), 3);
    assert!(loaded.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_refuses_every_request_with_the_reason() {
    let backend = Llama::new(Settings::default(), || {
        Err::<Counting, _>(Broken::refused("it needs 9 MiB, and 4 are free"))
    });
    let got = rows(&backend, 3).await;
    assert_eq!(got.len(), 3);
    for row in got {
        let e = row.unwrap_err();
        assert_eq!(e.kind, ErrorKind::Refused);
        assert!(e.to_string().contains("9 MiB"), "{e}");
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_for_the_room_says_how_much_it_needs() {
    // The model could hold it, but not the requested context: no attempt is used up.
    let small = Llama::new(Settings::default(), || Ok(Counting::new(2, 300)));
    let e = rows(&small, 1).await.remove(0).unwrap_err();
    assert!(e.to_string().contains("--context 512"), "{e}");
    // No context could hold it.
    let never = Llama::new(Settings::default(), || Ok(Counting::trained_for(2, 40)));
    let row = String::from_utf8(rows(&never, 1).await.remove(0).unwrap()).unwrap();
    assert!(row.contains("context_length_exceeded"), "{row}");
}

#[tokio::test]
async fn an_engine_that_breaks_in_the_middle_gives_what_it_had() {
    let backend = Llama::new(Settings::default(), || Ok(Counting::breaking_after(2, 60)));
    let got = rows(&backend, 20).await;
    assert_eq!(got.len(), 20);
    let (good, bad): (Vec<_>, Vec<_>) = got.into_iter().partition(Result::is_ok);
    assert!(!good.is_empty() && !bad.is_empty(), "{} and {}", good.len(), bad.len());
}
