//! One review.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::TextHash;

/// A reviewer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Fit for the dataset.
    Accept,
    /// Not fit.
    Reject,
    /// Needs another opinion.
    Unsure,
}

impl Decision {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Unsure => "unsure",
        }
    }
}

/// A review of one text. A later one of the same text by the same reviewer replaces it; none is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Id of the conversation.
    pub id: String,
    /// Who reviewed.
    pub reviewer: String,
    /// Decision.
    pub decision: Decision,
    /// Comment.
    #[serde(default)]
    pub comment: String,
    /// Scores from 1 to 5 by criterion, if given.
    #[serde(default)]
    pub scores: BTreeMap<String, u8>,
    /// The reviewed text; `None` if it was not recorded.
    #[serde(default)]
    pub text_hash: Option<TextHash>,
    /// Time of saving, in seconds since 1970.
    #[serde(default)]
    pub at: i64,
    /// Time of confirming that it is of this text, if that was not recorded at first.
    #[serde(default)]
    pub confirmed_at: Option<i64>,
}
