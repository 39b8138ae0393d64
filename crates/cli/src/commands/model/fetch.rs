//! Downloads model weights.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clinstruct_app::Context as _;
use clinstruct_app::{suggest, variable};
use clinstruct_catalog::Catalog;
use clinstruct_models::{CachedModel, ModelCache, Sources};
use clinstruct_provider_http::Secret;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::commands::{print_err, print_json};
use crate::exit::usage;
use crate::hub::{HUB_KEY, hub};
use crate::table::number;

/// First pause before a retry.
const PAUSE: Duration = Duration::from_secs(1);
/// Interval between plain progress lines.
const BETWEEN: Duration = Duration::from_secs(5);

/// Fetches a model, and says where it is.
pub(super) fn fetch(
    catalog: &Catalog,
    cache: &ModelCache,
    what: &str,
    sha256: Option<&str>,
    json: bool,
    pause: Option<u64>,
) -> clinstruct_app::Result<()> {
    let pause = pause.map_or(PAUSE, Duration::from_millis);
    let cached = cached(catalog, cache, what, sha256, pause)?;
    if json {
        print_json(&json!({
            "path": cached.path, "sha256": cached.sha256, "was_there": cached.was_there,
        }))?;
    } else {
        let how = if cached.was_there { "was there" } else { "is there" };
        print_err(&format!("{} {how}, SHA-256 {}", cached.path.display(), cached.sha256));
        let name = catalog.model(what).map_or_else(
            || cached.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            |m| m.name.clone(),
        );
        print_err(&format!(
            "cargo xtask build-dataset --backend llama --model {name} --limit 3 makes a small dataset with it"
        ));
    }
    Ok(())
}

fn cached(
    catalog: &Catalog,
    cache: &ModelCache,
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
                suggest(
                    what,
                    known.iter().copied(),
                    &format!("the list has {}; an address begins with https://", known.join(", ")),
                ),
            ));
        }
        return Ok(cache.add(file, sha256)?);
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
        .context("cannot start the runtime")?;
    let cached = match listed {
        None => runtime.block_on(cache.fetch_url(what, sha256, &sources, &progress)),
        Some(model) => {
            let mut model = model.clone();
            if let Some(sum) = sha256 {
                model.sha256 = Some(sum.to_lowercase());
            }
            print_err(&format!(
                "{}, {} MB, licence: {}",
                model.title,
                number(model.bytes / 1_000_000),
                model.licence
            ));
            runtime.block_on(cache.fetch(&model, &sources, &progress))
        }
    };
    shown.end();
    Ok(cached?)
}

/// Download progress: a bar on a terminal, plain lines elsewhere.
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
            print_err(&format!("{}{of} MB", mb(have)));
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
