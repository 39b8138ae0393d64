//! From settings to what a run needs: catalog, backend, store.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use clinstruct_catalog::{Catalog, Files};
use clinstruct_pipeline::{RunConfig, RunContext};
use clinstruct_quality::dataset::split::Shares;
use clinstruct_store::{Durability, Store};

use crate::args::{BackendName, RunArgs};
use crate::commands::say;
use crate::exit::usage;
use crate::settings;

/// Settings, resolved.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) args: RunArgs,
    pub(crate) out: PathBuf,
    pub(crate) jobs: usize,
    pub(crate) catalog: Catalog,
}

impl Setup {
    /// Resolves a command's own settings, where they are not resolved already, and reads the resources.
    pub(crate) fn new(args: RunArgs) -> anyhow::Result<Self> {
        let args = settings::own(args)?;
        let catalog = match &args.resources {
            None => Catalog::embedded()?,
            Some(dir) => Catalog::read(read_resources(dir)?)?,
        };
        Self::with(args, catalog)
    }

    /// The same for a command that only names parts: where the run's resources cannot be read any more, the
    /// names of those that were compiled in do.
    pub(crate) fn to_look(args: RunArgs) -> anyhow::Result<Self> {
        let args = settings::own(args)?;
        match Self::new(args.clone()) {
            Err(e) if args.resources.is_some() => {
                say(&format!("{e}; the resources of this build are used for names"));
                Self::with(args, Catalog::embedded()?)
            }
            setup => setup,
        }
    }

    fn with(args: RunArgs, catalog: Catalog) -> anyhow::Result<Self> {
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
        let given = |n: Option<usize>| n.unwrap_or(1);
        for (name, is_zero) in [
            ("--jobs", jobs == 0),
            ("--limit", args.limit == Some(0)),
            ("--rows-per-job", given(args.rows_per_job) == 0),
            ("--window", given(args.window) == 0),
            ("--concurrency", given(args.concurrency) == 0),
            ("--timeout", args.timeout == Some(0)),
        ] {
            if is_zero {
                return Err(usage(format!("{name} is 0"), format!("give {name} at least 1")));
            }
        }
        let out = args.out.clone().unwrap_or_default();
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
        if !settings::has_run(&self.out) {
            return Err(settings::no_run(&self.out));
        }
        Ok(Store::open_read_only(&self.out)?)
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
