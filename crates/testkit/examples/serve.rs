//! Serves the provider on loopback until stdin ends, and prints its address.
//!
//! Arguments, all optional: a rate for all faults; `rehearse`, so that the rehearsal's grammar answers; the
//! milliseconds that a chat takes.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_testkit::{Answer, Faults, Provider, ProviderConfig};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let rate: f64 = std::env::args().nth(1).and_then(|r| r.parse().ok()).unwrap_or(0.0);
    let mut config = ProviderConfig { faults: Faults::all(rate), ..ProviderConfig::default() };
    if std::env::args().nth(2).as_deref() == Some("rehearse") {
        let catalog = Catalog::embedded().map_err(std::io::Error::other)?;
        let engine = Rehearsal::new(catalog.instructions(), Rates::none(), None);
        config.answer =
            Arc::new(move |request, id| Answer::of_text(request, engine.answer(request, id)));
    }
    let latency = std::env::args().nth(3).and_then(|ms| ms.parse().ok()).unwrap_or(0);
    config.latency = Duration::from_millis(latency);
    let provider = Provider::start(config).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", provider.url())?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
