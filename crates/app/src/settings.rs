//! Where the settings of a command come from.
//!
//! A command that begins a run ([`own`]) takes each setting from the first of these that has it: flags, the
//! `CLINSTRUCT_*` variables of the environment, `clinstruct.toml` in the current folder, defaults.
//!
//! A command on a run that is there ([`of_run`]) takes flags, then what the run was built with, then defaults:
//! what the environment and the project file said is in the run's settings already, and what they say today may
//! be about another run. `build` defines the run, so it takes its own.
//!
//! All sources are [`Layer`]s, and [`combine`] is the one place where they meet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clinstruct_provider_http::without_secrets;
use clinstruct_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::routes::{backend_of_role, backend_settings};
use crate::{BackendFacts, Host, address, project, usage};

/// Name of the note that keeps a run's settings.
const SETTINGS: &str = "settings";
/// Settings that are about one backend, and mean nothing to another.
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
/// Settings that are about one profile of a backend.
const OF_PROFILE: [&str; 4] = ["base_url", "partial_address", "tier", "queued_tokens"];
/// Settings that are about one model.
const OF_MODEL: [&str; 2] = ["price", "queued_tokens"];

/// The name under which a server takes the most tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenParameter {
    /// The older name, which most servers know.
    MaxTokens,
    /// The name that newer models of OpenAI require.
    MaxCompletionTokens,
}

/// What is about one call and is never kept with a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call {
    /// Whether the user agrees to spend.
    pub yes: bool,
    /// Whether stdout takes JSON.
    pub json: bool,
    /// Whether the run may be replaced by another.
    pub accept_change: bool,
    /// Set where nothing is sent, so that neither keys nor addresses are needed.
    pub keyless: bool,
    /// Set where nothing is sent, and only costs matter.
    pub estimate_only: bool,
}

/// What a command line and the environment give.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Flags.
    pub flags: Layer,
    /// Variables of the environment.
    pub environment: Layer,
    /// Whether the folder is a command's argument, so that it has to have a run.
    pub named: bool,
    /// What is about this call.
    pub call: Call,
    /// The program.
    pub host: Host,
}

impl Given {
    /// Flags and environment apart, from the values of all arguments and the names of those that the environment set.
    pub fn new(all: &impl Serialize, from_environment: &[String]) -> anyhow::Result<Self> {
        let mut flags = layer(all)?;
        let environment = from_environment.iter().filter_map(|name| flags.remove_entry(name));
        let environment = environment.collect();
        Ok(Self { flags, environment, ..Self::default() })
    }

    /// Whether flags or environment have a setting.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.flags.contains_key(name) || self.environment.contains_key(name)
    }

    /// The folder, where flags or environment name one.
    pub(crate) fn out(&self) -> Option<PathBuf> {
        let out = self.flags.get("out").or_else(|| self.environment.get("out"))?;
        out.as_str().map(PathBuf::from)
    }
}

