//! A seed row with its prompts and conversations, rebuilt from the plan, the journal and the responses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use clinstruct_parser::Cleanup;
use clinstruct_schema::{
    Attributes, BaseRow, Conversation as Row, FailedText, Frame, PartId, PatientCard, Provenance,
    RequestId, RowId, RowOutcome, SCHEMA_VERSION, Speaker, Stated, Subject, TurnProvenance, Usage,
};
use clinstruct_store::{RawReader, Step, Store, TaskKey, TaskKind, TaskRecord, TaskState};

use super::Source;
use crate::task::{
    AcceptedPrompt, ConversationTask, Locate, Prompt, PromptTask, Situations, base_key, id_of,
    prompts_of, replay_extraction, replay_turn, response, variant_of,
};
use crate::{Error, Result, RunContext};

/// Texts that failed their checks, by the task that requested them, each with its place in the response.
pub(super) type FailedTexts = HashMap<TaskKey, Vec<(usize, FailedText)>>;

/// The tasks of seed rows `from..to`, grouped by started seed row, the seed row's own task first.
pub(super) fn tasks_of(
    store: &Store,
    part: u8,
    from: usize,
    to: usize,
) -> Result<Vec<Vec<TaskRecord>>> {
    let base_of = |key: TaskKey| key.seed_row_index();
    let mut groups: Vec<Vec<TaskRecord>> = Vec::new();
    for record in store.tasks(base_key(part, from)?, base_key(part, to)?)? {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|g| base_of(g.key) == base_of(record.key)) => {
                group.push(record);
            }
            _ => groups.push(vec![record]),
        }
    }
    Ok(groups)
}

/// A seed row, as the outputs read it.
pub(super) struct Group<'a> {
    pub(super) context: &'a RunContext<'a>,
    pub(super) id: RowId,
    pub(super) part: PartId,
    /// Its prompts, where they came: one for each patient.
    pub(super) prompts: Vec<Option<PromptRow>>,
    pub(super) conversations: Vec<Conversation<'a>>,
    /// Texts of its rejected rows, by the task that they failed: with the place of the patient for prompts.
    pub(super) failed_texts: Cow<'a, FailedTexts>,
    /// Conversations that wait for their prompts or their records.
    pub(super) not_begun: u64,
    /// Whether a rehearsal wrote its prompts.
    pub(super) rehearsal: bool,
}

/// A prompt of a seed row.
pub(super) struct PromptRow {
    pub(super) id: RowId,
    pub(super) text: String,
    /// What its conversations ask of the answers, in the words of its writer.
    pub(super) requests: Vec<String>,
    pub(super) subjects: Vec<Subject>,
    pub(super) patient: PromptPatient,
    pub(super) provenance: TurnProvenance,
}

/// What is known about the patient of a prompt.
pub(super) enum PromptPatient {
    /// What was fixed about it, and what it states.
    Planned { frame: Frame, stated: Stated },
    /// What its own version knew, where that is no frame.
    Card(Option<PatientCard>),
}

/// A conversation of a seed row.
pub(super) struct Conversation<'a> {
    pub(super) task: Cow<'a, TaskRecord>,
    /// Its row so far. `None` if no output reads it, or if its prompt never came.
    pub(super) row: Option<Row>,
}

impl Conversation<'_> {
    /// Whether it was rejected for lack of an answer.
    pub(super) fn failed(&self) -> bool {
        self.task.rejection.as_ref().is_some_and(|why| why.failed)
    }

    /// Why it was rejected.
    pub(super) fn reason(&self) -> &str {
        self.task.rejection.as_ref().map_or("unknown", |why| why.reason.as_str())
    }
}

fn mismatch(key: TaskKey) -> Error {
    Error::JournalMismatch(format!("{key:?}"))
}

