//! Compares a changed plan with the one that was answered, before anything is sent or written.
//!
//! The journal keeps, for each row of its plan, the address of its first request and digests of whatever else
//! shapes the row ([`Shape`]). A row that has accepted answers changes where the new plan gives it another
//! request, patient, situation or check; it is dropped where the new plan does not have it. Both passes are
//! streams over pages of rows.

mod shape;

use std::collections::BTreeMap;
use std::fmt;

use clinstruct_multiturn::Variant;
use clinstruct_promptgen::Plan;
use clinstruct_schema::RequestId;
use clinstruct_store::{ErrorKind, PlannedRow, Store, TaskKey, TaskRecord, TaskState};
use rayon::prelude::*;

use crate::config::PlanFacts;
use crate::task::{PromptTask, prompts_of, response, variant_code, variant_of, variants_of};
use crate::{Drive, Error, Result, RunContext};
use shape::{Answered, Shape, Shapes};

/// Rows that are laid out and compared together.
const ROWS_AT_ONCE: usize = 1024;

/// Answered rows that a new plan would change or drop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// What differs, such as `seed 1 -> 2`.
    pub differences: Vec<String>,
    /// The parts that lose rows.
    pub parts: Vec<PartChange>,
}

/// Answered rows of one part that a new plan would change or drop. Rows are conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartChange {
    /// Id of the part.
    pub part: String,
    /// Rows that would come out differently.
    pub changed: u64,
    /// Rows that the plan would no longer have.
    pub dropped: u64,
}

impl fmt::Display for PlanChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed: u64 = self.parts.iter().map(|p| p.changed).sum();
        let dropped: u64 = self.parts.iter().map(|p| p.dropped).sum();
        f.write_str("this would overwrite the run: ")?;
        match (changed, dropped) {
            (changed, 0) => write!(f, "{changed} rows with answers would change")?,
            (0, dropped) => write!(f, "{dropped} rows with answers would disappear")?,
            (changed, dropped) => {
                write!(
                    f,
                    "{changed} rows with answers would change and {dropped} would disappear"
                )?;
            }
        }
        for difference in &self.differences {
            write!(f, "\n  {difference}")?;
        }
        for PartChange { part, changed, dropped } in &self.parts {
            match (changed, dropped) {
                (changed, 0) => write!(f, "\n  in {part}: {changed} change")?,
                (0, dropped) => write!(f, "\n  in {part}: {dropped} disappear")?,
                (changed, dropped) => {
                    write!(f, "\n  in {part}: {changed} change, {dropped} disappear")?;
                }
            }
        }
        Ok(())
    }
}

/// Refuses a plan or models that would change or drop what the run has, unless the config accepts it.
///
/// Writes nothing. A plan that only grows is fine, and so is any plan while no row has an accepted answer.
pub fn check_plan(context: &RunContext<'_>, store: &Store, how: Drive) -> Result<()> {
    if context.config.accept_change {
        return Ok(());
    }
    same_models(context, store)?;
    let Some(known) = store.meta("plan")? else { return Ok(()) };
    if known == context.fingerprint() || context.checked.get() == Some(&known) {
        return Ok(());
    }
    let change = if store.has_planned()? {
        Comparison::new(context, store, &known, how)?.run()?
    } else {
        compare_addresses(context, store, &known)?
    };
    match change {
        Some(change) => Err(Error::PlanChange(Box::new(change))),
        None => {
            let _ = context.checked.set(known);
            Ok(())
        }
    }
}

/// Refuses to continue with other models than before: every row would be asked, and paid, once more.
fn same_models(context: &RunContext<'_>, store: &Store) -> Result<()> {
    let asked = context.models();
    let Some(known) = store.meta("models")? else { return Ok(()) };
    // Of rehearsals, which cost nothing, only the rows count.
    let free = context.rehearsal && known.contains("of rehearsal");
    if known != asked && !free && store.answered_total()? > 0 {
        return Err(Error::OtherModel { known: in_short(&known), asked: in_short(&asked) });
    }
    Ok(())
}

/// Models as [`RunContext::models`] gives them; one for all speakers only once.
fn in_short(models: &str) -> String {
    let each: Option<Vec<&str>> =
        models.split(", ").map(|one| Some(one.split_once(" by ")?.1)).collect();
    match each.as_deref() {
        Some([first, second, third]) if first == second && second == third => (*first).to_owned(),
        _ => models.to_owned(),
    }
}

