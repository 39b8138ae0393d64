//! Reads responses: what an outcome means for the unit that asked.

use clinstruct_multiturn::Repair;
use clinstruct_parser::{Cleaned, Problem, PromptFormat};
use clinstruct_quality::card::About;
use clinstruct_quality::{Violation, check_prompt, check_turn};
use clinstruct_schema::{Fault, FinishReason, PatientCard, RowOutcome, Situation, Speaker};

/// What a response is worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading<T> {
    /// It can be used.
    Good(T),
    /// It cannot; another try with another sampling seed may. What of it could be used is kept.
    Unusable {
        /// Named reason.
        reason: String,
        /// What was seen.
        detail: String,
        /// Usable part, for when no try is left.
        partial: Option<T>,
        /// The text with what its checks saw, where it came whole and is to be mended.
        repair: Option<Repair>,
    },
    /// The delivery failed: the same request is to be sent again.
    Undelivered {
        /// Named reason.
        reason: String,
        /// What was seen.
        detail: String,
    },
    /// No try can succeed.
    Never {
        /// Named reason.
        reason: String,
        /// What was seen.
        detail: String,
    },
}

impl<T> Reading<T> {
    fn unusable(reason: &str, detail: impl Into<String>) -> Self {
        Self::Unusable { reason: reason.into(), detail: detail.into(), partial: None, repair: None }
    }
}

/// The text of an outcome, or why there is none.
fn text<T>(outcome: &RowOutcome) -> Result<&str, Reading<T>> {
    Err(match outcome {
        RowOutcome::Answer(completion) => return Ok(&completion.text),
        RowOutcome::Cut(c) => {
            let length = c.text.chars().count();
            match &c.finish {
                FinishReason::Other(word) if word.is_empty() => Reading::unusable(
                    "finish_reason",
                    format!("{length} characters with neither a finish reason nor usage"),
                ),
                FinishReason::Other(word) => Reading::unusable(
                    "finish_reason",
                    format!("{length} characters, then the unknown finish reason \"{word}\""),
                ),
                _ => Reading::unusable("cut", format!("{length} characters, then the token limit")),
            }
        }
        RowOutcome::Refused { text, .. } => Reading::unusable("refused", excerpt(text)),
        RowOutcome::Filtered { .. } => {
            Reading::unusable("content_filter", "held back by the provider")
        }
        RowOutcome::Empty { .. } => Reading::unusable("empty", "no content"),
        RowOutcome::Failed { fault, code, message, .. } => {
            let detail = format!("{code}: {message}");
            match fault {
                Fault::Content => Reading::unusable("provider_error", detail),
                Fault::Request => Reading::Never { reason: "provider_error".into(), detail },
                _ => Reading::Undelivered { reason: "provider_error".into(), detail },
            }
        }
        RowOutcome::Unreadable { message, .. } => {
            Reading::Undelivered { reason: "unreadable_row".into(), detail: message.clone() }
        }
    })
}

/// The beginning of a text, for a detail.
fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(120).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// What failed, and what a repair is to be told.
fn of_violations(text: String, violations: &[Violation]) -> Reading<Cleaned> {
    let reason = violations.first().map_or("", |v| v.check).to_owned();
    let details: Vec<String> =
        violations.iter().map(|v| format!("{}: {}", v.check, v.detail)).collect();
    Reading::Unusable {
        reason,
        detail: details.join("; "),
        partial: None,
        repair: Some(Repair { text, seen: details }),
    }
}

/// Reads the answer to a prompt request.
pub fn read_prompts(
    outcome: &RowOutcome,
    format: PromptFormat,
    cards: &[PatientCard],
) -> Reading<Vec<Option<Cleaned>>> {
    let text = match text(outcome) {
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
        return Reading::Good(prompts);
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
    Reading::Unusable { reason, detail, partial, repair: None }
}

/// Reads a turn of a conversation.
pub fn read_turn(
    outcome: &RowOutcome,
    speaker: Speaker,
    situation: &Situation,
    about: &About<'_>,
) -> Reading<Cleaned> {
    let text = match text(outcome) {
        Ok(text) => text,
        Err(reading) => return reading,
    };
    match clinstruct_parser::turn(text) {
        Err(problem) => Reading::unusable(problem.code(), problem.to_string()),
        Ok(cleaned) => {
            let violations = check_turn(&cleaned.text, speaker, situation, about);
            if violations.is_empty() {
                return Reading::Good(cleaned);
            }
            of_violations(cleaned.text, &violations)
        }
    }
}
