//! What asks a model: a closed list of tasks, each in its own file.
//!
//! A task gives its next request and applies what came of it: it asks again, is done, or is rejected. It knows neither
//! store nor job; the driver delivers, for all tasks alike. To add one, write its file and extend [`Task`].

mod annotation;
mod conversation;
mod extraction;
mod keys;
mod memo;
mod prompt;
mod reading;
mod replay;
#[cfg(test)]
mod tests;

use clinstruct_batch_client::{BatchRequest, request_id};
use clinstruct_multiturn::RetryCounts;
use clinstruct_schema::{ChatRequest, RequestId, RowOutcome, Speaker, Stage, Stated};
use clinstruct_store::{GivenUp, Rejection, Step, TaskKey, TaskRecord, TaskState};

pub(crate) use annotation::{AnnotationTask, check_names, number, read as read_annotation};
pub use annotation::{Annotator, AnnotatorError, annotator_name};
pub(crate) use conversation::ConversationTask;
pub use conversation::about;
pub(crate) use extraction::ExtractionTask;
pub(crate) use keys::{base_key, id_of, row_id, variant_code, variant_of};
pub(crate) use memo::Memo;
pub use prompt::first_request;
pub(crate) use prompt::{AcceptedPrompt, PromptTask, Situations};
pub(crate) use reading::delivers;
pub use reading::{
    Failure, FailureKind, Prompt, PromptFinding, Prompts, Reading, read_extraction, read_prompts,
    read_turn,
};
pub use replay::due_request;
pub(crate) use replay::{
    LastRow, Locate, Retried, SeedRow, prompts_of, rebuild, rebuild_task, replay_extraction,
    replay_turn, response, retried,
};

use crate::{Error, Result, RunContext};

/// A task in progress, as it is held in memory; rebuilt from the journal where it is not.
#[derive(Debug)]
pub(crate) enum Task {
    /// The prompts of a seed row.
    Prompt(PromptTask),
    /// The facts that a prompt states.
    Extraction(Box<ExtractionTask>),
    /// The turns of a conversation.
    Conversation(Box<ConversationTask>),
    /// What an annotator asks about a finished conversation.
    Annotation(Box<AnnotationTask>),
}

/// The response to a request, or why there is none.
pub(crate) type Received<'a> = std::result::Result<&'a RowOutcome, &'a str>;

/// What came of a response.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Why it could not be used, or not all of it.
    pub(crate) failure: Option<Failure>,
    /// The response, where it was accepted.
    pub(crate) accepted: Option<Step>,
    /// What follows.
    pub(crate) next: Next,
}

/// What a task does after a response.
#[derive(Debug)]
pub(crate) enum Next {
    /// It waits for a response to its next request.
    Ask,
    /// It has what it needs. These tasks follow from it.
    Done(Vec<Child>),
    /// It ended without. These tasks end with it.
    Rejected(Rejection, Vec<Child>),
}

/// A task that follows from another one.
#[derive(Debug)]
pub(crate) enum Child {
    /// It begins.
    Begins(TaskKey, Task),
    /// It is rejected before its first request.
    Rejected(TaskKey, Rejection),
}

impl Task {
    /// Who is asked.
    pub(crate) fn speaker(&self) -> Speaker {
        match self {
            Self::Prompt(_) | Self::Extraction(_) => Speaker::PromptWriter,
            Self::Conversation(task) => task.dialogue().speaker().unwrap_or(Speaker::Assistant),
            Self::Annotation(task) => task.speaker(),
        }
    }

    /// The request that it waits for; `None` once it has ended.
    pub(crate) fn next_request(&self, context: &RunContext<'_>) -> Result<Option<BatchRequest>> {
        match self {
            Self::Prompt(task) => task.next_request(context).map(Some),
            Self::Extraction(task) => task.next_request(context).map(Some),
            Self::Conversation(task) => task.next_request(context),
            Self::Annotation(task) => task.next_request(context),
        }
    }