/// Makes the context's plan the journal's, after [`check_plan`]; says whether tasks are to be replayed from
/// the responses, because the journal was made with another plan or `how` asks for it.
pub(crate) fn adopt_plan(context: &RunContext<'_>, store: &mut Store, how: Drive) -> Result<bool> {
    check_plan(context, store, how)?;
    let fingerprint = context.fingerprint();
    let known = store.meta("plan")?;
    let same = known.as_deref() == Some(&fingerprint);
    let noted = same && store.has_planned()?;
    let models = context.models();
    if noted && how != Drive::Replay {
        store.set_meta("models", &models)?;
        return Ok(false);
    }
    let shapes = Shapes::new(context);
    let mut failure = None;
    let written = store.write(|tx| {
        if !same || how == Drive::Replay {
            tx.clear_tasks()?;
        }
        if !noted {
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

fn pages(plan: &Plan<'_>) -> impl Iterator<Item = std::ops::Range<usize>> {
    let rows = plan.len();
    (0..rows).step_by(ROWS_AT_ONCE).map(move |from| from..(from + ROWS_AT_ONCE).min(rows))
}

/// A row of the old plan with its tasks.
struct Old {
    row: PlannedRow,
    tasks: Vec<TaskRecord>,
}

impl Old {
    /// Its conversations, where its prompts were accepted.
    fn answered(&self, store: &Store) -> Result<Vec<Answered>> {
        let attempts = |task: &TaskRecord| task.steps.iter().map(|s| s.attempts).max().unwrap_or(0);
        let Some((base, conversations)) = self.tasks.split_first() else {
            // A process that was killed before it had replayed its tasks leaves none, but the responses.
            if store.locate(self.row.request)?.is_none() {
                return Ok(Vec::new());
            }
            let shape = Shape::from_bytes(&self.row.shape);
            let all = shape.into_iter().flat_map(|s| s.conversations);
            let styled = all.filter(|(_, v, _)| variant_of(*v) != Variant::Emergency);
            let one = |(prompt, variant, _)| Answered { prompt, variant, attempts: 0 };
            return Ok(styled.map(one).collect());
        };
        if base.state != TaskState::Done {
            return Ok(Vec::new());
        }
        let for_prompts = attempts(base);
        let one = |u: &TaskRecord| Answered {
            prompt: u.key.prompt(),
            variant: u.key.variant(),
            attempts: attempts(u).max(for_prompts),
        };
        Ok(conversations.iter().map(one).collect())
    }
}

/// Units of rows of the old plan, which come in its order.
fn with_units(store: &Store, rows: Vec<PlannedRow>) -> Result<Vec<Old>> {
    let mut all: Vec<Old> = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while let Some(first) = rows.next() {
        let begin = all.len();
        let from = first.task;
        let mut next = after(from);
        all.push(Old { row: first, tasks: Vec::new() });
        // Rows that follow each other are read at once.
        while let Some(row) = rows.next_if(|row| Some(row.task) == next) {
            next = after(row.task);
            all.push(Old { row, tasks: Vec::new() });
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

/// The task of the base row behind this one, in the same part.
fn after(task: TaskKey) -> Option<TaskKey> {
    TaskKey::seed_row(task.part(), task.seed_row_index() + 1)
}

/// The part that a row's id begins with.
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

/// What becomes of the answered rows of one base row.
#[derive(Debug, Default)]
struct Verdict {
    kept: u64,
    changed: u64,
    dropped: u64,
    cause: Option<Cause>,
}

struct Comparison<'a, 'c> {
    context: &'a RunContext<'c>,
    store: &'a Store,
    shapes: Shapes<'a, 'c>,
    old: PlanFacts,
    new: PlanFacts,
    /// Whether answers may be read differently now.
    read_again: bool,
    /// Whether rows that both plans have are the same by what they are made of.
    same_rows: bool,
}

impl<'a, 'c> Comparison<'a, 'c> {
    fn new(context: &'a RunContext<'c>, store: &'a Store, known: &str, how: Drive) -> Result<Self> {
        let (old, new) = (PlanFacts::parse(known), context.facts());
        let same_models = store.meta("models")?.as_deref() == Some(&context.models());
        let same_rows = same_models && old.has_rows_of(&new);
        // To read the answers again is what a replay is for.
        let read_again = old.reading != new.reading && how != Drive::Replay;
        let shapes = Shapes::new(context);
        Ok(Self { context, store, shapes, old, new, read_again, same_rows })
    }

    /// What the new plan would change or drop; `None` where it keeps every answered row.
    fn run(&self) -> Result<Option<PlanChange>> {
        let mut parts: BTreeMap<String, PartChange> = BTreeMap::new();
        let mut answered: BTreeMap<String, u64> = BTreeMap::new();
        let mut last = None;
        loop {
            let page = self.store.planned_rows(last, ROWS_AT_ONCE)?;
            let Some(end) = page.last() else { break };
            last = Some(end.task);
            for old in with_units(self.store, page)? {
                let rows = old.answered(self.store)?.len() as u64;
                if rows > 0 {
                    *answered.entry(part_of(&old.row.id).to_owned()).or_default() += rows;
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
            for page in pages(plan) {
                for verdict in self.compare(*part, plan, page)? {
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
        }
        for (part, left) in answered.into_iter().filter(|(_, left)| *left > 0) {
            parts.entry(part).or_default().dropped += left;
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let dropped = parts.values().map(|p| p.dropped).sum();
        let named = |(part, change): (String, PartChange)| PartChange { part, ..change };
        Ok(Some(PlanChange {
            differences: self.differences(causes, dropped)?,
            parts: parts.into_iter().map(named).collect(),
        }))
    }

    /// Compares some rows of the new plan with what they were.
    fn compare(
        &self,
        part: u8,
        plan: &Plan<'_>,
        page: std::ops::Range<usize>,
    ) -> Result<Vec<Verdict>> {
        let mut known: Vec<(usize, PlannedRow)> = Vec::new();
        for index in page {
            let Some(id) = plan.id(index) else { continue };
            known.extend(self.store.planned(id.as_str())?.map(|row| (index, row)));
        }
        known.sort_by_key(|(_, row)| row.task);
        let (indices, rows): (Vec<usize>, Vec<PlannedRow>) = known.into_iter().unzip();
        let mut answered = Vec::new();
        for (index, old) in indices.into_iter().zip(with_units(self.store, rows)?) {
            let conversations = old.answered(self.store)?;
            if !conversations.is_empty() {
                answered.push((index, old, conversations));
            }
        }
        let shapes = &self.shapes;
        let verdict = |(index, old, all): &(usize, Old, Vec<Answered>), new| {
            self.verdict(part, *index, old, all, new)
        };
        if let (true, Some(first)) = (self.same_rows, answered.first()) {
            // Their facts say that they are the same; one that is laid out says whether this version agrees.
            let new = shapes.planned(part, first.0, Some((first.1.row.request, &first.2)))?;
            let all = first.2.len() as u64;
            if verdict(first, new)?.kept == all || self.read_again {
                return Ok(answered.iter().map(|(.., all)| self.unchanged(all)).collect());
            }
        }
        let expected: Vec<(usize, RequestId, &[Answered])> =
            answered.iter().map(|(index, old, all)| (*index, old.row.request, &all[..])).collect();
        let new: Vec<Option<PlannedRow>> = expected
            .into_par_iter()
            .map(|(index, request, all)| shapes.planned(part, index, Some((request, all))))
            .collect::<Result<_>>()?;
        answered.iter().zip(new).map(|(row, new)| verdict(row, new)).collect()
    }

    /// What becomes of rows that the new plan has as the old one had them.
    fn unchanged(&self, conversations: &[Answered]) -> Verdict {
        let all = conversations.len() as u64;
        if self.read_again {
            return Verdict { changed: all, cause: Some(Cause::Reading), ..Verdict::default() };
        }
        let most = self.context.config.attempts;
        let changed = conversations.iter().filter(|a| u32::from(a.attempts) > most).count();
        let changed = changed as u64;
        let cause = (changed > 0).then_some(Cause::Plan);
        Verdict { kept: all - changed, changed, dropped: 0, cause }
    }

    fn verdict(
        &self,
        part: u8,
        index: usize,
        old: &Old,
        conversations: &[Answered],
        new: Option<PlannedRow>,
    ) -> Result<Verdict> {
        let all = conversations.len() as u64;
        let changed = |cause| Verdict { changed: all, cause: Some(cause), ..Verdict::default() };
        let Some(new) = new else { return Ok(Verdict { dropped: all, ..Verdict::default() }) };
        if old.row.request != new.request {
            return Ok(changed(Cause::Request));
        }
        let shapes = (Shape::from_bytes(&old.row.shape), Shape::from_bytes(&new.shape));
        let (Some(before), Some(now)) = shapes else { return Ok(changed(Cause::Plan)) };
        if before.row != now.row {
            return Ok(changed(Cause::Plan));
        }
        if self.read_again {
            return Ok(changed(Cause::Reading));
        }
        let still = if before.emergency == now.emergency {
            None
        } else {
            self.variants_now(part, index, old)?
        };
        let mut verdict = Verdict::default();
        for Answered { prompt, variant, attempts } in conversations {
            let stays = still.as_ref().is_none_or(|still| still.contains(&(*prompt, *variant)));
            let same = match (before.of(*prompt, *variant), now.of(*prompt, *variant)) {
                (_, None) => None,
                (before, now) => Some(before == now),
            };
            // A turn that took several attempts was asked for with a note on what was wrong.
            let repeated = *attempts > 1 && before.repair != now.repair
                || u32::from(*attempts) > self.context.config.attempts;
            match same.filter(|_| stays) {
                None => verdict.dropped += 1,
                Some(true) if !repeated => verdict.kept += 1,
                Some(_) => {
                    verdict.changed += 1;
                    verdict.cause = Some(Cause::Plan);
                }
            }
        }
        Ok(verdict)
    }

    /// The conversations that a row's prompts become by the new rule for emergencies, which depends on what
    /// the prompts say; `None` where they are not known.
    fn variants_now(&self, part: u8, index: usize, old: &Old) -> Result<Option<Vec<(u8, u8)>>> {
        let Some(step) = old.tasks.first().and_then(|base| base.steps.last()) else {
            return Ok(None);
        };
        let plan = self.context.plan(part);
        let Some(row) = plan.and_then(|plan| plan.row(index)) else { return Ok(None) };
        let locate = |id| Ok(self.store.locate(id)?);
        let Some(outcome) = response(&locate, &self.store.reader(), step.request)? else {
            return Ok(None);
        };
        let mut all = Vec::new();
        for (k, prompt) in prompts_of(self.context, &outcome, &row.cards).iter().enumerate() {
            let text = prompt.as_ref().map(|p| p.text.as_str());
            let number = u8::try_from(k + 1).unwrap_or(u8::MAX);
            let variants = variants_of(self.context, part, &row, k, text)?;
            all.extend(variants.into_iter().map(|v| (number, variant_code(v))));
        }
        Ok(Some(all))
    }

    /// What differs, in words.
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
                    (dropped, "that are no longer planned"),
                ] {
                    if count > 0 {
                        counts.push(format!("{count} rows {what}"));
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

/// The comparison with a journal of an earlier version, which keeps no rows of its plan: base rows that have
/// their prompts, and for which the new plan has no request that was answered, change or disappear.
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
    Ok(Some(PlanChange { differences, parts }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_for_all_is_named_once() {
        let one = "prompt_writer by m of b, assistant by m of b, user by m of b";
        assert_eq!(in_short(one), "m of b");
        for more in [
            "prompt_writer by m of b, assistant by m of b, user by n of b",
            "prompt_writer by a, c of b, assistant by a, c of b, user by a, c of b",
            "",
        ] {
            assert_eq!(in_short(more), more);
        }
    }

    #[test]
    fn a_change_says_what_is_lost_and_why() {
        let change = PlanChange {
            differences: vec!["seed 1 -> 2".into(), "part b left out".into()],
            parts: vec![
                PartChange { part: "a".into(), changed: 3, dropped: 0 },
                PartChange { part: "b".into(), changed: 0, dropped: 4 },
            ],
        };
        insta::assert_snapshot!(change, @r"
        this would overwrite the run: 3 rows with answers would change and 4 would disappear
          seed 1 -> 2
          part b left out
          in a: 3 change
          in b: 4 disappear
        ");
    }
}
