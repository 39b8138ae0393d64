//! Where the settings of a command come from.
//!
//! A command that begins a run ([`own`]) takes each setting from the first of these that has it: flags, the
//! `CLINSTRUCT_*` variables of the environment, `clinstruct.toml` in the current folder, defaults.
//!
//! A command on a run that is there ([`of_run`]) takes flags, then what the run was built with, then defaults:
//! what the environment and the project file said is in the run's settings already, and what they say today may
//! be about another run. `build` defines the run, so it takes its own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum as _;
use clinstruct_provider_http::without_secrets;
use clinstruct_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::args::{BackendName, RunArgs, TokenParameter};
use crate::backends;
use crate::exit::usage;

/// Name of the project file, looked for in the current folder.
const PROJECT_FILE: &str = "clinstruct.toml";
/// Name of the note that keeps a run's settings.
const SETTINGS: &str = "settings";
/// Settings that are about one backend, and mean nothing to another.
const OF_BACKEND: [&str; 18] = [
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
];
/// Settings that are about one profile of a backend.
const OF_PROFILE: [&str; 4] = ["base_url", "partial_address", "tier", "queued_tokens"];
/// Settings that are about one model.
const OF_MODEL: [&str; 2] = ["price", "queued_tokens"];

/// The same settings as the flags, for a project.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all(deserialize = "kebab-case"))]
struct ProjectFile {
    part: Vec<String>,
    limit: Option<usize>,
    seed: Option<u64>,
    out: Option<PathBuf>,
    backend: Option<String>,
    model: Option<String>,
    resources: Option<PathBuf>,
    jobs: Option<usize>,
    rows_per_job: Option<usize>,
    window: Option<usize>,
    misbehave: Vec<String>,
    base_url: Vec<String>,
    profile: Option<String>,
    tier: Option<usize>,
    queued_tokens: Option<u64>,
    command: Option<String>,
    role: Vec<String>,
    price: Option<String>,
    concurrency: Option<usize>,
    context: Option<usize>,
    stop: Vec<String>,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    no_schema: bool,
    timeout: Option<u64>,
    no_seed: bool,
    token_parameter: Option<TokenParameter>,
    max_cost: Option<f64>,
    title: Option<String>,
    license: Option<String>,
    eval: Vec<String>,
    split: Vec<f64>,
    gate: bool,
    keep_reasoning: bool,
}

/// Settings by name, without those that are not set.
type Layer = Map<String, Value>;

fn layer(of: &impl Serialize) -> anyhow::Result<Layer> {
    let Value::Object(mut all) = serde_json::to_value(of)? else { return Ok(Layer::new()) };
    all.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        _ => true,
    });
    Ok(all)
}

/// Flags and environment, apart.
fn given(args: &RunArgs) -> anyhow::Result<(Layer, Layer)> {
    let mut flags = layer(args)?;
    let environment = args.from_environment.iter().filter_map(|name| flags.remove_entry(name));
    let environment = environment.collect();
    Ok((flags, environment))
}

/// One of several layers: each setting from the first that has it. What is not kept with a run is of `args`.
fn merged(args: &RunArgs, layers: Vec<Layer>) -> anyhow::Result<RunArgs> {
    let mut all = Layer::new();
    for layer in layers {
        for (name, value) in layer {
            all.entry(name).or_insert(value);
        }
    }
    let merged: RunArgs =
        serde_json::from_value(Value::Object(all)).context("read the settings")?;
    Ok(RunArgs {
        yes: args.yes,
        json: args.json,
        accept_change: args.accept_change,
        estimate_only: args.estimate_only,
        keyless: args.keyless,
        resolved: true,
        ..merged
    })
}

fn project_file() -> anyhow::Result<Layer> {
    let file: ProjectFile = match std::fs::read_to_string(PROJECT_FILE) {
        Ok(text) => toml::from_str(&text).map_err(|e| {
            usage(format!("{PROJECT_FILE}: {e}"), "it takes the same names as the flags")
        })?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => ProjectFile::default(),
        Err(e) => return Err(e).with_context(|| format!("read {PROJECT_FILE}")),
    };
    if let Some(name) = &file.backend {
        BackendName::from_str(name, false).map_err(|_| {
            let known: Vec<String> = BackendName::value_variants()
                .iter()
                .filter_map(BackendName::to_possible_value)
                .map(|v| v.get_name().to_owned())
                .collect();
            usage(
                format!("{PROJECT_FILE}: there is no backend \"{name}\""),
                format!("the backends are {}", known.join(", ")),
            )
        })?;
    }
    layer(&file)
}

/// The settings of a command that begins a run, or is about none.
pub(crate) fn own(args: RunArgs) -> anyhow::Result<RunArgs> {
    if args.resolved {
        return Ok(args);
    }
    let (flags, environment) = given(&args)?;
    let mut merged = merged(&args, vec![flags, environment, project_file()?])?;
    merged.backend.get_or_insert(BackendName::Rehearsal);
    merged.out = Some(out_of(&merged));
    Ok(merged)
}

