//! The backend against a provider on loopback.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use clinstruct_backend_chat::{Chat, Options};
use clinstruct_batch_client::{BatchBackend, ErrorKind, Shard, ShardTag};
use clinstruct_testkit::contract::{Sent, contract, requests};
use clinstruct_testkit::{Faults, Provider, ProviderConfig, Received};
use futures::StreamExt as _;

fn options(provider: &Provider) -> Options {
    Options::new(&format!("{}/v1", provider.url()), None)
}

async fn rows(backend: &Chat, many: usize) -> Vec<clinstruct_batch_client::Result<Vec<u8>>> {
    let shard = Shard::in_memory(ShardTag("a".into()), requests(many));
    let job = backend.submit(&shard).await.unwrap();
    backend.rows(&job).collect().await
}

#[tokio::test]
async fn keeps_the_contract() {
    let received = Received::default();
    let provider = Provider::start(received.config()).await.unwrap();
    let make = async || Arc::new(Chat::new(options(&provider)).unwrap()) as Arc<dyn BatchBackend>;
    contract(make, Sent::Seen(&|| received.texts())).await;
}

#[tokio::test]
async fn trouble_that_passes_is_waited_for() {
    let faults = Faults { status_429: 0.2, status_500: 0.1, dropped: 0.05, ..Faults::default() };
    let provider =
        Provider::start(ProviderConfig { faults, ..ProviderConfig::default() }).await.unwrap();
    let backend = Chat::new(options(&provider)).unwrap();
    let got = rows(&backend, 60).await;
    assert_eq!(got.iter().filter(|r| r.is_ok()).count(), 60);
    assert_eq!(provider.counts().rows_billed, 60);
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_left_to_the_other() {
    let up = Provider::start(ProviderConfig::default()).await.unwrap();
    let down = Provider::start(ProviderConfig::default()).await.unwrap();
    down.set_down(true);
    let mut options = options(&down);
    options.base_urls.push(format!("{}/v1", up.url()));
    let got = rows(&Chat::new(options).unwrap(), 100).await;
    assert_eq!(got.iter().filter(|r| r.is_ok()).count(), 100);
    assert_eq!(up.counts().rows_billed, 100);
    assert!(down.counts().calls < 40, "{} calls to the dead one", down.counts().calls);
}

#[tokio::test]
async fn many_are_in_flight_at_once() {
    let latency = Duration::from_millis(50);
    let provider =
        Provider::start(ProviderConfig { latency, ..ProviderConfig::default() }).await.unwrap();
    let backend = Chat::new(options(&provider)).unwrap();
    let took = tokio::time::timeout(Duration::from_secs(8), rows(&backend, 400)).await.unwrap();
    // Sequentially they would take 20 s.
    assert_eq!(took.len(), 400);
}

#[tokio::test]
async fn a_key_that_is_refused_ends_the_job_with_an_error() {
    let config = ProviderConfig { keys: vec!["sk-right".into()], ..ProviderConfig::default() };
    let provider = Provider::start(config).await.unwrap();
    let got = rows(&Chat::new(options(&provider)).unwrap(), 1000).await;
    let kinds: Vec<ErrorKind> = got.into_iter().filter_map(Result::err).map(|e| e.kind).collect();
    assert!(kinds.contains(&ErrorKind::Unauthorised), "{kinds:?}");
    // Waiting requests are not sent after it.
    assert!(provider.counts().calls < 300, "{} calls", provider.counts().calls);
}
