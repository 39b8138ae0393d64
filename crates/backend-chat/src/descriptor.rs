use clinstruct_batch_client::{
    Address, BackendSettings, Capabilities, Cost, Descriptor, Endpoint, Limits, OpenError, Opened,
    Pacing, PriceRule,
};

use crate::{Chat, Options};

/// Chat endpoints, self-hosted or of a provider.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Any OpenAI-compatible chat endpoint",
    endpoint: Some(endpoint),
    price: PriceRule::ListedOrFree,
    // The backend limits its own requests in flight.
    pacing: Pacing::jobs(4, 500),
    limits: |_| limits(),
    capabilities: |settings| capabilities(!settings.no_schema),
    ..Descriptor::new("chat", open)
};

pub(crate) fn limits() -> Limits {
    Limits::new(10_000, 256 << 20, 8)
}

pub(crate) fn capabilities(structured_output: bool) -> Capabilities {
    Capabilities::in_process(Cost::Money).with_structured_output(structured_output)
}

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

fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
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
