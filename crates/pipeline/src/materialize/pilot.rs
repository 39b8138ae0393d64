//! What each seed row of a sample took, for the extrapolation to the whole plan.

use std::collections::HashMap;

use clinstruct_catalog::Part;
use clinstruct_schema::summary::{Pilot, PilotPart, SeedRowTotals};
use clinstruct_schema::{PartSummary, RequestId, Speaker, Usage};
use clinstruct_store::{RawReader, TaskKind, TaskRecord};

use crate::task::{Locate, Retried, response};
use crate::{Result, RunContext};

/// The answered requests of a seed row, each once: who was asked, and the tokens.
#[derive(Default)]
pub(super) struct Answered(HashMap<RequestId, (Speaker, Usage)>);

impl Answered {
    /// Adds the attempts that failed.
    pub(super) fn add_failed(&mut self, retried: &Retried) {
        let requests = retried.failed.iter().map(|f| (f.request, (retried.speaker, f.usage)));
        self.0.extend(requests);
    }

    /// Adds the accepted attempts of its tasks.
    fn add_accepted(
        &mut self,
        tasks: &[TaskRecord],
        locate: Locate<'_>,
        reader: &RawReader,
    ) -> Result<()> {
        for task in tasks {
            for (n, step) in task.steps.iter().enumerate() {
                if self.0.contains_key(&step.request) {
                    continue;
                }
                let usage = response(locate, reader, step.request)?.and_then(|o| o.usage());
                let speaker = match task.key.kind() {
                    // The first message of a conversation is its prompt.
                    TaskKind::Conversation if n % 2 == 0 => Speaker::Assistant,
                    TaskKind::Conversation => Speaker::User,
                    _ => Speaker::PromptWriter,
                };
                self.0.insert(step.request, (speaker, usage.unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// The totals of its seed row, which was counted.
    pub(super) fn totals(
        mut self,
        context: &RunContext<'_>,
        (part, tasks): (&Part, &[TaskRecord]),
        counts: &PartSummary,
        locate: Locate<'_>,
        reader: &RawReader,
    ) -> Result<SeedRowTotals> {
        self.add_accepted(tasks, locate, reader)?;
        let spared = counts.emergencies * part.variants().saturating_sub(1) as u64;
        let mut totals = SeedRowTotals {
            planned: (part.prompts_per_request * part.variants()) as u64 - spared,
            requests: self.0.len() as u64,
            rejected: counts.left_out(),
            ..SeedRowTotals::default()
        };
        for (speaker, usage) in self.0.into_values() {
            let route = context.routes.of(speaker);
            totals.prompt_tokens += usage.prompt_tokens;
            totals.completion_tokens += usage.completion_tokens;
            totals.micro_usd += route.cost(usage, &route.backend.limits());
        }
        Ok(totals)
    }
}

/// The parts of a sample.
pub(super) struct Sampled(Vec<PilotPart>);

impl Sampled {
    /// Of a run that is one, and makes the present plan.
    pub(super) fn of(context: &RunContext<'_>) -> Option<Self> {
        let is_one = context.config.sample.is_some() && context.kept.get().is_none();
        is_one.then(|| Self(Vec::new()))
    }

    /// Begins the part with this number.
    pub(super) fn begin(&mut self, context: &RunContext<'_>, part: u8) {
        self.0.push(PilotPart::of(context.plan(part).map_or(0, |plan| plan.whole() as u64)));
    }

    /// Adds a seed row of the part that was begun last.
    pub(super) fn add(&mut self, row: &SeedRowTotals) {
        if let Some(part) = self.0.last_mut() {
            part.add(row);
        }
    }

    /// The extrapolation, once no row is unfinished.
    pub(super) fn done(self, parts: &[PartSummary]) -> Option<Pilot> {
        let finished = parts.iter().all(|part| part.in_progress == 0);
        finished.then(|| Pilot::of(&self.0)).flatten()
    }
}
