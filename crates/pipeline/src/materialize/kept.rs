//! Rows that were planned by other resources or by another version of this program, written from what is stored of them.
//!
//! Their requests cannot be built again, and need not be: the journal has the responses that were accepted, and
//! `situations/` what their conversations are about. Texts are read by the present parser. A row that was accepted stays
//! accepted unless its text cannot be read; what the present checks find is counted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clinstruct_catalog::Part;
use clinstruct_multiturn::{Variant, first_message, message_with_styles};
use clinstruct_parser::{PromptFormat, prompts_for};
use clinstruct_quality::{check_prompt, check_turn};
use clinstruct_schema::{
    Attributes, Conversation as Row, Message, Rejected, Role, RowId, RowOutcome, SCHEMA_VERSION,
    Situation, SituationRow, Speaker, Stage, TurnProvenance,
};
use clinstruct_store::{PlannedRow, Rejection, Store, TaskKey, TaskKind, TaskRecord, TaskState};
use rayon::prelude::*;

use super::Source;
use super::group::{
    Conversation, FailedTexts, Group, PromptPatient, PromptRow, is_rehearsal, tasks_of,
    turn_provenance,
};
use super::kept_frame::frame;
use super::old_file::OldFile;
use super::prompts::PromptLine;
use crate::plan_change::{Shapes, conversations_of};
use crate::task::{about, base_key, id_of, response, variant_of};
use crate::{Error, Result, RunContext};

/// What became of rows that another plan made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptRows {
    /// Accepted conversations that were written.
    pub conversations: u64,
    /// Accepted conversations with a text that cannot be read any more: they are rejected in the outputs.
    pub unreadable: u64,
    /// Accepted conversations by the present checks that they do not pass. They stay accepted.
    pub findings: BTreeMap<String, u64>,
}

impl KeptRows {
    pub(super) fn add(&mut self, more: &Self) {
        self.conversations += more.conversations;
        self.unreadable += more.unreadable;
        for (check, rows) in &more.findings {
            *self.findings.entry(check.clone()).or_default() += rows;
        }
    }
}

/// A seed row of the journal's plan.
pub(super) struct KeptRow {
    pub(super) row: PlannedRow,
    /// Conversations that it has, or will have.
    pub(super) planned: u64,
    /// Whether the present plan has the same row in the same place.
    pub(super) is_current: bool,
}

/// A part of a run that keeps its own plan, with the files that were written of it before.
pub(super) struct KeptPart<'a> {
    context: &'a RunContext<'a>,
    number: u8,
    part: &'a Part,
    format: PromptFormat,
    /// Whether rows may be those of the present plan: not if their texts were read by another version.
    may_be_current: bool,
    prompts: OldFile,
    situations: OldFile,
    rejected: OldFile,
}

/// The parts of the journal's plan, with the number of their seed rows; `None` where the run has the present plan.
pub(super) fn parts<'a>(
    context: &'a RunContext<'a>,
    store: &Store,
    dir: &Path,
) -> Result<Option<Vec<(KeptPart<'a>, usize)>>> {
    let Some(facts) = context.kept.get() else { return Ok(None) };
    let mut all = Vec::new();
    for (number, rows) in store.planned_parts()? {
        let part = part_of(context, store, number)?;
        let old =
            |folder: &str| OldFile::open(&dir.join(folder).join(format!("{}.jsonl", part.stem)));
        let kept = KeptPart {
            context,
            number,
            part,
            format: facts.prompt_format(),
            may_be_current: facts.reading == context.facts().reading
                && context.plan(number).is_some_and(|plan| plan.part().id == part.id),
            prompts: old("prompts")?,
            situations: old("situations")?,
            rejected: old("rejected")?,
        };
        all.push((kept, rows));
    }
    Ok(Some(all))
}

/// The part of the journal's plan with this number.
fn part_of<'a>(context: &'a RunContext<'a>, store: &Store, number: u8) -> Result<&'a Part> {
    let first = store.planned_between(base_key(number, 0)?, base_key(number, 1)?)?;
    let id = first.first().map_or("", |row| row.id.split('.').next().unwrap_or(""));
    let unknown = || Error::UnknownPart { name: id.to_owned(), nearest: None };
    context.catalog.part(id).ok_or_else(unknown)
}

