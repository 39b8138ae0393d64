//! Reads responses: what an outcome means for the task that asked.

use std::sync::{Arc, OnceLock};

use clinstruct_multiturn::{Defect, Repair, TurnOutcome};
use clinstruct_parser::{Cleaned, Problem, PromptFormat, WrittenPrompt};
use clinstruct_quality::card::About;
use clinstruct_quality::case::{Reader, record, record_in};
use clinstruct_quality::{Violation, check_prompt_in, check_turn};
use clinstruct_schema::{
    Case, Fault, FinishReason, Frame, Language, RecordSource, RowOutcome, Situation, Speaker,
    Stated,
};

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
        /// All checks that failed; the reason alone where the text was not checked.
        checks: Vec<String>,
        /// Usable part of it.
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
    /// All checks that failed; the reason alone where the text was not checked.
    pub checks: Vec<String>,
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
        let checks = match self {
            Self::Unusable { checks, .. } => checks.clone(),
            _ => vec![reason.clone()],
        };
        Some(Failure { kind, reason: reason.clone(), detail: detail.clone(), checks })
    }

    pub(super) fn unusable(reason: &str, detail: impl Into<String>) -> Self {
        Self::defective(Defect::Text, reason, detail)
    }

    fn defective(defect: Defect, reason: &str, detail: impl Into<String>) -> Self {
        let (reason, detail) = (reason.to_owned(), detail.into());
        let checks = vec![reason.clone()];
        Self::Unusable { reason, detail, checks, partial: None, repair: None, defect }
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

/// The checks that failed, with the findings for a repair of `text`.
fn of_violations(text: &str, violations: &[Violation]) -> Reading<Cleaned> {
    let checks = names(violations.iter().map(|v| v.check));
    let details: Vec<String> =
        violations.iter().map(|v| format!("{}: {}", v.check, v.detail)).collect();
    let findings = violations.iter().map(Violation::repair_note).collect();
    Reading::Unusable {
        reason: checks.first().cloned().unwrap_or_default(),
        detail: details.join("; "),
        checks,
        partial: None,
        repair: Some(Repair { text: clinstruct_parser::as_written(text), findings }),
        defect: Defect::Text,
    }
}

/// Names, each once, in the order in which they come first.
fn names<'n>(all: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Name of the finding that a rewritten text has lost something medical.
const LOST_IN_REPAIR: &str = "lost_in_repair";

/// Whether the findings asked for a dose to go: they quote it, or a message of the health worker was at odds with the case,
/// so that its doses are not the patient's.
fn is_asked_for(speaker: Speaker, findings: &[String], lost: &str) -> bool {
    let Some(dose) = lost.split('"').nth(1).filter(|_| lost.starts_with("the dose")) else {
        return false;
    };
    let at_odds = || findings.iter().any(|f| f.starts_with("other_case"));
    findings.iter().any(|f| !f.starts_with(LOST_IN_REPAIR) && f.contains(dose))
        || (speaker == Speaker::User && at_odds())
}

/// Compares a text that passed its checks with the one that it repairs. Where it has lost something medical, the first one
/// is to be repaired again: it is never replaced by a text that says less.
pub(super) fn compare_with_repaired(
    reading: Reading<Cleaned>,
    first: Option<&Repair>,
    speaker: Speaker,
    language: Language,
) -> Reading<Cleaned> {
    let (Reading::Accepted(cleaned), Some(first)) = (&reading, first) else { return reading };
    let mut lost = clinstruct_quality::lost(&first.text, &cleaned.text, language);
    lost.retain(|finding| !is_asked_for(speaker, &first.findings, &finding.detail));
    if lost.is_empty() {
        return reading;
    }
    let lost: Vec<String> =
        lost.iter().map(|finding| format!("{LOST_IN_REPAIR}: {}", finding.detail)).collect();
    // What was lost by earlier rewrites of the same text was named then.
    let earlier = first.findings.iter().filter(|f| !f.starts_with(LOST_IN_REPAIR)).cloned();
    Reading::Unusable {
        reason: LOST_IN_REPAIR.to_owned(),
        detail: lost.join("; "),
        checks: vec![LOST_IN_REPAIR.to_owned()],
        partial: None,
        repair: Some(Repair {
            text: first.text.clone(),
            findings: earlier.chain(lost.iter().cloned()).collect(),
        }),
        defect: Defect::Text,
    }
}

/// A first message with the facts that it states.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The message.
    pub text: Cleaned,
    /// Its facts.
    pub stated: Stated,
    /// What it asks of the answers, in the words of its writer, for all its conversations in their order.
    pub requests: Vec<String>,
    /// Its case, once one of its variants needed it.
    case: OnceLock<Option<Arc<Case>>>,
}

