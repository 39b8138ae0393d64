//! Reads responses: what an outcome means for the task that asked.

use clinstruct_multiturn::{Defect, Repair, TurnOutcome};
use clinstruct_parser::{Cleaned, Problem, PromptFormat};
use clinstruct_quality::card::About;
use clinstruct_quality::{Violation, check_prompt, check_turn};
use clinstruct_schema::{Fault, FinishReason, PatientCard, RowOutcome, Situation, Speaker};

/// What a response is worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading<T> {
    /// It can be used.
    Accepted(T),
    /// It cannot; another attempt with another sampling seed may. What of it could be used is kept.
    Unusable {
        /// Named reason.
        reason: String,
        /// Details for a person.
        detail: String,
        /// Usable part, for when no attempt is left.
        partial: Option<T>,
        /// The text with the findings of its checks, where it is complete and can be repaired.
        repair: Option<Repair>,
        /// What is wrong with it; decides how often it is requested again.
        defect: Defect,
    },
    /// The delivery failed: the same request is to be sent again.
    Undelivered {
        /// Named reason.
        reason: String,
        /// Details for a person.
        detail: String,
        /// Whether it may have been paid for: then it is sent once more, and not as often as it takes.
        paid: bool,
    },
    /// The provider refused it, and would again until somebody changes something.
    Refused {
        /// Named reason.
        reason: String,
        /// Details for a person.
        detail: String,
    },
}

/// Why a response could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// Named reason.
    pub reason: String,
    /// Details for a person.
    pub detail: String,
}

/// Kinds of failures, as [`Reading`] has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The response cannot be used.
    Unusable,
    /// There is none: the delivery failed.
    Undelivered,
    /// The provider refused the request.
    Refused,
}

impl<T> Reading<T> {
    /// Why it could not be used; `None` where it was accepted.
    pub(super) fn failure(&self) -> Option<Failure> {
        let (kind, reason, detail) = match self {
            Self::Accepted(_) => return None,
            Self::Unusable { reason, detail, .. } => (FailureKind::Unusable, reason, detail),
            Self::Undelivered { reason, detail, .. } => (FailureKind::Undelivered, reason, detail),
            Self::Refused { reason, detail } => (FailureKind::Refused, reason, detail),
        };
        Some(Failure { kind, reason: reason.clone(), detail: detail.clone() })
    }

    pub(super) fn unusable(reason: &str, detail: impl Into<String>) -> Self {
        Self::defective(Defect::Text, reason, detail)
    }

    fn defective(defect: Defect, reason: &str, detail: impl Into<String>) -> Self {
        let (reason, detail) = (reason.into(), detail.into());
        Self::Unusable { reason, detail, partial: None, repair: None, defect }
    }
}

impl From<Reading<Cleaned>> for TurnOutcome {
    fn from(reading: Reading<Cleaned>) -> Self {
        match reading {
            Reading::Accepted(cleaned) => Self::Accepted(cleaned.text),
            Reading::Unusable { reason, detail, repair, defect, .. } => {
                Self::Unusable { reason, detail, defect, repair }
            }
            Reading::Undelivered { reason, detail, paid } => {
                Self::Undelivered { reason, detail, paid }
            }
            Reading::Refused { reason, detail } => Self::Refused { reason, detail },
        }
    }
}

/// A request whose job ended without a row for it.
pub(super) fn missing<T>(absent: &str) -> Reading<T> {
    Reading::Undelivered { reason: "missing".into(), detail: absent.to_owned(), paid: true }
}

/// Whether an outcome is a response, good or bad, and not a delivery that has to be made again.
pub(crate) fn delivers(outcome: &RowOutcome) -> bool {
    match outcome {
        RowOutcome::Failed { fault, .. } => *fault == Fault::Content,
        RowOutcome::Unreadable { .. } => false,
        _ => true,
    }
}

