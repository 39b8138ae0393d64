//! Looks at a plan or a run without changing it.

use std::fmt::Write as _;

use clinstruct_pipeline::{RunContext, planned_rows};
use clinstruct_promptgen::{PromptOptions, prompt_request};
use clinstruct_schema::{SCHEMA_VERSION, Speaker, dollars};
use clinstruct_store::Store;
use serde_json::json;

use super::{print, print_json};
use crate::args::RunArgs;
use crate::exit::{Code, usage};
use crate::setup::Setup;
use crate::table::number;

/// The plan: counts, or every row.
pub(crate) fn plan(args: RunArgs, rows: bool) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let context = setup.context(false)?;
    if rows {
        for (_, plan) in &context.plans {
            for row in plan.rows() {
                print_json(&row)?;
            }
        }
        return Ok(Code::Done);
    }
    if setup.args.json {
        let parts: Vec<_> = context
            .plans
            .iter()
            .map(|(_, plan)| {
                json!({
                    "part": plan.part().id, "stem": plan.part().stem, "title": plan.part().title,
                    "prompt_requests": plan.len(), "conversations_at_most": planned_rows(plan),
                })
            })
            .collect();
        print_json(&json!({ "schema_version": SCHEMA_VERSION, "parts": parts }))?;
        return Ok(Code::Done);
    }
    let mut out = String::new();
    for (_, plan) in &context.plans {
        let part = plan.part();
        let less = if part.emergency.is_some() { ", less the emergency prompts" } else { "" };
        let _ = writeln!(out, "{} ({})", part.id, part.title);
        let _ = writeln!(out, "  files            {}.jsonl", part.stem);
        let _ = writeln!(out, "  prompt requests  {:>8}", number(plan.len() as u64));
        let rows = number(planned_rows(plan) as u64);
        let _ = writeln!(out, "  conversations    {rows:>8}{less}");
    }
    print(&out)?;
    Ok(Code::Done)
}

/// The prompt requests.
pub(crate) fn requests(args: RunArgs, row: Option<&str>) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let context = setup.context(false)?;
    let options = PromptOptions {
        model: &context.routes.of(Speaker::PromptWriter).model,
        seed: context.config.seed,
        structured: context.structured,
        tries: 0,
        temperature: context.config.temperature,
    };
    let mut found = row.is_none();
    for (_, plan) in &context.plans {
        let wanted = match row {
            None => 0..plan.len(),
            Some(id) => match plan.find(id) {
                Some(i) => i..i + 1,
                None => continue,
            },
        };
        found = true;
        for base in wanted.filter_map(|i| plan.row(i)) {
            let request = prompt_request(context.catalog, plan.part(), &base, &options)?;
            let id = clinstruct_batch_client::request_id(&request);
            print_json(&json!({ "row": base.id, "id": id, "request": request }))?;
        }
    }
    if !found {
        return Err(no_row(row.unwrap_or_default()));
    }
    Ok(Code::Done)
}

pub(crate) fn no_row(id: &str) -> anyhow::Error {
    usage(
        format!("the plan has no base row \"{id}\""),
        "type `clinstruct plan --rows` to see all of them",
    )
}

/// Refuses to read a run with another plan than it was made with.
pub(crate) fn same_plan(context: &RunContext<'_>, store: &Store) -> anyhow::Result<()> {
    let made = store.meta("plan")?.unwrap_or_default();
    if made == context.fingerprint() {
        return Ok(());
    }
    Err(usage(
        "this run was made with other resources, parts, limit, seed, backend or model",
        "give the same flags as `clinstruct build` got, or run that again with these",
    ))
}

/// How far a run has come; with `watch` again and again, until no job is open.
pub(crate) fn status(args: RunArgs, watch: bool) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    loop {
        let store = setup.store_to_read()?;
        one_status(&setup, &store)?;
        if !watch || store.open_jobs()?.is_empty() {
            return Ok(Code::Done);
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
}

fn one_status(setup: &Setup, store: &Store) -> anyhow::Result<Code> {
    let money = store.money()?;
    let counts = store.counts()?;
    let jobs = store.jobs()?;
    if setup.args.json {
        let parts: Vec<_> = counts
            .iter()
            .map(|c| {
                let part = setup.catalog.parts.get(usize::from(c.part)).map(|p| p.id.to_string());
                json!({
                    "part": part, "prompt_requests_waiting": c.base_waiting,
                    "prompt_requests_done": c.base_done, "prompt_requests_rejected": c.base_rejected,
                    "conversations_waiting": c.conversations_waiting,
                    "conversations_done": c.conversations_done,
                    "conversations_rejected": c.conversations_rejected,
                })
            })
            .collect();
        let jobs: Vec<_> = jobs.iter().map(super::jobs::as_json).collect();
        print_json(&json!({
            "schema_version": SCHEMA_VERSION, "parts": parts, "jobs": jobs,
            "answered": store.answered_total()?, "usage": money.usage,
            "usd_spent": money.spent as f64 / 1e6, "usd_reserved": money.reserved as f64 / 1e6,
        }))?;
        return Ok(Code::Done);
    }
    let mut out = String::new();
    for c in &counts {
        let name = setup
            .catalog
            .parts
            .get(usize::from(c.part))
            .map_or_else(|| format!("part {}", c.part), |p| p.stem.clone());
        let _ = writeln!(out, "{name}");
        let _ = writeln!(
            out,
            "  prompt requests  {} done, {} waiting, {} rejected",
            number(c.base_done),
            number(c.base_waiting),
            number(c.base_rejected)
        );
        let _ = writeln!(
            out,
            "  conversations    {} done, {} under way, {} rejected",
            number(c.conversations_done),
            number(c.conversations_waiting),
            number(c.conversations_rejected)
        );
    }
    let open = jobs.iter().filter(|j| j.state.as_str() != "ended").count();
    let _ = writeln!(
        out,
        "{} responses saved; {} jobs, {open} of them open",
        number(store.answered_total()?),
        number(jobs.len() as u64)
    );
    let _ = writeln!(
        out,
        "{} tokens in, {} out; {} spent, up to {} more under way",
        number(money.usage.prompt_tokens),
        number(money.usage.completion_tokens),
        dollars(money.spent),
        dollars(money.reserved)
    );
    print(&out)?;
    Ok(Code::Done)
}

/// What is waited for.
pub(crate) fn turns(args: RunArgs) -> anyhow::Result<Code> {
    let setup = Setup::new(args)?;
    let context = setup.context(false)?;
    let store = setup.store_to_read()?;
    same_plan(&context, &store)?;
    let mut after = None;
    loop {
        let page = store.units_waiting(after, 1000)?;
        let Some(last) = page.last() else { return Ok(Code::Done) };
        after = Some(last.key);
        for unit in &page {
            if let Some((row, request)) = clinstruct_pipeline::due_request(&context, &store, unit)?
            {
                print_json(&json!({ "row": row, "id": request.id, "request": request.request }))?;
            }
        }
    }
}
