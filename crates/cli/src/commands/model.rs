//! Lists and downloads model weights.

#[cfg(feature = "http")]
mod fetch;

use std::fmt::Write as _;
use std::path::Path;

use clinstruct_app::weights::{file_of, model_cache};
use clinstruct_catalog::Catalog;
use clinstruct_models::ModelCache;
use serde_json::json;

use super::{print, print_json};
use crate::args::ModelCommand;
use crate::exit::Code;
use crate::table::number;
use clinstruct_app::read_catalog;

/// Lists models, gets one, or says where one is.
pub(crate) fn model(
    command: ModelCommand,
    resources: Option<&Path>,
) -> clinstruct_app::Result<Code> {
    let catalog = read_catalog(resources)?;
    match command {
        ModelCommand::List { json } => list(&catalog, &model_cache()?, json)?,
        ModelCommand::Path { name } => {
            print(&format!("{}\n", file_of(&name, &catalog)?.display()))?;
        }
        #[cfg(feature = "http")]
        ModelCommand::Fetch { what, sha256, json, pause } => {
            fetch::fetch(&catalog, &model_cache()?, &what, sha256.as_deref(), json, pause)?;
        }
        #[cfg(not(feature = "http"))]
        ModelCommand::Fetch { .. } => return Err(super::without_http()),
    }
    Ok(Code::Done)
}

fn list(catalog: &Catalog, cache: &ModelCache, json: bool) -> clinstruct_app::Result<()> {
    let others: Vec<String> = cache
        .names()
        .into_iter()
        .filter(|name| catalog.models.iter().all(|m| m.file != *name))
        .collect();
    if json {
        let models: Vec<_> = catalog
            .models
            .iter()
            .map(|m| json!({ "model": m, "here": cache.path(m).is_file() }))
            .collect();
        return print_json(&json!({
            "folder": cache.folder(), "models": models, "others": others,
        }));
    }
    let mut out = String::new();
    for m in &catalog.models {
        let here = if cache.path(m).is_file() { "here" } else { "" };
        let _ = writeln!(
            out,
            "{:<14} {:>6} MB  {:<4}  {} ({})\n{:31}{}",
            m.name,
            number(m.bytes / 1_000_000),
            here,
            m.title,
            m.licence,
            "",
            m.about
        );
    }
    if !others.is_empty() {
        let _ = writeln!(out, "also here: {}", others.join(", "));
    }
    let _ = writeln!(out, "folder: {}", cache.folder().display());
    print(&out)
}
