//! Compares two plans row by row: which answered rows a new plan keeps, changes and drops.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use clinstruct_multiturn::Variant;
use clinstruct_promptgen::Plan;
use clinstruct_schema::{RequestId, counted};
use clinstruct_store::{PlannedRow, Store, TaskKey, TaskKind, TaskRecord, TaskState};
use rayon::prelude::*;

use super::change::{PartChange, PlanChange};
use super::models::in_short;
use super::resent::Sent;
use super::shape::{Answered, Shape, Shapes, conversations_of};
use crate::config::PlanFacts;
use crate::control::Drive;
use crate::task::variant_of;
use crate::{Result, RunContext};

/// Rows that are expanded and compared together.
const ROWS_AT_ONCE: usize = 1024;

/// The rows of a plan, page by page.
pub(super) fn pages(plan: &Plan<'_>) -> impl Iterator<Item = Range<usize>> {
    let rows = plan.len();
    (0..rows).step_by(ROWS_AT_ONCE).map(move |from| from..(from + ROWS_AT_ONCE).min(rows))
}

/// A row of the old plan with its tasks.
struct OldRow {
    row: PlannedRow,
    tasks: Vec<TaskRecord>,
}

impl OldRow {
    /// Its conversations, if its prompts were accepted.
    fn answered(&self, store: &Store) -> Result<Vec<Answered>> {
        let attempts = |task: &TaskRecord| task.steps.iter().map(|s| s.attempts).max().unwrap_or(0);
        let Some((prompts, conversations)) = self.tasks.split_first() else {
            // A process that was killed before it replayed its tasks leaves no tasks, but the responses.
            if store.locate(self.row.request)?.is_none() {
                return Ok(Vec::new());
            }
            let all = conversations_of(&self.row.shape).into_iter();
            let styled = all.filter(|(_, v)| variant_of(*v) != Variant::Emergency);
            let one = |(prompt, variant)| Answered { prompt, variant, attempts: 0 };
            return Ok(styled.map(one).collect());
        };
        if prompts.state != TaskState::Done {
            return Ok(Vec::new());
        }
        let is = |kind| move |task: &&TaskRecord| task.key.kind() == kind;
        let for_prompts = |prompt: u8| {
            let records = conversations.iter().filter(is(TaskKind::Extraction));
            let own = records.filter(|task| task.key.prompt() == prompt).map(attempts).max();
            own.unwrap_or(0).max(attempts(prompts))
        };
        let one = |t: &TaskRecord| Answered {
            prompt: t.key.prompt(),
            variant: t.key.variant(),
            attempts: attempts(t).max(for_prompts(t.key.prompt())),
        };
        let mut all: Vec<Answered> =
            conversations.iter().filter(is(TaskKind::Conversation)).map(one).collect();
        // A prompt that waits for its record has no conversations yet.
        let shape = Shape::from_bytes(&self.row.shape);
        for task in conversations.iter().filter(is(TaskKind::Extraction)) {
            if task.state == TaskState::Waiting {
                let own = shape.iter().flat_map(|shape| &shape.conversations);
                let own = own.filter(|(prompt, ..)| *prompt == task.key.prompt());
                all.extend(own.map(|(prompt, variant, _)| Answered {
                    prompt: *prompt,
                    variant: *variant,
                    attempts: attempts(prompts),
                }));
            }
        }
        Ok(all)
    }
}

impl OldRow {
    /// The key of one of its conversations.
    fn conversation(&self, answered: Answered) -> Option<TaskKey> {
        let (part, index) = (self.row.task.part(), self.row.task.seed_row_index());
        TaskKey::conversation(part, index, answered.prompt, answered.variant)
    }
}

/// Rows of the old plan with their tasks, in its order.
fn with_tasks(store: &Store, rows: Vec<PlannedRow>) -> Result<Vec<OldRow>> {
    let mut all: Vec<OldRow> = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while let Some(first) = rows.next() {
        let begin = all.len();
        let from = first.task;
        let mut next = after(from);
        all.push(OldRow { row: first, tasks: Vec::new() });
        // Consecutive rows are read together.
        while let Some(row) = rows.next_if(|row| Some(row.task) == next) {
            next = after(row.task);
            all.push(OldRow { row, tasks: Vec::new() });
        }
        let Some(to) = next else { continue };
        for task in store.tasks(from, to)? {
            let at = begin + (task.key.seed_row_index() - from.seed_row_index()) as usize;
            if let Some(old) = all.get_mut(at) {
                old.tasks.push(task);
            }
        }
    }
    Ok(all)
}

/// The task of the next seed row in the same part.
fn after(task: TaskKey) -> Option<TaskKey> {
    TaskKey::seed_row(task.part(), task.seed_row_index() + 1)
}

/// The part in a row's id.
fn part_of(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

/// Why an answered row changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Request,
    Plan,
    Reading,
}

/// Result for the answered rows of one seed row.
#[derive(Debug, Default)]
struct Verdict {
    kept: u64,
    changed: u64,
    dropped: u64,
    cause: Option<Cause>,
    /// The answered seed row.
    row: Option<TaskKey>,
    /// What has to be requested again.
    again: Sent,
}

