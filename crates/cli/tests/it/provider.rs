//! A provider on loopback whose answers come from the rehearsal's grammar.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_testkit::{Answer, Provider, ProviderConfig};
use tokio::runtime::Runtime;

use crate::clinstruct;

/// The key that the provider accepts.
pub(crate) const KEY: &str = "sk-test-0123456789abcdefWXYZ";

/// A provider with its runtime.
pub(crate) struct Loopback {
    pub(crate) provider: Provider,
    runtime: Runtime,
}

/// A config whose answers come from the grammar, without injected faults.
pub(crate) fn config() -> ProviderConfig {
    let engine = Rehearsal::new(Catalog::embedded().unwrap().instructions(), Rates::none(), None);
    ProviderConfig {
        keys: vec![KEY.into()],
        answer: Arc::new(move |request, id| Answer::of_text(request, engine.answer(request, id))),
        ..ProviderConfig::default()
    }
}

impl Loopback {
    pub(crate) fn start(config: ProviderConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let provider = runtime.block_on(Provider::start(config)).unwrap();
        Self { provider, runtime }
    }

    /// A command that uses this provider through a backend.
    pub(crate) fn command(&self, dir: &Path, backend: &str, args: &[&str]) -> Command {
        let mut command = clinstruct(dir);
        let base = format!("{}/v1", self.provider.url());
        command
            .args(args)
            .args(["--backend", backend, "--model", "gpt-4o", "--base-url", &base])
            .args(["--out", "o", "--yes", "--pause", "20"])
            .env("OPENAI_API_KEY", KEY)
            .env("ANTHROPIC_API_KEY", KEY)
            .env("CLINSTRUCT_API_KEY", KEY);
        command
    }

    pub(crate) fn run(&self, dir: &Path, backend: &str, args: &[&str]) -> Output {
        self.command(dir, backend, args).output().unwrap()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        // Kept-alive connections would be waited for.
        let empty = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::mem::replace(&mut self.runtime, empty).shutdown_background();
    }
}
