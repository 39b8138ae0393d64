//! Requests what an annotator asks about a finished conversation.

use std::fmt;

use clinstruct_batch_client::BatchRequest;
use clinstruct_draw as draw;
use clinstruct_multiturn::{Dialogue, RetryCounts};
use clinstruct_schema::{ChatRequest, RequestId, RowOutcome, Speaker, Stage};
use clinstruct_store::{Step, TaskKey};
use serde_json::Value;

use super::reading::{Reading, missing, text_of};
use super::{Applied, Next, Received, batch, rejection};
use crate::{Error, Result, RunContext};

/// Why an annotator has no request.
pub type AnnotatorError = Box<dyn std::error::Error + Send + Sync>;

/// A stage that asks a model about each finished conversation, and keeps what it answers beside the rows.
///
/// The driver sends its requests with all others, so they are batched, journalled, priced, retried and resumed like those.
/// Adding an annotator to a finished run sends its requests and no others.
pub trait Annotator: fmt::Debug + Send + Sync {
    /// Its name: letters, digits and `_`. Names the folder `annotations/NAME/` and the key in its rows.
    fn name(&self) -> &'static str;

    /// Whose model answers it.
    fn speaker(&self) -> Speaker {
        Speaker::Assistant
    }

    /// The request about a conversation; `None` where it has nothing to ask. `model` is the name of the model that answers.
    /// The sampling seed is set by the caller, another one for each attempt.
    ///
    /// # Errors
    /// A template that cannot be filled in. It is reported before a run sends anything.
    fn request(
        &self,
        conversation: &Dialogue,
        model: &str,
    ) -> std::result::Result<Option<ChatRequest>, AnnotatorError>;

    /// Reads an answer to it.
    ///
    /// # Errors
    /// What is wrong with the text, for a person. It is then requested again, as often as the retry policy allows.
    fn read(&self, text: &str) -> std::result::Result<Value, String>;

    /// Tokens that an answer usually has, for the estimate.
    fn answer_tokens(&self) -> u32 {
        60
    }
}

/// The journal's number of an annotator, from its name, so that it does not depend on the order of registration.
pub(crate) fn number(annotator: &dyn Annotator) -> u16 {
    1 + (draw::number(0, annotator.name(), "annotator") % u64::from(TaskKey::ANNOTATORS)) as u16
}

/// The name of the annotator with this number in the journal; `None` where this program has no such annotator.
pub fn annotator_name(all: &[&'static dyn Annotator], number_of: u16) -> Option<&'static str> {
    all.iter().find(|one| number(**one) == number_of).map(|one| one.name())
}

/// Checks the names of the annotators of a run.
pub(crate) fn check_names(all: &[&'static dyn Annotator]) -> Result<()> {
    for (i, one) in all.iter().enumerate() {
        let name = one.name();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(Error::AnnotatorName { name: name.to_owned(), clash: None });
        }
        if let Some(other) = all[..i].iter().find(|other| number(**other) == number(*one)) {
            let clash = Some(other.name().to_owned());
            return Err(Error::AnnotatorName { name: name.to_owned(), clash });
        }
    }
    Ok(())
}

/// An annotator's question about one conversation.
#[derive(Debug)]
pub(crate) struct AnnotationTask {
    annotator: &'static dyn Annotator,
    conversation: Dialogue,
    pub(super) counts: RetryCounts,
}

impl AnnotationTask {
    pub(crate) fn new(annotator: &'static dyn Annotator, conversation: Dialogue) -> Self {
        Self { annotator, conversation, counts: RetryCounts::default() }
    }

    /// The tasks that follow from a finished conversation, with their keys.
    pub(crate) fn all(
        context: &RunContext<'_>,
        conversation: TaskKey,
        dialogue: &Dialogue,
    ) -> Result<Vec<(TaskKey, Self)>> {
        let mut all = Vec::new();
        for annotator in &context.config.annotators {
            let task = Self::new(*annotator, dialogue.clone());
            // Without a question there is no task: nothing is missing.
            if task.next_request(context)?.is_some() {
                let key = conversation.annotation(number(*annotator));
                let key = key.ok_or_else(|| Error::JournalMismatch(format!("{conversation:?}")))?;
                all.push((key, task));
            }
        }
        Ok(all)
    }

    pub(crate) fn speaker(&self) -> Speaker {
        self.annotator.speaker()
    }

    /// The name of the annotator, and what it reads in a response that was accepted.
    pub(crate) fn read(&self, outcome: &RowOutcome) -> Option<(&'static str, Value)> {
        match read(self.annotator, outcome) {
            Reading::Accepted(value) => Some((self.annotator.name(), value)),
            _ => None,
        }
    }

    pub(crate) fn conversation(&self) -> &Dialogue {
        &self.conversation
    }

    /// The request of the attempt that is due; `None` where the annotator has nothing to ask.
    pub(crate) fn next_request(&self, context: &RunContext<'_>) -> Result<Option<BatchRequest>> {
        let model = &context.routes.of(self.speaker()).model;
        let request = self.annotator.request(&self.conversation, model);
        let named = |source| Error::Annotator { name: self.annotator.name(), source };
        let Some(mut request) = request.map_err(named)? else { return Ok(None) };
        let purpose = format!("{} attempt {}", self.annotator.name(), self.counts.attempts);
        let id = self.conversation.context().id.as_str();
        request.seed = draw::number(context.config.seed, id, &purpose) >> 1;
        Ok(Some(batch(request)))
    }

    /// Applies a response: the annotation is there, another request is made, or it is rejected.
    pub(super) fn apply(
        &mut self,
        context: &RunContext<'_>,
        request: RequestId,
        outcome: Received<'_>,
    ) -> Applied {
        let reading = match outcome {
            Ok(outcome) => read(self.annotator, outcome),
            Err(absent) => missing(absent),
        };
        let (failure, policy) = (reading.failure(), context.retry_policy());
        let rejected = |failed, reason, detail| {
            Next::Rejected(rejection(Stage::Annotation, failed, reason, detail), Vec::new())
        };
        let (accepted, next) = match reading {
            Reading::Accepted(_) => {
                let attempts = u8::try_from(self.counts.attempts + 1).unwrap_or(u8::MAX);
                (Some(Step { request, attempts, cleanup: 0 }), Next::Done(Vec::new()))
            }
            Reading::Unusable { reason, detail, defect, .. } => {
                let again = self.counts.unusable(&policy, defect);
                (None, if again { Next::Ask } else { rejected(false, reason, detail) })
            }
            Reading::Undelivered { reason, detail, paid } => {
                let again = self.counts.undelivered(&policy, paid);
                (None, if again { Next::Ask } else { rejected(true, reason, detail) })
            }
            Reading::Refused { reason, detail } => (None, rejected(true, reason, detail)),
        };
        Applied { failure, accepted, next }
    }
}

/// Reads a response to an annotator's request.
pub(crate) fn read(annotator: &dyn Annotator, outcome: &RowOutcome) -> Reading<Value> {
    match text_of(outcome) {
        Err(reading) => reading,
        Ok(text) => match clinstruct_parser::turn(text) {
            Err(problem) => Reading::unusable(problem.code(), problem.to_string()),
            Ok(cleaned) => match annotator.read(&cleaned.text) {
                Ok(value) => Reading::Accepted(value),
                Err(detail) => Reading::unusable("unreadable_annotation", detail),
            },
        },
    }
}
