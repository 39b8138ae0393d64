//! How a job ended: as text for the journal, by type for the decisions.

use std::fmt;

use clinstruct_batch_client::{Ended, JobFault};
use clinstruct_parser::classify;
use clinstruct_schema::Fault;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobEnd {
    /// It ran to its end.
    Completed,
    /// It expired.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// The provider gave it up, or its rows could not be fetched.
    Failed(JobFault),
    /// The provider had it, and does not know it any more; its last message.
    Lost(String),
    /// The provider does not have it: it never arrived, or ended with an earlier process.
    Absent,
    /// The provider rejected it: nothing was created.
    Refused(String),
    /// The run was stopped before it was sent.
    NotSent,
}

impl fmt::Display for JobEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Expired => f.write_str("expired"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Failed(fault) => write!(f, "failed: {fault}"),
            Self::Lost(words) => write!(f, "lost: {words}"),
            Self::Absent => f.write_str("lost"),
            Self::Refused(words) => write!(f, "refused: {words}"),
            Self::NotSent => f.write_str("not sent"),
        }
    }
}

impl From<Ended> for JobEnd {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Completed => Self::Completed,
            Ended::Expired => Self::Expired,
            Ended::Cancelled => Self::Cancelled,
            Ended::Failed(fault) => Self::Failed(fault),
            Ended::Lost => Self::Absent,
        }
    }
}

impl JobEnd {
    /// Whether the provider does not know the job.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Absent)
    }

    /// Whether the provider had the job, and lost it.
    pub(super) fn was_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// The fault if a provider gave the job up.
    pub(super) fn fault(&self) -> Option<Fault> {
        let Self::Failed(JobFault { code, message }) = self else { return None };
        Some(classify(None, code.as_deref().unwrap_or_default(), message))
    }

    /// Whether the provider had no room for the job.
    pub(super) fn is_queue_full(&self) -> bool {
        matches!(self, Self::Failed(fault) if fault.is_queue_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_journalled_in_words_and_decided_on_by_type() {
        let failed = |text: &str| JobEnd::from(Ended::Failed(text.into()));
        for (end, words, fault) in [
            (JobEnd::from(Ended::Completed), "completed", None),
            (Ended::Expired.into(), "expired", None),
            (Ended::Cancelled.into(), "cancelled", None),
            (Ended::Lost.into(), "lost", None),
            (JobEnd::Lost("404: no such batch".into()), "lost: 404: no such batch", None),
            (JobEnd::Refused("no".into()), "refused: no", None),
            (JobEnd::NotSent, "not sent", None),
            (failed("model_not_found: m"), "failed: model_not_found: m", Some(Fault::Model)),
        ] {
            assert_eq!((end.to_string().as_str(), end.fault()), (words, fault));
            assert!(!end.is_queue_full());
        }
        assert!(failed("token_limit_exceeded: too many tokens").is_queue_full());
        let lost = JobEnd::Lost("gone".into());
        assert!(lost.is_lost() && lost.was_lost());
        assert!(JobEnd::Absent.is_lost() && !JobEnd::Absent.was_lost());
    }
}