/// The settings of a run, combined.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Part to make, by id or file stem; can be given again [default: all]
    pub part: Vec<String>,
    /// Only the first N base rows of each part
    pub limit: Option<usize>,
    /// Seed of all draws [default: 1]
    pub seed: Option<u64>,
    /// Folder of the run [default: data/<backend>]
    pub out: Option<PathBuf>,
    /// Way to reach a model [default: rehearsal]
    pub backend: Option<String>,
    /// Model to ask [default: the backend's]
    pub model: Option<String>,
    /// Resources folder instead of the embedded ones
    pub resources: Option<PathBuf>,
    /// Threads; twice as many jobs are under way at once [default: number of processors]
    pub jobs: Option<usize>,
    /// Most US dollars to spend; the rehearsal backend costs nothing
    pub max_cost: Option<f64>,
    /// Address of the provider or server; for chat it can be given again for several servers
    pub base_url: Vec<String>,
    /// Provider with OpenAI's batch API: openai, azure, groq [default: openai]
    pub profile: Option<String>,
    /// Usage tier at OpenAI, 1 to 5: says how many tokens may wait in batches at once
    pub tier: Option<usize>,
    /// Most prompt tokens that may wait in batches at once
    pub queued_tokens: Option<u64>,
    /// Program of the command backend, with {input} and {output} in its arguments
    pub command: Option<String>,
    /// Another model for a role (prompt-writer, assistant, user), maybe of another backend; can be given again
    pub role: Vec<String>,
    /// Price of the model, in US dollars for a million tokens; a rehearsal and the command backend cost nothing
    pub price: Option<String>,
    /// Most requests under way at each chat server [default: 256], or conversations at once in the llama
    /// backend [default: 32, fewer where memory is short]
    pub concurrency: Option<usize>,
    /// Tokens of the longest conversation of the llama backend [default: 4096, or what the model knows]
    pub context: Option<usize>,
    /// Text that ends an answer of the llama backend, and does not belong to it; can be given again
    pub stop: Vec<String>,
    /// Most requests a minute to chat servers
    pub requests_per_minute: Option<u64>,
    /// Most tokens a minute to chat servers
    pub tokens_per_minute: Option<u64>,
    /// The chat server does not know JSON schemas
    pub no_schema: bool,
    /// Longest time to wait for more of a response from a provider or server [default: 300]
    pub timeout: Option<u64>,
    /// Send no sampling seed, for providers and servers that do not know it
    pub no_seed: bool,
    /// Name of the limit on an answer's tokens [default: the newer one for openai, else the older]
    pub token_parameter: Option<TokenParameter>,
    /// First pause after trouble, in milliseconds; all others follow from it
    pub pause: Option<u64>,
    /// Evaluation set whose items must not be in the dataset (.jsonl, .json, .csv or .parquet); can be given again
    pub eval: Vec<String>,
    /// Exit with 1 where a figure misses its target
    pub gate: bool,
    /// Keep the reasoning of assistant turns in the rows, for export as `reasoning_content`
    pub keep_reasoning: bool,
    /// Shares of the rows that are set aside for validation and for the test [default: 0.05,0.05]
    pub split: Vec<f64>,
    /// Title of the dataset, for its card
    pub title: Option<String>,
    /// Licence of the dataset, as hubs name it, such as cc-by-4.0 [default: other]
    pub license: Option<String>,
    /// Rows of one job
    pub rows_per_job: Option<usize>,
    /// Conversations under way at once; bounds the memory
    pub window: Option<usize>,
    /// Misbehaviour of the rehearsal backend: `none`, or KIND=RATE; can be given again
    pub misbehave: Vec<String>,
    /// Setting that only the backend knows, as NAME=VALUE; can be given again
    pub backend_option: Vec<String>,
    /// Addresses of further backends, by the variable that gave them; kept with the run.
    pub addresses: BTreeMap<String, String>,
    /// Whether a saved address was saved without its secret part.
    pub partial_address: bool,
    /// What the run knows of its backends, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, BackendFacts>,
    /// Whether the user agrees to spend.
    #[serde(skip)]
    pub yes: bool,
    /// Whether stdout takes JSON.
    #[serde(skip)]
    pub json: bool,
    /// Whether the run may be replaced by another.
    #[serde(skip)]
    pub accept_change: bool,
    /// Set where nothing is sent, so that neither keys nor addresses are needed.
    #[serde(skip)]
    pub keyless: bool,
    /// Set where nothing is sent, and only costs matter.
    #[serde(skip)]
    pub estimate_only: bool,
    /// The program.
    #[serde(skip)]
    pub host: Host,
}

impl Settings {
    /// Name of the main backend.
    pub fn backend_name(&self) -> &str {
        self.backend.as_deref().unwrap_or_else(|| self.host.backends.default_name())
    }
}

/// Settings by name, without those that are not set.
pub type Layer = Map<String, Value>;

/// A record's fields that are set.
pub(crate) fn layer(of: &impl Serialize) -> anyhow::Result<Layer> {
    let Value::Object(mut all) = serde_json::to_value(of)? else { return Ok(Layer::new()) };
    all.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        _ => true,
    });
    Ok(all)
}

