//! Asks for the prompts of a seed row.

use std::sync::{Arc, OnceLock};

use clinstruct_batch_client::BatchRequest;
use clinstruct_multiturn::{RetryCounts, Variant};
use clinstruct_promptgen::{PromptOptions, prompt_request};
use clinstruct_schema::{BaseRow, RequestId, RowId, RowOutcome, Situation, Stage, Style};
use clinstruct_store::{Rejection, Step, TaskKey};

use super::conversation::{conversations_of, situations_of};
use super::extraction::ExtractionTask;
use super::keys::{base_key, conversation_key, variants_of};
use super::reading::{
    Prompt, PromptFinding, Prompts, Reading, missing, read_accepted_prompts, read_prompts,
};
use super::{Applied, Child, Next, Received, Task, batch, rejection};
use crate::{Error, Result, RunContext};

/// Words of a prompt that are shown as its opening.
const OPENING: usize = 8;

/// A prompt that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct AcceptedPrompt {
    pub(crate) prompt: Prompt,
    /// The response that has it.
    pub(crate) step: Step,
}

/// A seed row that waits for its prompts. Good prompts are kept; only those of the other patients are requested again.
#[derive(Debug)]
pub(crate) struct PromptTask {
    key: TaskKey,
    drawn: Arc<Drawn>,
    pub(super) counts: RetryCounts,
    /// A place for each patient.
    prompts: Vec<Option<AcceptedPrompt>>,
    /// What was wrong with the last answer that had a text.
    findings: Vec<PromptFinding>,
}

/// What the seed of a run decides about a seed row.
#[derive(Debug)]
pub(crate) struct Drawn {
    row: Arc<BaseRow>,
    /// The situations of the conversations that the row becomes, once they are needed.
    situations: OnceLock<Situations>,
}

impl Drawn {
    pub(super) fn new(row: &Arc<BaseRow>) -> Self {
        Self { row: Arc::clone(row), situations: OnceLock::new() }
    }

    pub(super) fn row(&self) -> &Arc<BaseRow> {
        &self.row
    }
}

/// The conversations of each prompt with their situations, in the order of their variants.
pub(crate) type Situations = Vec<Vec<(Variant, Situation)>>;

impl PromptTask {
    /// Seed row `index` of a part's plan at its start; `None` past the end of the plan.
    pub(crate) fn planned(
        context: &RunContext<'_>,
        part: u8,
        index: usize,
    ) -> Result<Option<Self>> {
        let Some(plan) = context.plan(part).filter(|plan| index < plan.len()) else {
            return Ok(None);
        };
        let (key, counts) = (base_key(part, index)?, RetryCounts::default());
        let drawn = match context.memo.row(key) {
            Some(drawn) => drawn,
            None => {
                let Some(row) = plan.row(index).map(Arc::new) else { return Ok(None) };
                let drawn = Arc::new(Drawn::new(&row));
                context.memo.keep_row(key, &drawn);
                drawn
            }
        };
        let prompts = vec![None; drawn.row.frames.len()];
        Ok(Some(Self { key, drawn, counts, prompts, findings: Vec::new() }))
    }

    /// The situations of its conversations, as drawn.
    pub(crate) fn situations(&self, context: &RunContext<'_>) -> Result<&Situations> {
        if let Some(known) = self.drawn.situations.get() {
            return Ok(known);
        }
        let part = self.key.part();
        let of_prompt = |k| situations_of(context, part, &self.drawn.row, k);
        let drawn = (0..self.drawn.row.frames.len()).map(of_prompt).collect::<Result<_>>()?;
        Ok(self.drawn.situations.get_or_init(|| drawn))
    }

    /// The situations of the conversations of prompt `k` (from 0), as drawn.
    pub(crate) fn situations_of(
        &self,
        context: &RunContext<'_>,
        k: usize,
    ) -> Result<&[(Variant, Situation)]> {
        Ok(self.situations(context)?.get(k).map_or(&[], Vec::as_slice))
    }

    pub(crate) fn key(&self) -> TaskKey {
        self.key
    }

    pub(crate) fn row(&self) -> &Arc<BaseRow> {
        &self.drawn.row
    }

