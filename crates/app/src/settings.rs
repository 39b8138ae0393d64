//! Where the settings of a command come from.
//!
//! A command that begins a run ([`own`]) takes each setting from the first source that has it: flags, `CLINSTRUCT_*`
//! environment variables, `clinstruct.toml` in the current folder, defaults.
//!
//! A command on an existing run ([`of_run`]) uses flags, then the saved settings, then defaults. It ignores the
//! environment and the project file: what they contained at build time is in the saved settings, and today they may
//! describe another run. `build` defines the run, so it uses its own.
//!
//! All sources are [`Layer`]s; only [`combine`] merges them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Context as _;
use clinstruct_provider_http::without_secrets;
use clinstruct_store::Store;
use serde_json::Value;

use crate::backend_settings::{backend_of_role, backend_settings};

pub use crate::record::{Call, ExtractionSetting, Given, Layer, Settings, TokenParameter};
use crate::{BackendFacts, address, project, usage};

/// Name of the note that holds the saved settings of a run.
const SETTINGS: &str = "settings";
/// Settings that apply to one backend only.
const OF_BACKEND: [&str; 19] = [
    "model",
    "base_url",
    "addresses",
    "partial_address",
    "profile",
    "tier",
    "queued_tokens",
    "command",
    "role",
    "price",
    "concurrency",
    "context",
    "stop",
    "requests_per_minute",
    "tokens_per_minute",
    "no_schema",
    "token_parameter",
    "misbehave",
    "backend_option",
];
/// Settings that apply to one profile of a backend only.
const OF_PROFILE: [&str; 4] = ["base_url", "partial_address", "tier", "queued_tokens"];
/// Settings that apply to one model only.
const OF_MODEL: [&str; 2] = ["price", "queued_tokens"];

/// Settings from several layers: each from the first that has it.
pub fn combine(given: &Given, layers: impl IntoIterator<Item = Layer>) -> crate::Result<Settings> {
    let mut all = Layer::new();
    for layer in layers {
        for (name, value) in layer {
            all.entry(name).or_insert(value);
        }
    }
    let settings: Settings =
        serde_json::from_value(Value::Object(all)).context("cannot read the settings")?;
    let backend = settings.backend.clone();
    let backend = backend.unwrap_or_else(|| given.host.backends.default_name().to_owned());
    let Call { yes, json, accept_change, keyless, estimate_only } = given.call;
    Ok(Settings {
        backend: Some(backend),
        yes,
        json,
        accept_change,
        keyless,
        estimate_only,
        host: given.host.clone(),
        ..settings
    })
}

/// The settings of a command that begins a run, or is about none.
pub fn own(given: &Given) -> crate::Result<Settings> {
    let file = project::read(&given.host.backends)?;
    let mut settings = combine(given, [given.flags.clone(), given.environment.clone(), file])?;
    settings.out = Some(out_of(&settings));
    Ok(settings)
}

/// The folder in the settings, or the default folder of their backend.
fn out_of(settings: &Settings) -> PathBuf {
    let named = settings.out.clone();
    named.unwrap_or_else(|| Path::new("data").join(settings.backend_name()))
}

/// The settings of a command on a run: those that the run was built with, under the flags.
pub fn of_run(given: &Given) -> crate::Result<Settings> {
    let own = own(given)?;
    let out = out_of(&own);
    if !has_run(&out) {
        return Err(match given.remote() {
            Some(address) => not_here(address, &out),
            None => no_run(&out),
        });
    }
    let store = Store::open_read_only(&out)?;
    // Journals of early versions have no settings.
    let Some(text) = store.meta(SETTINGS)? else { return Ok(own) };
    let mut saved = match serde_json::from_str(&text).context("cannot read the run's settings")? {
        Value::Object(saved) => saved,
        _ => Layer::new(),
    };
    let mut flags = given.flags.clone();
    if given.remote().is_none() {
        // A folder is named without its address.
        flags.remove("remote");
    }
    let differs = |saved: &Layer, name: &str| {
        flags.get(name).is_some_and(|value| saved.get(name) != Some(value))
    };
    let mut without: Vec<&str> = Vec::new();
    if differs(&saved, "backend") {
        without.extend(OF_BACKEND);
    }
    if differs(&saved, "profile") {
        without.extend(OF_PROFILE);
    }
    if differs(&saved, "model") {
        without.extend(OF_MODEL);
    }
    if flags.contains_key("base_url") {
        without.push("partial_address");
    }
    // One replaces the other.
    if flags.contains_key("limit") {
        without.push("sample");
    } else if flags.contains_key("sample") {
        without.push("limit");
    }
    saved.retain(|name, _| !without.contains(&name.as_str()));
    let mut settings = combine(given, [flags, saved])?;
    settings.out = Some(out);
    if settings.partial_address
        && let Some(whole) = address::variable_address(&settings)
    {
        settings.base_url = vec![whole];
        settings.partial_address = false;
    }
    Ok(settings)
}

/// The settings of the run in the folder that the command names; its own where it names none, or, with --out, one
/// that has no run yet.
pub fn of_named_run(given: &Given) -> crate::Result<Settings> {
    let is_flag = given.flags.contains_key("out");
    match given.out() {
        Some(out) if given.named || (is_flag && has_run(&out)) => of_run(given),
        _ => own(given),
    }
}

/// The settings of the run that is in the command's folder; its own where none is there yet.
pub fn of_run_or_own(given: &Given) -> crate::Result<Settings> {
    let own = own(given)?;
    if has_run(&out_of(&own)) { of_run(given) } else { Ok(own) }
}

/// Whether a folder contains a run.
pub fn has_run(folder: &Path) -> bool {
    folder.join("run.sqlite").exists()
}