/// Settings from several layers: each from the first that has it.
pub fn combine(given: &Given, layers: impl IntoIterator<Item = Layer>) -> anyhow::Result<Settings> {
    let mut all = Layer::new();
    for layer in layers {
        for (name, value) in layer {
            all.entry(name).or_insert(value);
        }
    }
    let settings: Settings =
        serde_json::from_value(Value::Object(all)).context("read the settings")?;
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
pub fn own(given: &Given) -> anyhow::Result<Settings> {
    let file = project::read(&given.host.backends)?;
    let mut settings = combine(given, [given.flags.clone(), given.environment.clone(), file])?;
    settings.out = Some(out_of(&settings));
    Ok(settings)
}

/// The folder that settings name, or their backend's.
fn out_of(settings: &Settings) -> PathBuf {
    let named = settings.out.clone();
    named.unwrap_or_else(|| Path::new("data").join(settings.backend_name()))
}

/// The settings of a command on a run: those that the run was built with, under the flags.
pub fn of_run(given: &Given) -> anyhow::Result<Settings> {
    let own = own(given)?;
    let out = out_of(&own);
    if !has_run(&out) {
        return Err(no_run(&out));
    }
    let store = Store::open_read_only(&out)?;
    // A journal of an early version kept no settings.
    let Some(text) = store.meta(SETTINGS)? else { return Ok(own) };
    let mut saved = match serde_json::from_str(&text).context("read the run's settings")? {
        Value::Object(saved) => saved,
        _ => Layer::new(),
    };
    let flags = &given.flags;
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
    saved.retain(|name, _| !without.contains(&name.as_str()));
    let mut settings = combine(given, [flags.clone(), saved])?;
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
pub fn of_named_run(given: &Given) -> anyhow::Result<Settings> {
    let is_flag = given.flags.contains_key("out");
    match given.out() {
        Some(out) if given.named || (is_flag && has_run(&out)) => of_run(given),
        _ => own(given),
    }
}

/// The settings of the run that is in the command's folder; its own where none is there yet.
pub fn of_run_or_own(given: &Given) -> anyhow::Result<Settings> {
    let own = own(given)?;
    if has_run(&out_of(&own)) { of_run(given) } else { Ok(own) }
}

/// Whether a folder has a run.
pub fn has_run(folder: &Path) -> bool {
    folder.join("run.sqlite").exists()
}

/// What to report where a folder has none.
pub fn no_run(folder: &Path) -> anyhow::Error {
    usage(
        format!("there is no run in {}", folder.display()),
        "name the folder of a run, or make one with `clinstruct build`",
    )
}

/// Settings as a run keeps them: without secrets, and so that they mean the same in another folder and with
/// another environment.
pub fn to_save(settings: &Settings) -> anyhow::Result<String> {
    let mut saved = settings.clone();
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    saved.out = None;
    saved.resources = saved.resources.as_deref().map(whole);
    for set in &mut saved.eval {
        // A column may stand behind the path; the beginning of the text is that of the path.
        *set = whole(Path::new(set)).display().to_string();
    }
    let (base_urls, addresses) = address::addresses(settings);
    saved.base_url = base_urls.iter().map(|url| without_secrets(url)).collect();
    saved.partial_address = settings.partial_address || saved.base_url != base_urls;
    saved.addresses = addresses
        .into_iter()
        // What was left out has to come from the environment again: an empty address says so.
        .map(|(name, url)| (name, if without_secrets(&url) == url { url } else { String::new() }))
        .collect();
    saved.facts.extend(facts(settings));
    Ok(serde_json::to_string(&saved)?)
}

/// What is known of the backends that the settings name.
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
pub fn kept(store: &Store) -> anyhow::Result<Option<String>> {
    Ok(store.meta(SETTINGS)?)
}

/// Keeps settings with their run.
pub fn keep(store: &mut Store, settings: &str) -> anyhow::Result<()> {
    Ok(store.set_meta(SETTINGS, settings)?)
}

#[cfg(test)]
mod tests {
    use clinstruct_batch_client::{Descriptor, OpenError};
    use serde_json::json;

    use super::*;
    use crate::Registry;

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