/// The numbers of the parts whose tasks are in the journal.
pub(super) fn numbers(context: &RunContext<'_>, store: &Store) -> Result<Vec<(u8, String)>> {
    if context.kept.get().is_none() {
        return Ok(context.plans.iter().map(|(n, plan)| (*n, plan.part().stem.clone())).collect());
    }
    let one = |(number, _)| Ok((number, part_of(context, store, number)?.stem.clone()));
    store.planned_parts()?.into_iter().map(one).collect()
}

/// The id of a conversation, or of the one that an annotation is about, in the journal's plan.
pub(super) fn row_id(
    context: &RunContext<'_>,
    store: &Store,
    key: TaskKey,
) -> Result<Option<RowId>> {
    let (part, index) = (key.part(), key.seed_row_index() as usize);
    let rows = store.planned_between(base_key(part, index)?, base_key(part, index + 1)?)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let part = part_of(context, store, part)?;
    Ok(RowId::new(&row.id).ok().map(|id| id_of(part, &id, key.subject())))
}

fn mismatch(row: &PlannedRow) -> Error {
    Error::JournalMismatch(row.id.clone())
}

/// The conversations of a row of the journal's plan: those of its shape, a single one of a prompt that became an emergency.
fn planned(row: &PlannedRow, tasks: &[TaskRecord]) -> u64 {
    let is_emergency = |variant| variant_of(variant) == Variant::Emergency;
    let mut styled: BTreeMap<u8, u64> = BTreeMap::new();
    for (prompt, variant) in conversations_of(&row.shape) {
        *styled.entry(prompt).or_default() += u64::from(!is_emergency(variant));
    }
    if styled.is_empty() {
        return tasks.iter().filter(|task| is_conversation(task)).count() as u64;
    }
    let of_prompt = |(prompt, styled): (u8, u64)| {
        let all = tasks.iter().filter(|task| is_conversation(task)).map(|t| t.key);
        let mut of_it = all.filter(|key| key.prompt() == prompt);
        if styled == 0 || of_it.any(|key| is_emergency(key.variant())) { 1 } else { styled }
    };
    styled.into_iter().map(of_prompt).sum()
}

/// Whether a task is a conversation, and not a seed row or the record of a prompt.
fn is_conversation(task: &TaskRecord) -> bool {
    task.key.kind() == TaskKind::Conversation
}

/// Whether the conversation of a task has had its prompt.
fn has_prompt(task: &TaskRecord) -> bool {
    task.rejection.as_ref().is_none_or(|why| why.stage != Stage::Prompt)
}

/// A conversation as it was, or why its texts cannot be read.
type Read = std::result::Result<Row, Rejection>;

fn unreadable(stage: Stage, reason: &str, detail: String) -> Rejection {
    Rejection { stage, failed: false, reason: reason.to_owned(), detail }
}

