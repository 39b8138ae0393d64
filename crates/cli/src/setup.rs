//! From arguments to what a run needs: settings, catalog, backend, store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchBackend;
use clinstruct_catalog::{Catalog, Files};
use clinstruct_pipeline::{RunConfig, RunContext};
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
        let backend = match (args.backend, file.backend) {
            (Some(backend), _) => backend,
            (None, Some(name)) => <BackendName as clap::ValueEnum>::from_str(&name, false)
                .map_err(|e| {
                    usage(format!("{PROJECT_FILE}: backend: {e}"), "see `clinstruct build --help`")
                })?,
            (None, None) => BackendName::Rehearsal,
        };
        if backend != BackendName::Rehearsal {
            return Err(usage(
                format!("this build has no {backend:?} backend").to_lowercase(),
                "use --backend rehearsal, which is offline and free",
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
        let out = args.out.clone().unwrap_or_else(|| PathBuf::from("data/rehearsal"));
        Ok(Self { args, out, jobs, catalog })
    }

    /// The backend; `spool` lets its jobs outlive this process.
    pub(crate) fn backend(&self, spool: bool) -> anyhow::Result<Arc<dyn BatchBackend>> {
        let rates = self.rates()?;
        let folder = self.out.join("spool");
        let spool = (spool || folder.exists()).then_some(folder);
        Ok(Arc::new(Rehearsal::new(self.catalog.instructions(), rates, spool)))
    }

    fn rates(&self) -> anyhow::Result<Rates> {
        let mut rates = Rates::default();
        for setting in &self.args.misbehave {
            if setting == "none" {
                rates = Rates::none();
                continue;
            }
            let known = || format!("use `none` or one of: {}", Rates::NAMES.join(", "));
            let (name, value) = setting
                .split_once('=')
                .ok_or_else(|| usage(format!("--misbehave {setting} has no `=`"), known()))?;
            let rate: f64 =
                value.parse().ok().filter(|r| (0.0..=1.0).contains(r)).ok_or_else(|| {
                    usage(format!("{value} is no rate"), "give a number from 0 to 1")
                })?;
            if !rates.set(name, rate) {
                return Err(usage(format!("there is no misbehaviour \"{name}\""), known()));
            }
        }
        Ok(rates)
    }

    /// What the pipeline is to do.
    pub(crate) fn context(&self, backend: &dyn BatchBackend) -> anyhow::Result<RunContext<'_>> {
        let defaults = RunConfig::default();
        let rates = self.rates()?;
        let model = match &self.args.model {
            Some(model) => model.clone(),
            // What a grammar writes depends on how it is told to misbehave: another model, so to speak.
            None if rates == Rates::default() => "rehearsal".into(),
            None => format!("rehearsal {}", self.args.misbehave.join(" ")),
        };
        let config = RunConfig {
            parts: self.args.part.clone(),
            limit: self.args.limit,
            seed: self.args.seed.unwrap_or(1),
            model,
            // So that rows are at hand while those before them are taken in.
            jobs: 2 * self.jobs,
            rows_per_job: self.args.rows_per_job.unwrap_or(defaults.rows_per_job).max(1),
            window: self.args.window.unwrap_or(defaults.window).max(1),
            ..defaults
        };
        let (id, limits) = (backend.id(), backend.limits());
        Ok(RunContext::new(&self.catalog, config, id, &limits, backend.row_format())?)
    }

    /// Opens the run's store for writing, making its folder.
    ///
    /// What costs nothing to ask again need not outlive a power cut; what is paid for must.
    pub(crate) fn store(&self, rehearsal: bool) -> anyhow::Result<Store> {
        let durability = if rehearsal { Durability::Fast } else { Durability::Full };
        Ok(Store::open(&self.out, durability)?)
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
fn read_resources(dir: &Path) -> anyhow::Result<Files> {
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
