//! What a run needs, made from its settings: catalog, routes, store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Context as _;
use clinstruct_batch_client::Pacing;
use clinstruct_catalog::{Catalog, Files};
use clinstruct_curate::splits::Shares;
use clinstruct_pipeline::{RunConfig, RunContext};
use clinstruct_schema::Language;
use clinstruct_store::{Durability, Store};

use crate::{Settings, now, settings, usage};

/// Checked settings, with the resources.
#[derive(Debug)]
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    /// Folder of the run.
    pub out: PathBuf,
    /// Threads.
    pub jobs: usize,
    /// Resources.
    pub catalog: Catalog,
}

impl Setup {
    /// Checks settings, and reads the resources.
    pub fn new(settings: Settings) -> crate::Result<Self> {
        let catalog = catalog_of(settings.resources.as_deref(), settings.host.notify)?;
        Self::with(settings, catalog)
    }

    /// The same for a command that only names parts: where the run's resources cannot be read any more, the
    /// names of those that were compiled in do.
    pub fn to_look(settings: Settings) -> crate::Result<Self> {
        let read = catalog_of(settings.resources.as_deref(), |_| {});
        match read.and_then(|catalog| Self::with(settings.clone(), catalog)) {
            Err(e) if settings.resources.is_some() => {
                (settings.host.notify)(&format!(
                    "{e}; the resources of this build are used for names"
                ));
                Self::with(settings, read_catalog(None)?)
            }
            setup => setup,
        }
    }

    fn with(settings: Settings, mut catalog: Catalog) -> crate::Result<Self> {
        if !settings.languages.is_empty() {
            let languages = languages(&settings.languages, &catalog)?;
            catalog.set_languages(&languages);
        }
        if let Some(usd) = settings.max_cost
            && !(0.0..1e9).contains(&usd)
        {
            return Err(usage(
                format!("--max-cost {usd} is no amount"),
                "give US dollars, such as 25",
            ));
        }
        if let Some(option) = settings.backend_option.iter().find(|option| !option.contains('=')) {
            return Err(usage(
                format!("--backend-option {option} has no `=`"),
                "write --backend-option NAME=VALUE",
            ));
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = settings.jobs.unwrap_or(processors);
        let given = |n: Option<usize>| n.unwrap_or(1);
        for (name, is_zero) in [
            ("--jobs", jobs == 0),
            ("--limit", settings.limit == Some(0)),
            ("--sample", settings.sample == Some(0)),
            ("--rows-per-job", given(settings.rows_per_job) == 0),
            ("--window", given(settings.window) == 0),
            ("--concurrency", given(settings.concurrency) == 0),
            ("--timeout", settings.timeout == Some(0)),
        ] {
            if is_zero {
                return Err(usage(
                    format!("invalid value 0 for {name}: it must be at least 1"),
                    "change it where it is set, such as in clinstruct.toml",
                ));
            }
        }
        if settings.limit.is_some() && settings.sample.is_some() {
            return Err(usage(
                "--limit and --sample are both set",
                "give one of them: the first rows, or a sample of all; one may be set in the environment or in clinstruct.toml",
            ));
        }
        let out = settings.out.clone().unwrap_or_default();
        Ok(Self { settings, out, jobs, catalog })
    }

    /// What the pipeline is to do. `detached` says that the command ends before its jobs do.
    pub fn context(&self, detached: bool) -> crate::Result<RunContext<'_>> {
        let defaults = RunConfig::default();
        let routes = crate::routes(&self.settings, &self.catalog, &self.out, self.jobs, detached)?;
        let backend = self.settings.host.backends.get(self.settings.backend_name());
        let pacing = backend.map_or(Pacing::BATCHES, |backend| backend.pacing);
        let config = RunConfig {
            parts: self.settings.part.clone(),
            limit: self.settings.limit,
            sample: self.settings.sample,
            shard: self.settings.shard,
            seed: self.settings.seed.unwrap_or(1),
            jobs: pacing.jobs.unwrap_or(2 * self.jobs),
            rows_per_job: self
                .settings
                .rows_per_job
                .or(pacing.rows_per_job)
                .unwrap_or(defaults.rows_per_job)
                .max(1),
            window: self.settings.window.or(pacing.window).unwrap_or(defaults.window).max(1),
            outbox: Some(self.out.join("outbox")),
            accept_change: self.settings.accept_change,
            extraction: self.settings.extraction.map_or(defaults.extraction, Into::into),
            keep_reasoning: self.settings.keep_reasoning,
            annotators: self.settings.host.annotators.clone(),
            pause: self.settings.pause.map_or(defaults.pause, Duration::from_millis),
            ..defaults
        };
        Ok(RunContext::new(&self.catalog, config, routes)?)
    }