impl Prompt {
    pub(super) fn new(text: Cleaned, stated: Stated, requests: Vec<String>) -> Self {
        Self { text, stated, requests, case: OnceLock::new() }
    }

    /// A stand-in for a prompt that is not written yet, which states nothing.
    pub(crate) fn unwritten(text: &str) -> Self {
        let text = Cleaned { text: text.to_owned(), ..Cleaned::default() };
        Self::new(text, Stated::NONE, Vec::new())
    }

    /// Another list of the facts that it states.
    pub(super) fn set_stated(&mut self, stated: Stated) {
        self.stated = stated;
        self.case = OnceLock::new();
    }

    /// The case that all its variants share, completed by `complete` when it is first needed.
    pub(super) fn case(&self, complete: impl FnOnce(&Stated) -> Option<Case>) -> Option<Arc<Case>> {
        self.case.get_or_init(|| complete(&self.stated).map(Arc::new)).clone()
    }
}

/// The prompts of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompts {
    /// A place for each patient that was asked about; `None` where there is no usable prompt.
    pub texts: Vec<Option<Prompt>>,
    /// What is wrong with the answer or with its prompts.
    pub findings: Vec<PromptFinding>,
}

/// What is wrong with an answer to a prompt request, or with one of its prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFinding {
    /// The patient, from 0; `None` where it is about the whole answer.
    pub patient: Option<usize>,
    /// Check or problem.
    pub check: String,
    /// What was found.
    pub detail: String,
    /// The prompt, where there is one.
    pub text: Option<String>,
}

impl PromptFinding {
    /// What the model is told about it when the prompt is requested again.
    pub(super) fn note(&self) -> String {
        match self.patient {
            Some(patient) => format!("Patient {}: {}: {}", patient + 1, self.check, self.detail),
            None => self.detail.clone(),
        }
    }
}

/// Reads the answer to a request for the prompts of these `patients` (from 0) of a row with these frames.
///
/// Of an answer that was cut off or damaged, every complete prompt is used. A prompt is never unusable because of its list of
/// facts.
pub fn read_prompts(
    outcome: &RowOutcome,
    format: PromptFormat,
    frames: &[Frame],
    patients: &[usize],
) -> Reading<Prompts> {
    read_prompts_with(check_prompt_in, outcome, format, frames, patients)
}

/// The same for an answer that was accepted as a whole: its prompts passed their checks then, and are not checked again.
pub(super) fn read_accepted_prompts(
    outcome: &RowOutcome,
    format: PromptFormat,
    frames: &[Frame],
    patients: &[usize],
) -> Reading<Prompts> {
    read_prompts_with(|_, _| Vec::new(), outcome, format, frames, patients)
}

