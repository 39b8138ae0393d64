//! Stops a run whose provider gives nothing that can be used, before more is paid for it.

use std::collections::HashSet;

use clinstruct_parser::is_own_code;
use clinstruct_schema::{Fault, RowOutcome};

/// Rows in a row without a usable answer that stop a run which never had one.
const NEVER: u64 = 3;
/// The same once a usable answer came. Refusals of single requests do not count then: long conversations are
/// refused one after the other where they outgrow a model.
const LATER: u64 = 5;
/// Most different errors of rows that are shown, each once.
const SHOWN: usize = 20;

/// Why a run has to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Halt {
    /// What is at fault, where the provider says; `None` where what it says cannot be read.
    pub(crate) fault: Option<Fault>,
    /// The provider's words.
    pub(crate) words: String,
}

/// What a row says about those that come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The model responded, be it with a refusal.
    Responded,
    /// It came, may have been paid for, and cannot be used.
    Unusable,
    /// The provider refused this request.
    Refused,
    /// Nobody can be answered until somebody changes something.
    Halt,
    /// The delivery failed and cost nothing.
    Undelivered,
}

/// Rows in a row without a usable answer.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Whether a usable answer came, in this call or an earlier one.
    responded: bool,
    unusable: u64,
    refused: u64,
    last: Option<Halt>,
    shown: HashSet<String>,
}

/// An outcome in the provider's words; `None` where it is a response.
pub(super) fn words_of(outcome: &RowOutcome) -> Option<String> {
    match outcome {
        RowOutcome::Failed { status, code, message, .. } => {
            Some(match status.filter(|s| *s >= 300) {
                Some(status) if *code != status.to_string() && is_own_code(code) => {
                    format!("{status}, {code}: {message}")
                }
                Some(status) => format!("{status}: {message}"),
                None if is_own_code(code) => format!("{code}: {message}"),
                None => message.clone(),
            })
        }
        RowOutcome::Unreadable { message, .. } => Some(message.clone()),
        RowOutcome::Empty { .. } => Some("an answer without text".into()),
        _ => None,
    }
}

impl Breaker {
    pub(super) fn new(responded: bool) -> Self {
        Self { responded, ..Self::default() }
    }

    /// Whether so much is wrong that nothing more is sent until the job at hand has ended.
    pub(super) fn holds_back(&self) -> bool {
        !self.responded && self.unusable + self.refused >= NEVER
    }

    /// Takes a row in; its words are given where they are to be shown: the first time that its kind of error comes,
    /// once the model has responded. Before, they are the error that stops the run, or are shown at its end.
    pub(super) fn see(&mut self, outcome: &RowOutcome) -> (Verdict, Option<String>) {
        let verdict = self.verdict(outcome);
        match verdict {
            Verdict::Responded => {
                self.responded = true;
                (self.unusable, self.refused) = (0, 0);
            }
            Verdict::Unusable => self.unusable += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Halt | Verdict::Undelivered => {}
        }
        let Some(words) = words_of(outcome) else { return (verdict, None) };
        let (fault, kind) = match outcome {
            RowOutcome::Failed { fault, code, .. } => {
                (Some(*fault), format!("{} {code}", fault.as_str()))
            }
            // Each of them quotes another text.
            _ => (None, words.chars().take(30).collect()),
        };
        if verdict != Verdict::Undelivered {
            self.last = Some(Halt { fault, words: words.clone() });
        }
        let new = self.responded && self.shown.len() < SHOWN && self.shown.insert(kind);
        (verdict, new.then_some(words))
    }

    fn verdict(&self, outcome: &RowOutcome) -> Verdict {
        match outcome {
            RowOutcome::Answer(_)
            | RowOutcome::Cut(_)
            | RowOutcome::Refused { .. }
            | RowOutcome::Filtered { .. } => Verdict::Responded,
            RowOutcome::Empty { .. } | RowOutcome::Unreadable { .. } => Verdict::Unusable,
            RowOutcome::Failed { fault, status, usage, .. } => match fault {
                Fault::Content | Fault::Request => Verdict::Refused,
                // A key that was good for others, an address that others were found at.
                Fault::Account if self.responded && *status == Some(403) => Verdict::Refused,
                Fault::NotFound if self.responded => Verdict::Refused,
                Fault::Account | Fault::Quota | Fault::Model | Fault::NotFound => Verdict::Halt,
                Fault::Busy | Fault::Server | Fault::Expired if usage.is_some() => {
                    Verdict::Unusable
                }
                Fault::Busy | Fault::Server | Fault::Expired => Verdict::Undelivered,
            },
        }
    }