    /// A place for each patient, with the prompt that was accepted.
    pub(crate) fn prompts(&self) -> &[Option<AcceptedPrompt>] {
        &self.prompts
    }

    /// The patients that have no prompt yet, from 0.
    fn patients(&self) -> Vec<usize> {
        let all = self.prompts.iter().enumerate();
        all.filter(|(_, prompt)| prompt.is_none()).map(|(patient, _)| patient).collect()
    }

    /// The request of the attempt that is due: for the prompts that are missing, with the reasons.
    pub(crate) fn next_request(&self, context: &RunContext<'_>) -> Result<BatchRequest> {
        let plan = context
            .plan(self.key.part())
            .ok_or_else(|| Error::JournalMismatch(self.drawn.row.id.to_string()))?;
        let patients = self.patients();
        // What was wrong with the whole answer says nothing about single prompts once the others are there.
        let whole = patients.len() == self.prompts.len();
        let concerns = |finding: &&PromptFinding| {
            finding.patient.map_or(whole, |patient| patients.contains(&patient))
        };
        let findings: Vec<String> =
            self.findings.iter().filter(concerns).map(PromptFinding::note).collect();
        let kept = self.prompts.iter().flatten();
        let openings: Vec<String> = kept.map(|kept| opening(&kept.prompt.text.text)).collect();
        let asked: Vec<Vec<Vec<Style>>> = self
            .situations(context)?
            .iter()
            .map(|of_prompt| of_prompt.iter().map(|(_, s)| s.asked_styles.clone()).collect())
            .collect();
        let options = PromptOptions {
            asked: &asked,
            patients: &patients,
            findings: &findings,
            openings: &openings,
            ..context.prompt_options(self.counts.attempts)
        };
        Ok(batch(prompt_request(context.catalog, plan.part(), &self.drawn.row, &options)?))
    }

    /// Reads a response to that request.
    pub(super) fn read(&self, context: &RunContext<'_>, outcome: &RowOutcome) -> Reading<Prompts> {
        read_prompts(outcome, context.prompt_format(), &self.drawn.row.frames, &self.patients())
    }

    /// Reads a response of which all prompts were accepted.
    pub(super) fn read_accepted(
        &self,
        context: &RunContext<'_>,
        outcome: &RowOutcome,
    ) -> Reading<Prompts> {
        read_accepted_prompts(
            outcome,
            context.prompt_format(),
            &self.drawn.row.frames,
            &self.patients(),
        )
    }

    /// Takes the good prompts of a response; gives it as the journal keeps it, where it has any.
    pub(super) fn take(
        &mut self,
        request: RequestId,
        attempts: u8,
        prompts: Prompts,
    ) -> Option<Step> {
        let good = prompts.texts.iter().flatten();
        let cleanup = good.fold(0, |bits, prompt| bits | prompt.text.cleanup.bits());
        let step = Step { request, attempts, cleanup };
        let mut taken = false;
        for (patient, prompt) in self.patients().into_iter().zip(prompts.texts) {
            let (Some(slot), Some(prompt)) = (self.prompts.get_mut(patient), prompt) else {
                continue;
            };
            *slot = Some(AcceptedPrompt { prompt, step });
            taken = true;
        }
        self.findings = prompts.findings;
        taken.then_some(step)
    }

