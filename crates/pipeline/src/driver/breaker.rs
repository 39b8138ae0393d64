//! Stops a run whose provider returns nothing usable, before more is spent.

use std::collections::HashSet;

use clinstruct_parser::is_own_code;
use clinstruct_schema::{Fault, RowOutcome};

/// Consecutive unusable rows that stop a run without any usable answer so far.
const NEVER: u64 = 3;
/// The same after a usable answer. Refusals of single requests do not count then: long conversations are refused one
/// after the other when they exceed a model's context.
const LATER: u64 = 5;
/// Most distinct row errors that are shown, once each.
const SHOWN: usize = 20;

/// Consecutive jobs without a row before the run stops.
const EMPTY_JOBS: u32 = 5;
/// The same if the provider rejects the form of a job: the next one has it too.
const REFUSED_JOBS: u32 = 2;
/// Consecutive jobs that the provider lost before the run stops: each may be billed, so only the user decides whether
/// to request them again.
const LOST_JOBS: u32 = 1;

/// Why a run must stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FatalError {
    /// The fault, if known; `None` if the provider's response cannot be read.
    pub(super) fault: Option<Fault>,
    /// The provider's message.
    pub(super) words: String,
}

impl FatalError {
    /// Report of a row.
    pub(super) fn of_row(outcome: &RowOutcome) -> Self {
        let fault = match outcome {
            RowOutcome::Failed { fault, .. } => Some(*fault),
            _ => None,
        };
        Self { fault, words: words_of(outcome).unwrap_or_default() }
    }
}

/// What a row implies for the rows after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The model responded, even if with a refusal.
    Responded,
    /// It was received, may have been billed, and is unusable.
    Unusable,
    /// The provider refused this request.
    Refused,
    /// No request can succeed until the user changes something.
    Fatal,
    /// The delivery failed and cost nothing.
    Undelivered,
}

/// Consecutive unusable rows.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Whether there was a usable answer, in this call or an earlier one.
    responded: bool,
    unusable: u64,
    refused: u64,
    last: Option<FatalError>,
    shown: HashSet<String>,
}

/// An outcome in the provider's words; `None` if it is a response.
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

    /// Whether so much failed that nothing more is sent until the current job has ended.
    pub(super) fn holds_back(&self) -> bool {
        !self.responded && self.unusable + self.refused >= NEVER
    }

    /// Records a row; returns its message if it is to be reported: for the first error of its kind, once the model has
    /// responded. Before that, errors stop the run, or are reported at its end.
    pub(super) fn record(&mut self, outcome: &RowOutcome) -> (Verdict, Option<String>) {
        let verdict = self.verdict(outcome);
        match verdict {
            Verdict::Responded => {
                self.responded = true;
                (self.unusable, self.refused) = (0, 0);
            }
            Verdict::Unusable => self.unusable += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Fatal | Verdict::Undelivered => {}
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
            self.last = Some(FatalError { fault, words: words.clone() });
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
                // A key that worked for other requests, an address that others were found at.
                Fault::Account if self.responded && *status == Some(403) => Verdict::Refused,
                Fault::NotFound if self.responded => Verdict::Refused,
                Fault::Account | Fault::Quota | Fault::Model | Fault::NotFound => Verdict::Fatal,
                Fault::Busy | Fault::Server | Fault::Expired if usage.is_some() => {
                    Verdict::Unusable
                }
                Fault::Busy | Fault::Server | Fault::Expired => Verdict::Undelivered,
            },
        }
    }

    /// Why the run must stop now, if it must.
    pub(super) fn tripped(&self) -> Option<(u64, FatalError)> {
        let many = if self.responded { self.unusable } else { self.unusable + self.refused };
        let most = if self.responded { LATER } else { NEVER };
        (many >= most).then(|| Some((many, self.last.clone()?))).flatten()
    }

    /// The last error of a run in which the model never responded.
    pub(super) fn unanswered(&self) -> Option<&str> {
        self.last.as_ref().filter(|_| !self.responded).map(|e| e.words.as_str())
    }

    /// Restarts the count: what was shown to the user is not counted twice.
    pub(super) fn reset(&mut self) {
        (self.unusable, self.refused) = (0, 0);
    }
}

/// Consecutive jobs without a row.
#[derive(Debug, Default)]
pub(super) struct JobBreaker {
    empty: u32,
    lost: u32,
}

