use std::path::PathBuf;

use clinstruct_batch_client::fault_hint;
use clinstruct_schema::{Blame, Fault, Hint, counted};

/// Result of the pipeline.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that stops a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run's journal or raw responses.
    #[error("cannot use the run's store")]
    Store(#[from] clinstruct_store::Error),
    /// The plan.
    #[error("cannot lay out the plan")]
    Plan(#[from] clinstruct_promptgen::Error),
    /// A conversation's texts.
    #[error("cannot build the requests of a conversation")]
    Machine(#[from] clinstruct_multiturn::Error),
    /// The backend.
    #[error("the provider gives no answers")]
    Backend(#[from] clinstruct_batch_client::Error),
    /// An output file.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: std::io::Error,
    },
    /// A file that was written before.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: std::io::Error,
    },
    /// A part that the catalog does not have.
    #[error("there is no part \"{name}\"")]
    UnknownPart {
        /// Its name, as given.
        name: String,
        /// The suggestion of a part with a similar name.
        nearest: Option<String>,
    },
    /// Consecutive jobs returned no rows.
    #[error("{} returned no rows; last job: {last}", counted(u64::from(*jobs), "consecutive job"))]
    EmptyJobs {
        /// How many.
        jobs: u32,
        /// What is at fault, where the provider says.
        fault: Option<Fault>,
        /// How the last one ended, in the provider's words.
        last: String,
    },
    /// Nothing can be answered, or nothing that comes can be used, until somebody changes something.
    #[error("{}: {words}", no_answers(*many, *fault))]
    NoAnswers {
        /// Rows in a row without a usable answer; `None` where one row says that none can be answered.
        many: Option<u64>,
        /// What is at fault; `None` where what came cannot be read.
        fault: Option<Fault>,
        /// The provider's words.
        words: String,
    },
    /// The run was begun with other models.
    #[error("this run was begun with {known}, and not with {asked}")]
    OtherModel {
        /// Models that it was begun with.
        known: String,
        /// Models of this call.
        asked: String,
        /// Whether one of these costs money.
        is_paid: bool,
    },
    /// Answered rows would change or disappear.
    #[error("{0}")]
    PlanChange(Box<crate::PlanChange>),
    /// The situations of rows that this plan does not have cannot be read.
    #[error("{path} {}", no_situations(*rows, example))]
    NoSituations {
        /// The file that should have them.
        path: PathBuf,
        /// Accepted conversations that it lacks, or has for another plan.
        rows: usize,
        /// Id of one of them.
        example: String,
    },
    /// Jobs are under way at another account.
    #[error("{} to {known}; this call is for {asked}", sent(*jobs))]
    OtherAccount {
        /// How many.
        jobs: usize,
        /// Account that they were sent to.
        known: String,
        /// Account of this call.
        asked: String,
    },
    /// The request of an annotator.
    #[error("the annotator {name} has no request for a conversation")]
    Annotator {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: crate::AnnotatorError,
    },
    /// The name of an annotator.
    #[error("the annotator \"{name}\" {}", bad_name(clash.as_deref()))]
    AnnotatorName {
        /// The name.
        name: String,
        /// The annotator that has the same number in the journal.
        clash: Option<String>,
    },
    /// The journal does not fit the plan.
    #[error("the journal has a row that the plan does not have: {0}")]
    JournalMismatch(String),
}

fn sent(jobs: usize) -> String {
    match jobs {
        1 => "1 job that has not ended was sent".into(),
        _ => format!("{jobs} jobs that have not ended were sent"),
    }
}

fn bad_name(clash: Option<&str>) -> String {
    match clash {
        Some(other) => format!("cannot be told from \"{other}\": choose another name"),
        None => "must be named with letters, digits and `_`".to_owned(),
    }
}

fn no_situations(rows: usize, example: &str) -> String {
    match rows {
        1 => format!("lacks an accepted conversation of this run: {example}"),
        _ => format!("lacks {rows} accepted conversations of this run, such as {example}"),
    }
}

/// How to go on with a run that another command than this one began.
const CONTINUE: &str = "continue this run as it is with `clinstruct resume DIR`";

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Store(e) => return e.hint(),
            Self::Plan(e) => return e.hint(),
            Self::Machine(e) => return e.hint(),
            Self::Backend(e) => return e.hint(),
            Self::Write { source, .. } | Self::Read { source, .. } => return source.hint(),
            Self::UnknownPart { nearest, .. } => {
                let list = "`clinstruct plan` lists the parts";
                let nearest = nearest.as_ref().map(|nearest| format!("{nearest} {list}"));
                nearest.unwrap_or_else(|| list.to_owned())
            }
            Self::NoAnswers { fault, words, .. } => fault_hint(*fault, words),
            Self::EmptyJobs { fault: fault @ Some(_), last, .. } => fault_hint(*fault, last),
            Self::EmptyJobs { fault: None, .. } => {
                "fix what the provider reports, then rerun the same command to resume".into()
            }
            Self::OtherModel { is_paid, .. } => format!(
                "name another folder, {CONTINUE}, or add --accept-change: what other models answered is kept, and \
                 the rows are {} again",
                if *is_paid { "requested, and paid for," } else { "requested" }
            ),
            Self::PlanChange(change) if change.resources_only => format!(
                "`clinstruct reparse DIR`, `clinstruct export DIR` and everything that only reads the run still work; to continue \
                 it, use the resources or the version of clinstruct that it was begun with, name another folder, or \
                 add --accept-change to replace these rows: answers that still fit are reused, the others are {}",
                change.again()
            ),
            Self::PlanChange(change) => format!(
                "name another folder, {CONTINUE}, or add --accept-change to replace these rows: answers that still \
                 fit are reused, the others are {}",
                change.again()
            ),
            Self::NoSituations { .. } => {
                "these rows were planned by another version of clinstruct, or with other resources: restore the file \
                 from a backup, or run `clinstruct reparse DIR` with the version and the resources that the run was \
                 begun with; then rerun this command"
                    .into()
            }
            Self::OtherAccount { .. } => {
                "use the previous key and address until these jobs have ended, or add --accept-change to request, \
                 and pay for, their rows again"
                    .into()
            }
            Self::Annotator { .. } | Self::AnnotatorName { .. } => {
                "fix the annotator in the program that registers it".into()
            }
            Self::JournalMismatch(_) => {
                "run `clinstruct reparse DIR` to read the answers again with this plan".into()
            }
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Store(e) => e.blame(),
            Self::Plan(e) => e.blame(),
            Self::Machine(e) => e.blame(),
            Self::Backend(e) => e.blame(),
            Self::Write { source, .. } | Self::Read { source, .. } => source.blame(),
            Self::UnknownPart { .. }
            | Self::OtherModel { .. }
            | Self::PlanChange(_)
            | Self::NoSituations { .. }
            | Self::OtherAccount { .. }
            | Self::Annotator { .. }
            | Self::AnnotatorName { .. } => Blame::Usage,
            Self::EmptyJobs { .. } | Self::NoAnswers { .. } | Self::JournalMismatch(_) => {
                Blame::Environment
            }
        }
    }
}