    /// Takes the prompts that were accepted in these steps, where they are still known; returns whether they are.
    pub(super) fn recall(&mut self, context: &RunContext<'_>, steps: &[Step]) -> bool {
        let known = context.memo.take_prompts(self.key, steps);
        let is_known = known.is_some();
        if let Some(prompts) = known {
            self.prompts = prompts;
        }
        is_known
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
        let attempts = u8::try_from(self.counts.attempts + 1).unwrap_or(u8::MAX);
        let reading = match outcome {
            Ok(outcome) => self.read(context, outcome),
            Err(absent) => missing(absent),
        };
        let failure = reading.failure();
        let (accepted, next) = match reading {
            Reading::Accepted(prompts) => {
                let step = self.take(request, attempts, prompts);
                let next = self.done(context, None)?;
                // With the cases that their conversations needed.
                context.memo.keep_prompts(self.key, &self.prompts);
                context.memo.drop_situations(self.key);
                (step, next)
            }
            Reading::Unusable { reason, detail, partial, defect, .. } => {
                let step = partial.and_then(|prompts| self.take(request, attempts, prompts));
                let next = if self.counts.unusable(&policy, defect) {
                    Next::Ask
                } else {
                    self.ended(context, rejection(Stage::Prompt, false, reason, detail))?
                };
                (step, next)
            }
            Reading::Undelivered { reason, detail, paid } => {
                let next = if self.counts.undelivered(&policy, paid) {
                    Next::Ask
                } else {
                    self.ended(context, rejection(Stage::Prompt, true, reason, detail))?
                };
                (None, next)
            }
            Reading::Refused { reason, detail } => {
                (None, self.ended(context, rejection(Stage::Prompt, true, reason, detail))?)
            }
        };
        Ok(Applied { failure, accepted, next })
    }

    /// The end, with the prompts that there are.
    pub(super) fn ended(&self, context: &RunContext<'_>, why: Rejection) -> Result<Next> {
        if self.prompts.iter().all(Option::is_none) {
            return self.rejected(context, why);
        }
        self.done(context, Some(&why))
    }

    /// What follows from the prompts: their records, where they are requested, or their conversations. The conversations of
    /// those without a prompt are rejected with `why`.
    fn done(&self, context: &RunContext<'_>, why: Option<&Rejection>) -> Result<Next> {
        let mut children = Vec::new();
        for (k, prompt) in self.prompts.iter().enumerate() {
            let Some(AcceptedPrompt { prompt, .. }) = prompt else {
                for variant in variants_of(context, self.key.part(), &self.drawn.row, k)? {
                    let key = conversation_key(self.key, k, variant)?;
                    children.push(Child::Rejected(key, self.why_missing(k, why)));
                }
                continue;
            };
            let situations = self.situations_of(context, k)?;
            match ExtractionTask::due(context, self.key, (&self.drawn.row, k), situations, prompt)?
            {
                Some((key, task)) => {
                    children.push(Child::Begins(key, Task::Extraction(Box::new(task))));
                }
                None => {
                    let of = (&*self.drawn.row, k);
                    children.extend(conversations_of(context, self.key, of, situations, prompt)?);
                }
            }
        }
        Ok(Next::Done(children))
    }

    /// Why the prompt of patient `k` is missing.
    fn why_missing(&self, k: usize, why: Option<&Rejection>) -> Rejection {
        let own = self.findings.iter().find(|finding| finding.patient == Some(k));
        match (own, why) {
            (Some(own), why) if why.is_none_or(|why| !why.failed) => {
                rejection(Stage::Prompt, false, own.check.clone(), own.detail.clone())
            }
            (_, Some(why)) => why.clone(),
            (_, None) => missing_prompt(),
        }
    }

    /// The end without prompts: all rows that they would have given are rejected.
    pub(super) fn rejected(&self, context: &RunContext<'_>, why: Rejection) -> Result<Next> {
        let mut children = Vec::new();
        for k in 0..self.drawn.row.frames.len() {
            for variant in variants_of(context, self.key.part(), &self.drawn.row, k)? {
                let key = conversation_key(self.key, k, variant)?;
                children.push(Child::Rejected(key, why.clone()));
            }
        }
        Ok(Next::Rejected(why, children))
    }
}

/// The first request of seed row `index` of a part's plan, with the row's id; `None` past the end of the plan.
pub fn first_request(
    context: &RunContext<'_>,
    part: u8,
    index: usize,
) -> Result<Option<(RowId, BatchRequest)>> {
    let Some(task) = PromptTask::planned(context, part, index)? else { return Ok(None) };
    Ok(Some((task.row().id.clone(), task.next_request(context)?)))
}

/// The first words of a prompt, for a model that is to begin another one differently.
fn opening(text: &str) -> String {
    text.split_whitespace().take(OPENING).collect::<Vec<_>>().join(" ")
}

fn missing_prompt() -> Rejection {
    rejection(Stage::Prompt, false, "missing_prompt".into(), "the prompt is missing".into())
}