    /// Opens the run's store for writing; creates its folder.
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
        match self.settings.split[..] {
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

/// The languages that a flag names, in the order of the table; each once.
fn languages(given: &[String], catalog: &Catalog) -> crate::Result<Vec<Language>> {
    let known = catalog.languages.all();
    let mut named = Vec::new();
    for name in given {
        if name == "all" {
            named.extend(&known);
            continue;
        }
        match Language::of(name).filter(|language| known.contains(language)) {
            Some(language) => named.push(language),
            None => {
                let codes: Vec<&str> = known.iter().map(|language| language.code()).collect();
                return Err(usage(
                    format!("--languages names \"{name}\", in which there are no texts"),
                    format!("give some of {}, or all", codes.join(", ")),
                ));
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

/// The resources of a folder, with the built-in files that it lacks; those that are built in where none is named.
pub fn read_catalog(resources: Option<&Path>) -> crate::Result<Catalog> {
    catalog_of(resources, |_| {})
}

/// The same; says how many files are those of a folder that lacks some.
fn catalog_of(resources: Option<&Path>, notify: fn(&str)) -> crate::Result<Catalog> {
    let Some(dir) = resources else {
        return Catalog::embedded().map_err(crate::Error::resources);
    };
    let mut files = read_resources(dir)?;
    if files.is_empty() {
        return Err(usage(
            format!("there is no resource file (.toml, .j2) in {}", dir.display()),
            "name a folder with the files that differ from the built-in ones, laid out as in resources/",
        ));
    }
    let added = Catalog::complete(&mut files);
    if added > 0 {
        notify(&format!(
            "{} of {} resource files are from {}; the others are the built-in ones",
            files.len() - added,
            files.len(),
            dir.display()
        ));
    }
    Catalog::read(files).map_err(crate::Error::resources)
}

/// What became of reading a path that the user named: it is theirs to correct.
fn of_user<T>(read: std::io::Result<T>, failure: impl FnOnce() -> String) -> crate::Result<T> {
    read.with_context(failure).map_err(crate::Error::of_usage)
}

/// All files below a resources folder.
fn read_resources(dir: &Path) -> crate::Result<Files> {
    fn walk(root: &Path, dir: &Path, files: &mut Files) -> crate::Result<()> {
        let entries = of_user(std::fs::read_dir(dir), || {
            format!("cannot read the resources folder {}", dir.display())
        })?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                walk(root, &path, files)?;
                continue;
            }
            if !Catalog::is_resource(&path) {
                continue;
            }
            let text = of_user(std::fs::read(&path), || format!("cannot read {}", path.display()))?;
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

/// The place of a folder, however it is named.
pub(crate) fn place(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// A unique name for the jobs of a new run.
pub fn run_name(setup: &Setup) -> String {
    let place = place(&setup.out);
    // Containers may have the same folders, clocks and process numbers.
    let shard = setup.settings.shard.map(|shard| format!(" shard {shard}")).unwrap_or_default();
    let key = format!("{} {} {}{shard}", place.display(), now(), std::process::id());
    format!("clinstruct-{:012x}", clinstruct_draw::number(0, &key, "run name") >> 16)
}