    /// Applies what came of that request.
    pub(crate) fn apply(
        &mut self,
        context: &RunContext<'_>,
        request: RequestId,
        outcome: Received<'_>,
    ) -> Result<Applied> {
        match self {
            Self::Prompt(task) => task.apply(context, request, outcome),
            Self::Extraction(task) => task.apply(context, request, outcome),
            Self::Conversation(task) => task.apply(context, request, outcome),
            Self::Annotation(task) => Ok(task.apply(context, request, outcome)),
        }
    }

    /// The end of a task whose request gets no response.
    fn give_up(&self, context: &RunContext<'_>, why: &GivenUp) -> Result<Next> {
        let because = |stage| rejection(stage, true, why.reason.clone(), why.detail.clone());
        match self {
            Self::Prompt(task) => task.ended(context, because(Stage::Prompt)),
            Self::Extraction(task) => task.ended(context),
            Self::Conversation(_) => Ok(Next::Rejected(because(Stage::Turn), Vec::new())),
            Self::Annotation(_) => Ok(Next::Rejected(because(Stage::Annotation), Vec::new())),
        }
    }

    /// What the request that it waits for has used of the retry policy.
    pub(crate) fn counts(&self) -> RetryCounts {
        match self {
            Self::Prompt(task) => task.counts,
            Self::Extraction(task) => task.counts,
            Self::Conversation(task) => task.dialogue().counts(),
            Self::Annotation(task) => task.counts,
        }
    }
}

fn batch(request: ChatRequest) -> BatchRequest {
    BatchRequest { id: request_id(&request), request }
}

fn rejection(stage: Stage, failed: bool, reason: String, detail: String) -> Rejection {
    Rejection { stage, failed, reason, detail }
}

fn blank(key: TaskKey) -> TaskRecord {
    TaskRecord {
        key,
        state: TaskState::Waiting,
        waiting: None,
        attempts: 0,
        delivery_attempts: 0,
        unusable: 0,
        steps: Vec::new(),
        rejection: None,
    }
}

/// What the driver has to save and send after a response.
#[derive(Debug, Default)]
pub(crate) struct Stepped {
    /// Tasks to be written to the journal.
    pub(crate) records: Vec<TaskRecord>,
    /// Requests to be answered, with the task that waits.
    pub(crate) requests: Vec<(TaskKey, BatchRequest, Task)>,
    /// Requests for which no answer could be had.
    pub(crate) given_up: Vec<GivenUp>,
    /// How many of the requests are repairs.
    pub(crate) repairs: usize,
}

impl Stepped {
    /// Adds what became of a task.
    fn add(
        &mut self,
        context: &RunContext<'_>,
        mut record: TaskRecord,
        task: Task,
        next: Next,
    ) -> Result<()> {
        let counts = task.counts();
        record.attempts = counts.attempts;
        record.delivery_attempts = counts.delivery_attempts;
        record.unusable = counts.paid_deliveries;
        record.waiting = None;
        let children = match next {
            Next::Ask => {
                let request = task.next_request(context)?;
                let request =
                    request.ok_or_else(|| Error::JournalMismatch(format!("{:?}", record.key)))?;
                record.waiting = Some(request.id);
                self.requests.push((record.key, request, task));
                Vec::new()
            }
            Next::Done(children) => {
                record.state = TaskState::Done;
                children
            }
            Next::Rejected(why, children) => {
                record.state = TaskState::Rejected;
                record.rejection = Some(why);
                children
            }
        };
        self.records.push(record);
        for child in children {
            match child {
                Child::Begins(key, task) => {
                    self.add(context, blank(key), task, Next::Ask)?;
                }
                Child::Rejected(key, why) => self.records.push(TaskRecord {
                    state: TaskState::Rejected,
                    rejection: Some(why),
                    ..blank(key)
                }),
            }
        }
        Ok(())
    }
}

