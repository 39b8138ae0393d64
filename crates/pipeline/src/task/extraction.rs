//! Requests the facts that a prompt states.

use std::sync::Arc;

use clinstruct_batch_client::BatchRequest;
use clinstruct_multiturn::{RetryCounts, Variant};
use clinstruct_promptgen::extraction_request;
use clinstruct_schema::{BaseRow, Frame, RequestId, RowOutcome, Situation, Stated};
use clinstruct_store::{Step, TaskKey};

use super::conversation::conversations_of;
use super::keys::extraction_key;
use super::reading::{Prompt, Reading, missing, read_extraction};
use super::{Applied, Next, Received, batch};
use crate::{Error, Result, RunContext};

/// A prompt that waits for its record. Its conversations begin with the facts that come; where none can be used, with those
/// that it has.
#[derive(Debug)]
pub(crate) struct ExtractionTask {
    /// The seed row.
    base: TaskKey,
    row: Arc<BaseRow>,
    k: usize,
    prompt: Prompt,
    /// The situations of its conversations, as drawn.
    situations: Vec<(Variant, Situation)>,
    pub(super) counts: RetryCounts,
}

impl ExtractionTask {
    /// The task of prompt `k` (from 0) of a seed row, with its key; `None` where the run does not ask about it. `situations` are
    /// those of its conversations, as drawn.
    pub(crate) fn due(
        context: &RunContext<'_>,
        base: TaskKey,
        (row, k): (&Arc<BaseRow>, usize),
        situations: &[(Variant, Situation)],
        prompt: &Prompt,
    ) -> Result<Option<(TaskKey, Self)>> {
        let Some(frame) = row.frames.get(k) else { return Ok(None) };
        if !context.config.extraction.asks(frame, &prompt.stated) {
            return Ok(None);
        }
        let (row, prompt) = (Arc::clone(row), prompt.clone());
        let situations = situations.to_vec();
        let task = Self { base, row, k, prompt, situations, counts: RetryCounts::default() };
        Ok(Some((extraction_key(base, k)?, task)))
    }

    /// The request about a prompt of this text.
    pub(crate) fn request(
        context: &RunContext<'_>,
        part: u8,
        row: &BaseRow,
        k: usize,
        text: &str,
        attempt: u32,
    ) -> Result<BatchRequest> {
        let plan = context.plan(part);
        let plan = plan.ok_or_else(|| Error::JournalMismatch(row.id.to_string()))?;
        let id = row.id.child('p', k + 1);
        let options = context.extraction_options(id.as_str(), attempt, plan.part().max_tokens);
        Ok(batch(extraction_request(context.catalog, text, &options)?))
    }

    pub(crate) fn row(&self) -> &Arc<BaseRow> {
        &self.row
    }

    /// The request of the attempt that is due.
    pub(crate) fn next_request(&self, context: &RunContext<'_>) -> Result<BatchRequest> {
        let (text, attempt) = (&self.prompt.text.text, self.counts.attempts);
        Self::request(context, self.base.part(), &self.row, self.k, text, attempt)
    }

    fn frame(&self) -> Result<&Frame> {
        let frame = self.row.frames.get(self.k);
        frame.ok_or_else(|| Error::JournalMismatch(self.row.id.to_string()))
    }

    /// The facts of a response.
    pub(super) fn read(&self, outcome: &RowOutcome) -> Result<Reading<Stated>> {
        Ok(read_extraction(outcome, &self.prompt.text.text, self.frame()?))
    }

    /// Applies a response: the conversations begin, or another request is made.
    pub(super) fn apply(
        &mut self,
        context: &RunContext<'_>,
        request: RequestId,
        outcome: Received<'_>,
    ) -> Result<Applied> {
        let policy = context.retry_policy();
        let reading = match outcome {
            Ok(outcome) => self.read(outcome)?,
            Err(absent) => missing(absent),
        };
        let failure = reading.failure();
        let attempts = u8::try_from(self.counts.attempts + 1).unwrap_or(u8::MAX);
        let mut accepted = None;
        let again = match reading {
            Reading::Accepted(stated) => {
                self.prompt.set_stated(stated);
                accepted = Some(Step { request, attempts, cleanup: 0 });
                false
            }
            Reading::Unusable { defect, .. } => self.counts.unusable(&policy, defect),
            Reading::Undelivered { paid, .. } => self.counts.undelivered(&policy, paid),
            Reading::Refused { .. } => false,
        };
        let next = if again { Next::Ask } else { self.ended(context)? };
        Ok(Applied { failure, accepted, next })
    }

    /// The end: the conversations begin with the facts that there are.
    pub(super) fn ended(&self, context: &RunContext<'_>) -> Result<Next> {
        let of = (&*self.row, self.k);
        let all = conversations_of(context, self.base, of, &self.situations, &self.prompt)?;
        Ok(Next::Done(all))
    }
}
