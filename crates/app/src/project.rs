//! The project file.

use std::path::PathBuf;

use crate::Context as _;
use clinstruct_schema::Shard;
use serde::{Deserialize, Serialize};

use crate::record::{ExtractionSetting, Layer, TokenParameter, layer};
use crate::{Registry, remote, suggest, usage};

/// Name of the project file, looked for in the current folder.
const PROJECT_FILE: &str = "clinstruct.toml";

/// The same settings as the flags, for a project.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all(deserialize = "kebab-case"))]
struct ProjectFile {
    part: Vec<String>,
    limit: Option<usize>,
    sample: Option<usize>,
    shard: Option<Shard>,
    languages: Vec<String>,
    seed: Option<u64>,
    out: Option<PathBuf>,
    backend: Option<String>,
    model: Option<String>,
    resources: Option<PathBuf>,
    jobs: Option<usize>,
    rows_per_job: Option<usize>,
    window: Option<usize>,
    misbehave: Vec<String>,
    backend_option: Vec<String>,
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
    extraction: Option<ExtractionSetting>,
}

/// The settings of the project file; none where there is no file.
pub(crate) fn read(backends: &Registry) -> crate::Result<Layer> {
    let file: ProjectFile = match std::fs::read_to_string(PROJECT_FILE) {
        Ok(text) => toml::from_str(&text).map_err(|e| {
            usage(format!("{PROJECT_FILE}: {e}"), "it takes the same names as the flags")
        })?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => ProjectFile::default(),
        Err(e) => return Err(e).with_context(|| format!("cannot read {PROJECT_FILE}")),
    };
    if let Some(name) = file.backend.as_deref().filter(|name| backends.get(name).is_none()) {
        let known: Vec<&str> = backends.all().iter().map(|known| known.name).collect();
        let hint = format!("the backends are {}", known.join(", "));
        return Err(usage(
            format!("{PROJECT_FILE}: there is no backend \"{name}\""),
            suggest(name, known, &hint),
        ));
    }
    let mut layer = layer(&file)?;
    remote::divide(&mut layer)?;
    Ok(layer)
}