/// A seed row at its start: its record, and the request for its prompts.
pub(crate) fn start(
    context: &RunContext<'_>,
    part: u8,
    index: usize,
) -> Result<Option<(TaskRecord, BatchRequest, Task)>> {
    let Some(task) = PromptTask::planned(context, part, index)? else { return Ok(None) };
    let request = task.next_request(context)?;
    let record = TaskRecord { waiting: Some(request.id), ..blank(task.key()) };
    Ok(Some((record, request, Task::Prompt(task))))
}

/// Applies a response to a task and its record.
pub(crate) fn step(
    context: &RunContext<'_>,
    mut record: TaskRecord,
    mut task: Task,
    request: RequestId,
    outcome: Received<'_>,
) -> Result<Stepped> {
    let Applied { failure, accepted, mut next } = task.apply(context, request, outcome)?;
    if let (Task::Conversation(task), Next::Done(children)) = (&task, &mut next) {
        let annotations = AnnotationTask::all(context, record.key, task.dialogue())?;
        let begins = |(key, task)| Child::Begins(key, Task::Annotation(Box::new(task)));
        children.extend(annotations.into_iter().map(begins));
    }
    // A repair that was not delivered is sent again, and is no other one.
    let is_unusable = failure.as_ref().is_some_and(|f| f.kind == FailureKind::Unusable);
    let is_repair = match (&task, &next) {
        (Task::Conversation(task), Next::Ask) => is_unusable && task.dialogue().repair().is_some(),
        _ => false,
    };
    let mut stepped = Stepped::default();
    // The conversations go on without their record. That there is no answer is noted all the same, so that a replay ends it
    // in the same way.
    if let (Task::Extraction(_), Next::Done(_), Some(failure)) = (&task, &next, &failure)
        && failure.kind != FailureKind::Unusable
    {
        let (reason, detail) = (failure.reason.clone(), failure.detail.clone());
        stepped.given_up.push(GivenUp {
            request,
            task: record.key,
            refused: false,
            reason,
            detail,
        });
    }
    if let Next::Rejected(Rejection { failed: true, reason, detail, .. }, _) = &next {
        stepped.given_up.push(GivenUp {
            request,
            task: record.key,
            refused: failure.is_some_and(|f| f.kind == FailureKind::Refused),
            reason: reason.clone(),
            detail: detail.clone(),
        });
    }
    record.steps.extend(accepted);
    stepped.repairs = usize::from(is_repair);
    stepped.add(context, record, task, next)?;
    Ok(stepped)
}

/// Ends a task whose request was given up before.
pub(crate) fn give_up(
    context: &RunContext<'_>,
    record: TaskRecord,
    task: Task,
    why: GivenUp,
) -> Result<Stepped> {
    let why = GivenUp { task: record.key, ..why };
    let next = task.give_up(context, &why)?;
    let mut stepped = Stepped { given_up: vec![why], ..Stepped::default() };
    stepped.add(context, record, task, next)?;
    Ok(stepped)
}

/// Renders every template once, so that a mistake in one is known before anything is requested.
pub(crate) fn try_templates(context: &RunContext<'_>) -> Result<()> {
    for (part, _) in &context.plans {
        let Some(task) = PromptTask::planned(context, *part, 0)? else { continue };
        task.next_request(context)?;
        let row = task.row();
        for (k, frame) in row.frames.iter().enumerate() {
            if context.config.extraction.asks(frame, &Stated::NONE) {
                ExtractionTask::request(context, *part, row, k, "A question.", 0)?;
            }
            let prompt = Prompt::unwritten("A question.");
            let situations = task.situations_of(context, k)?;
            for (variant, _) in situations {
                let of = (&**row, k);
                let mut conversation =
                    ConversationTask::new(context, *part, of, *variant, situations, &prompt)?;
                while conversation.next_request(context)?.is_some() {
                    conversation.say("A turn.");
                }
                for annotator in &context.config.annotators {
                    let dialogue = conversation.dialogue().clone();
                    AnnotationTask::new(*annotator, dialogue).next_request(context)?;
                }
            }
        }
    }
    Ok(())
}
