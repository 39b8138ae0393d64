//! Plays a seed row at once, one request at a time, without store or driver.
//!
//! It plays the same tasks as a run, so it shows what a run would do with a prompt, a template or a model: the same
//! requests, checks, retries and repairs.

use std::collections::VecDeque;

use clinstruct_batch_client::BatchRequest;
use clinstruct_schema::{Message, RowId, RowOutcome, Speaker};
use clinstruct_store::Rejection;

use crate::task::{AnnotationTask, Child, FailureKind, Next, PromptTask, Task, id_of};
use crate::{Error, Failure, RunContext};

/// The response to a request, or why there is none.
pub type Delivery = Result<RowOutcome, String>;

/// How far a seed row is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Only its prompts.
    Prompts,
    /// Its prompts and the first conversation.
    FirstConversation,
    /// All of it.
    Everything,
}

/// An event while a seed row is played.
#[derive(Debug)]
pub enum PlayEvent<'a> {
    /// A prompt was accepted.
    Prompt(&'a str),
    /// A message was accepted, or starts a conversation.
    Message(&'a Message),
    /// An annotation of the conversation was accepted.
    Annotation {
        /// Name of the annotator.
        name: &'static str,
        /// What it is.
        value: &'a serde_json::Value,
    },
    /// A response could not be used.
    Failed {
        /// The attempt, from 1.
        attempt: u32,
        /// Why.
        failure: &'a Failure,
    },
}

/// Attempts at one turn or prompt request, at least one of which failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// The role.
    pub speaker: Speaker,
    /// The checks that each attempt failed which gave a response that could not be used.
    pub failed: Vec<Vec<String>>,
    /// Whether the last attempt succeeded.
    pub succeeded: bool,
}

/// A conversation that was played to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayedConversation {
    /// Its id.
    pub id: RowId,
    /// Its messages; empty if it ended before the first.
    pub messages: Vec<Message>,
    /// Why it was rejected, if it was.
    pub rejection: Option<Rejection>,
}

/// Result of a seed row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlayedRow {
    /// Why its prompts were rejected, if they were.
    pub rejection: Option<Rejection>,
    /// Its conversations in the plan's order, as far as they were played.
    pub conversations: Vec<PlayedConversation>,
    /// Prompt requests and turns with failed attempts.
    pub retries: Vec<Retries>,
}

/// Plays seed row `index` of a part's plan.
///
/// `ask` sends one request to a speaker's model, once, and returns the response or why there is none; its error ends
/// the play. `events` is called immediately.
pub fn play<E: From<Error>>(
    context: &RunContext<'_>,
    part: u8,
    index: usize,
    extent: Extent,
    ask: &mut dyn FnMut(Speaker, &BatchRequest) -> Result<Delivery, E>,
    events: &mut dyn FnMut(PlayEvent<'_>) -> Result<(), E>,
) -> Result<PlayedRow, E> {
    let mut player = Player { context, ask, events, row: PlayedRow::default() };
    let mismatch = || Error::JournalMismatch(format!("seed row {index}"));
    let task = PromptTask::planned(context, part, index)?.ok_or_else(mismatch)?;
    let plan = context.plan(part).ok_or_else(mismatch)?;
    let row = task.row().clone();
    let mut task = Task::Prompt(task);
    let children = match player.drive(&mut task)? {
        Next::Ask => Vec::new(),
        Next::Done(children) => children,
        Next::Rejected(why, children) => {
            player.row.rejection = Some(why);
            children
        }
    };
    let most = match extent {
        Extent::Prompts => 0,
        Extent::FirstConversation => 1,
        Extent::Everything => usize::MAX,
    };
    let mut due = VecDeque::from(children);
    while player.row.conversations.len() < most
        && let Some(child) = due.pop_front()
    {
        let played = match child {
            // The conversations of a prompt begin once it has its record.
            Child::Begins(_, mut task @ Task::Extraction(_)) => {
                if let Next::Done(children) = player.drive(&mut task)? {
                    for child in children.into_iter().rev() {
                        due.push_front(child);
                    }
                }
                continue;
            }
            Child::Rejected(key, why) => PlayedConversation {
                id: id_of(plan.part(), &row.id, key),
                messages: Vec::new(),
                rejection: Some(why),
            },
            Child::Begins(key, mut task) => {
                if let Task::Conversation(conversation) = &task
                    && let Some(first) = conversation.dialogue().messages().first()
                {
                    (player.events)(PlayEvent::Message(first))?;
                }
                let rejection = match player.drive(&mut task)? {
                    Next::Rejected(why, _) => Some(why),
                    Next::Ask | Next::Done(_) => None,
                };
                let Task::Conversation(conversation) = task else { continue };
                if rejection.is_none() {
                    for (_, task) in AnnotationTask::all(context, key, conversation.dialogue())? {
                        player.drive(&mut Task::Annotation(Box::new(task)))?;
                    }
                }
                let (about, messages) = conversation.into_dialogue().into_parts();
                PlayedConversation { id: about.id, messages, rejection }
            }
        };
        player.row.conversations.push(played);
    }
    Ok(player.row)
}

struct Player<'a, 'c, E> {
    context: &'a RunContext<'c>,
    ask: &'a mut dyn FnMut(Speaker, &BatchRequest) -> Result<Delivery, E>,
    events: &'a mut dyn FnMut(PlayEvent<'_>) -> Result<(), E>,
    row: PlayedRow,
}

impl<E: From<Error>> Player<'_, '_, E> {
    /// Asks until the task has ended.
    fn drive(&mut self, task: &mut Task) -> Result<Next, E> {
        let mut retries: Option<Retries> = None;
        while let Some(request) = task.next_request(self.context)? {
            let speaker = task.speaker();
            let attempt = task.counts().attempts + 1;
            let outcome = (self.ask)(speaker, &request)?;
            let received = outcome.as_ref().map_err(String::as_str);
            let applied = task.apply(self.context, request.id, received)?;
            if let Some(failure) = &applied.failure {
                (self.events)(PlayEvent::Failed { attempt, failure })?;
                if failure.kind == FailureKind::Unusable {
                    let new = || Retries { speaker, failed: Vec::new(), succeeded: false };
                    retries.get_or_insert_with(new).failed.push(failure.checks.clone());
                }
            }
            let ended = !matches!(applied.next, Next::Ask);
            let mut succeeded = applied.accepted.is_some();
            match (&*task, &outcome) {
                (Task::Prompt(task), _) => {
                    // Some of the prompts may have come with an earlier response.
                    succeeded = task.prompts().iter().all(Option::is_some);
                    for prompt in task.prompts().iter().flatten().filter(|_| ended) {
                        (self.events)(PlayEvent::Prompt(&prompt.prompt.text.text))?;
                    }
                }
                (Task::Conversation(task), _) if succeeded => {
                    if let Some(message) = task.dialogue().messages().last() {
                        (self.events)(PlayEvent::Message(message))?;
                    }
                }
                (Task::Annotation(task), Ok(outcome)) if succeeded => {
                    if let Some((name, value)) = task.read(outcome) {
                        (self.events)(PlayEvent::Annotation { name, value: &value })?;
                    }
                }
                _ => {}
            }
            if succeeded || ended {
                self.row.retries.extend(retries.take().map(|r| Retries { succeeded, ..r }));
            }
            if ended {
                return Ok(applied.next);
            }
        }
        self.row.retries.extend(retries);
        Ok(Next::Ask)
    }
}
