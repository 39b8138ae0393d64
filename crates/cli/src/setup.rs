//! From arguments to what a run needs: settings, catalog, backend, store.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use clinstruct_catalog::{Catalog, Files};
use clinstruct_pipeline::{RunConfig, RunContext};
use clinstruct_quality::dataset::split::Shares;
use clinstruct_store::{Durability, Store};
use serde::Deserialize;

use crate::args::{BackendName, RunArgs};
use crate::exit::usage;

/// Name of the project file, looked for in the current folder.
const PROJECT_FILE: &str = "clinstruct.toml";

/// The same settings as the flags, for a project.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ProjectFile {
    #[serde(default)]
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
    #[serde(default)]
    misbehave: Vec<String>,
    #[serde(default)]
    base_url: Vec<String>,
    profile: Option<String>,
    tier: Option<usize>,
    queued_tokens: Option<u64>,
    command: Option<String>,
    #[serde(default)]
    role: Vec<String>,
    price: Option<String>,
    concurrency: Option<usize>,
    context: Option<usize>,
    #[serde(default)]
    stop: Vec<String>,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    #[serde(default)]
    no_schema: bool,
    #[serde(default)]
    keep_reasoning: bool,
    max_cost: Option<f64>,
    title: Option<String>,
    license: Option<String>,
}

/// Settings, resolved.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) args: RunArgs,
    pub(crate) out: PathBuf,
    pub(crate) jobs: usize,
    pub(crate) catalog: Catalog,
}

impl Setup {
    /// Resolves the settings and reads the resources.
    pub(crate) fn new(mut args: RunArgs) -> anyhow::Result<Self> {
        let file = project_file()?;
        if args.part.is_empty() {
            args.part = file.part;
        }
        if args.misbehave.is_empty() {
            args.misbehave = file.misbehave;
        }
        args.limit = args.limit.or(file.limit);
        args.seed = args.seed.or(file.seed);
        args.out = args.out.or(file.out);
        args.model = args.model.or(file.model);
        args.resources = args.resources.or(file.resources);
        args.jobs = args.jobs.or(file.jobs);
        args.rows_per_job = args.rows_per_job.or(file.rows_per_job);
        args.window = args.window.or(file.window);
        for (flag, from_file) in [
            (&mut args.base_url, file.base_url),
            (&mut args.role, file.role),
            (&mut args.stop, file.stop),
        ] {
            if flag.is_empty() {
                *flag = from_file;
            }
        }
        args.profile = args.profile.or(file.profile);
        args.tier = args.tier.or(file.tier);
        args.queued_tokens = args.queued_tokens.or(file.queued_tokens);
        args.command = args.command.or(file.command);
        args.price = args.price.or(file.price);
        args.concurrency = args.concurrency.or(file.concurrency);
        args.context = args.context.or(file.context);
        args.requests_per_minute = args.requests_per_minute.or(file.requests_per_minute);
        args.tokens_per_minute = args.tokens_per_minute.or(file.tokens_per_minute);
        args.no_schema |= file.no_schema;
        args.keep_reasoning |= file.keep_reasoning;
        args.max_cost = args.max_cost.or(file.max_cost);
        args.title = args.title.or(file.title);
        args.license = args.license.or(file.license);
        let backend = match (args.backend, file.backend) {
            (Some(backend), _) => backend,
            (None, Some(name)) => <BackendName as clap::ValueEnum>::from_str(&name, false)
                .map_err(|e| {
                    usage(format!("{PROJECT_FILE}: backend: {e}"), "see `clinstruct build --help`")
                })?,
            (None, None) => BackendName::Rehearsal,
        };
        args.backend = Some(backend);
        if let Some(usd) = args.max_cost
            && !(0.0..1e9).contains(&usd)
        {
            return Err(usage(
                format!("--max-cost {usd} is no amount"),
                "give US dollars, such as 25",
            ));
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = args.jobs.unwrap_or(processors);
        for (name, value) in [("--jobs", jobs), ("--limit", args.limit.unwrap_or(1))] {
            if value == 0 {
                return Err(usage(format!("{name} is 0"), format!("give {name} at least 1")));
            }
        }
        let catalog = match &args.resources {
            None => Catalog::embedded()?,
            Some(dir) => Catalog::read(read_resources(dir)?)?,
        };
        let out = args.out.clone().unwrap_or_else(|| {
            let name = clap::ValueEnum::to_possible_value(&backend);
            Path::new("data").join(name.as_ref().map_or("run", |n| n.get_name()))
        });
        Ok(Self { args, out, jobs, catalog })
    }

    /// What the pipeline is to do; `spool` lets the rehearsal's jobs outlive this process.
    pub(crate) fn context(&self, spool: bool) -> anyhow::Result<RunContext<'_>> {
        let defaults = RunConfig::default();
        let routes = crate::backends::routes(&self.args, &self.catalog, &self.out, spool)?;
        let backend = self.args.backend.unwrap_or(BackendName::Rehearsal);
        let (jobs, rows_per_job, window) = match backend {
            // So that rows are at hand while those before them are taken in.
            BackendName::Rehearsal => (2 * self.jobs, defaults.rows_per_job, defaults.window),
            // How many requests are under way is the backend's own business.
            BackendName::Chat => (4, 500, defaults.window),
            BackendName::Llama => (64, 256, defaults.window),
            // A batch may take a day: what can be sent is sent.
            _ => (100, 10_000, 1_000_000),
        };
        let config = RunConfig {
            parts: self.args.part.clone(),
            limit: self.args.limit,
            seed: self.args.seed.unwrap_or(1),
            jobs,
            rows_per_job: self.args.rows_per_job.unwrap_or(rows_per_job).max(1),
            window: self.args.window.unwrap_or(window).max(1),
            outbox: Some(self.out.join("outbox")),
            accept_change: self.args.accept_change,
            keep_reasoning: self.args.keep_reasoning,
            pause: self.args.pause.map_or(defaults.pause, Duration::from_millis),
            ..defaults
        };
        Ok(RunContext::new(&self.catalog, config, routes)?)
    }

