//! The requests that a new plan sends again, and what their answers have cost.

use std::collections::BTreeSet;

use clinstruct_schema::{RequestId, Speaker, Usage};
use clinstruct_store::{RowLocation, Store, TaskKey, TaskKind};
use rayon::prelude::*;

use super::change::Resent;
use crate::task::response;
use crate::{Result, RunContext};

/// Responses that are read together.
const AT_ONCE: usize = 4096;

/// What was sent before, and has to be sent again: all requests of some seed rows, and those of single conversations.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    /// Seed rows.
    pub(super) rows: BTreeSet<TaskKey>,
    /// Conversations of other seed rows.
    pub(super) conversations: BTreeSet<TaskKey>,
}

impl Sent {
    pub(super) fn append(&mut self, more: &mut Self) {
        self.rows.append(&mut more.rows);
        self.conversations.append(&mut more.conversations);
    }

    fn has(&self, task: TaskKey) -> bool {
        self.rows.contains(&task.seed_row_of()) || self.conversations.contains(&task.subject())
    }

    /// The number of these requests, retries included, and the price of their answers at the run's present models.
    ///
    /// The tokens are those of the answers that are stored: nothing is nearer to what the same rows cost again.
    pub(super) fn price(&self, context: &RunContext<'_>, store: &Store) -> Result<Resent> {
        let mut all = store.answered_requests()?;
        all.retain(|(task, _)| self.has(*task));
        let is_priced = context.routes.all().iter().any(|route| route.price.is_some());
        let mut resent = Resent { requests: all.len() as u64, micro_usd: is_priced.then_some(0) };
        let Some(sum) = &mut resent.micro_usd else { return Ok(resent) };
        let reader = store.reader();
        for some in all.chunks(AT_ONCE) {
            let mut found: Vec<(Speaker, RequestId, RowLocation)> = Vec::with_capacity(some.len());
            for (task, request) in some {
                let speaker = speaker_of(store, *task, *request)?;
                found.extend(store.locate(*request)?.map(|place| (speaker, *request, place)));
            }
            let costs = found.into_par_iter().map(|(speaker, request, place)| {
                let outcome = response(&|_| Ok(Some(place)), &reader, request)?;
                let usage: Usage = outcome.and_then(|o| o.usage()).unwrap_or_default();
                let route = context.routes.of(speaker);
                Ok(route.cost(usage, &route.backend.limits()))
            });
            *sum += costs.collect::<Result<Vec<_>>>()?.into_iter().sum::<u64>();
        }
        Ok(resent)
    }
}

/// Who answered a request. The speaker of an attempt that was not accepted is not stored: most are of the assistant.
fn speaker_of(store: &Store, task: TaskKey, request: RequestId) -> Result<Speaker> {
    if matches!(task.kind(), TaskKind::Prompt | TaskKind::Extraction) {
        return Ok(Speaker::PromptWriter);
    }
    let record = store.task(task)?;
    let step = record.and_then(|r| r.steps.iter().position(|step| step.request == request));
    Ok(step.map_or(Speaker::Assistant, |step| Speaker::of_message(step + 1)))
}
