//! Asks for the turns of a conversation.

use std::sync::Arc;

use clinstruct_batch_client::BatchRequest;
use clinstruct_catalog::Catalog;
use clinstruct_multiturn::{self as multiturn, Dialogue, PromptContext, TurnOutcome, Variant};
use clinstruct_promptgen::complete;
use clinstruct_quality::card::{About, CountryTerms};
use clinstruct_schema::{
    BaseRow, Case, Place, RequestId, RowOutcome, Situation, Speaker, Stage, Stated,
};
use clinstruct_store::{Step, TaskKey};

use super::keys::conversation_key;
use super::reading::{Prompt, Reading, compare_with_repaired, missing, read_turn};
use super::{Applied, Child, Next, Received, Task, batch, rejection};
use crate::{Error, Result, RunContext};

/// A conversation that waits for a turn.
#[derive(Debug)]
pub(crate) struct ConversationTask {
    pub(super) dialogue: Dialogue,
}

impl ConversationTask {
    /// The conversation of a variant from prompt `k` (from 0) of a row. `situations` are those of all conversations of the
    /// prompt, as drawn: it asks for its styles in the words of the prompt's writer.
    pub(crate) fn new(
        context: &RunContext<'_>,
        part: u8,
        (row, k): (&BaseRow, usize),
        variant: Variant,
        situations: &[(Variant, Situation)],
        prompt: &Prompt,
    ) -> Result<Self> {
        let mismatch = || Error::JournalMismatch(row.id.to_string());
        let at = situations.iter().position(|(known, _)| *known == variant);
        let (before, rest) = situations.split_at(at.ok_or_else(mismatch)?);
        let mut situation = rest.first().ok_or_else(mismatch)?.1.clone();
        let earlier: usize = before.iter().map(|(_, s)| s.asked_styles.len()).sum();
        multiturn::reword(&mut situation, prompt.requests.get(earlier..).unwrap_or_default());
        if !situation.declined_styles.is_empty() {
            let (catalog, seed) = (context.catalog, context.config.seed);
            let of_part = context.plan(part).ok_or_else(mismatch)?.part();
            multiturn::refit_moves(catalog, of_part, seed, (row, k), variant, &mut situation);
        }
        let case = prompt.case(|stated| case_of(context, row, k, stated));
        Self::start(context, part, (row, k), (variant, situation), &prompt.text.text, case)
    }

    /// The same with the patient of the frame alone, which is enough to tell one plan from another.
    pub(crate) fn outlined(
        context: &RunContext<'_>,
        part: u8,
        (row, k): (&BaseRow, usize),
        of: (Variant, Situation),
        text: &str,
    ) -> Result<Self> {
        let patient = row.frames.get(k).and_then(|frame| frame.patient.as_ref());
        let case = patient.map(Case::new).map(Arc::new);
        Self::start(context, part, (row, k), of, text, case)
    }

    fn start(
        context: &RunContext<'_>,
        part: u8,
        (row, k): (&BaseRow, usize),
        (variant, situation): (Variant, Situation),
        text: &str,
        case: Option<Arc<Case>>,
    ) -> Result<Self> {
        let mismatch = || Error::JournalMismatch(row.id.to_string());
        let part = context.plan(part).ok_or_else(mismatch)?.part();
        let catalog = context.catalog;
        let planned =
            PromptContext::with_situation(catalog, part, row, k, variant, case, situation);
        let planned = planned.ok_or_else(mismatch)?;
        Ok(Self { dialogue: Dialogue::new(planned, text, context.retry_policy()) })
    }

