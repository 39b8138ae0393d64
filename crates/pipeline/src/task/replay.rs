//! Rebuilds tasks from the journal and the raw responses.

use std::borrow::Cow;

use clinstruct_batch_client::BatchRequest;
use clinstruct_multiturn::RetryCounts;
use clinstruct_parser::{Cleaned, decode};
use clinstruct_schema::{FailedText, Frame, RequestId, RowId, RowOutcome, Speaker, Usage};
use clinstruct_store::{RawReader, RowLocation, Store, TaskKey, TaskKind, TaskRecord, TaskState};

use super::Task;
use super::annotation::{AnnotationTask, number};
use super::conversation::ConversationTask;
use super::extraction::ExtractionTask;
use super::keys::{extraction_key, variant_of};
use super::prompt::PromptTask;
use super::reading::{Prompt, Reading, read_extraction};
use crate::{Error, Result, RunContext};

/// Where the responses to requests lie.
pub(crate) type Locate<'a> = &'a dyn Fn(RequestId) -> Result<Option<RowLocation>>;

/// The response to a request, decoded; `None` where the store has none.
pub(crate) fn response(
    locate: Locate<'_>,
    reader: &RawReader,
    id: RequestId,
) -> Result<Option<RowOutcome>> {
    match locate(id)? {
        None => Ok(None),
        Some(location) => {
            let (format, raw) = reader.read(&location)?;
            Ok(Some(decode(format, &raw).outcome))
        }
    }
}

/// A seed row's task at its start, brought to the prompts of its accepted responses.
pub(crate) fn prompts_of(
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    record: &TaskRecord,
    mut task: PromptTask,
) -> Result<PromptTask> {
    if task.recall(context, &record.steps) {
        return Ok(task);
    }
    for step in &record.steps {
        let outcome =
            response(locate, reader, step.request)?.ok_or_else(|| mismatch(record.key))?;
        // An attempt of which only some prompts were good was counted as one that failed.
        let all_good = u32::from(step.attempts) > record.attempts;
        let reading = if all_good {
            task.read_accepted(context, &outcome)
        } else {
            task.read(context, &outcome)
        };
        if let Reading::Accepted(prompts) | Reading::Unusable { partial: Some(prompts), .. } =
            reading
        {
            task.take(step.request, step.attempts, prompts);
        }
    }
    Ok(task)
}

/// Gives a prompt the facts of its accepted extraction, where `record` has one.
pub(crate) fn replay_extraction(
    locate: Locate<'_>,
    reader: &RawReader,
    record: &TaskRecord,
    frame: &Frame,
    prompt: &mut Prompt,
) -> Result<()> {
    let Some(step) = record.steps.last() else { return Ok(()) };
    let mismatch = || mismatch(record.key);
    let outcome = response(locate, reader, step.request)?.ok_or_else(mismatch)?;
    let Reading::Accepted(stated) = read_extraction(&outcome, &prompt.text.text, frame) else {
        return Err(mismatch());
    };
    prompt.set_stated(stated);
    Ok(())
}

/// Adds the turn of an accepted response. Its checks were passed when it was accepted and are not run again; `None`
/// where it cannot have been accepted.
pub(crate) fn replay_turn(task: &mut ConversationTask, outcome: &RowOutcome) -> Option<Cleaned> {
    let RowOutcome::Answer(completion) = outcome else { return None };
    let cleaned = clinstruct_parser::turn(&completion.text).ok()?;
    task.say(&cleaned.text);
    Some(cleaned)
}

fn mismatch(key: TaskKey) -> Error {
    Error::JournalMismatch(format!("{key:?}"))
}

/// A seed row's task, at its start.
fn prompt_task(context: &RunContext<'_>, key: TaskKey) -> Result<PromptTask> {
    let task = PromptTask::planned(context, key.part(), key.seed_row_index() as usize)?;
    task.ok_or_else(|| mismatch(key))
}

/// The seed row whose accepted prompts were read last, with them: whoever rebuilds the tasks of a seed row one after the
/// other reads its prompts once. They do not change: its conversations begin once it has ended.
#[derive(Debug, Default)]
pub(crate) struct LastRow(Option<PromptTask>);

/// Rebuilds a task from its record, with the request that it waits for; `None` where it waits for none, and where this
/// program does not have the annotator.
pub(crate) fn rebuild(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    last: &mut LastRow,
) -> Result<Option<(BatchRequest, Task)>> {
    let task = rebuild_task(context, store, reader, record, last)?;
    let Some(task) = task else { return Ok(None) };
    Ok(task.next_request(context)?.map(|request| (request, task)))
}