fn no_answers(many: Option<u64>, fault: Option<Fault>) -> String {
    match (many, fault) {
        (None, _) => "the provider answers no request".into(),
        (Some(many), Some(fault)) if !fault.is_transient() => {
            format!("the provider refused {} in a row; the last", counted(many, "request"))
        }
        (Some(many), _) => format!("{} in a row cannot be used; the last", counted(many, "answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_a_run_has_a_hint() {
        let plain = |jobs, fault| Error::EmptyJobs { jobs, fault, last: "no rows".into() };
        let all = [
            Error::NoAnswers { many: None, fault: None, words: "<html>".into() },
            Error::NoAnswers { many: Some(9), fault: Some(Fault::Request), words: "seed".into() },
            plain(5, None),
            plain(5, Some(Fault::Quota)),
            Error::OtherModel { known: "a".into(), asked: "b".into(), is_paid: true },
            Error::OtherModel { known: "a".into(), asked: "b".into(), is_paid: false },
            Error::PlanChange(Box::new(crate::PlanChange {
                resources_only: true,
                ..crate::PlanChange::default()
            })),
            Error::NoSituations { path: "s.jsonl".into(), rows: 1, example: "a.b".into() },
            Error::NoSituations { path: "s.jsonl".into(), rows: 2, example: "a.b".into() },
            Error::OtherAccount { jobs: 2, known: "a".into(), asked: "b".into() },
            Error::AnnotatorName { name: "a b".into(), clash: None },
            Error::JournalMismatch("row".into()),
        ];
        let lines: Vec<String> = all
            .iter()
            .map(|e| format!("{e}\n  {:?}: {}", e.blame(), e.hint().unwrap_or_default()))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        the provider answers no request: <html>
          Environment: check --base-url and --backend (raw/ has the responses as they were received), then rerun the same command to resume; answered requests are not sent again
        the provider refused 9 requests in a row; the last: seed
          Environment: add --no-seed, then rerun the same command to resume; answered requests are not sent again
        5 consecutive jobs returned no rows; last job: no rows
          Environment: fix what the provider reports, then rerun the same command to resume
        5 consecutive jobs returned no rows; last job: no rows
          Environment: add quota or credit, then rerun the same command to resume; answered requests are not sent again
        this run was begun with a, and not with b
          Usage: name another folder, continue this run as it is with `clinstruct resume DIR`, or add --accept-change: what other models answered is kept, and the rows are requested, and paid for, again
        this run was begun with a, and not with b
          Usage: name another folder, continue this run as it is with `clinstruct resume DIR`, or add --accept-change: what other models answered is kept, and the rows are requested again
        this would overwrite the run: 0 rows with answers would change
          Usage: `clinstruct reparse DIR`, `clinstruct export DIR` and everything that only reads the run still work; to continue it, use the resources or the version of clinstruct that it was begun with, name another folder, or add --accept-change to replace these rows: answers that still fit are reused, the others are requested, and paid for, again
        s.jsonl lacks an accepted conversation of this run: a.b
          Usage: these rows were planned by another version of clinstruct, or with other resources: restore the file from a backup, or run `clinstruct reparse DIR` with the version and the resources that the run was begun with; then rerun this command
        s.jsonl lacks 2 accepted conversations of this run, such as a.b
          Usage: these rows were planned by another version of clinstruct, or with other resources: restore the file from a backup, or run `clinstruct reparse DIR` with the version and the resources that the run was begun with; then rerun this command
        2 jobs that have not ended were sent to a; this call is for b
          Usage: use the previous key and address until these jobs have ended, or add --accept-change to request, and pay for, their rows again
        the annotator \"a b\" must be named with letters, digits and `_`
          Usage: fix the annotator in the program that registers it
        the journal has a row that the plan does not have: row
          Environment: run `clinstruct reparse DIR` to read the answers again with this plan
        ");
    }
}
