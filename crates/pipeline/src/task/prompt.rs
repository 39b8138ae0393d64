//! Asks for the prompts of a seed row.

use std::sync::Arc;

use clinstruct_batch_client::BatchRequest;
use clinstruct_multiturn::RetryCounts;
use clinstruct_parser::Cleaned;
use clinstruct_promptgen::prompt_request;
use clinstruct_schema::{BaseRow, RequestId, Stage};
use clinstruct_store::{Rejection, Step, TaskKey};

use super::conversation::ConversationTask;
use super::keys::{base_key, conversation_key, variants_of};
use super::reading::{Reading, missing, read_prompts};
use super::{Applied, Child, Next, Received, Task, batch, rejection};
use crate::{Error, Result, RunContext};

/// A seed row that waits for its prompts.
#[derive(Debug)]
pub(crate) struct PromptTask {
    key: TaskKey,
    row: Arc<BaseRow>,
    pub(super) counts: RetryCounts,
}

impl PromptTask {
    /// Seed row `index` of a part's plan at its start; `None` past the end of the plan.
    pub(crate) fn planned(
        context: &RunContext<'_>,
        part: u8,
        index: usize,
    ) -> Result<Option<Self>> {
        let Some(row) = context.plan(part).and_then(|plan| plan.row(index)) else {
            return Ok(None);
        };
        let (key, counts) = (base_key(part, index)?, RetryCounts::default());
        Ok(Some(Self { key, row: Arc::new(row), counts }))
    }

    pub(crate) fn key(&self) -> TaskKey {
        self.key
    }

    pub(crate) fn row(&self) -> &Arc<BaseRow> {
        &self.row
    }

    /// The request of the attempt that is due.
    pub(crate) fn next_request(&self, context: &RunContext<'_>) -> Result<BatchRequest> {
        self.request(context, self.counts.attempts)
    }

    /// The request of an attempt, from 0.
    pub(super) fn request(&self, context: &RunContext<'_>, attempt: u32) -> Result<BatchRequest> {
        let plan = context
            .plan(self.key.part())
            .ok_or_else(|| Error::JournalMismatch(self.row.id.to_string()))?;
        let options = context.prompt_options(attempt);
        Ok(batch(prompt_request(context.catalog, plan.part(), &self.row, &options)?))
    }

    /// Applies what came of a request: the conversations begin, another request is made, or all rows that the prompts
    /// would have given are rejected.
    pub(crate) fn apply(
        &mut self,
        context: &RunContext<'_>,
        request: RequestId,
        outcome: Received<'_>,
    ) -> Result<Applied> {
        let policy = context.retry_policy();
        let reading = match outcome {
            Ok(outcome) => read_prompts(outcome, context.prompt_format(), &self.row.cards),
            Err(absent) => missing(absent),
        };
        let failure = reading.failure();
        let (accepted, next) = match reading {
            Reading::Accepted(prompts) => {
                (Some(self.step(request, &prompts)), self.done(context, &prompts, None)?)
            }
            Reading::Unusable { reason, detail, partial, defect, .. } => {
                if self.counts.unusable(&policy, defect) {
                    (None, Next::Ask)
                } else {
                    let why = rejection(Stage::Prompt, false, reason, detail);
                    match partial {
                        Some(prompts) => {
                            // The last attempt is accepted after all.
                            self.counts.attempts -= 1;
                            let step = self.step(request, &prompts);
                            (Some(step), self.done(context, &prompts, Some(&why))?)
                        }
                        None => (None, self.rejected(context, why)?),
                    }
                }
            }
            Reading::Undelivered { reason, detail, paid } => {
                let next = if self.counts.undelivered(&policy, paid) {
                    Next::Ask
                } else {
                    self.rejected(context, rejection(Stage::Prompt, true, reason, detail))?
                };
                (None, next)
            }
            Reading::Refused { reason, detail } => {
                (None, self.rejected(context, rejection(Stage::Prompt, true, reason, detail))?)
            }
        };
        Ok(Applied { failure, accepted, next })
    }

    /// The accepted response, as the journal keeps it.
    fn step(&self, request: RequestId, prompts: &[Option<Cleaned>]) -> Step {
        Step {
            request,
            attempts: u8::try_from(self.counts.attempts + 1).unwrap_or(u8::MAX),
            cleanup: prompts.iter().flatten().fold(0, |bits, p| bits | p.cleanup.bits()),
        }
    }

    /// The conversations of the prompts; those without a prompt are rejected with `why`.
    fn done(
        &self,
        context: &RunContext<'_>,
        prompts: &[Option<Cleaned>],
        why: Option<&Rejection>,
    ) -> Result<Next> {
        let part = self.key.part();
        let mut children = Vec::new();
        for (k, prompt) in prompts.iter().enumerate() {
            let text = prompt.as_ref().map(|p| p.text.as_str());
            for variant in variants_of(context, part, &self.row, k, text)? {
                let key = conversation_key(self.key, k, variant)?;
                children.push(match text {
                    Some(text) => {
                        let task =
                            ConversationTask::new(context, part, &self.row, k, variant, text)?;
                        Child::Begins(key, Task::Conversation(Box::new(task)))
                    }
                    None => Child::Rejected(key, why.cloned().unwrap_or_else(missing_prompt)),
                });
            }
        }
        Ok(Next::Done(children))
    }

    /// The end without prompts: all rows that they would have given are rejected.
    pub(super) fn rejected(&self, context: &RunContext<'_>, why: Rejection) -> Result<Next> {
        let mut children = Vec::new();
        for k in 0..self.row.cards.len() {
            for variant in variants_of(context, self.key.part(), &self.row, k, None)? {
                let key = conversation_key(self.key, k, variant)?;
                children.push(Child::Rejected(key, why.clone()));
            }
        }
        Ok(Next::Rejected(why, children))
    }
}

fn missing_prompt() -> Rejection {
    rejection(Stage::Prompt, false, "missing_prompt".into(), "the prompt is missing".into())
}