/// The same without the request, for one who has its response.
pub(crate) fn rebuild_task(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    last: &mut LastRow,
) -> Result<Option<Task>> {
    let key = record.key;
    let counts = RetryCounts {
        attempts: record.attempts,
        delivery_attempts: record.delivery_attempts,
        paid_deliveries: record.unusable,
    };
    if key.is_seed_row() {
        let mut prompts = prompt_task(context, key)?;
        let locate = |id| Ok(store.locate(id)?);
        replay_prompt_attempts(&mut prompts, context, &locate, reader, record.attempts)?
            .ok_or_else(|| mismatch(key))?;
        prompts.counts = counts;
        return Ok(Some(Task::Prompt(prompts)));
    }
    let prompts = accepted_prompts(context, store, reader, key, last)?;
    if key.kind() == TaskKind::Extraction {
        let mut task = extraction_at_start(context, key, prompts)?;
        task.counts = counts;
        return Ok(Some(Task::Extraction(Box::new(task))));
    }
    if key.kind() == TaskKind::Annotation {
        let mut annotators = context.config.annotators.iter();
        let Some(annotator) = annotators.find(|one| number(**one) == key.annotator()) else {
            return Ok(None);
        };
        let conversation = store.task(key.subject())?.ok_or_else(|| mismatch(key))?;
        let task = accepted_turns(context, store, reader, &conversation, prompts)?;
        let mut task = AnnotationTask::new(*annotator, task.into_dialogue());
        task.counts = counts;
        return Ok(Some(Task::Annotation(Box::new(task))));
    }
    let mut task = accepted_turns(context, store, reader, record, prompts)?;
    let locate = |id| Ok(store.locate(id)?);
    replay_attempts(&mut task, context, &locate, reader, record.attempts)?;
    task.dialogue.set_counts(counts);
    Ok(Some(Task::Conversation(Box::new(task))))
}

/// A conversation with its accepted turns, from the journal. `prompts` is its seed row's task with its prompts.
fn accepted_turns(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    prompts: &PromptTask,
) -> Result<ConversationTask> {
    let key = record.key;
    let mut task = conversation_at_start(context, store, reader, key, prompts)?;
    let locate = |id| Ok(store.locate(id)?);
    for step in &record.steps {
        let outcome = response(&locate, reader, step.request)?.ok_or_else(|| mismatch(key))?;
        replay_turn(&mut task, &outcome).ok_or_else(|| mismatch(key))?;
    }
    Ok(task)
}

/// The task of a task's seed row with its accepted prompts, from the journal.
fn accepted_prompts<'l>(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    key: TaskKey,
    LastRow(last): &'l mut LastRow,
) -> Result<&'l PromptTask> {
    let mismatch = || mismatch(key);
    let base = TaskKey::seed_row(key.part(), key.seed_row_index()).ok_or_else(mismatch)?;
    let row = match last.take().filter(|row| row.key() == base) {
        Some(row) => row,
        None => {
            let base = store.task(base)?.ok_or_else(mismatch)?;
            let start = prompt_task(context, key)?;
            prompts_of(context, &|id| Ok(store.locate(id)?), reader, &base, start)?
        }
    };
    Ok(last.insert(row))
}

/// The prompt of a task, with the place of its patient. `prompts` is its seed row's task with its prompts.
fn prompt_of(prompts: &PromptTask, key: TaskKey) -> Result<(usize, &Prompt)> {
    let k = usize::from(key.prompt()).checked_sub(1).ok_or_else(|| mismatch(key))?;
    let prompt = prompts.prompts().get(k).and_then(Option::as_ref).ok_or_else(|| mismatch(key))?;
    Ok((k, &prompt.prompt))
}

/// An extraction at its start. `prompts` is its seed row's task with its prompts.
fn extraction_at_start(
    context: &RunContext<'_>,
    key: TaskKey,
    prompts: &PromptTask,
) -> Result<ExtractionTask> {
    let (k, prompt) = prompt_of(prompts, key)?;
    let (row, situations) = (prompts.row(), prompts.situations_of(context, k)?);
    let due = ExtractionTask::due(context, prompts.key(), (row, k), situations, prompt)?;
    due.map(|(_, task)| task).ok_or_else(|| mismatch(key))
}

/// A conversation at its start, from the journal. `prompts` is its seed row's task with its prompts.
fn conversation_at_start(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    key: TaskKey,
    prompts: &PromptTask,
) -> Result<ConversationTask> {
    let (k, prompt) = prompt_of(prompts, key)?;
    let mut prompt = Cow::Borrowed(prompt);
    let frame = prompts.row().frames.get(k).ok_or_else(|| mismatch(key))?;
    if context.config.extraction.asks(frame, &prompt.stated)
        && let Some(record) = store.task(extraction_key(prompts.key(), k)?)?
    {
        let locate = |id| Ok(store.locate(id)?);
        replay_extraction(&locate, reader, &record, frame, prompt.to_mut())?;
    }
    let variant = variant_of(key.variant());
    let situations = prompts.situations_of(context, k)?;
    ConversationTask::new(context, key.part(), (prompts.row(), k), variant, situations, &prompt)
}