    pub(crate) fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }

    pub(crate) fn into_dialogue(self) -> Dialogue {
        self.dialogue
    }

    /// The request for the turn that is due; `None` once the conversation has ended.
    pub(crate) fn next_request(&self, context: &RunContext<'_>) -> Result<Option<BatchRequest>> {
        Ok(self.dialogue.next_request(&context.request_options())?.map(batch))
    }

    /// Lets the speaker whose turn it is say `text`, unchecked.
    pub(crate) fn say(&mut self, text: &str) {
        self.dialogue.apply(TurnOutcome::Accepted(text.to_owned()));
    }

    fn mismatch(&self) -> Error {
        Error::JournalMismatch(self.dialogue.context().id.to_string())
    }

    fn speaker(&self) -> Result<Speaker> {
        self.dialogue.speaker().ok_or_else(|| self.mismatch())
    }

    /// Reads a response to the request for the turn that is due.
    pub(super) fn read(
        &self,
        context: &RunContext<'_>,
        outcome: &RowOutcome,
    ) -> Result<Reading<clinstruct_parser::Cleaned>> {
        let (speaker, about_it) = (self.speaker()?, self.dialogue.context());
        let facts = about(
            context.catalog,
            &context.country_terms,
            about_it.case.as_deref(),
            &about_it.place,
        );
        let place = self.dialogue.messages().len();
        let reading = read_turn(outcome, place, &about_it.situation, &facts);
        let language = match speaker {
            Speaker::Assistant => about_it.situation.language_at(Situation::turn_of(place)),
            Speaker::User | Speaker::PromptWriter => about_it.situation.language,
        };
        Ok(compare_with_repaired(reading, self.dialogue.repair(), speaker, language))
    }

    /// Applies what came of the request for the turn that is due: another request is made, or the conversation ends.
    pub(crate) fn apply(
        &mut self,
        context: &RunContext<'_>,
        request: RequestId,
        outcome: Received<'_>,
    ) -> Result<Applied> {
        let speaker = self.speaker()?;
        let attempts = self.dialogue.counts().attempts;
        let reading = match outcome {
            Ok(outcome) => self.read(context, outcome)?,
            Err(absent) => missing(absent),
        };
        let failure = reading.failure();
        let accepted = match &reading {
            Reading::Accepted(cleaned) => Some(Step {
                request,
                attempts: u8::try_from(attempts + 1).unwrap_or(u8::MAX),
                cleanup: cleaned.cleanup.bits(),
            }),
            _ => None,
        };
        let next = match self.dialogue.apply(reading.into()) {
            multiturn::Next::Ask => Next::Ask,
            multiturn::Next::Done => Next::Done(Vec::new()),
            multiturn::Next::Rejected { failed, reason, detail } => {
                let turn = self.dialogue.turn();
                let detail = format!("{} of turn {turn}: {detail}", speaker.as_str());
                Next::Rejected(rejection(Stage::Turn, failed, reason, detail), Vec::new())
            }
        };
        Ok(Applied { failure, accepted, next })
    }
}

/// The conversations of prompt `k` (from 0) of a row, at their start.
pub(super) fn conversations_of(
    context: &RunContext<'_>,
    base: TaskKey,
    of: (&BaseRow, usize),
    situations: &[(Variant, Situation)],
    prompt: &Prompt,
) -> Result<Vec<Child>> {
    let begin = |(variant, _): &(Variant, Situation)| {
        let task = ConversationTask::new(context, base.part(), of, *variant, situations, prompt)?;
        let key = conversation_key(base, of.1, *variant)?;
        Ok(Child::Begins(key, Task::Conversation(Box::new(task))))
    };
    situations.iter().map(begin).collect()
}

/// The conversations of prompt `k` (from 0) of a row, with their situations as drawn.
pub(super) fn situations_of(
    context: &RunContext<'_>,
    part: u8,
    row: &BaseRow,
    k: usize,
) -> Result<Vec<(Variant, Situation)>> {
    let plan = context.plan(part).ok_or_else(|| Error::JournalMismatch(row.id.to_string()))?;
    let (catalog, seed) = (context.catalog, context.config.seed);
    Ok(multiturn::situations(catalog, plan.part(), seed, row, k))
}

/// The case of prompt `k` (from 0) of a row, which states these facts. The variants share it: its key is the prompt's.
fn case_of(context: &RunContext<'_>, row: &BaseRow, k: usize, stated: &Stated) -> Option<Case> {
    let key = row.id.child('p', k + 1);
    complete(context.catalog, context.config.seed, key.as_str(), row.frames.get(k)?, stated)
}

/// What is known about a patient and the country of care.
pub fn about<'a>(
    catalog: &'a Catalog,
    country_terms: &'a CountryTerms,
    case: Option<&'a Case>,
    place: &'a Place,
) -> About<'a> {
    let country = catalog.countries.iter().find(|c| c.code == place.country_code);
    About { case, place, emergency: country.map_or("", |c| c.emergency.as_str()), country_terms }
}
