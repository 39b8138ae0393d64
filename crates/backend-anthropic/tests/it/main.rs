//! The backend against a provider on loopback.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use clinstruct_backend_anthropic::Anthropic;
use clinstruct_batch_client::{BatchBackend, ErrorKind, JobState, Shard, ShardTag, Wanted};
use clinstruct_provider_http::Secret;
use clinstruct_testkit::contract::{Sent, contract, requests};
use clinstruct_testkit::{Faults, Provider, ProviderConfig, Received};

fn backend(provider: &Provider) -> Anthropic {
    let base = format!("{}/v1", provider.url());
    Anthropic::new(&base, Some(Secret::new("sk-ant-test"))).unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let received = Received::default();
    let provider = Provider::start(received.config()).await.unwrap();
    let make = async || Arc::new(backend(&provider)) as Arc<dyn BatchBackend>;
    contract(make, Sent::Seen(&|| received.texts())).await;
}

/// Only an ended batch reveals its tag.
#[tokio::test]
async fn while_a_batch_runs_nobody_can_tell_whose_it_is() {
    let faults = Faults { stuck: 1.0, ..Faults::default() };
    let provider =
        Provider::start(ProviderConfig { faults, ..ProviderConfig::default() }).await.unwrap();
    let backend = backend(&provider);
    let shard = Shard::in_memory(ShardTag("clinstruct-1".into()), requests(3));
    let job = backend.submit(&shard).await.unwrap();
    let e = backend.find(&Wanted::tagged(ShardTag("clinstruct-1".into()))).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unavailable);
    while let JobState::Running { .. } = backend.poll(&job).await.unwrap() {}
    assert_eq!(
        backend.find(&Wanted::tagged(ShardTag("clinstruct-1".into()))).await.unwrap(),
        Some(job)
    );
    assert_eq!(backend.find(&Wanted::tagged(ShardTag("clinstruct-2".into()))).await.unwrap(), None);
}

#[tokio::test]
async fn a_tag_that_fits_into_no_id_is_refused() {
    let provider = Provider::start(ProviderConfig::default()).await.unwrap();
    let shard = Shard::in_memory(ShardTag("x".repeat(40)), requests(1));
    let e = backend(&provider).submit(&shard).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Refused);
    assert_eq!(provider.counts().calls, 0);
}