fn read_prompts_with(
    check: fn(&Reader<'_>, &Frame) -> Vec<Violation>,
    outcome: &RowOutcome,
    format: PromptFormat,
    frames: &[Frame],
    patients: &[usize],
) -> Reading<Prompts> {
    let (text, cut) = match (text_of(outcome), outcome) {
        (Ok(text), _) => (text, None),
        (Err(reading), RowOutcome::Cut(completion)) => (completion.text.as_str(), Some(reading)),
        (Err(reading), _) => return reading,
    };
    let numbers: Vec<u64> = patients.iter().map(|patient| *patient as u64 + 1).collect();
    let reading = clinstruct_parser::prompts_for(text, format, &numbers, cut.is_none());
    if let Some(cut) = cut.filter(|_| reading.prompts.iter().all(Option::is_none)) {
        return cut;
    }
    let whole = |problem: &Problem| PromptFinding {
        patient: None,
        check: problem.code().to_owned(),
        detail: problem.to_string(),
        text: None,
    };
    let mut findings: Vec<PromptFinding> = reading.problems.iter().map(whole).collect();
    let mut texts: Vec<Option<Prompt>> = Vec::with_capacity(patients.len());
    for (patient, written) in patients.iter().zip(reading.prompts) {
        let (Some(WrittenPrompt { text: prompt, facts, requests }), Some(frame)) =
            (written, frames.get(*patient))
        else {
            texts.push(None);
            continue;
        };
        // What the checks read in it is what its facts are compared with.
        let reader = Reader::new(&prompt.text);
        let found = check(&reader, frame);
        findings.extend(found.iter().map(|violation| PromptFinding {
            patient: Some(*patient),
            check: violation.check.to_owned(),
            detail: violation.detail.clone(),
            text: Some(prompt.text.clone()),
        }));
        let stated = || record_in(&reader, frame, facts.as_deref());
        let good = found.is_empty();
        texts.push(good.then(|| Prompt::new(prompt.clone(), stated(), requests)));
    }
    if texts.iter().all(Option::is_some) {
        return Reading::Accepted(Prompts { texts, findings: Vec::new() });
    }
    if findings.is_empty() {
        let detail = "a prompt is missing".to_owned();
        let check = "missing_prompt".to_owned();
        findings.push(PromptFinding { patient: None, check, detail, text: None });
    }
    let checks = names(findings.iter().map(|finding| finding.check.as_str()));
    let details: Vec<&str> = findings.iter().map(|finding| finding.detail.as_str()).collect();
    Reading::Unusable {
        reason: checks.first().cloned().unwrap_or_default(),
        detail: details.join("; "),
        checks,
        partial: Some(Prompts { texts, findings }),
        repair: None,
        defect: Defect::Text,
    }
}

/// Reads the answer to a request for the facts that the prompt `text` states. Of an answer that was cut off or damaged, every
/// complete fact is used.
pub fn read_extraction(outcome: &RowOutcome, text: &str, frame: &Frame) -> Reading<Stated> {
    let facts = match (text_of(outcome), outcome) {
        (Ok(answer), _) => clinstruct_parser::facts_of(answer, true)
            .map_err(|problem| Reading::unusable(problem.code(), problem.to_string())),
        (Err(reading), RowOutcome::Cut(completion)) => {
            let facts = clinstruct_parser::facts_of(&completion.text, false);
            facts.ok().filter(|facts| !facts.is_empty()).ok_or(reading)
        }
        (Err(reading), _) => Err(reading),
    };
    match facts {
        Ok(facts) => Reading::Accepted(Stated {
            source: RecordSource::Extraction,
            ..record(text, frame, Some(&facts))
        }),
        Err(reading) => reading,
    }
}

/// Reads a turn of a conversation.
pub fn read_turn(
    outcome: &RowOutcome,
    place: usize,
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
            let violations = check_turn(&cleaned.text, place, situation, about);
            if violations.is_empty() {
                return Reading::Accepted(cleaned);
            }
            of_violations(text, &violations)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(speaker: Speaker, finding: &str, first: &str, second: &str) -> bool {
        let reading = Reading::Accepted(Cleaned { text: second.into(), ..Cleaned::default() });
        let repair = Repair { text: first.into(), findings: vec![finding.into()] };
        let read = compare_with_repaired(reading, Some(&repair), speaker, Language::English);
        matches!(read, Reading::Accepted(_))
    }

    #[test]
    fn a_dose_that_a_finding_asked_about_may_go_and_no_other() {
        let first = "Daily doses were isoniazid 100 mg and rifampicin 150 mg.";
        let finding = "other_case: rifampicin 150 mg where the patient does not take it";
        let less = "Daily doses were isoniazid 100 mg and rifampicin.";
        let none = "She took the usual tablets until this morning.";
        assert!(compared(Speaker::Assistant, finding, first, less));
        assert!(!compared(Speaker::Assistant, finding, first, none));
        // What a health worker said against the case was wrong as a whole.
        assert!(compared(Speaker::User, finding, first, none));
        assert!(!compared(Speaker::User, "max_words: 31 words, at most 30", first, none));
    }
}