/// An attempt that gave a response which could not be used.
#[derive(Debug)]
pub(crate) struct FailedAttempt {
    /// Its request. One for several prompts may have brought some of them.
    pub(crate) request: RequestId,
    /// All checks that failed.
    pub(crate) checks: Vec<String>,
    /// Tokens that it used.
    pub(crate) usage: Usage,
    /// The texts that failed, each with what was found: one of a turn, those of its patients (from 0) of a prompt request.
    pub(crate) texts: Vec<(usize, FailedText)>,
}

/// Replays the failed attempts at a seed row's prompts, up to `attempts`; `None` where a response is missing.
fn replay_prompt_attempts(
    task: &mut PromptTask,
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    attempts: u32,
) -> Result<Option<Vec<FailedAttempt>>> {
    let mut failed = Vec::new();
    while task.counts.attempts < attempts {
        let request = task.next_request(context)?.id;
        let Some(outcome) = response(locate, reader, request)? else { return Ok(None) };
        let Reading::Unusable { checks, partial, .. } = task.read(context, &outcome) else {
            return Ok(None);
        };
        let mut texts: Vec<(usize, FailedText)> = Vec::new();
        for finding in partial.iter().flat_map(|prompts| &prompts.findings) {
            let (Some(patient), Some(text)) = (finding.patient, &finding.text) else { continue };
            let note = format!("{}: {}", finding.check, finding.detail);
            match texts.last_mut().filter(|(last, _)| *last == patient) {
                Some((_, last)) => last.findings.push(note),
                None => {
                    let failed = FailedText { text: text.clone(), findings: vec![note] };
                    texts.push((patient, failed));
                }
            }
        }
        let usage = outcome.usage().unwrap_or_default();
        failed.push(FailedAttempt { request, checks, usage, texts });
        task.counts.attempts += 1;
        if let Some(prompts) = partial {
            let attempts = u8::try_from(task.counts.attempts).unwrap_or(u8::MAX);
            task.take(request, attempts, prompts);
        }
    }
    Ok(Some(failed))
}

/// Replays the failed attempts of the turn that is due, up to `attempts`.
fn replay_attempts(
    task: &mut ConversationTask,
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    attempts: u32,
) -> Result<Vec<FailedAttempt>> {
    let mut failed = Vec::new();
    while task.dialogue.counts().attempts < attempts {
        let Some(request) = task.next_request(context)? else { break };
        let mismatch = |what| {
            let id = &task.dialogue.context().id;
            Error::JournalMismatch(format!("{what} attempt {} of {id}", failed.len()))
        };
        let outcome = response(locate, reader, request.id)?.ok_or_else(|| mismatch("missing"))?;
        let reading = task.read(context, &outcome)?;
        let Reading::Unusable { checks, detail, .. } = &reading else {
            return Err(mismatch("accepted"));
        };
        let text = match &outcome {
            RowOutcome::Answer(c) | RowOutcome::Cut(c) => clinstruct_parser::as_written(&c.text),
            _ => String::new(),
        };
        let text = FailedText { text, findings: vec![detail.clone()] };
        let texts = Some((0, text)).filter(|(_, failed)| !failed.text.is_empty());
        let usage = outcome.usage().unwrap_or_default();
        let texts = texts.into_iter().collect();
        failed.push(FailedAttempt { request: request.id, checks: checks.clone(), usage, texts });
        task.dialogue.apply(reading.into());
    }
    Ok(failed)
}

/// Attempts at one turn or prompt request that failed, and whether one succeeded in the end.
#[derive(Debug)]
pub(crate) struct Retried {
    pub(crate) speaker: Speaker,
    pub(crate) succeeded: bool,
    pub(crate) failed: Vec<FailedAttempt>,
}

/// A seed row whose accepted prompts are read when they are first needed, and once for all that need them.
#[derive(Debug)]
pub(crate) struct SeedRow<'a> {
    record: &'a TaskRecord,
    prompts: Option<PromptTask>,
}

impl<'a> SeedRow<'a> {
    pub(crate) fn new(record: &'a TaskRecord) -> Self {
        Self { record, prompts: None }
    }

    /// Its task with its prompts.
    fn prompts(
        &mut self,
        context: &RunContext<'_>,
        store: &Store,
        reader: &RawReader,
    ) -> Result<&PromptTask> {
        let prompts = match self.prompts.take() {
            Some(prompts) => prompts,
            None => {
                let (record, start) = (self.record, prompt_task(context, self.record.key)?);
                prompts_of(context, &|id| Ok(store.locate(id)?), reader, record, start)?
            }
        };
        Ok(self.prompts.insert(prompts))
    }