    /// Why the run has to stop now, if it has to.
    pub(super) fn tripped(&self) -> Option<(u64, Halt)> {
        let many = if self.responded { self.unusable } else { self.unusable + self.refused };
        let most = if self.responded { LATER } else { NEVER };
        (many >= most).then(|| Some((many, self.last.clone()?))).flatten()
    }

    /// The last error of a run in which the model never responded.
    pub(super) fn unanswered(&self) -> Option<&str> {
        self.last.as_ref().filter(|_| !self.responded).map(|halt| halt.words.as_str())
    }

    /// A new count begins: what was shown to the user is not counted twice.
    pub(super) fn reset(&mut self) {
        (self.unusable, self.refused) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{Completion, FinishReason, Usage};

    use super::*;

    fn answer() -> RowOutcome {
        RowOutcome::Answer(Completion {
            text: "Yes.".into(),
            finish: FinishReason::Stop,
            model: "m".into(),
            usage: None,
            reasoning: None,
        })
    }

    fn failed(fault: Fault, status: u16) -> RowOutcome {
        RowOutcome::Failed {
            fault,
            status: Some(status),
            code: "some_code".into(),
            message: "no".into(),
            usage: None,
        }
    }

    fn odd() -> RowOutcome {
        RowOutcome::Unreadable { message: "no choices".into(), usage: None }
    }

    #[test]
    fn a_run_without_an_answer_stops_soon_and_quotes_the_provider() {
        let mut breaker = Breaker::new(false);
        for _ in 0..2 {
            assert_eq!(breaker.see(&failed(Fault::Request, 400)), (Verdict::Refused, None));
        }
        assert_eq!(breaker.unanswered(), Some("400, some_code: no"));
        assert_eq!(breaker.tripped(), None);
        breaker.see(&odd());
        let (many, halt) = breaker.tripped().unwrap();
        assert_eq!((many, halt.fault, halt.words.as_str()), (3, None, "no choices"));
    }

    #[test]
    fn refusals_among_answers_stop_nothing_and_unusable_rows_in_a_row_do() {
        let mut breaker = Breaker::new(false);
        breaker.see(&answer());
        assert_eq!(breaker.see(&failed(Fault::Request, 400)).1.unwrap(), "400, some_code: no");
        for _ in 0..100 {
            breaker.see(&failed(Fault::Request, 400));
            breaker.see(&failed(Fault::Server, 500));
        }
        assert_eq!(breaker.tripped(), None);
        for _ in 1..LATER {
            breaker.see(&odd());
        }
        assert_eq!(breaker.tripped(), None);
        breaker.see(&answer());
        for _ in 0..LATER {
            breaker.see(&odd());
        }
        assert!(breaker.tripped().is_some());
    }

    #[test]
    fn what_is_at_fault_decides_who_is_stopped() {
        let mut breaker = Breaker::new(false);
        let verdict = |b: &mut Breaker, fault, status| b.see(&failed(fault, status)).0;
        assert_eq!(verdict(&mut breaker, Fault::Account, 403), Verdict::Halt);
        assert_eq!(verdict(&mut breaker, Fault::NotFound, 404), Verdict::Halt);
        breaker.see(&answer());
        assert_eq!(verdict(&mut breaker, Fault::Account, 403), Verdict::Refused);
        assert_eq!(verdict(&mut breaker, Fault::NotFound, 404), Verdict::Refused);
        assert_eq!(verdict(&mut breaker, Fault::Account, 401), Verdict::Halt);
        assert_eq!(verdict(&mut breaker, Fault::Quota, 402), Verdict::Halt);
        assert_eq!(verdict(&mut breaker, Fault::Busy, 429), Verdict::Undelivered);
        let paid = RowOutcome::Failed {
            fault: Fault::Server,
            status: Some(200),
            code: "error".into(),
            message: "it broke off".into(),
            usage: Some(Usage::default()),
        };
        assert_eq!(breaker.see(&paid).0, Verdict::Unusable);
    }
}
