//! Merges the runs of all shards of a plan into one, with the dataset that a run without shards has.

use std::path::{Path, PathBuf};

use clinstruct_pipeline::{RunPlan, Unfinished, in_whole_plan};
use clinstruct_schema::Shard;
use clinstruct_store::{MergedRun, Store, merge};
use serde_json::{Value, json};

use crate::settings::{self, Given, Settings};
use crate::setup::place;
use crate::{Context as _, Error, Setup, usage};

/// Folder of a merged run where none is named.
const OUT: &str = "data/merged";
/// Name of the note that says which runs a journal was merged from.
const MERGED: &str = "merged";
/// Settings that shape the dataset and are no part of the plan, each with its flag.
const OF_DATASET: [(&str, &str); 6] = [
    ("eval", "--eval"),
    ("split", "--split"),
    ("title", "--title"),
    ("license", "--license"),
    ("keep_reasoning", "--keep-reasoning"),
    ("misbehave", "--misbehave"),
];

/// The finished run of one shard.
#[derive(Debug)]
struct ShardRun {
    dir: PathBuf,
    shard: Shard,
    plan: RunPlan,
    settings: settings::Layer,
    /// What tells whether the run is the same as before.
    state: Value,
}

/// The runs of all shards of a plan, in order, each finished.
#[derive(Debug)]
pub struct Shards {
    runs: Vec<ShardRun>,
    out: PathBuf,
}

impl Shards {
    /// Reads the runs in these folders, in any order, that are to be merged into the folder that is named; writes nothing.
    ///
    /// # Errors
    /// A folder without the run of a shard, one that is not finished, runs of different plans or datasets, a shard that is
    /// missing or there twice.
    pub fn read(given: &Given, dirs: &[PathBuf]) -> crate::Result<Self> {
        let mut runs = dirs.iter().map(|dir| read(dir)).collect::<crate::Result<Vec<_>>>()?;
        runs.sort_by_key(|run| run.shard);
        let out = given.out().unwrap_or_else(|| PathBuf::from(OUT));
        if let Some(run) = runs.iter().find(|run| is_same(&run.dir, &out)) {
            return Err(usage(
                format!(
                    "{} is the run of shard {}, and cannot be the merged one",
                    out.display(),
                    run.shard
                ),
                "name another folder with --out",
            ));
        }
        all_there(&runs)?;
        let shards = Self { runs, out };
        shards.ensure_same_plan()?;
        shards.ensure_same_dataset(given)?;
        Ok(shards)
    }

    /// The settings of the merged run: those of the first shard, without the shard, under flags.
    ///
    /// # Errors
    /// Saved settings that this version cannot read.
    pub fn settings(&self, given: &Given) -> crate::Result<Settings> {
        let mut saved = self.runs.first().map(|run| run.settings.clone()).unwrap_or_default();
        saved.remove("shard");
        saved.remove("remote");
        let mut flags = given.flags.clone();
        flags.remove("shard");
        let mut settings = settings::combine(given, [flags, saved])?;
        settings.out = Some(self.out.clone());
        settings.remote = given.remote().map(str::to_owned);
        Ok(settings)
    }

    /// Copies the answers of all shards into the merged run, unless they are there.
    ///
    /// # Errors
    /// Another plan than that of the shards, a folder with another run, files that cannot be read or written.
    pub fn copy(&self, setup: &Setup) -> crate::Result<()> {
        let whole = setup.context(false)?;
        let plan = RunPlan::of_context(&whole);
        let Some(first) = self.runs.first() else { return Ok(()) };
        let differences = first.plan.differences(&plan);
        if !differences.is_empty() {
            return Err(usage(
                format!(
                    "this command has another plan than the shards: {}",
                    differences.join(", ")
                ),
                "use the version of clinstruct and the resources that made the shards, and no flag that changes the plan",
            ));
        }
        let state = self.state();
        let tasks: Vec<_> = self.runs.iter().map(|run| in_whole_plan(&whole, run.shard)).collect();
        let runs = self.runs.iter().zip(&tasks);
        let runs: Vec<MergedRun<'_>> =
            runs.map(|(run, task)| MergedRun { dir: &run.dir, task }).collect();
        merge(&runs, &self.out, &[(MERGED, &state)])?;
        let known = Store::open_read_only(&self.out)?.meta(MERGED)?;
        if known.as_deref() == Some(&state) {
            return Ok(());
        }
        let out = self.out.display();
        Err(match known {
            None => usage(
                format!("there is a run in {out} that was not merged from shards"),
                "name another folder with --out",
            ),
            Some(_) => usage(
                format!(
                    "the run in {out} was merged from other shards, or from these before they changed"
                ),
                format!("name another folder with --out, or remove {out} to merge again"),
            ),
        })
    }

    /// Fails if a row of the merged run has no answer, which no request may be sent for.
    ///
    /// # Errors
    /// That, and a journal that cannot be read.
    pub fn ensure_complete(store: &Store) -> crate::Result<()> {
        match Unfinished::of(store)? {
            None => Ok(()),
            Some(left) => Err(Error::environment(
                format!("the shards lack answers of the whole plan: {left}"),
                "run `clinstruct reparse DIR` with the folder of each shard, then `clinstruct resume DIR` with those that are \
                 unfinished; then remove the merged run, and rerun this command",
            )),
        }
    }