    /// Its task with its prompts, where something needed them.
    pub(crate) fn into_prompts(self) -> Option<PromptTask> {
        self.prompts
    }
}

/// Attempts at a seed row's prompts, where the first one failed.
fn retried_prompts(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    seed_row: &mut SeedRow<'_>,
) -> Result<Option<Retried>> {
    let last = record.steps.last().map_or(0, |step| u32::from(step.attempts));
    if record.attempts == 0 && last <= 1 {
        return Ok(None);
    }
    let accepted = seed_row.prompts(context, store, reader)?.prompts();
    let succeeded = accepted.iter().all(Option::is_some);
    // The attempt that brought the last prompt did not fail.
    let failed = if succeeded { last.saturating_sub(1) } else { record.attempts.max(last) };
    if failed == 0 || (!succeeded && record.state == TaskState::Waiting) {
        return Ok(None);
    }
    let mut task = prompt_task(context, record.key)?;
    let locate = |id| Ok(store.locate(id)?);
    let failed = replay_prompt_attempts(&mut task, context, &locate, reader, failed)?;
    Ok(failed.map(|failed| Retried { speaker: Speaker::PromptWriter, succeeded, failed }))
}

/// Attempts at a prompt's record, where the first one failed.
fn retried_extraction(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    seed_row: &mut SeedRow<'_>,
) -> Result<Option<Retried>> {
    let (key, step) = (record.key, record.steps.last());
    let attempts = step.map_or(record.attempts, |step| u32::from(step.attempts).saturating_sub(1));
    if attempts == 0 || record.state == TaskState::Waiting {
        return Ok(None);
    }
    let mut task = extraction_at_start(context, key, seed_row.prompts(context, store, reader)?)?;
    let mut failed = Vec::new();
    while task.counts.attempts < attempts {
        let request = task.next_request(context)?.id;
        let outcome = response(&|id| Ok(store.locate(id)?), reader, request)?;
        let Some(outcome) = outcome else { return Ok(None) };
        let Reading::Unusable { checks, .. } = task.read(&outcome)? else { return Ok(None) };
        let usage = outcome.usage().unwrap_or_default();
        failed.push(FailedAttempt { request, checks, usage, texts: Vec::new() });
        task.counts.attempts += 1;
    }
    Ok(Some(Retried { speaker: Speaker::PromptWriter, succeeded: step.is_some(), failed }))
}

/// What a task of `seed_row` was asked more than once for: a seed row's prompts, a prompt's record, a conversation's turns.
pub(crate) fn retried(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    seed_row: &mut SeedRow<'_>,
) -> Result<Vec<Retried>> {
    let key = record.key;
    if key.is_seed_row() {
        return Ok(retried_prompts(context, store, reader, record, seed_row)?
            .into_iter()
            .collect());
    }
    if key.kind() == TaskKind::Extraction {
        return Ok(retried_extraction(context, store, reader, record, seed_row)?
            .into_iter()
            .collect());
    }
    let again = record.steps.iter().any(|s| s.attempts > 1);
    let ended = record.state == TaskState::Rejected && record.attempts > 0;
    if !(again || ended) {
        return Ok(Vec::new());
    }
    let prompts = seed_row.prompts(context, store, reader)?;
    let mut task = conversation_at_start(context, store, reader, key, prompts)?;
    let locate = |id| Ok(store.locate(id)?);
    let mut all = Vec::new();
    let steps = record.steps.iter().map(|s| (Some(s), u32::from(s.attempts).saturating_sub(1)));
    let last = ended.then_some((None, record.attempts));
    for (step, attempts) in steps.chain(last) {
        let Some(speaker) = task.dialogue.speaker() else { break };
        if attempts > 0 {
            let failed = replay_attempts(&mut task, context, &locate, reader, attempts)?;
            all.push(Retried { speaker, succeeded: step.is_some(), failed });
        }
        if let Some(step) = step {
            let outcome = response(&locate, reader, step.request)?.ok_or_else(|| mismatch(key))?;
            replay_turn(&mut task, &outcome).ok_or_else(|| mismatch(key))?;
        }
    }
    Ok(all)
}

/// The request that a waiting task waits for, with the id of its row; `None` where nothing is due.
pub fn due_request(
    context: &RunContext<'_>,
    store: &Store,
    record: &TaskRecord,
) -> Result<Option<(RowId, BatchRequest)>> {
    let built = rebuild(context, store, &store.reader(), record, &mut LastRow::default())?;
    Ok(built.map(|(request, task)| match task {
        Task::Prompt(task) => (task.row().id.clone(), request),
        Task::Extraction(task) => (task.row().id.clone(), request),
        Task::Conversation(task) => (task.into_dialogue().into_parts().0.id, request),
        Task::Annotation(task) => (task.conversation().context().id.clone(), request),
    }))
}