    /// Opens the run's store for writing, making its folder.
    ///
    /// What costs nothing to ask again need not outlive a power cut; what is paid for must.
    pub(crate) fn store(&self, rehearsal: bool) -> anyhow::Result<Store> {
        let durability = if rehearsal { Durability::Fast } else { Durability::Full };
        Ok(Store::open(&self.out, durability)?)
    }

    /// Shares of validation and test.
    pub(crate) fn shares(&self) -> anyhow::Result<Shares> {
        let wrong =
            || usage("--split gives no two shares below 1 in all", "write --split 0.05,0.05");
        match self.args.split[..] {
            [] => Ok(Shares::default()),
            [validation, test] if validation >= 0.0 && test >= 0.0 && validation + test < 1.0 => {
                Ok(Shares { validation, test })
            }
            _ => Err(wrong()),
        }
    }

    /// Opens the run's store to look at it.
    pub(crate) fn store_to_read(&self) -> anyhow::Result<Store> {
        if !self.out.join("run.sqlite").exists() {
            return Err(usage(
                format!("there is no run in {}", self.out.display()),
                "name its folder with --out, or make one with `clinstruct build`",
            ));
        }
        Ok(Store::open_read_only(&self.out)?)
    }
}

fn project_file() -> anyhow::Result<ProjectFile> {
    match std::fs::read_to_string(PROJECT_FILE) {
        Ok(text) => toml::from_str(&text).map_err(|e| {
            usage(format!("{PROJECT_FILE}: {e}"), "it takes the same names as the flags")
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(ProjectFile::default()),
        Err(e) => Err(e).with_context(|| format!("read {PROJECT_FILE}")),
    }
}

/// All files below a resources folder.
pub(crate) fn read_resources(dir: &Path) -> anyhow::Result<Files> {
    fn walk(root: &Path, dir: &Path, files: &mut Files) -> anyhow::Result<()> {
        let entries = std::fs::read_dir(dir)
            .with_context(|| format!("read the resources folder {}", dir.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                walk(root, &path, files)?;
                continue;
            }
            if !Catalog::is_resource(&path) {
                continue;
            }
            let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            let text = String::from_utf8(text).map_err(|e| {
                let at = e.utf8_error().valid_up_to();
                usage(
                    format!("{} is not UTF-8 at byte {at}", path.display()),
                    "save the file as UTF-8",
                )
            })?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.insert(name.to_string_lossy().replace('\\', "/"), text);
        }
        Ok(())
    }
    let mut files = Files::new();
    walk(dir, dir, &mut files)?;
    Ok(files)
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the shell, which reads the clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// A name for a new run's jobs that no other run has.
pub(crate) fn run_name(setup: &Setup) -> String {
    let place = setup.out.canonicalize().unwrap_or_else(|_| setup.out.clone());
    let key = format!("{} {} {}", place.display(), now(), std::process::id());
    format!("clinstruct-{:012x}", clinstruct_draw::number(0, &key, "run name") >> 16)
}
