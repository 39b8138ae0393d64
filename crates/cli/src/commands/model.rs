//! Weights of models: what there is, and getting it.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clinstruct_app::Context as _;
use clinstruct_app::variable;
use clinstruct_app::weights::{file_of, shelf};
use clinstruct_catalog::Catalog;
use clinstruct_models::{CachedModel, ModelCache, Sources};
use clinstruct_provider_http::Secret;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{print, print_json, say};
use crate::args::ModelCommand;
use crate::exit::{Code, usage};
use crate::hub::{HUB_KEY, hub};
use crate::table::number;
use clinstruct_app::read_catalog;

/// First pause after trouble.
const PAUSE: Duration = Duration::from_secs(1);
/// Time between two plain lines of progress.
const BETWEEN: Duration = Duration::from_secs(5);

/// Lists models, gets one, or says where one is.
pub(crate) fn model(
    command: ModelCommand,
    resources: Option<&Path>,
) -> clinstruct_app::Result<Code> {
    let catalog = read_catalog(resources)?;
    match command {
        ModelCommand::List { json } => list(&catalog, &shelf()?, json)?,
        ModelCommand::Path { name } => {
            print(&format!("{}\n", file_of(&name, &catalog)?.display()))?;
        }
        ModelCommand::Fetch { what, sha256, json, pause } => {
            let pause = pause.map_or(PAUSE, Duration::from_millis);
            let kept = fetch(&catalog, &shelf()?, &what, sha256.as_deref(), pause)?;
            if json {
                print_json(&json!({
                    "path": kept.path, "sha256": kept.sha256, "was_there": kept.was_there,
                }))?;
            } else {
                let how = if kept.was_there { "was there" } else { "is there" };
                say(&format!("{} {how}, SHA-256 {}", kept.path.display(), kept.sha256));
                let name = catalog.model(&what).map_or_else(
                    || kept.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                    |m| m.name.clone(),
                );
                say(&format!(
                    "cargo xtask build-dataset --backend llama --model {name} --limit 3 makes a small dataset with it"
                ));
            }
        }
    }
    Ok(Code::Done)
}

fn list(catalog: &Catalog, shelf: &ModelCache, json: bool) -> clinstruct_app::Result<()> {
    let others: Vec<String> = shelf
        .names()
        .into_iter()
        .filter(|name| catalog.models.iter().all(|m| m.file != *name))
        .collect();
    if json {
        let models: Vec<_> = catalog
            .models
            .iter()
            .map(|m| json!({ "model": m, "here": shelf.path(m).is_file() }))
            .collect();
        return print_json(&json!({
            "folder": shelf.folder(), "models": models, "others": others,
        }));
    }
    let mut out = String::new();
    for m in &catalog.models {
        let here = if shelf.path(m).is_file() { "here" } else { "" };
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
    let _ = writeln!(out, "folder: {}", shelf.folder().display());
    print(&out)
}

fn fetch(
    catalog: &Catalog,
    shelf: &ModelCache,
    what: &str,
    sha256: Option<&str>,
    pause: Duration,
) -> clinstruct_app::Result<CachedModel> {
    if let Some(sum) = sha256
        && (sum.len() != 64 || !sum.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return Err(usage(format!("{sum} is no SHA-256"), "it has 64 hexadecimal digits"));
    }
    let is_address = what.contains("://");
    let listed = catalog.model(what);
    if listed.is_none() && !is_address {
        let file = Path::new(what);
        if !file.is_file() {
            let known: Vec<&str> = catalog.models.iter().map(|m| m.name.as_str()).collect();
            return Err(usage(
                format!("{what} is no model of the list, no address and no file"),
                format!("the list has {}; an address begins with https://", known.join(", ")),
            ));
        }
        return Ok(shelf.take(file, sha256)?);
    }
    let sources = Sources {
        hub: hub(),
        token: variable(HUB_KEY).map(|key| Secret::new(&key)),
        package_index: variable("PIP_INDEX_URL"),
        pause,
    };
    let shown = Shown::new();
    let progress = |have, whole| shown.show(have, whole);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let kept = match listed {
        None => runtime.block_on(shelf.fetch_url(what, sha256, &sources, &progress)),
        Some(model) => {
            let mut model = model.clone();
            if let Some(sum) = sha256 {
                model.sha256 = Some(sum.to_lowercase());
            }
            say(&format!(
                "{}, {} MB, licence: {}",
                model.title,
                number(model.bytes / 1_000_000),
                model.licence
            ));
            runtime.block_on(shelf.fetch(&model, &sources, &progress))
        }
    };
    shown.end();
    Ok(kept?)
}

/// How far a download is: a bar on a terminal, plain lines elsewhere.
struct Shown {
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Shown {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::no_length();
            let form =
                "{elapsed:>4} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, last: Mutex::new(Instant::now()) }
    }

    fn show(&self, have: u64, whole: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(whole) = whole {
                bar.set_length(whole);
            }
            bar.set_position(have);
            return;
        }
        let Ok(mut last) = self.last.lock() else { return };
        if last.elapsed() >= BETWEEN {
            *last = Instant::now();
            let mb = |bytes: u64| number(bytes / 1_000_000);
            let of = whole.map(|w| format!(" of {}", mb(w))).unwrap_or_default();
            say(&format!("{}{of} MB", mb(have)));
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
