//! Jobs of a run: to look at, to cancel, to ask for once more.

use std::fmt::Write as _;

use clinstruct_batch_client::JobRef;
use clinstruct_schema::{SCHEMA_VERSION, dollars};
use clinstruct_store::JobRecord;
use serde_json::{Value, json};

use super::{print, print_json, say};
use crate::args::RunArgs;
use crate::exit::{Code, usage};
use crate::setup::Setup;
use crate::table::number;

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
pub(crate) fn list(args: RunArgs) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let store = setup.store_to_read()?;
    let jobs = store.jobs()?;
    if setup.args.json {
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
        let ended =
            j.ended.as_deref().unwrap_or(j.provider_ref.as_deref().unwrap_or("not yet sent"));
        let error = j.fault.as_ref().filter(|e| !ended.contains(e.as_str()));
        let _ = writeln!(
            out,
            "{:<wide$}  {:<6}  {:>6} rows  {:>6} answered  {:>4} errors  {:>4} missing  {:>10}{} {}{}",
            j.tag,
            j.state.as_str(),
            number(j.rows),
            number(j.counts.answered),
            number(j.counts.errors),
            number(j.counts.missing),
            dollars(j.cost),
            // The provider did not say what all of its rows used.
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
pub(crate) fn cancel(args: RunArgs, tag: Option<&str>) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let context = setup.context(true)?;
    let store = setup.store_to_read()?;
    let open = store.open_jobs()?;
    let wanted: Vec<&JobRecord> = open.iter().filter(|j| tag.is_none_or(|t| t == j.tag)).collect();
    if let Some(tag) = tag.filter(|_| wanted.is_empty()) {
        return Err(usage(
            format!("there is no open job \"{tag}\""),
            "type `clinstruct jobs` to see all of them",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for job in &wanted {
        let route = context.routes.all().iter().find(|r| r.name == job.route);
        let (Some(route), Some(reference)) = (route, &job.provider_ref) else {
            say(&format!("{}: was not sent, or by other means than these flags give", job.tag));
            continue;
        };
        runtime.block_on(route.backend.cancel(&JobRef(reference.clone())))?;
        say(&format!("{}: cancelled", job.tag));
    }
    say("type `clinstruct collect` to take in what they have, or `clinstruct build` to go on");
    Ok(Code::Done)
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Usage;
    use clinstruct_store::{JobCounts, JobId, JobProgress};

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
