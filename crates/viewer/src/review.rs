//! One review.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::TextHash;

/// What a reviewer decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Fit for the dataset.
    Accept,
    /// Not fit.
    Reject,
    /// Somebody else should look.
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
    /// In the reviewer's words.
    #[serde(default)]
    pub comment: String,
    /// Marks from 1 to 5 by criterion, those that were given.
    #[serde(default)]
    pub scores: BTreeMap<String, u8>,
    /// The text that was reviewed; `None` where it was not recorded.
    #[serde(default)]
    pub text_hash: Option<TextHash>,
    /// When it was saved, in seconds since 1970.
    #[serde(default)]
    pub at: i64,
    /// When somebody confirmed that it is of this text, where that was not recorded at first.
    #[serde(default)]
    pub confirmed_at: Option<i64>,
}
