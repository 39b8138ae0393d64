//! Rebuilds tasks from the journal and the raw responses.

use std::sync::Arc;

use clinstruct_batch_client::BatchRequest;
use clinstruct_multiturn::RetryCounts;
use clinstruct_parser::{Cleaned, decode};
use clinstruct_schema::{BaseRow, PatientCard, RequestId, RowId, RowOutcome, Speaker, Usage};
use clinstruct_store::{RawReader, RowLocation, Store, TaskKey, TaskKind, TaskRecord, TaskState};

use super::Task;
use super::annotation::{AnnotationTask, number};
use super::conversation::ConversationTask;
use super::keys::variant_of;
use super::prompt::PromptTask;
use super::reading::{Reading, read_prompts};
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

/// The prompts that a seed row's accepted response gives.
pub(crate) fn prompts_of(
    context: &RunContext<'_>,
    outcome: &RowOutcome,
    cards: &[PatientCard],
) -> Vec<Option<Cleaned>> {
    match read_prompts(outcome, context.prompt_format(), cards) {
        Reading::Accepted(prompts) | Reading::Unusable { partial: Some(prompts), .. } => prompts,
        _ => Vec::new(),
    }
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

/// Rebuilds a task from its record, with the request that it waits for; `None` where it waits for none, and where this
/// program does not have the annotator.
pub(crate) fn rebuild(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
) -> Result<Option<(BatchRequest, Task)>> {
    let key = record.key;
    let counts = RetryCounts {
        attempts: record.attempts,
        delivery_attempts: record.delivery_attempts,
        paid_deliveries: record.unusable,
    };
    let mut prompts = prompt_task(context, key)?;
    if key.is_seed_row() {
        prompts.counts = counts;
        return Ok(Some((prompts.next_request(context)?, Task::Prompt(prompts))));
    }
    if key.kind() == TaskKind::Annotation {
        let mut annotators = context.config.annotators.iter();
        let Some(annotator) = annotators.find(|one| number(**one) == key.annotator()) else {
            return Ok(None);
        };
        let conversation = store.task(key.subject())?.ok_or_else(|| mismatch(key))?;
        let task = accepted_turns(context, store, reader, &conversation, prompts.row())?;
        let mut task = AnnotationTask::new(*annotator, task.into_dialogue());
        task.counts = counts;
        let request = task.next_request(context)?;
        return Ok(request.map(|request| (request, Task::Annotation(Box::new(task)))));
    }
    let mut task = accepted_turns(context, store, reader, record, prompts.row())?;
    let locate = |id| Ok(store.locate(id)?);
    replay_attempts(&mut task, context, &locate, reader, record.attempts)?;
    task.dialogue.set_counts(counts);
    let request = task.next_request(context)?;
    Ok(request.map(|request| (request, Task::Conversation(Box::new(task)))))
}

/// A conversation with its accepted turns, from the journal.
fn accepted_turns(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
    row: &Arc<BaseRow>,
) -> Result<ConversationTask> {
    let key = record.key;
    let mut task = conversation_at_start(context, store, reader, key, row)?;
    let locate = |id| Ok(store.locate(id)?);
    for step in &record.steps {
        let outcome = response(&locate, reader, step.request)?.ok_or_else(|| mismatch(key))?;
        replay_turn(&mut task, &outcome).ok_or_else(|| mismatch(key))?;
    }
    Ok(task)
}

/// A conversation at its start, from the journal.
fn conversation_at_start(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    key: TaskKey,
    row: &Arc<BaseRow>,
) -> Result<ConversationTask> {
    let mismatch = || mismatch(key);
    let base = TaskKey::seed_row(key.part(), key.seed_row_index()).ok_or_else(mismatch)?;
    let base = store.task(base)?.ok_or_else(mismatch)?;
    let accepted = base.steps.last().ok_or_else(mismatch)?.request;
    let locate = |id| Ok(store.locate(id)?);
    let outcome = response(&locate, reader, accepted)?.ok_or_else(mismatch)?;
    let k = usize::from(key.prompt()).checked_sub(1).ok_or_else(mismatch)?;
    let prompts = prompts_of(context, &outcome, &row.cards);
    let prompt = prompts.get(k).and_then(Option::as_ref).ok_or_else(mismatch)?;
    let variant = variant_of(key.variant());
    ConversationTask::new(context, key.part(), row, k, variant, &prompt.text)
}

/// Replays the failed attempts of the turn that is due, up to `attempts`; gives the reason of each and the tokens that
/// it used.
fn replay_attempts(
    task: &mut ConversationTask,
    context: &RunContext<'_>,
    locate: Locate<'_>,
    reader: &RawReader,
    attempts: u32,
) -> Result<Vec<(String, Usage)>> {
    let mut failed = Vec::new();
    while task.dialogue.counts().attempts < attempts {
        let Some(request) = task.next_request(context)? else { break };
        let mismatch = |what| {
            let id = &task.dialogue.context().id;
            Error::JournalMismatch(format!("{what} attempt {} of {id}", failed.len()))
        };
        let outcome = response(locate, reader, request.id)?.ok_or_else(|| mismatch("missing"))?;
        let reading = task.read(context, &outcome)?;
        let Reading::Unusable { reason, .. } = &reading else { return Err(mismatch("accepted")) };
        failed.push((reason.clone(), outcome.usage().unwrap_or_default()));
        task.dialogue.apply(reading.into());
    }
    Ok(failed)
}

/// Attempts at one turn or prompt request that failed, and whether one succeeded in the end.
#[derive(Debug)]
pub(crate) struct Retried {
    pub(crate) speaker: Speaker,
    pub(crate) succeeded: bool,
    /// The reason of each attempt that failed, with the tokens that it used.
    pub(crate) failed: Vec<(String, Usage)>,
}

/// Attempts at a seed row's prompts, where the first one failed.
fn retried_prompts(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
) -> Result<Option<Retried>> {
    let attempts = match (record.steps.last(), record.state) {
        (Some(step), _) => u32::from(step.attempts),
        (None, TaskState::Rejected) => record.attempts,
        (None, _) => 0,
    };
    if attempts < 2 && (attempts == 0 || !record.steps.is_empty()) {
        return Ok(None);
    }
    let task = prompt_task(context, record.key)?;
    let locate = |id| Ok(store.locate(id)?);
    let mut retried =
        Retried { speaker: Speaker::PromptWriter, succeeded: false, failed: Vec::new() };
    for attempt in 0..attempts {
        let request = task.request(context, attempt)?;
        let Some(outcome) = response(&locate, reader, request.id)? else { continue };
        match read_prompts(&outcome, context.prompt_format(), &task.row().cards) {
            Reading::Accepted(_) => retried.succeeded = true,
            // The last attempt, of which the prompts that were good are used.
            Reading::Unusable { partial: Some(_), .. }
                if attempt + 1 == attempts && !record.steps.is_empty() =>
            {
                retried.succeeded = true;
            }
            Reading::Unusable { reason, .. } => {
                retried.failed.push((reason, outcome.usage().unwrap_or_default()));
            }
            Reading::Undelivered { .. } | Reading::Refused { .. } => {}
        }
    }
    Ok(Some(retried))
}

/// What a task was asked more than once for: a seed row's prompts, a conversation's turns.
pub(crate) fn retried(
    context: &RunContext<'_>,
    store: &Store,
    reader: &RawReader,
    record: &TaskRecord,
) -> Result<Vec<Retried>> {
    let key = record.key;
    if key.is_seed_row() {
        return Ok(retried_prompts(context, store, reader, record)?.into_iter().collect());
    }
    let again = record.steps.iter().any(|s| s.attempts > 1);
    let ended = record.state == TaskState::Rejected && record.attempts > 0;
    if !(again || ended) {
        return Ok(Vec::new());
    }
    let prompts = prompt_task(context, key)?;
    let mut task = conversation_at_start(context, store, reader, key, prompts.row())?;
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
    let built = rebuild(context, store, &store.reader(), record)?;
    Ok(built.map(|(request, task)| match task {
        Task::Prompt(task) => (task.row().id.clone(), request),
        Task::Conversation(task) => (task.into_dialogue().into_parts().0.id, request),
        Task::Annotation(task) => (task.conversation().context().id.clone(), request),
    }))
}
