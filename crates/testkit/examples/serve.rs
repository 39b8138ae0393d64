//! Serves the provider on loopback until stdin ends, and prints its address.
//!
//! The first argument, if there is one, is a rate at which it misbehaves in every way.

use std::io::{Read as _, Write as _};

use clinstruct_testkit::{Faults, Provider, ProviderConfig};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let rate: f64 = std::env::args().nth(1).and_then(|r| r.parse().ok()).unwrap_or(0.0);
    let config = ProviderConfig { faults: Faults::all(rate), ..ProviderConfig::default() };
    let provider = Provider::start(config).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", provider.url())?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