/// What to report where a folder has none.
pub fn no_run(folder: &Path) -> crate::Error {
    usage(
        format!("there is no run in {}", folder.display()),
        "name the folder of a run, or make one with `clinstruct build`",
    )
}

/// What to report where the run at an address has no folder on this machine.
fn not_here(address: &str, folder: &Path) -> crate::Error {
    usage(
        format!(
            "the run at {address} has no journal on this machine: there is no run in {}",
            folder.display()
        ),
        "name its local folder with --work, or use the machine that built it; `check`, `export` and `merge` read the address",
    )
}

/// Settings as a run keeps them: without secrets, and so that they mean the same in another folder and with
/// another environment.
pub fn to_save(settings: &Settings) -> crate::Result<String> {
    let mut saved = settings.clone();
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    saved.out = None;
    saved.resources = saved.resources.as_deref().map(whole);
    for set in &mut saved.eval {
        // A path may be followed by a column; only the path is made absolute.
        *set = whole(Path::new(set)).display().to_string();
    }
    let (base_urls, addresses) = address::addresses(settings);
    saved.base_url = base_urls.iter().map(|url| without_secrets(url)).collect();
    saved.partial_address = settings.partial_address || saved.base_url != base_urls;
    saved.addresses = addresses
        .into_iter()
        // A removed secret must come from the environment again; an empty address marks it.
        .map(|(name, url)| (name, if without_secrets(&url) == url { url } else { String::new() }))
        .collect();
    saved.facts.extend(facts(settings));
    Ok(serde_json::to_string(&saved)?)
}

/// Facts about the backends that the settings name.
fn facts(settings: &Settings) -> BTreeMap<String, BackendFacts> {
    let backends = &settings.host.backends;
    let of_roles = settings.role.iter().filter_map(|role| Some(backend_of_role(role, backends)?.1));
    let given = backend_settings(settings);
    std::iter::once(settings.backend_name())
        .chain(of_roles)
        .filter_map(|name| backends.get(name))
        .map(|backend| {
            let facts = BackendFacts {
                capabilities: (backend.capabilities)(&given),
                price_factor: (backend.limits)(&given).price_factor,
            };
            (backend.name.to_owned(), facts)
        })
        .collect()
}

/// The settings that a run has kept, as they are.
pub fn kept(store: &Store) -> crate::Result<Option<String>> {
    Ok(store.meta(SETTINGS)?)
}

/// Keeps settings with their run.
pub fn keep(store: &mut Store, settings: &str) -> crate::Result<()> {
    Ok(store.set_meta(SETTINGS, settings)?)
}

#[cfg(test)]
mod tests {
    use clinstruct_batch_client::{Descriptor, OpenError};
    use serde_json::json;

    use super::*;
    use crate::{Host, Registry};

    fn layer_of(value: Value) -> Layer {
        match value {
            Value::Object(layer) => layer,
            _ => Layer::new(),
        }
    }

    fn given() -> Given {
        let named = |name| Descriptor::new(name, |_| Err(OpenError::setting("closed", "")));
        let backends = Registry::new(&[named("first"), named("second")]);
        Given { host: Host { backends, ..Host::default() }, ..Given::default() }
    }

    #[test]
    fn each_setting_is_of_the_first_layer_that_has_it() {
        let layers = [
            json!({"seed": 1, "part": ["a"]}),
            json!({"seed": 2, "model": "m", "gate": true}),
            json!({"seed": 3, "model": "n", "limit": 9}),
        ];
        let settings = combine(&given(), layers.map(layer_of)).unwrap();
        assert_eq!((settings.seed, settings.limit), (Some(1), Some(9)));
        assert_eq!((settings.model.as_deref(), settings.gate), (Some("m"), true));
        assert_eq!(settings.part, ["a"]);
        assert_eq!(settings.backend_name(), "first");
    }

    #[test]
    fn a_backend_is_a_name_that_need_not_be_known() {
        let settings = combine(&given(), [layer_of(json!({"backend": "elsewhere"}))]).unwrap();
        assert_eq!(settings.backend_name(), "elsewhere");
        let saved = to_save(&settings).unwrap();
        let again = combine(&given(), [layer_of(serde_json::from_str(&saved).unwrap())]).unwrap();
        assert_eq!(again.backend_name(), "elsewhere");
    }

    #[test]
    fn what_is_about_one_call_is_not_kept() {
        let mut given = given();
        given.call = Call { yes: true, json: true, accept_change: true, ..Call::default() };
        let settings = combine(&given, [layer_of(json!({"seed": 4}))]).unwrap();
        assert!(settings.yes && settings.json && settings.accept_change);
        let saved = layer_of(serde_json::from_str(&to_save(&settings).unwrap()).unwrap());
        for name in ["yes", "json", "accept_change", "host"] {
            assert!(!saved.contains_key(name), "{name}");
        }
        assert_eq!(saved["seed"], 4);
    }

    #[test]
    fn a_run_keeps_the_facts_of_its_backends_and_no_secret() {
        let layer = json!({
            "backend": "second", "role": ["user=first:m", "assistant=a:colon"],
            "base_url": ["https://user:word@host.example/v1"],
        });
        let settings = combine(&given(), [layer_of(layer)]).unwrap();
        let saved = to_save(&settings).unwrap();
        assert!(!saved.contains("word"), "{saved}");
        let again = combine(&given(), [layer_of(serde_json::from_str(&saved).unwrap())]).unwrap();
        assert!(again.partial_address);
        assert_eq!(again.facts.keys().collect::<Vec<_>>(), ["first", "second"]);
        assert!(again.facts["second"].capabilities.finds_jobs);
    }
}
