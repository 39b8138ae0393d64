//! Jobs of a run: to look at, to cancel, to ask for once more.

use std::fmt::Write as _;
use std::path::Path;

use clinstruct_batch_client::{JobRef, ShardTag};
use clinstruct_schema::{SCHEMA_VERSION, dollars};
use clinstruct_store::{JobProgress, JobRecord, Store, UnitKey, UnitState};
use serde_json::{Value, json};

use super::{print, print_json, say};
use crate::args::RunArgs;
use crate::backends::routes;
use crate::exit::{Code, usage};
use crate::settings;
use crate::setup::Setup;
use crate::table::number;

/// A job as JSON.
pub(crate) fn as_json(j: &JobRecord) -> Value {
    json!({
        "tag": j.tag, "state": j.state.as_str(), "ended": j.ended, "rows": j.rows,
        "provider_ref": j.provider_ref, "route": j.route, "answered": j.counts.answered,
        "errors": j.counts.errors, "duplicates": j.counts.duplicates, "unknown": j.counts.unknown,
        "missing": j.counts.missing, "usage": j.usage, "usd": j.cost as f64 / 1e6,
        "usd_reserved": j.reserved as f64 / 1e6, "queued_tokens": j.queued_tokens,
        "created": j.created, "updated": j.updated,
    })
}

/// Lists the jobs.
pub(crate) fn list(args: RunArgs) -> anyhow::Result<Code> {
    let args = settings::of_run(args)?;
    let jobs = Store::open_read_only(args.out.as_deref().unwrap_or(Path::new("")))?.jobs()?;
    if args.json {
        let all: Vec<_> = jobs.iter().map(as_json).collect();
        print_json(&json!({ "schema_version": SCHEMA_VERSION, "jobs": all }))?;
        return Ok(Code::Done);
    }
    print(&table(&jobs))?;
    Ok(Code::Done)
}

/// One line a job.
fn table(jobs: &[JobRecord]) -> String {
    let wide = jobs.iter().map(|j| j.tag.len()).max().unwrap_or(0);
    let mut out = String::new();
    for j in jobs {
        let _ = writeln!(
            out,
            "{:<wide$}  {:<6}  {:>6} rows  {:>6} answered  {:>4} errors  {:>4} missing  {:>10}  {}",
            j.tag,
            j.state.as_str(),
            number(j.rows),
            number(j.counts.answered),
            number(j.counts.errors),
            number(j.counts.missing),
            dollars(j.cost),
            j.ended.as_deref().unwrap_or(j.provider_ref.as_deref().unwrap_or("not yet sent"))
        );
    }
    out
}

/// Cancels one job, or all that are open, at the provider. What they have is still fetched.
pub(crate) fn cancel(args: RunArgs, tag: Option<&str>) -> anyhow::Result<Code> {
    let setup = Setup::to_look(settings::of_run(args)?)?;
    let jobs = setup.store_to_read()?.jobs()?;
    let is_open = |j: &&JobRecord| j.state != JobProgress::Ended;
    if let Some(tag) = tag {
        let Some(job) = jobs.iter().find(|j| j.tag == tag) else {
            return Err(usage(
                format!("there is no job \"{tag}\" in {}", setup.out.display()),
                "`clinstruct jobs DIR` lists them all",
            ));
        };
        if !is_open(&job) {
            let how = job.ended.as_deref().unwrap_or("ended");
            say(&format!("{tag} has ended ({how}): there is nothing to cancel"));
            return Ok(Code::Done);
        }
    }
    let wanted: Vec<&JobRecord> =
        jobs.iter().filter(is_open).filter(|j| tag.is_none_or(|t| t == j.tag)).collect();
    if wanted.is_empty() {
        say(&format!("no job is open in {}: there is nothing to cancel", setup.out.display()));
        return Ok(Code::Done);
    }
    let routes = routes(&setup.args, &setup.catalog, &setup.out, true)?;
    let route_of = |job: &JobRecord| routes.all().iter().find(|r| r.name == job.route);
    if let Some(stranger) = wanted.iter().find(|j| route_of(j).is_none()) {
        return Err(usage(
            format!(
                "{} was sent to {}, which these settings do not lead to",
                stranger.tag, stranger.route
            ),
            "add the flags of the build that sent it, such as --backend, --model and --base-url",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for job in &wanted {
        let Some(route) = route_of(job) else { continue };
        let reference = match &job.provider_ref {
            Some(reference) => Some(JobRef(reference.clone())),
            // The process that was sending it has not heard whether the provider has it.
            None => runtime.block_on(route.backend.find(&ShardTag(job.tag.clone())))?,
        };
        match reference {
            Some(reference) => {
                runtime.block_on(route.backend.cancel(&reference))?;
                say(&format!("{}: cancelled", job.tag));
            }
            None => say(&format!("{}: {} does not have it", job.tag, route.backend.id())),
        }
    }
    say(
        "`clinstruct collect DIR` takes in what they have, and `clinstruct resume DIR` continues the run",
    );
    Ok(Code::Done)
}

/// Puts units that failed back to where they wait for their answer, with all their tries; says how many.
pub(crate) fn forget_failures(store: &mut Store) -> anyhow::Result<usize> {
    let failed = store.failed_units()?;
    let bases: Vec<UnitKey> = failed.iter().copied().filter(|k| k.is_base()).collect();
    let base_of = |key: UnitKey| UnitKey::base(key.part(), key.base_index());
    let mut put_back = Vec::new();
    for key in &failed {
        // The conversations of a base row that failed come again with it.
        if !key.is_base() && base_of(*key).is_some_and(|b| bases.contains(&b)) {
            continue;
        }
        if let Some(mut unit) = store.unit(*key)? {
            unit.state = UnitState::Waiting;
            unit.waiting = None;
            unit.tries = 0;
            unit.infra_tries = 0;
            unit.rejection = None;
            put_back.push(unit);
        }
    }
    store.write(|tx| {
        for base in &bases {
            if let Some(next) = UnitKey::base(base.part(), base.base_index() + 1) {
                tx.clear_some_units(*base, next)?;
            }
        }
        for unit in &put_back {
            tx.put_unit(unit)?;
        }
        Ok(())
    })?;
    Ok(put_back.len())
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Usage;
    use clinstruct_store::{JobCounts, JobId};

    use super::*;

    #[test]
    fn columns_stay_below_each_other() {
        let job = |tag: &str, rows| JobRecord {
            id: JobId(1),
            tag: tag.into(),
            provider_ref: None,
            state: JobProgress::Ended,
            ended: Some("completed".into()),
            rows,
            route: String::new(),
            queued_tokens: 0,
            reserved: 0,
            cost: 0,
            usage: Usage::default(),
            counts: JobCounts::default(),
            created: 0,
            updated: 0,
        };
        let told = table(&[job("run-9", 8), job("run-10", 50_000)]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2);
        for word in ["ended", " rows", " answered", " errors", " missing", "$", "completed"] {
            assert_eq!(lines[0].find(word), lines[1].find(word), "{word}\n{told}");
        }
    }
}
