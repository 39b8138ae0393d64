//! Addresses of backends, and their keys.

use std::collections::BTreeMap;

use clinstruct_batch_client::{Address, Descriptor, Endpoint, Secret};
use clinstruct_provider_http::is_loopback;

use crate::backend_settings::backend_of_role;
use crate::{Settings, usage, variable};

/// How a backend is reached; `None` where it has no address.
fn endpoint(settings: &Settings, backend: &Descriptor) -> crate::Result<Option<Endpoint>> {
    match backend.endpoint {
        Some(endpoint) => endpoint(settings.profile.as_deref()).map(Some).map_err(Into::into),
        None => Ok(None),
    }
}

/// Addresses and key of a backend; at least one address if it has any.
pub(crate) fn reach(
    settings: &Settings,
    backend: &Descriptor,
    is_main: bool,
) -> crate::Result<(Vec<String>, Option<Secret>)> {
    let Some(endpoint) = endpoint(settings, backend)? else { return Ok((Vec::new(), None)) };
    let addresses = base_urls(settings, &endpoint, is_main)?;
    let name = &endpoint.key_variable;
    let key = variable(name).map(|key| Secret::new(&key));
    let base = addresses.first().map_or("", String::as_str);
    // A server on this machine needs no key.
    if key.is_none() && endpoint.needs_key && !is_loopback(base) {
        return Err(usage(
            format!("there is no key for {base}"),
            format!("set {name} in the environment; it is written nowhere"),
        ));
    }
    Ok((addresses, key))
}

/// The addresses of a backend, at least one. For the main backend, the settings take precedence; then the address saved
/// with the run, the environment, and the provider's default.
fn base_urls(
    settings: &Settings,
    endpoint: &Endpoint,
    is_main: bool,
) -> crate::Result<Vec<String>> {
    let variable_name = &endpoint.address_variable;
    let not_saved = || {
        usage(
            "the address that this run was built with holds a secret, which was not saved",
            format!("give the address again, with --base-url or in {variable_name}"),
        )
    };
    if is_main && settings.partial_address && !settings.keyless {
        return Err(not_saved());
    }
    if is_main && !settings.base_url.is_empty() {
        if let Some(bare) = settings.base_url.iter().find(|url| !url.contains("://")) {
            return Err(usage(
                format!("--base-url {bare} has no http:// or https:// in front"),
                "write the whole address, its version included, such as http://127.0.0.1:8000/v1",
            ));
        }
        return Ok(settings.base_url.clone());
    }
    let kept = settings.addresses.get(variable_name);
    match kept.filter(|url| !url.is_empty()).cloned().or_else(|| variable(variable_name)) {
        Some(url) => return Ok(vec![url]),
        None if kept.is_some() && !settings.keyless => return Err(not_saved()),
        None => {}
    }
    match &endpoint.address {
        Address::Known(url) => Ok(vec![url.clone()]),
        Address::Missing { message, hint } => Err(usage(message, hint)),
    }
}

/// The address of the main backend from the environment.
pub(crate) fn variable_address(settings: &Settings) -> Option<String> {
    let backend = settings.host.backends.get(settings.backend_name())?;
    variable(&endpoint(settings, backend).ok()??.address_variable)
}

/// Addresses from the settings: those of the main backend, and those of further backends by environment variable.
pub(crate) fn addresses(settings: &Settings) -> (Vec<String>, BTreeMap<String, String>) {
    let of = |name: &str, is_main: bool| -> Option<(String, Vec<String>)> {
        let backend = settings.host.backends.get(name)?;
        let endpoint = endpoint(settings, backend).ok()??;
        // Missing addresses were reported when the routes were built.
        let urls = base_urls(settings, &endpoint, is_main).unwrap_or_default();
        Some((endpoint.address_variable, urls))
    };
    let main = settings.backend_name();
    let mut more = settings.addresses.clone();
    for role in &settings.role {
        let Some((_, name)) = backend_of_role(role, &settings.host.backends) else { continue };
        if let (true, Some((variable, mut urls))) = (name != main, of(name, false)) {
            more.extend(urls.pop().map(|url| (variable, url)));
        }
    }
    if settings.partial_address {
        return (settings.base_url.clone(), more);
    }
    match of(main, true) {
        Some((_, urls)) => (urls, more),
        // A backend that this program does not have keeps its saved address.
        None => (settings.base_url.clone(), more),
    }
}
