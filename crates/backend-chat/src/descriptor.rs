use clinstruct_batch_client::{
    Address, BackendSettings, Descriptor, Endpoint, OpenError, Opened, Pacing, PriceRule,
};
use clinstruct_provider_http::LEFT_OUT;

use crate::NAME;
use crate::facts::{capabilities, limits};

/// Chat endpoints, self-hosted or of a provider.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Any OpenAI-compatible chat endpoint",
    endpoint: Some(endpoint),
    price: PriceRule::ListedOrFree,
    // The backend limits its own requests in flight.
    pacing: Pacing::jobs(4, 500),
    limits: |_| limits(),
    capabilities: |settings| capabilities(!settings.no_schema),
    unavailable: if cfg!(feature = "http") { None } else { Some(LEFT_OUT) },
    ..Descriptor::new(NAME, open)
};

#[expect(clippy::unnecessary_wraps, reason = "the descriptor's signature")]
fn endpoint(_: Option<&str>) -> Result<Endpoint, OpenError> {
    Ok(Endpoint {
        address_variable: "CLINSTRUCT_BASE_URL".into(),
        address: Address::Missing {
            message: "--backend chat needs an address".into(),
            hint: "give --base-url, such as http://127.0.0.1:8000/v1 for vLLM; several times for several servers".into(),
        },
        key_variable: "CLINSTRUCT_API_KEY".into(),
        needs_key: false,
    })
}

#[cfg(not(feature = "http"))]
fn open(_: &BackendSettings) -> Result<Opened, OpenError> {
    Err(OpenError::setting(LEFT_OUT.message, LEFT_OUT.hint))
}

#[cfg(feature = "http")]
fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    use crate::{Chat, Options};

    let mut options = Options::new(settings.base_url(), settings.key.clone());
    options.base_urls.clone_from(&settings.base_urls);
    if let Some(most) = settings.concurrency {
        options.pace.most = most.max(1);
        options.pace.first = options.pace.first.min(most.max(1));
    }
    if let Some(pause) = settings.pause {
        options.pace.pause = pause / 2;
    }
    options.pace.requests_per_minute = settings.requests_per_minute;
    options.pace.tokens_per_minute = settings.tokens_per_minute;
    options.dialect.structured_output = !settings.no_schema;
    options.timeout = settings.timeout;
    settings.adapt(&mut options.dialect);
    Ok(Opened::new(Chat::new(options)?))
}