impl JobBreaker {
    /// Records how a job ended, and the fault if the provider gave up an empty one; returns the number of consecutive
    /// empty jobs if the run must stop. The count then restarts.
    pub(super) fn record(&mut self, empty: bool, lost: bool, fault: Option<Fault>) -> Option<u32> {
        self.empty = if empty { self.empty + 1 } else { 0 };
        self.lost = if empty && lost { self.lost + 1 } else { 0 };
        let most = match fault {
            Some(fault) if fault.concerns_run() && fault != Fault::NotFound => 1,
            Some(Fault::Request) => REFUSED_JOBS,
            _ => EMPTY_JOBS,
        };
        let tripped = (empty && self.empty >= most) || self.lost >= LOST_JOBS;
        tripped.then(|| std::mem::take(self).empty)
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
            rehearsal: false,
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

    fn unreadable() -> RowOutcome {
        RowOutcome::Unreadable { message: "no choices".into(), usage: None }
    }

    #[test]
    fn a_run_without_an_answer_stops_soon_and_quotes_the_provider() {
        let mut breaker = Breaker::new(false);
        for _ in 0..2 {
            assert_eq!(breaker.record(&failed(Fault::Request, 400)), (Verdict::Refused, None));
        }
        assert_eq!(breaker.unanswered(), Some("400, some_code: no"));
        assert_eq!(breaker.tripped(), None);
        breaker.record(&unreadable());
        let (many, fatal) = breaker.tripped().unwrap();
        assert_eq!((many, fatal.fault, fatal.words.as_str()), (3, None, "no choices"));
    }

    #[test]
    fn refusals_among_answers_stop_nothing_and_unusable_rows_in_a_row_do() {
        let mut breaker = Breaker::new(false);
        breaker.record(&answer());
        assert_eq!(breaker.record(&failed(Fault::Request, 400)).1.unwrap(), "400, some_code: no");
        for _ in 0..100 {
            breaker.record(&failed(Fault::Request, 400));
            breaker.record(&failed(Fault::Server, 500));
        }
        assert_eq!(breaker.tripped(), None);
        for _ in 1..LATER {
            breaker.record(&unreadable());
        }
        assert_eq!(breaker.tripped(), None);
        breaker.record(&answer());
        for _ in 0..LATER {
            breaker.record(&unreadable());
        }
        assert!(breaker.tripped().is_some());
    }

    #[test]
    fn what_is_at_fault_decides_who_is_stopped() {
        let mut breaker = Breaker::new(false);
        let verdict = |b: &mut Breaker, fault, status| b.record(&failed(fault, status)).0;
        assert_eq!(verdict(&mut breaker, Fault::Account, 403), Verdict::Fatal);
        assert_eq!(verdict(&mut breaker, Fault::NotFound, 404), Verdict::Fatal);
        breaker.record(&answer());
        assert_eq!(verdict(&mut breaker, Fault::Account, 403), Verdict::Refused);
        assert_eq!(verdict(&mut breaker, Fault::NotFound, 404), Verdict::Refused);
        assert_eq!(verdict(&mut breaker, Fault::Account, 401), Verdict::Fatal);
        assert_eq!(verdict(&mut breaker, Fault::Quota, 402), Verdict::Fatal);
        assert_eq!(verdict(&mut breaker, Fault::Busy, 429), Verdict::Undelivered);
        let paid = RowOutcome::Failed {
            fault: Fault::Server,
            status: Some(200),
            code: "error".into(),
            message: "the connection was interrupted".into(),
            usage: Some(Usage::default()),
        };
        assert_eq!(breaker.record(&paid).0, Verdict::Unusable);
    }

    #[test]
    fn empty_jobs_in_a_row_stop_the_run_sooner_where_the_next_would_be_empty_too() {
        let mut jobs = JobBreaker::default();
        for _ in 0..3 {
            for _ in 1..EMPTY_JOBS {
                assert_eq!(jobs.record(true, false, None), None);
            }
            assert_eq!(jobs.record(false, false, None), None, "a job with rows resets the count");
        }
        for _ in 1..EMPTY_JOBS {
            jobs.record(true, false, Some(Fault::Server));
        }
        assert_eq!(jobs.record(true, false, Some(Fault::Server)), Some(EMPTY_JOBS));
        assert_eq!(jobs.record(true, false, Some(Fault::Request)), None);
        assert_eq!(jobs.record(true, false, Some(Fault::Request)), Some(REFUSED_JOBS));
        assert_eq!(jobs.record(true, false, Some(Fault::Quota)), Some(1));
        assert_eq!(jobs.record(true, false, Some(Fault::NotFound)), None);
        assert_eq!(jobs.record(true, true, None), Some(2), "a lost job may be billed");
        assert_eq!(jobs.record(false, true, None), None, "its rows came before it was lost");
    }
}
