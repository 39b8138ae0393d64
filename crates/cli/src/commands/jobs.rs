//! Lists, cancels and retries jobs of a run.

use std::fmt::Write as _;
use std::path::Path;

use clinstruct_app::routes;
use clinstruct_batch_client::{JobRef, ShardTag, Wanted};
use clinstruct_schema::{SCHEMA_VERSION, dollars};
use clinstruct_store::{JobProgress, JobRecord, Store};
use serde_json::{Value, json};

use super::{print, print_err, print_json};
use crate::args::RunArgs;
use crate::exit::{Code, usage};
use crate::settings;
use crate::table::number;
use clinstruct_app::Setup;

/// A job as JSON.
pub(crate) fn as_json(j: &JobRecord) -> Value {
    json!({
        "tag": j.tag, "state": j.state.as_str(), "ended": j.ended, "rows": j.rows,
        "provider_ref": j.provider_ref, "route": j.route, "answered": j.counts.answered,
        "errors": j.counts.errors, "duplicates": j.counts.duplicates, "unknown": j.counts.unknown,
        "missing": j.counts.missing, "usage": j.usage, "usd": j.cost as f64 / 1e6,
        "usd_estimated": j.estimated as f64 / 1e6, "usd_reserved": j.reserved as f64 / 1e6,
        "queued_tokens": j.queued_tokens, "error": j.fault,
        "created": j.created, "updated": j.updated,
    })
}

/// Lists the jobs.
pub(crate) fn list(args: RunArgs) -> clinstruct_app::Result<Code> {
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

/// One line per job.
fn table(jobs: &[JobRecord]) -> String {
    let wide = jobs.iter().map(|j| j.tag.len()).max().unwrap_or(0);
    let mut out = String::new();
    for j in jobs {
        let ended =
            j.ended.as_deref().unwrap_or(j.provider_ref.as_deref().unwrap_or("not yet sent"));
        let error = j.fault.as_ref().filter(|e| !ended.contains(e.as_str()));
        let _ = writeln!(
            out,
            "{:<wide$}  {:<6}  rows {:>6}  answered {:>6}  errors {:>4}  missing {:>4}  {:>10}{} {}{}",
            j.tag,
            j.state.as_str(),
            number(j.rows),
            number(j.counts.answered),
            number(j.counts.errors),
            number(j.counts.missing),
            dollars(j.cost),
            // The provider did not report the usage of all of its rows.
            if j.estimated > 0 { "~" } else { " " },
            ended,
            error.map(|e| format!("; {e}")).unwrap_or_default()
        );
    }
    if jobs.iter().any(|j| j.estimated > 0) {
        out.push_str("~ partly an estimate: the provider did not report the usage of all rows\n");
    }
    out
}

/// Cancels one job, or all that are open, at the provider. What they have is still fetched.
pub(crate) fn cancel(args: RunArgs, tag: Option<&str>) -> clinstruct_app::Result<Code> {
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
            print_err(&format!("{tag} has ended ({how}): there is nothing to cancel"));
            return Ok(Code::Done);
        }
    }
    let wanted: Vec<&JobRecord> =
        jobs.iter().filter(is_open).filter(|j| tag.is_none_or(|t| t == j.tag)).collect();
    if wanted.is_empty() {
        print_err(&format!(
            "no job is open in {}: there is nothing to cancel",
            setup.out.display()
        ));
        return Ok(Code::Done);
    }
    let routes = routes(&setup.settings, &setup.catalog, &setup.out, setup.jobs, true)?;
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
    // For a provider whose batches have no tag, this tells which ones cannot match.
    let known: Vec<JobRef> =
        jobs.iter().filter_map(|j| j.provider_ref.clone()).map(JobRef).collect();
    for job in &wanted {
        let Some(route) = route_of(job) else { continue };
        let reference = match &job.provider_ref {
            Some(reference) => Some(JobRef(reference.clone())),
            // The process that was sending it does not know whether the provider has it.
            None => {
                let wanted =
                    Wanted { known: known.clone(), ..Wanted::tagged(ShardTag(job.tag.clone())) };
                runtime.block_on(route.backend.find(&wanted))?
            }
        };
        match reference {
            Some(reference) => {
                runtime.block_on(route.backend.cancel(&reference))?;
                print_err(&format!("{}: cancelled", job.tag));
            }
            None => print_err(&format!("{}: {} does not have it", job.tag, route.backend.id())),
        }
    }
    print_err(
        "`clinstruct collect DIR` takes in what they have, and `clinstruct resume DIR` continues the run",
    );
    Ok(Code::Done)
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
            estimated: 0,
            fault: None,
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
