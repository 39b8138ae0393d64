use clinstruct_batch_client::{
    Address, BackendSettings, Descriptor, Endpoint, ModelRule, OpenError, Opened,
};
use clinstruct_provider_http::LEFT_OUT;

use crate::facts::{CAPABILITIES, limits};
use crate::{BASE_URL, NAME};

/// Anthropic's Message Batches API.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Anthropic Message Batches",
    model: ModelRule::Default("claude-sonnet-4-5"),
    serves: |model| model.starts_with("claude"),
    endpoint: Some(endpoint),
    limits: |_| limits(),
    capabilities: |_| CAPABILITIES,
    unavailable: if cfg!(feature = "http") { None } else { Some(LEFT_OUT) },
    ..Descriptor::new(NAME, open)
};

#[expect(clippy::unnecessary_wraps, reason = "the descriptor's signature")]
fn endpoint(_: Option<&str>) -> Result<Endpoint, OpenError> {
    Ok(Endpoint {
        address_variable: "ANTHROPIC_BASE_URL".into(),
        address: Address::Known(BASE_URL.into()),
        key_variable: "ANTHROPIC_API_KEY".into(),
        needs_key: true,
    })
}

#[cfg(not(feature = "http"))]
fn open(_: &BackendSettings) -> Result<Opened, OpenError> {
    Err(OpenError::setting(LEFT_OUT.message, LEFT_OUT.hint))
}

#[cfg(feature = "http")]
fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    let (base, key) = (settings.base_url(), settings.key.clone());
    Ok(Opened::new(crate::Anthropic::with_timeout(base, key, settings.timeout)?))
}