    /// What tells whether a run was merged from these shards as they are.
    fn state(&self) -> String {
        let each = |run: &ShardRun| json!({ "shard": run.shard, "run": run.state });
        self.runs.iter().map(each).collect::<Value>().to_string()
    }

    fn ensure_same_plan(&self) -> crate::Result<()> {
        let Some((first, others)) = self.runs.split_first() else { return Ok(()) };
        for run in others {
            let differences = first.plan.differences(&run.plan);
            if !differences.is_empty() {
                return Err(usage(
                    format!(
                        "shard {} in {} is of another plan than shard {} in {}: {}",
                        run.shard,
                        run.dir.display(),
                        first.shard,
                        first.dir.display(),
                        differences.join(", ")
                    ),
                    "merge the shards of one plan: build all of them with the same settings, resources and version of clinstruct",
                ));
            }
        }
        Ok(())
    }

    fn ensure_same_dataset(&self, given: &Given) -> crate::Result<()> {
        let Some((first, others)) = self.runs.split_first() else { return Ok(()) };
        for (name, flag) in OF_DATASET {
            if given.flags.contains_key(name) {
                continue;
            }
            let of = |run: &ShardRun| run.settings.get(name).cloned().unwrap_or_default();
            if let Some(other) = others.iter().find(|run| of(run) != of(first)) {
                return Err(usage(
                    format!(
                        "shards {} and {} were built with another {flag}: {} and {}",
                        first.shard,
                        other.shard,
                        shown(&of(first)),
                        shown(&of(other))
                    ),
                    format!("add {flag} with the value that the merged run is to have"),
                ));
            }
        }
        Ok(())
    }
}

/// A setting, for display.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(all) if all.is_empty() => "none".to_owned(),
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether two paths are one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    place(one) == place(other)
}

/// Reads the run of a shard, which has to be finished.
fn read(dir: &Path) -> crate::Result<ShardRun> {
    let place = dir.display();
    if !settings::has_run(dir) {
        return Err(usage(
            format!("there is no run in {place}"),
            "name the folders of the runs that were built with --shard",
        ));
    }
    let store = Store::open_read_only(dir)?;
    let not_begun = || {
        usage(
            format!("the run in {place} has not begun"),
            "build it with `clinstruct build` and --shard, or name another folder",
        )
    };
    let plan = RunPlan::of(&store)?.ok_or_else(not_begun)?;
    let Some(shard) = plan.shard() else {
        return Err(usage(
            format!("the run in {place} is no shard: it was built without --shard"),
            "name the folders of the runs that were built with --shard",
        ));
    };
    if let Some(left) = Unfinished::of(&store)? {
        return Err(usage(
            format!("shard {shard} in {place} is not finished: {left}"),
            format!("run `clinstruct resume {place}`, then rerun this command"),
        ));
    }
    let saved = settings::kept(&store)?.ok_or_else(not_begun)?;
    let saved = serde_json::from_str(&saved)
        .with_context(|| format!("cannot read the settings of the run in {place}"))?;
    let Value::Object(settings) = saved else { return Err(not_begun()) };
    let state = json!({
        "name": store.meta("run_name")?, "answered": store.answered_total()?, "jobs": store.jobs()?.len(),
    });
    Ok(ShardRun { dir: dir.to_owned(), shard, plan, settings, state })
}

/// Checks that each shard is there once; they are in order.
fn all_there(runs: &[ShardRun]) -> crate::Result<()> {
    let Some(first) = runs.first() else {
        return Err(usage("there is nothing to merge", "name the folders of all shards"));
    };
    if let Some(other) = runs.iter().find(|run| run.shard.of() != first.shard.of()) {
        return Err(usage(
            format!(
                "{} is shard {}, and {} is shard {}: they are not shares of the same division",
                first.dir.display(),
                first.shard,
                other.dir.display(),
                other.shard
            ),
            "merge the shards of one plan: all have the same number behind the `/`",
        ));
    }
    let neighbours = runs.iter().zip(runs.iter().skip(1));
    if let Some((one, other)) = neighbours.into_iter().find(|(one, other)| one.shard == other.shard)
    {
        return Err(usage(
            format!(
                "shard {} is there twice: {} and {}",
                one.shard,
                one.dir.display(),
                other.dir.display()
            ),
            "name the folder of each shard once",
        ));
    }
    let missing: Vec<String> = first
        .shard
        .all()
        .filter(|shard| runs.iter().all(|run| run.shard != *shard))
        .map(|shard| shard.to_string())
        .collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(usage(
            format!("shard {one} is missing"),
            format!(
                "name its folder too, or build it with --shard {one} and the settings of the others"
            ),
        )),
        [one, ..] => Err(usage(
            format!("shards {} are missing", missing.join(", ")),
            format!(
                "name their folders too, or build them with --shard {one} and so on, and the settings of the others"
            ),
        )),
    }
}
