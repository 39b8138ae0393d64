//! The backend against a provider on loopback.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use clinstruct_backend_openai::{OpenAi, Profile};
use clinstruct_batch_client::{BatchBackend, Ended, ErrorKind, JobState, Shard, ShardTag, Wanted};
use clinstruct_provider_http::Secret;
use clinstruct_testkit::contract::{Sent, contract, requests};
use clinstruct_testkit::{Faults, Provider, ProviderConfig, Received};
use futures::StreamExt as _;

fn backend(provider: &Provider, prefix: &str) -> OpenAi {
    let mut profile = Profile::named("openai").unwrap();
    profile.base_url = format!("{}{prefix}", provider.url());
    OpenAi::new(profile, Some(Secret::new("sk-test")), None).unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let received = Received::default();
    let provider = Provider::start(received.config()).await.unwrap();
    let make = async || Arc::new(backend(&provider, "/v1")) as Arc<dyn BatchBackend>;
    contract(make, Sent::Seen(&|| received.texts())).await;
}

#[tokio::test]
async fn keeps_the_contract_under_a_path_as_azure_has_it() {
    let received = Received::default();
    let provider = Provider::start(received.config()).await.unwrap();
    let make = async || Arc::new(backend(&provider, "/openai/v1")) as Arc<dyn BatchBackend>;
    contract(make, Sent::Seen(&|| received.texts())).await;
}

async fn ended(backend: &OpenAi, job: &clinstruct_batch_client::JobRef) -> Ended {
    loop {
        if let JobState::Ended(how) = backend.poll(job).await.unwrap() {
            return how;
        }
    }
}

#[tokio::test]
async fn a_job_is_found_on_a_later_page() {
    let config = ProviderConfig { page_size: 2, ..ProviderConfig::default() };
    let provider = Provider::start(config).await.unwrap();
    let backend = backend(&provider, "/v1");
    let mut sent = Vec::new();
    for n in 0..7 {
        let shard = Shard::in_memory(ShardTag(format!("tag-{n}")), requests(1));
        sent.push(backend.submit(&shard).await.unwrap());
    }
    for (n, job) in sent.iter().enumerate() {
        let found = backend.find(&Wanted::tagged(ShardTag(format!("tag-{n}")))).await.unwrap();
        assert_eq!(found.as_ref(), Some(job), "{n}");
    }
    assert_eq!(backend.find(&Wanted::tagged(ShardTag("tag-9".into()))).await.unwrap(), None);
}

#[tokio::test]
async fn a_download_that_is_cut_ends_with_an_error_that_asks_for_another_try() {
    let faults = Faults { cut_download: 1.0, ..Faults::default() };
    let provider =
        Provider::start(ProviderConfig { faults, ..ProviderConfig::default() }).await.unwrap();
    let backend = backend(&provider, "/v1");
    let shard = Shard::in_memory(ShardTag("cut".into()), requests(30));
    let job = backend.submit(&shard).await.unwrap();
    assert_eq!(ended(&backend, &job).await, Ended::Completed);
    for _ in 0..4 {
        let rows: Vec<_> = backend.rows(&job).collect().await;
        let (good, bad): (Vec<_>, Vec<_>) = rows.into_iter().partition(Result::is_ok);
        assert!(good.len() < 30);
        let e = bad.into_iter().next().unwrap().unwrap_err();
        assert!(
            matches!(e.kind, ErrorKind::Truncated | ErrorKind::Unavailable) && e.is_transient()
        );
    }
    provider.set_faults(Faults::default());
    let rows: Vec<_> = backend.rows(&job).collect().await;
    assert_eq!(rows.iter().filter(|r| r.is_ok()).count(), 30);
}

#[tokio::test]
async fn a_batch_that_is_refused_says_why() {
    let config = ProviderConfig { max_rows: 5, ..ProviderConfig::default() };
    let provider = Provider::start(config).await.unwrap();
    let backend = backend(&provider, "/v1");
    let shard = Shard::in_memory(ShardTag("large".into()), requests(6));
    let job = backend.submit(&shard).await.unwrap();
    let Ended::Failed(why) = ended(&backend, &job).await else { unreachable!("it must fail") };
    let why = why.to_string();
    assert!(why.contains(':') && why.len() > 10, "{why}");
    assert_eq!(backend.rows(&job).count().await, 0);
}
