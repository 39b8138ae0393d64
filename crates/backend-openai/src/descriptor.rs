use clinstruct_batch_client::{
    Address, BackendSettings, Capabilities, Descriptor, Endpoint, Limits, ModelRule, OpenError,
    Opened,
};
use clinstruct_provider_http::LEFT_OUT;

use crate::{NAME, Profile};

/// OpenAI's Batch API, and with `--profile` the providers that copied it.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "OpenAI Batch API",
    model: ModelRule::Default("gpt-4o"),
    serves: |model| {
        ["gpt-", "chatgpt-", "o1", "o3", "o4"].iter().any(|family| model.starts_with(family))
    },
    endpoint: Some(endpoint),
    limits,
    capabilities,
    unavailable: if cfg!(feature = "http") { None } else { Some(LEFT_OUT) },
    ..Descriptor::new(NAME, open)
};

fn profile(name: Option<&str>) -> Result<Profile, OpenError> {
    let name = name.unwrap_or("openai");
    Profile::named(name).ok_or_else(|| {
        OpenError::setting(
            format!("there is no profile \"{name}\""),
            format!("the profiles are {}", Profile::names().join(", ")),
        )
    })
}

fn endpoint(name: Option<&str>) -> Result<Endpoint, OpenError> {
    let profile = profile(name)?;
    let address = if profile.base_url.contains("RESOURCE") {
        Address::Missing {
            message: format!(
                "the profile {} needs a base URL, which differs by customer",
                profile.name
            ),
            hint: format!("give yours with --base-url, such as {}", profile.base_url),
        }
    } else {
        Address::Known(profile.base_url)
    };
    Ok(Endpoint {
        address_variable: "OPENAI_BASE_URL".into(),
        address,
        key_variable: profile.key_variable,
        needs_key: true,
    })
}

fn limits(settings: &BackendSettings) -> Limits {
    let profile = profile(settings.profile.as_deref());
    profile.map_or_else(|_| (Descriptor::new(NAME, open).limits)(settings), |p| p.limits())
}

fn capabilities(settings: &BackendSettings) -> Capabilities {
    let profile = profile(settings.profile.as_deref());
    profile.map_or_else(|_| Capabilities::batch_api(), |p| p.capabilities())
}

#[cfg(not(feature = "http"))]
fn open(_: &BackendSettings) -> Result<Opened, OpenError> {
    Err(OpenError::setting(LEFT_OUT.message, LEFT_OUT.hint))
}

#[cfg(feature = "http")]
fn open(settings: &BackendSettings) -> Result<Opened, OpenError> {
    use crate::{OpenAi, queued_tokens};

    let mut profile = profile(settings.profile.as_deref())?;
    settings.base_url().clone_into(&mut profile.base_url);
    profile.timeout = settings.timeout;
    settings.adapt(&mut profile.dialect);
    let queue = settings
        .queued_tokens
        .or_else(|| settings.tier.and_then(|tier| queued_tokens(&settings.model, tier)));
    Ok(Opened::new(OpenAi::new(profile, settings.key.clone(), queue)?))
}
