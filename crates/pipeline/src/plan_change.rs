//! Compares a changed plan with the one that was answered, before anything is sent or written.
//!
//! The journal stores, for each row of its plan, the address of its first request and digests of everything else that
//! shapes the row ([`shape`]). A row with accepted answers changes if its request, patient, situation or checks change,
//! and is dropped if the new plan does not have it. Both passes stream pages of rows.

mod change;
mod compare;
mod models;
mod resent;
mod shape;

use clinstruct_store::{ErrorKind, PlannedRow, Store};
use rayon::prelude::*;

use crate::config::PlanFacts;
use crate::control::Drive;
use crate::task::PromptTask;
use crate::{Error, Result, RunContext};
pub use change::{PartChange, PlanChange, Resent};
use compare::{Comparison, pages};
use models::ensure_same_models;
pub(crate) use models::in_short;

pub(crate) use shape::{Shapes, conversations_of};

/// Refuses a plan or models that would change or drop answered rows, unless the config accepts it.
///
/// A replay of a run that other resources or another version planned, with its own settings, is not refused: such a run
/// keeps its plan and its tasks, and its outputs are written from what is stored of it.
///
/// Writes nothing. A plan that only grows is accepted, and so is any plan while no row has an accepted answer.
pub fn check_plan(context: &RunContext<'_>, store: &Store, how: Drive) -> Result<()> {
    if context.config.accept_change || context.kept.get().is_some() {
        return Ok(());
    }
    ensure_same_models(context, store)?;
    let Some(known) = store.meta("plan")? else { return Ok(()) };
    if known == context.fingerprint() || context.checked.get() == Some(&known) {
        return Ok(());
    }
    let has_planned = store.has_planned()?;
    let change = if has_planned {
        Comparison::new(context, store, &known, how)?.run()?
    } else {
        compare_addresses(context, store, &known)?
    };
    if change.is_some() && has_planned && how == Drive::Replay {
        let facts = PlanFacts::parse(&known);
        if facts.has_settings_of(&context.facts()) {
            let _ = context.kept.set(facts);
            return Ok(());
        }
    }
    match change {
        Some(change) => Err(Error::PlanChange(Box::new(change))),
        None => {
            let _ = context.checked.set(known);
            Ok(())
        }
    }
}

/// Makes the context's plan the journal's, after [`check_plan`]; returns whether tasks must be replayed from the
/// responses, because the journal was made with another plan or `how` requires it.
pub(crate) fn adopt_plan(context: &RunContext<'_>, store: &mut Store, how: Drive) -> Result<bool> {
    check_plan(context, store, how)?;
    if context.kept.get().is_some() {
        return Ok(false);
    }
    let fingerprint = context.fingerprint();
    let known = store.meta("plan")?;
    let same = known.as_deref() == Some(&fingerprint);
    let recorded = same && store.has_planned()?;
    let models = context.models();
    if recorded && how != Drive::Replay {
        store.set_meta("models", &models)?;
        return Ok(false);
    }
    let shapes = Shapes::new(context);
    let mut failure = None;
    let written = store.write(|tx| {
        if !same || how == Drive::Replay {
            tx.clear_tasks()?;
        }
        if !recorded {
            tx.clear_planned()?;
            for (part, plan) in &context.plans {
                for page in pages(plan) {
                    let rows: Result<Vec<Option<PlannedRow>>> =
                        page.into_par_iter().map(|i| shapes.planned(*part, i, None)).collect();
                    let rows = rows.map_err(|e| {
                        let message = e.to_string();
                        failure = Some(e);
                        clinstruct_store::Error {
                            kind: ErrorKind::Io,
                            operation: "lay out",
                            path: std::path::PathBuf::new(),
                            message,
                            source: None,
                        }
                    })?;
                    for row in rows.iter().flatten() {
                        tx.put_planned(row)?;
                    }
                }
            }
        }
        tx.set_meta("models", &models)?;
        tx.set_meta("plan", &fingerprint)
    });
    match (failure, written) {
        (Some(failure), _) => Err(failure),
        (None, written) => {
            written?;
            Ok(known.is_some() && (!same || how == Drive::Replay))
        }
    }
}

/// The comparison with a journal of an earlier version, which does not store the rows of its plan: seed rows that have
/// their prompts, and whose request in the new plan has no answer, change or disappear.
fn compare_addresses(
    context: &RunContext<'_>,
    store: &Store,
    known: &str,
) -> Result<Option<PlanChange>> {
    let mut parts = Vec::new();
    for (part, done) in store.seed_rows_done()? {
        let mut found = 0;
        for page in context.plan(part).into_iter().flat_map(pages) {
            let requests = page
                .into_par_iter()
                .map(|i| match PromptTask::planned(context, part, i)? {
                    Some(task) => Ok(Some(task.next_request(context)?.id)),
                    None => Ok(None),
                })
                .collect::<Result<Vec<_>>>()?;
            for request in requests.into_iter().flatten() {
                found += u64::from(store.locate(request)?.is_some());
            }
        }
        if found < done {
            let name = context.catalog.parts.get(usize::from(part)).map(|p| p.id.to_string());
            let part = name.unwrap_or_else(|| format!("part {part}"));
            parts.push(PartChange { part, changed: done - found, dropped: 0 });
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let (old, new) = (PlanFacts::parse(known), context.facts());
    let mut differences = old.differences(&new);
    if old.catalog != new.catalog {
        differences.push("resources".into());
    }
    let resources_only = old.has_settings_of(&new);
    let has_other_resources = old.catalog != new.catalog;
    Ok(Some(PlanChange {
        differences,
        parts,
        resources_only,
        has_other_resources,
        ..PlanChange::default()
    }))
}