impl<'a> Group<'a> {
    /// The seed row of these tasks, its own first, with its prompts where they are read already; `None` if there are none. `reads` says in which states a
    /// conversation's row is needed.
    pub(super) fn new(
        from: &Source<'a>,
        part: u8,
        (tasks, read): (&'a [TaskRecord], Option<PromptTask>),
        failed_texts: &'a FailedTexts,
        reads: &dyn Fn(TaskState) -> bool,
    ) -> Result<Option<Self>> {
        let Source { context, locate, reader } = *from;
        let Some((base, conversations)) = tasks.split_first() else { return Ok(None) };
        let plan = context.plan(part).ok_or_else(|| mismatch(base.key))?;
        let index = base.key.seed_row_index() as usize;
        let planned =
            || PromptTask::planned(context, part, index)?.ok_or_else(|| mismatch(base.key));
        let (task, is_read) = match read {
            Some(task) => (task, true),
            None => (planned()?, false),
        };
        let row = Arc::clone(task.row());
        let mut group = Self {
            context,
            id: row.id.clone(),
            part: row.part.clone(),
            prompts: Vec::with_capacity(row.frames.len()),
            rehearsal: context.rehearsal,
            conversations: Vec::with_capacity(conversations.len()),
            failed_texts: Cow::Borrowed(failed_texts),
            not_begun: 0,
        };
        if base.state == TaskState::Waiting {
            group.not_begun = (row.frames.len() * plan.part().variants()) as u64;
            return Ok(Some(group));
        }
        let accepted =
            if is_read { task } else { prompts_of(context, locate, reader, base, task)? };
        // Most prompts of a row came in one response.
        let mut read: Option<(RequestId, RowOutcome)> = None;
        for (k, (prompt, frame)) in accepted.prompts().iter().zip(&row.frames).enumerate() {
            let Some(AcceptedPrompt { prompt, step }) = prompt else {
                group.prompts.push(None);
                continue;
            };
            let outcome = match read.take().filter(|(request, _)| *request == step.request) {
                Some((_, outcome)) => outcome,
                None => response(locate, reader, step.request)?
                    .ok_or_else(|| Error::JournalMismatch(step.request.to_string()))?,
            };
            let turn = turn_provenance(context, Speaker::PromptWriter, step, &outcome);
            let cleanup = prompt.text.cleanup.names().map(str::to_owned).collect();
            group.rehearsal |= is_rehearsal(&outcome);
            group.prompts.push(Some(PromptRow {
                id: prompt_id(&row, k),
                text: prompt.text.text.clone(),
                requests: prompt.requests.clone(),
                subjects: row.subjects.clone(),
                patient: PromptPatient::Planned {
                    frame: frame.clone(),
                    stated: prompt.stated.clone(),
                },
                provenance: TurnProvenance { cleanup, ..turn },
            }));
            read = Some((step.request, outcome));
        }
        let situations = accepted.situations(context)?;
        let mut prompts: Vec<Option<Prompt>> =
            accepted.prompts().iter().map(|p| p.as_ref().map(|p| p.prompt.clone())).collect();
        for task in conversations {
            let k = usize::from(task.key.prompt()).saturating_sub(1);
            // A record comes before the conversations of its prompt.
            if task.key.kind() == TaskKind::Extraction {
                if task.state == TaskState::Waiting {
                    group.not_begun += plan.part().variants() as u64;
                }
                let prompt = prompts.get_mut(k).and_then(Option::as_mut);
                let (Some(prompt), Some(frame)) = (prompt, row.frames.get(k)) else {
                    return Err(mismatch(task.key));
                };
                replay_extraction(locate, reader, task, frame, prompt)?;
                if let Some(Some(known)) = group.prompts.get_mut(k) {
                    let (frame, stated) = (frame.clone(), prompt.stated.clone());
                    known.patient = PromptPatient::Planned { frame, stated };
                }
                continue;
            }
            let prompt = prompts.get(k).and_then(Option::as_ref);
            let row = match prompt {
                Some(prompt) if reads(task.state) => {
                    Some(group.replay(locate, reader, task, (&row, k), situations, prompt)?)
                }
                _ => None,
            };
            group.conversations.push(Conversation { task: Cow::Borrowed(task), row });
        }
        Ok(Some(group))
    }

    /// Replays a conversation of prompt `k` (from 0).
    fn replay(
        &self,
        locate: Locate<'_>,
        reader: &RawReader,
        task: &TaskRecord,
        (seed_row, k): (&BaseRow, usize),
        situations: &Situations,
        prompt: &Prompt,
    ) -> Result<Row> {
        let context = self.context;
        let variant = variant_of(task.key.variant());
        let part = task.key.part();
        let situations = situations.get(k).map_or(&[][..], Vec::as_slice);
        let of = (seed_row, k);
        let mut replayed = ConversationTask::new(context, part, of, variant, situations, prompt)?;
        let mut turns: Vec<TurnProvenance> = self.prompt_turn(k).into_iter().collect();
        let mut rehearsal = self.rehearsal;
        for step in &task.steps {
            let mismatch = || mismatch(task.key);
            let outcome = response(locate, reader, step.request)?.ok_or_else(mismatch)?;
            let speaker = replayed.dialogue().speaker().ok_or_else(mismatch)?;
            replay_turn(&mut replayed, &outcome).ok_or_else(mismatch)?;
            rehearsal |= is_rehearsal(&outcome);
            turns.push(turn_provenance(context, speaker, step, &outcome));
        }
        let (about, messages) = replayed.into_dialogue().into_parts();
        let system = about.exported_system(context.catalog)?;
        Ok(Row {
            id: about.id,
            part: self.part.clone(),
            messages,
            attributes: Attributes {
                base: prompt_id(seed_row, k),
                subjects: seed_row.subjects.clone(),
                card: about.case.as_ref().map(|case| case.card(&about.place)),
                case: about.case.map(Arc::unwrap_or_clone),
                place: Some(about.place),
                voice: seed_row.frames.get(k).and_then(|frame| frame.voice.clone()),
                situation: about.situation,
                system: Some(system),
            },
            provenance: self.provenance(rehearsal, turns),
            schema_version: SCHEMA_VERSION,
        })
    }

    /// The provenance of one of its rows.
    pub(super) fn provenance(&self, rehearsal: bool, turns: Vec<TurnProvenance>) -> Provenance {
        let context = self.context;
        Provenance {
            backend: context.backend.clone(),
            model: context.model.clone(),
            rehearsal,
            seed: context.config.seed,
            turns,
        }
    }

    /// The provenance of prompt `k` (from 0).
    pub(super) fn prompt_turn(&self, k: usize) -> Option<TurnProvenance> {
        Some(self.prompts.get(k)?.as_ref()?.provenance.clone())
    }

    /// The texts of a rejected conversation that failed their checks; those of its prompt, where it has none.
    pub(super) fn failed_texts(&self, key: TaskKey) -> Vec<FailedText> {
        let k = usize::from(key.prompt()).saturating_sub(1);
        let of = |task: TaskKey, place: usize| {
            let texts = self.failed_texts.get(&task).into_iter().flatten();
            texts.filter(|(at, _)| *at == place).map(|(_, text)| text.clone()).collect()
        };
        if self.prompts.get(k).is_some_and(Option::is_some) {
            return of(key, 0);
        }
        let base = TaskKey::seed_row(key.part(), key.seed_row_index());
        base.map(|base| of(base, k)).unwrap_or_default()
    }

    /// The id of one of its conversations.
    pub(super) fn conversation_id(&self, key: TaskKey) -> RowId {
        match self.context.catalog.part(self.part.as_str()) {
            Some(part) => id_of(part, &self.id, key),
            None => self.id.clone(),
        }
    }
}

/// The id of prompt `k` (from 0) of a seed row.
fn prompt_id(row: &BaseRow, k: usize) -> RowId {
    if row.frames.len() == 1 { row.id.clone() } else { row.id.child('p', k + 1) }
}

/// Whether a response is marked as a rehearsal, whatever program delivered it.
pub(super) fn is_rehearsal(outcome: &RowOutcome) -> bool {
    matches!(outcome, RowOutcome::Answer(c) | RowOutcome::Cut(c) if c.rehearsal)
}

pub(super) fn turn_provenance(
    context: &RunContext<'_>,
    speaker: Speaker,
    step: &Step,
    outcome: &RowOutcome,
) -> TurnProvenance {
    let (reasoning, usage) = reasoning_of(outcome);
    let keeps = context.config.keep_reasoning && speaker == Speaker::Assistant;
    TurnProvenance {
        speaker,
        reasoning: reasoning.filter(|_| keeps),
        request: step.request,
        attempts: u32::from(step.attempts),
        cleanup: Cleanup::from_bits(step.cleanup).names().map(str::to_owned).collect(),
        usage,
    }
}

/// The reasoning of a response, from the provider's own field and from its text, and its tokens with those of the
/// reasoning, counted by the provider or estimated by its share of the length.
fn reasoning_of(outcome: &RowOutcome) -> (Option<String>, Usage) {
    let mut usage = outcome.usage().unwrap_or_default();
    let RowOutcome::Answer(completion) = outcome else { return (None, usage) };
    let within = clinstruct_parser::reasoning(&completion.text);
    let beside = completion.reasoning.as_deref().map(str::trim).filter(|r| !r.is_empty());
    let all: Vec<&str> = beside.into_iter().chain(within.as_deref()).collect();
    if all.is_empty() {
        return (None, usage);
    }
    if usage.reasoning_tokens == 0 {
        let thought: usize = all.iter().map(|r| r.len()).sum();
        let written = completion.text.len() + beside.map_or(0, str::len);
        let share = thought as f64 / written.max(1) as f64;
        usage.reasoning_tokens = (usage.completion_tokens as f64 * share.min(1.0)).round() as u64;
    }
    (Some(all.join("\n\n")), usage)
}