/// The folder that settings name, or their backend's.
fn out_of(args: &RunArgs) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        let name = args.backend.unwrap_or(BackendName::Rehearsal).to_possible_value();
        Path::new("data").join(name.as_ref().map_or("run", |n| n.get_name()))
    })
}

/// The settings of a command on a run: those that the run was built with, under the flags.
pub(crate) fn of_run(args: RunArgs) -> anyhow::Result<RunArgs> {
    if args.resolved {
        return Ok(args);
    }
    let own = own(args.clone())?;
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
    let (flags, _) = given(&args)?;
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
    let mut merged = merged(&args, vec![flags, saved])?;
    merged.backend.get_or_insert(BackendName::Rehearsal);
    merged.out = Some(out);
    if merged.partial_address
        && let Some(whole) = backends::variable_address(&merged)
    {
        merged.base_url = vec![whole];
        merged.partial_address = false;
    }
    Ok(merged)
}

/// The settings of the run in the folder that the command names; its own where it names none, or, with --out, one
/// that has no run yet.
pub(crate) fn of_named_run(args: RunArgs) -> anyhow::Result<RunArgs> {
    let is_named = !args.from_environment.iter().any(|name| name == "out");
    match &args.out {
        Some(out) if args.named || (is_named && has_run(out)) => of_run(args),
        _ => own(args),
    }
}

/// The settings of the run that is in the command's folder; its own where none is there yet.
pub(crate) fn of_run_or_own(args: RunArgs) -> anyhow::Result<RunArgs> {
    let own = own(args.clone())?;
    if has_run(&out_of(&own)) { of_run(args) } else { Ok(own) }
}

/// Whether a folder has a run.
pub(crate) fn has_run(folder: &Path) -> bool {
    folder.join("run.sqlite").exists()
}

/// What to say where a folder has none.
pub(crate) fn no_run(folder: &Path) -> anyhow::Error {
    usage(
        format!("there is no run in {}", folder.display()),
        "name the folder of a run, or make one with `clinstruct build`",
    )
}

/// Settings as a run keeps them: without secrets, and so that they mean the same in another folder and with
/// another environment.
pub(crate) fn to_save(args: &RunArgs) -> anyhow::Result<String> {
    let mut saved = args.clone();
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    saved.out = None;
    saved.resources = saved.resources.as_deref().map(whole);
    for set in &mut saved.eval {
        // A column may stand behind the path; the beginning of the text is that of the path.
        *set = whole(Path::new(set)).display().to_string();
    }
    let (base_urls, addresses) = backends::addresses(args);
    saved.base_url = base_urls.iter().map(|url| without_secrets(url)).collect();
    saved.partial_address = args.partial_address || saved.base_url != base_urls;
    saved.addresses = addresses
        .into_iter()
        // What was left out has to come from the environment again: an empty address says so.
        .map(|(name, url)| (name, if without_secrets(&url) == url { url } else { String::new() }))
        .collect();
    Ok(serde_json::to_string(&saved)?)
}

/// The settings that a run has kept, as they are.
pub(crate) fn kept(store: &Store) -> anyhow::Result<Option<String>> {
    Ok(store.meta(SETTINGS)?)
}

/// Keeps settings with their run.
pub(crate) fn keep(store: &mut Store, settings: &str) -> anyhow::Result<()> {
    Ok(store.set_meta(SETTINGS, settings)?)
}

/// The folder that a command's positional argument names is that of its settings.
pub(crate) fn in_folder(run: &mut RunArgs, dir: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(dir) = dir else { return Ok(()) };
    let by_flag = !run.from_environment.iter().any(|name| name == "out");
    if let Some(out) = run.out.as_ref().filter(|out| by_flag && **out != dir) {
        return Err(usage(
            format!("two folders are named: {} and --out {}", dir.display(), out.display()),
            "name one",
        ));
    }
    run.out = Some(dir);
    run.named = true;
    run.from_environment.retain(|name| name != "out");
    Ok(())
}

/// Tells the two arguments of a command on something in a run apart: its folder, and the thing's name.
///
/// One alone is a folder where there is one of that name; else it names something in the folder of --out.
pub(crate) fn folder_and_name(
    run: &mut RunArgs,
    first: Option<String>,
    second: Option<String>,
) -> anyhow::Result<Option<String>> {
    let by_flag = run.out.is_some() && !run.from_environment.iter().any(|name| name == "out");
    match first {
        Some(word) if second.is_none() && (by_flag || !Path::new(&word).is_dir()) => {
            if !by_flag && !has_run(&out_of(&own(run.clone())?)) {
                return Err(usage(
                    format!("there is no folder {word}"),
                    "name the folder of a run, and behind it what you look for",
                ));
            }
            Ok(Some(word))
        }
        dir => {
            in_folder(run, dir.map(PathBuf::from))?;
            Ok(second)
        }
    }
}
