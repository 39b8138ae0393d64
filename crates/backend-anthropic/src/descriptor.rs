use clinstruct_batch_client::{
    Address, BackendSettings, Capabilities, Descriptor, Endpoint, Limits, ModelRule, OpenError,
    Opened,
};

use crate::{Anthropic, BASE_URL};

/// Anthropic's Message Batches API.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Anthropic Message Batches",
    model: ModelRule::Default("claude-sonnet-4-5"),
    serves: |model| model.starts_with("claude"),
    endpoint: Some(endpoint),
    limits: |_| limits(),
    capabilities: |_| CAPABILITIES,
    ..Descriptor::new("anthropic", open)
};

/// Its capabilities.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities::batch_api().with_structured_output(false);

/// Its limits. Source: <https://docs.anthropic.com/en/docs/build-with-claude/batch-processing#batch-limitations>.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::new(100_000, 256_000_000, 50);
    limits.price_factor = 0.5;
    limits
}

#[expect(clippy::unnecessary_wraps, reason = "the descriptor's signature")]
fn endpoint(_: Option<&str>) -> Result<Endpoint, OpenError> {
    Ok(Endpoint {
        address_variable: "ANTHROPIC_BASE_URL".into(),
        address: Address::Known(BASE_URL.into()),
        key_variable: "ANTHROPIC_API_KEY".into(),
        needs_key: true,
    })
}

fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    let (base, key) = (settings.base_url(), settings.key.clone());
    Ok(Opened::new(Anthropic::with_timeout(base, key, settings.timeout)?))
}