/// The text of an outcome, or why there is none.
pub(super) fn text_of<T>(outcome: &RowOutcome) -> Result<&str, Reading<T>> {
    Err(match outcome {
        RowOutcome::Answer(completion) => return Ok(&completion.text),
        RowOutcome::Cut(c) => {
            let length = c.text.chars().count();
            match &c.finish {
                FinishReason::Other(word) if word.is_empty() => Reading::defective(
                    Defect::Truncated,
                    "finish_reason",
                    format!("{length} characters with neither a finish reason nor usage"),
                ),
                FinishReason::Other(word) => Reading::defective(
                    Defect::Truncated,
                    "finish_reason",
                    format!("{length} characters, then the unknown finish reason \"{word}\""),
                ),
                _ => Reading::defective(
                    Defect::Truncated,
                    "cut",
                    format!("{length} characters, then the token limit"),
                ),
            }
        }
        RowOutcome::Refused { text, .. } => Reading::unusable("refused", excerpt(text)),
        RowOutcome::Filtered { .. } => {
            Reading::unusable("content_filter", "held back by the provider")
        }
        RowOutcome::Empty { .. } => Reading::defective(Defect::Truncated, "empty", "no content"),
        RowOutcome::Failed { fault, status, code, message, usage } => {
            let (reason, detail) = ("provider_error".to_owned(), format!("{code}: {message}"));
            match fault {
                Fault::Content => Reading::unusable("provider_error", detail),
                fault if fault.is_transient() => {
                    // A success that holds no answer was a call all the same.
                    let paid = usage.is_some()
                        || code == "timeout"
                        || status.is_some_and(|s| (200..300).contains(&s));
                    Reading::Undelivered { reason, detail, paid }
                }
                _ => Reading::Refused { reason, detail },
            }
        }
        // The same request again, and not another sample: what is written must not depend on which rows arrived
        // broken.
        RowOutcome::Unreadable { message, .. } => Reading::Undelivered {
            reason: "unreadable_row".into(),
            detail: message.clone(),
            paid: true,
        },
    })
}

/// The start of a text, for a detail.
fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(120).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The checks that failed, with the findings for a repair.
fn of_violations(text: String, violations: &[Violation]) -> Reading<Cleaned> {
    let reason = violations.first().map_or("", |v| v.check).to_owned();
    let details: Vec<String> =
        violations.iter().map(|v| format!("{}: {}", v.check, v.detail)).collect();
    Reading::Unusable {
        reason,
        detail: details.join("; "),
        partial: None,
        repair: Some(Repair {
            text,
            findings: violations.iter().map(Violation::repair_note).collect(),
        }),
        defect: Defect::Text,
    }
}

/// Reads the answer to a prompt request.
pub fn read_prompts(
    outcome: &RowOutcome,
    format: PromptFormat,
    cards: &[PatientCard],
) -> Reading<Vec<Option<Cleaned>>> {
    let text = match text_of(outcome) {
        Ok(text) => text,
        Err(reading) => return reading,
    };
    let reading = clinstruct_parser::prompts(text, format, cards.len());
    let mut prompts = reading.prompts;
    let mut faults: Vec<Violation> = Vec::new();
    for (k, prompt) in prompts.iter_mut().enumerate() {
        let found =
            prompt.as_ref().map(|p| check_prompt(&p.text, cards.get(k))).unwrap_or_default();
        if !found.is_empty() {
            *prompt = None;
            faults.extend(found);
        }
    }
    if prompts.iter().all(Option::is_some) {
        return Reading::Accepted(prompts);
    }
    let partial = prompts.iter().any(Option::is_some).then_some(prompts);
    let (reason, detail) = match (reading.problems.first(), faults.first()) {
        (Some(problem), _) => {
            let all: Vec<String> = reading.problems.iter().map(Problem::to_string).collect();
            (problem.code().to_owned(), all.join("; "))
        }
        (None, Some(fault)) => (fault.check.to_owned(), fault.detail.clone()),
        (None, None) => ("missing_prompt".to_owned(), "a prompt is missing".to_owned()),
    };
    Reading::Unusable { reason, detail, partial, repair: None, defect: Defect::Text }
}

/// Reads a turn of a conversation.
pub fn read_turn(
    outcome: &RowOutcome,
    speaker: Speaker,
    situation: &Situation,
    about: &About<'_>,
) -> Reading<Cleaned> {
    let text = match text_of(outcome) {
        Ok(text) => text,
        Err(reading) => return reading,
    };
    match clinstruct_parser::turn(text) {
        Err(problem) => Reading::unusable(problem.code(), problem.to_string()),
        Ok(cleaned) => {
            let violations = check_turn(&cleaned.text, speaker, situation, about);
            if violations.is_empty() {
                return Reading::Accepted(cleaned);
            }
            of_violations(cleaned.text, &violations)
        }
    }
}