/// A changed plan and the one that was answered.
pub(super) struct Comparison<'a, 'c> {
    context: &'a RunContext<'c>,
    store: &'a Store,
    shapes: Shapes<'a, 'c>,
    old: PlanFacts,
    new: PlanFacts,
    /// Whether answers may be read differently now.
    read_again: bool,
    /// Whether rows of both plans have the same inputs.
    same_rows: bool,
    is_replay: bool,
}

impl<'a, 'c> Comparison<'a, 'c> {
    pub(super) fn new(
        context: &'a RunContext<'c>,
        store: &'a Store,
        known: &str,
        how: Drive,
    ) -> Result<Self> {
        let (old, new) = (PlanFacts::parse(known), context.facts());
        let same_models = store.meta("models")?.as_deref() == Some(&context.models());
        let same_rows = same_models && old.has_rows_of(&new);
        // Reading the answers again is the purpose of a replay.
        let read_again = old.reading != new.reading && how != Drive::Replay;
        let shapes = Shapes::new(context);
        let is_replay = how == Drive::Replay;
        Ok(Self { context, store, shapes, old, new, read_again, same_rows, is_replay })
    }

    /// What the new plan would change or drop; `None` if it keeps every answered row.
    pub(super) fn run(&self) -> Result<Option<PlanChange>> {
        let mut parts: BTreeMap<String, PartChange> = BTreeMap::new();
        let mut answered: BTreeMap<String, u64> = BTreeMap::new();
        let mut rows_left: BTreeMap<String, BTreeSet<TaskKey>> = BTreeMap::new();
        let mut again = Sent::default();
        let mut last = None;
        loop {
            let page = self.store.planned_rows(last, ROWS_AT_ONCE)?;
            let Some(end) = page.last() else { break };
            last = Some(end.task);
            for old in with_tasks(self.store, page)? {
                let rows = old.answered(self.store)?.len() as u64;
                if rows > 0 {
                    let part = part_of(&old.row.id);
                    *answered.entry(part.to_owned()).or_default() += rows;
                    rows_left.entry(part.to_owned()).or_default().insert(old.row.task);
                }
            }
        }
        if answered.is_empty() {
            return Ok(None);
        }
        let mut causes = [0; 3];
        for (part, plan) in &self.context.plans {
            let id = plan.part().id.as_str();
            let Some(left) = answered.get_mut(id) else { continue };
            let rows_left = rows_left.entry(id.to_owned()).or_default();
            let mut added = 0;
            for page in pages(plan) {
                let (new, verdicts) = self.compare(*part, plan, page)?;
                added += new;
                for mut verdict in verdicts {
                    if let Some(row) = verdict.row {
                        rows_left.remove(&row);
                    }
                    again.append(&mut verdict.again);
                    *left = left.saturating_sub(verdict.kept + verdict.changed + verdict.dropped);
                    if let Some(cause) = verdict.cause {
                        causes[cause as usize] += verdict.changed;
                    }
                    if verdict.changed + verdict.dropped > 0 {
                        let change = parts.entry(id.to_owned()).or_default();
                        change.changed += verdict.changed;
                        change.dropped += verdict.dropped;
                    }
                }
            }
            // New rows take the places of these.
            again.rows.extend(rows_left.iter().take(added));
        }
        for (part, left) in answered.into_iter().filter(|(_, left)| *left > 0) {
            parts.entry(part).or_default().dropped += left;
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let dropped = parts.values().map(|p| p.dropped).sum();
        let named = |(part, change): (String, PartChange)| PartChange { part, ..change };
        let differences = self.differences(causes, dropped)?;
        let resources_only = self.old.has_settings_of(&self.new)
            && self.store.meta("models")?.as_deref() == Some(&self.context.models());
        // A replay with these settings is not refused, and asks for no price.
        let resent = if self.is_replay && resources_only {
            None
        } else {
            Some(again.price(self.context, self.store)?)
        };
        let parts = parts.into_iter().map(named).collect();
        let has_other_resources = self.old.catalog != self.new.catalog;
        Ok(Some(PlanChange {
            differences,
            parts,
            resources_only,
            has_other_resources,
            resent,
            ..PlanChange::default()
        }))
    }

    /// Compares some rows of the new plan with the old ones: the number of those that the old plan does not have, and the
    /// result for each answered one.
    fn compare(
        &self,
        part: u8,
        plan: &Plan<'_>,
        page: Range<usize>,
    ) -> Result<(usize, Vec<Verdict>)> {
        let mut known: Vec<(usize, PlannedRow)> = Vec::new();
        let mut added = 0;
        for index in page {
            let Some(id) = plan.id(index) else { continue };
            let row = self.store.planned(id.as_str())?;
            added += usize::from(row.is_none());
            known.extend(row.map(|row| (index, row)));
        }
        known.sort_by_key(|(_, row)| row.task);
        let (indices, rows): (Vec<usize>, Vec<PlannedRow>) = known.into_iter().unzip();
        let mut answered = Vec::new();
        for (index, old) in indices.into_iter().zip(with_tasks(self.store, rows)?) {
            let conversations = old.answered(self.store)?;
            if !conversations.is_empty() {
                answered.push((index, old, conversations));
            }
        }
        let shapes = &self.shapes;
        let verdict =
            |(_, old, all): &(usize, OldRow, Vec<Answered>), new| self.verdict(old, all, new);
        if let (true, Some(first)) = (self.same_rows, answered.first()) {
            // Their inputs are equal; expanding one shows whether this version agrees.
            let new = shapes.planned(part, first.0, Some((first.1.row.request, &first.2)))?;
            let all = first.2.len() as u64;
            if verdict(first, new).kept == all || self.read_again {
                let one = |(_, old, all): &(usize, OldRow, Vec<Answered>)| self.unchanged(old, all);
                return Ok((added, answered.iter().map(one).collect()));
            }
        }
        let expected: Vec<(usize, RequestId, &[Answered])> =
            answered.iter().map(|(index, old, all)| (*index, old.row.request, &all[..])).collect();
        let new: Vec<Option<PlannedRow>> = expected
            .into_par_iter()
            .map(|(index, request, all)| shapes.planned(part, index, Some((request, all))))
            .collect::<Result<_>>()?;
        Ok((added, answered.iter().zip(new).map(|(row, new)| verdict(row, new)).collect()))
    }

    /// Result for rows that are the same in both plans.
    fn unchanged(&self, old: &OldRow, conversations: &[Answered]) -> Verdict {
        let all = conversations.len() as u64;
        let row = Some(old.row.task);
        if self.read_again {
            let cause = Some(Cause::Reading);
            return Verdict { changed: all, cause, row, ..Verdict::default() };
        }
        let most = self.context.config.attempts;
        let changed = conversations.iter().filter(|a| u32::from(a.attempts) > most).count();
        let changed = changed as u64;
        let cause = (changed > 0).then_some(Cause::Plan);
        Verdict { kept: all - changed, changed, cause, row, ..Verdict::default() }
    }

    fn verdict(
        &self,
        old: &OldRow,
        conversations: &[Answered],
        new: Option<PlannedRow>,
    ) -> Verdict {
        let all = conversations.len() as u64;
        let row = Some(old.row.task);
        let key = |a: &Answered| old.conversation(*a);
        let changed = |cause| {
            let mut again = Sent::default();
            match cause {
                Cause::Request => again.rows.extend(row),
                // Its first request is the same, and is answered.
                Cause::Plan => again.conversations.extend(conversations.iter().filter_map(key)),
                Cause::Reading => {}
            }
            Verdict { changed: all, cause: Some(cause), row, again, ..Verdict::default() }
        };
        let Some(new) = new else { return Verdict { dropped: all, row, ..Verdict::default() } };
        if old.row.request != new.request {
            return changed(Cause::Request);
        }
        let shapes = (Shape::from_bytes(&old.row.shape), Shape::from_bytes(&new.shape));
        let (Some(before), Some(now)) = shapes else { return changed(Cause::Plan) };
        if before.row != now.row {
            return changed(Cause::Plan);
        }
        if self.read_again {
            return changed(Cause::Reading);
        }
        let mut verdict = Verdict { row, ..Verdict::default() };
        for answered in conversations.iter().copied() {
            let Answered { prompt, variant, attempts } = answered;
            let same = match (before.of(prompt, variant), now.of(prompt, variant)) {
                (_, None) => None,
                (before, now) => Some(before == now),
            };
            // A turn with several attempts was requested with a message about what failed.
            let repeated = attempts > 1 && before.repair != now.repair
                || u32::from(attempts) > self.context.config.attempts;
            match same {
                None => verdict.dropped += 1,
                Some(true) if !repeated => verdict.kept += 1,
                Some(_) => {
                    verdict.changed += 1;
                    verdict.cause = Some(Cause::Plan);
                    verdict.again.conversations.extend(old.conversation(answered));
                }
            }
        }
        verdict
    }

    /// The differences, for display.
    fn differences(&self, causes: [u64; 3], dropped: u64) -> Result<Vec<String>> {
        let [requests, plans, readings] = causes;
        let mut all = self.old.differences(&self.new);
        let (old, new) = (self.store.meta("models")?.unwrap_or_default(), self.context.models());
        if old != new {
            all.push(format!("model {} -> {}", in_short(&old), in_short(&new)));
        }
        if self.old.catalog != self.new.catalog {
            if all.is_empty() {
                let mut counts = Vec::new();
                for (count, what) in [
                    (requests, "whose request changes"),
                    (plans, "whose situation, system prompts or checks change"),
                    (dropped, "no longer planned"),
                ] {
                    if count > 0 {
                        counts.push(format!("{} {what}", counted(count, "row")));
                    }
                }
                all.push(format!("resources: {}", counts.join(", ")));
            } else {
                all.push("resources".into());
            }
        }
        if readings > 0 {
            all.push(format!(
                "this version reads and checks answers differently (version {} -> {})",
                self.old.reading, self.new.reading
            ));
        }
        Ok(all)
    }
}