impl<'a> KeptPart<'a> {
    pub(super) fn part(&self) -> &'a Part {
        self.part
    }

    pub(super) fn number(&self) -> u8 {
        self.number
    }

    /// Rows `from..to` of the journal's plan. `tasks` are theirs, by seed row.
    pub(super) fn rows(
        &self,
        store: &Store,
        from: usize,
        to: usize,
        tasks: &[Vec<TaskRecord>],
    ) -> Result<Vec<KeptRow>> {
        let rows =
            store.planned_between(base_key(self.number, from)?, base_key(self.number, to)?)?;
        let shapes = self.may_be_current.then(|| Shapes::new(self.context));
        let one = |row: PlannedRow| {
            let own = tasks.iter().find(|all| all.first().is_some_and(|t| t.key == row.task));
            let index = row.task.seed_row_index() as usize;
            let current = match &shapes {
                Some(shapes) => shapes.planned(self.number, index, None)?,
                None => None,
            };
            let planned = planned(&row, own.map_or(&[], Vec::as_slice));
            Ok(KeptRow { planned, is_current: current.as_ref() == Some(&row), row })
        };
        rows.into_par_iter().map(one).collect()
    }

    /// The attributes of a conversation, as its own version wrote them; `None` where they are missing, or those of another
    /// plan.
    fn attributes(&self, id: &RowId, task: &TaskRecord) -> Option<Attributes> {
        let row: SituationRow = self.situations.get(id.as_str())?;
        let texts = 2 * usize::try_from(row.attributes.situation.turns).ok()? - 1;
        let fits = task.state != TaskState::Done || task.steps.len() == texts;
        fits.then_some(row.attributes)
    }

    /// Fails where attributes of accepted conversations are missing.
    pub(super) fn check(&self, store: &Store, rows: usize, at_once: usize) -> Result<()> {
        let (mut missing, mut example) = (0, None);
        for from in (0..rows).step_by(at_once) {
            let to = (from + at_once).min(rows);
            let tasks = tasks_of(store, self.number, from, to)?;
            for KeptRow { row, is_current, .. } in self.rows(store, from, to, &tasks)? {
                let own = tasks.iter().find(|all| all.first().is_some_and(|t| t.key == row.task));
                let Some((base, conversations)) = own.and_then(|own| own.split_first()) else {
                    continue;
                };
                if is_current {
                    continue;
                }
                let id = RowId::new(&row.id).map_err(|_| mismatch(&row))?;
                let all = conversations.iter().filter(|task| is_conversation(task));
                for task in all.filter(|t| t.state == TaskState::Done) {
                    let id = id_of(self.part, &id, task.key);
                    let is_there = self
                        .attributes(&id, task)
                        .is_some_and(|a| self.step_of_prompt(base, &a).is_some());
                    if !is_there {
                        missing += 1;
                        example.get_or_insert(id);
                    }
                }
            }
        }
        match example {
            None => Ok(()),
            Some(example) => Err(Error::NoSituations {
                path: self.situations.path().to_owned(),
                rows: missing,
                example: example.to_string(),
            }),
        }
    }

    /// Which accepted response of a seed row has the prompt of a conversation.
    fn step_of_prompt(&self, base: &TaskRecord, attributes: &Attributes) -> Option<usize> {
        if base.steps.len() <= 1 {
            return base.steps.first().map(|_| 0);
        }
        // Which of several responses gave a prompt is only in the file of prompts.
        let line = PromptLine::of(&self.prompts, attributes)?;
        let request = line.provenance.turns.first()?.request;
        base.steps.iter().position(|step| step.request == request)
    }

    /// A seed row from its tasks, its own first; `None` if there are none.
    pub(super) fn group(
        &self,
        from: &Source<'a>,
        kept: &KeptRow,
        tasks: &'a [TaskRecord],
        counts: &mut KeptRows,
    ) -> Result<Option<Group<'a>>> {
        let context = self.context;
        let Some((base, rest)) = tasks.split_first() else { return Ok(None) };
        let conversations: Vec<&'a TaskRecord> =
            rest.iter().filter(|task| is_conversation(task)).collect();
        let id = RowId::new(&kept.row.id).map_err(|_| mismatch(&kept.row))?;
        let mut group = Group {
            context,
            id,
            part: self.part.id.clone(),
            prompts: Vec::new(),
            conversations: Vec::with_capacity(conversations.len()),
            failed_texts: Cow::Owned(FailedTexts::new()),
            not_begun: 0,
            rehearsal: context.rehearsal,
        };
        if base.state == TaskState::Waiting {
            group.not_begun = kept.planned;
            return Ok(Some(group));
        }
        let attributes: Vec<Option<Attributes>> = conversations
            .iter()
            .map(|task| {
                let id = id_of(self.part, &group.id, task.key);
                has_prompt(task).then(|| self.attributes(&id, task)).flatten()
            })
            .collect();
        self.read_prompts(from, kept, base, &conversations, &attributes, &mut group)?;
        let mut texts = FailedTexts::new();
        for (task, attributes) in conversations.iter().copied().zip(attributes) {
            let k = usize::from(task.key.prompt()).saturating_sub(1);
            let read = match attributes {
                Some(attributes) => Some(self.read(from, &group, task, k, attributes, counts)?),
                None => None,
            };
            let is_done = task.state == TaskState::Done;
            let (row, rejection) = match read {
                Some(Ok(row)) => (Some(row), None),
                Some(Err(why)) => (None, Some(why)),
                None if is_done => return Err(mismatch(&kept.row)),
                None => (None, None),
            };
            let task = match rejection.filter(|_| is_done) {
                None => Cow::Borrowed(task),
                Some(why) => {
                    counts.unreadable += 1;
                    let state = TaskState::Rejected;
                    Cow::Owned(TaskRecord { state, rejection: Some(why), ..task.clone() })
                }
            };
            counts.conversations += u64::from(task.state == TaskState::Done);
            if task.state == TaskState::Rejected {
                self.keep_texts(&group, base.key, &task, k, &mut texts);
            }
            group.conversations.push(Conversation { task, row });
        }
        group.failed_texts = Cow::Owned(texts);
        Ok(Some(group))
    }

    /// Keeps the failed texts that the file of rejected rows has of a conversation.
    fn keep_texts(
        &self,
        group: &Group<'_>,
        base: TaskKey,
        task: &TaskRecord,
        k: usize,
        texts: &mut FailedTexts,
    ) {
        let id = id_of(self.part, &group.id, task.key);
        let Some(before) = self.rejected.get::<Rejected>(id.as_str()) else { return };
        let of_turn = group.prompts.get(k).is_some_and(Option::is_some);
        let (key, place) = if of_turn { (task.key, 0) } else { (base, k) };
        let all = texts.entry(key).or_default();
        // The variants of a prompt that failed share its texts.
        if all.iter().all(|(at, _)| *at != place) {
            all.extend(before.texts.into_iter().map(|text| (place, text)));
        }
    }

    /// Reads the prompts of a seed row into its group.
    fn read_prompts(
        &self,
        from: &Source<'_>,
        kept: &KeptRow,
        base: &TaskRecord,
        conversations: &[&TaskRecord],
        attributes: &[Option<Attributes>],
        group: &mut Group<'_>,
    ) -> Result<()> {
        let count = conversations.iter().map(|t| usize::from(t.key.prompt())).max().unwrap_or(0);
        // Of each prompt, what is known of it and the response that has it.
        let mut told: Vec<Option<(&Attributes, usize)>> = vec![None; count];
        for (task, attributes) in conversations.iter().zip(attributes) {
            let k = usize::from(task.key.prompt()).saturating_sub(1);
            if let (Some(slot @ None), Some(attributes)) = (told.get_mut(k), attributes) {
                *slot = self.step_of_prompt(base, attributes).map(|step| (attributes, step));
            }
        }
        group.prompts.resize_with(count, || None);
        for (number, step) in base.steps.iter().enumerate() {
            let outcome = response(from.locate, from.reader, step.request)?;
            let outcome = outcome.ok_or_else(|| mismatch(&kept.row))?;
            let (text, whole) = match &outcome {
                RowOutcome::Answer(completion) => (&completion.text, true),
                RowOutcome::Cut(completion) => (&completion.text, false),
                _ => continue,
            };
            group.rehearsal |= is_rehearsal(&outcome);
            // It was asked for the prompts that no earlier response had.
            let is_due =
                |told: &Option<(&Attributes, usize)>| told.is_none_or(|(_, at)| at >= number);
            let asked: Vec<usize> =
                (0..count).filter(|k| told.get(*k).is_some_and(is_due)).collect();
            let numbers: Vec<u64> = asked.iter().map(|k| *k as u64 + 1).collect();
            let reading = prompts_for(text, self.format, &numbers, whole);
            for (k, written) in asked.into_iter().zip(reading.prompts) {
                let known = told.get(k).copied().flatten().filter(|(_, at)| *at == number);
                let (Some((attributes, _)), Some(written)) = (known, written) else { continue };
                let turn = turn_provenance(self.context, Speaker::PromptWriter, step, &outcome);
                let cleanup = written.text.cleanup.names().map(str::to_owned).collect();
                let line = PromptLine::of(&self.prompts, attributes);
                let patient = match line.map(|line| (line.frame, line.stated)) {
                    Some((Some(frame), Some(stated))) => PromptPatient::Planned { frame, stated },
                    _ => PromptPatient::Card(attributes.card.clone()),
                };
                if let Some(slot) = group.prompts.get_mut(k) {
                    *slot = Some(PromptRow {
                        id: attributes.base.clone(),
                        text: written.text.text,
                        requests: written.requests,
                        subjects: attributes.subjects.clone(),
                        patient,
                        provenance: TurnProvenance { cleanup, ..turn },
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads the texts of a conversation. If it was accepted, counts what the present checks find.
    fn read(
        &self,
        from: &Source<'_>,
        group: &Group<'_>,
        task: &TaskRecord,
        k: usize,
        attributes: Attributes,
        counts: &mut KeptRows,
    ) -> Result<Read> {
        let context = self.context;
        let id = id_of(self.part, &group.id, task.key);
        let Some(prompt) = group.prompts.get(k).and_then(Option::as_ref) else {
            let detail = "the prompt cannot be read from its response".to_owned();
            return Ok(Err(unreadable(Stage::Prompt, "missing_prompt", detail)));
        };
        let (situation, place) = (&attributes.situation, attributes.place());
        let place = place.as_deref();
        let case = attributes.case.as_ref();
        let facts = place.map(|place| about(context.catalog, &context.country_terms, case, place));
        let mut found: BTreeSet<&'static str> = BTreeSet::new();
        let frame = match &prompt.patient {
            PromptPatient::Planned { frame, .. } => Some(frame.clone()),
            PromptPatient::Card(_) => frame(&attributes),
        };
        if let Some(frame) = frame {
            found.extend(check_prompt(&prompt.text, &frame).iter().map(|v| v.check));
        }
        let content = first_message(&prompt.text, situation);
        let mut messages = vec![Message { role: Role::User, content }];
        let mut turns: Vec<TurnProvenance> = group.prompt_turn(k).into_iter().collect();
        let mut rehearsal = group.rehearsal;
        for step in &task.steps {
            let missing = || Error::JournalMismatch(id.to_string());
            let outcome = response(from.locate, from.reader, step.request)?.ok_or_else(missing)?;
            let speaker = Speaker::of_message(messages.len());
            let RowOutcome::Answer(completion) = &outcome else {
                let detail = format!("the accepted response {} is no answer", step.request);
                return Ok(Err(unreadable(Stage::Turn, "unreadable_row", detail)));
            };
            let cleaned = match clinstruct_parser::turn(&completion.text) {
                Ok(cleaned) => cleaned,
                Err(problem) => {
                    let detail =
                        format!("{} of turn {}: {problem}", speaker.as_str(), messages.len());
                    return Ok(Err(unreadable(Stage::Turn, problem.code(), detail)));
                }
            };
            if let Some(facts) = &facts {
                let all = check_turn(&cleaned.text, messages.len(), situation, facts);
                found.extend(all.iter().map(|v| v.check));
            }
            rehearsal |= is_rehearsal(&outcome);
            turns.push(turn_provenance(context, speaker, step, &outcome));
            let role = if speaker == Speaker::Assistant { Role::Assistant } else { Role::User };
            let content = match role {
                Role::User => {
                    let turn = Situation::turn_of(messages.len());
                    message_with_styles(&cleaned.text, situation, turn)
                }
                _ => cleaned.text,
            };
            messages.push(Message { role, content });
        }
        if task.state == TaskState::Done {
            for check in found {
                *counts.findings.entry(check.to_owned()).or_default() += 1;
            }
        }
        let provenance = group.provenance(rehearsal, turns);
        let (part, schema_version) = (group.part.clone(), SCHEMA_VERSION);
        Ok(Ok(Row { id, part, messages, attributes, provenance, schema_version }))
    }
}
