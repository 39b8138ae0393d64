//! From settings to what a run needs: catalog, routes, store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Context as _;
use clinstruct_batch_client::Pacing;
use clinstruct_catalog::{Catalog, Files};
use clinstruct_curate::splits::Shares;
use clinstruct_pipeline::{RunConfig, RunContext};
use clinstruct_store::{Durability, Store};

use crate::{Settings, now, settings, usage};

/// Settings, checked, with the resources.
#[derive(Debug)]
pub struct Setup {
    /// The settings.
    pub args: Settings,
    /// Folder of the run.
    pub out: PathBuf,
    /// Threads.
    pub jobs: usize,
    /// Resources.
    pub catalog: Catalog,
}

impl Setup {
    /// Checks settings, and reads the resources.
    pub fn new(args: Settings) -> crate::Result<Self> {
        let catalog = read_catalog(args.resources.as_deref())?;
        Self::with(args, catalog)
    }

    /// The same for a command that only names parts: where the run's resources cannot be read any more, the
    /// names of those that were compiled in do.
    pub fn to_look(args: Settings) -> crate::Result<Self> {
        match Self::new(args.clone()) {
            Err(e) if args.resources.is_some() => {
                (args.host.notify)(&format!("{e}; the resources of this build are used for names"));
                Self::with(args, read_catalog(None)?)
            }
            setup => setup,
        }
    }

    fn with(args: Settings, catalog: Catalog) -> crate::Result<Self> {
        if let Some(usd) = args.max_cost
            && !(0.0..1e9).contains(&usd)
        {
            return Err(usage(
                format!("--max-cost {usd} is no amount"),
                "give US dollars, such as 25",
            ));
        }
        if let Some(option) = args.backend_option.iter().find(|option| !option.contains('=')) {
            return Err(usage(
                format!("--backend-option {option} has no `=`"),
                "write --backend-option NAME=VALUE",
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

    /// What the pipeline is to do. `detached` says that the command ends before its jobs do.
    pub fn context(&self, detached: bool) -> crate::Result<RunContext<'_>> {
        let defaults = RunConfig::default();
        let routes = crate::routes(&self.args, &self.catalog, &self.out, self.jobs, detached)?;
        let backend = self.args.host.backends.get(self.args.backend_name());
        let pacing = backend.map_or(Pacing::BATCHES, |backend| backend.pacing);
        let config = RunConfig {
            parts: self.args.part.clone(),
            limit: self.args.limit,
            seed: self.args.seed.unwrap_or(1),
            jobs: pacing.jobs.unwrap_or(2 * self.jobs),
            rows_per_job: self
                .args
                .rows_per_job
                .or(pacing.rows_per_job)
                .unwrap_or(defaults.rows_per_job)
                .max(1),
            window: self.args.window.or(pacing.window).unwrap_or(defaults.window).max(1),
            outbox: Some(self.out.join("outbox")),
            accept_change: self.args.accept_change,
            keep_reasoning: self.args.keep_reasoning,
            annotators: self.args.host.annotators.clone(),
            pause: self.args.pause.map_or(defaults.pause, Duration::from_millis),
            ..defaults
        };
        Ok(RunContext::new(&self.catalog, config, routes)?)
    }

    /// Opens the run's store for writing, making its folder.
    ///
    /// What costs nothing to ask again need not outlive a power cut; what is paid for must.
    pub fn store(&self, free: bool) -> crate::Result<Store> {
        let durability = if free { Durability::Fast } else { Durability::Full };
        Ok(Store::open(&self.out, durability)?)
    }

    /// Shares of validation and test.
    pub fn shares(&self) -> crate::Result<Shares> {
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
    pub fn store_to_read(&self) -> crate::Result<Store> {
        if !settings::has_run(&self.out) {
            return Err(settings::no_run(&self.out));
        }
        Ok(Store::open_read_only(&self.out)?)
    }
}

/// The resources of a folder; those that are compiled in where none is named.
pub fn read_catalog(resources: Option<&Path>) -> crate::Result<Catalog> {
    let catalog = match resources {
        None => Catalog::embedded(),
        Some(dir) => Catalog::read(read_resources(dir)?),
    };
    catalog.map_err(crate::Error::resources)
}

/// All files below a resources folder.
fn read_resources(dir: &Path) -> crate::Result<Files> {
    fn walk(root: &Path, dir: &Path, files: &mut Files) -> crate::Result<()> {
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

/// A name for a new run's jobs that no other run has.
pub fn run_name(setup: &Setup) -> String {
    let place = setup.out.canonicalize().unwrap_or_else(|_| setup.out.clone());
    let key = format!("{} {} {}", place.display(), now(), std::process::id());
    format!("clinstruct-{:012x}", clinstruct_draw::number(0, &key, "run name") >> 16)
}
