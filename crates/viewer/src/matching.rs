//! Determines which reviews count: those of a row's current text.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use crate::kappa::{cohen, fleiss};
use crate::review::{Decision, Review};
use crate::text::{TextHash, Texts};

/// Whether a review is of its row's current text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TextStatus {
    /// It is: the review counts.
    Current,
    /// The row had another text when it was reviewed. If that text comes back, the review counts again.
    Earlier,
    /// The review was saved before texts were recorded. It counts once it is confirmed.
    Unknown,
    /// The run has no such row.
    Absent,
}

impl TextStatus {
    fn of(review: &Review, texts: &Texts) -> Self {
        match (texts.get(&review.id), &review.text_hash) {
            (None, _) => Self::Absent,
            (Some(_), None) => Self::Unknown,
            (Some(current), Some(reviewed)) if current == reviewed => Self::Current,
            _ => Self::Earlier,
        }
    }
}

/// Number of reviews by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TextCounts {
    /// Of the current text.
    pub current: u64,
    /// Of an earlier text.
    pub earlier: u64,
    /// Of an unknown text.
    pub unknown: u64,
    /// Of rows that are not in the run.
    pub absent: u64,
}

/// Agreement between reviewers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Conversations by reviewer.
    pub reviewers: BTreeMap<String, u64>,
    /// First reviewer, second reviewer, rows decided by both, Cohen's kappa.
    pub pairs: Vec<(String, String, u64, Option<f64>)>,
    /// Fleiss' kappa of the rows with the most common number of reviewers, at least two.
    pub fleiss: Option<f64>,
    /// Number of these rows.
    pub fleiss_rows: u64,
}

/// A review with its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatchedReview {
    /// The review.
    #[serde(flatten)]
    pub review: Review,
    /// Whether it is of the current text.
    pub text_status: TextStatus,
    /// Whether the same person reviewed the same text again. A review of an unknown text is superseded by any later
    /// review of the row by that person.
    pub superseded: bool,
}

/// Reviews, matched with the current texts of their rows. Only reviews of those texts count.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedReviews {
    reviews: Vec<MatchedReview>,
    /// Last decision by row and reviewer.
    decisions: BTreeMap<String, BTreeMap<String, Decision>>,
}

impl MatchedReviews {
    /// Matches reviews, in the order of saving.
    pub fn new(reviews: Vec<Review>, texts: &Texts) -> Self {
        let mut same_text: HashSet<(&str, &str, &TextHash)> = HashSet::new();
        let mut same_row: HashSet<(&str, &str)> = HashSet::new();
        let mut superseded = vec![false; reviews.len()];
        for (review, superseded) in reviews.iter().zip(&mut superseded).rev() {
            let (id, reviewer) = (review.id.as_str(), review.reviewer.as_str());
            let reviewed_later = !same_row.insert((id, reviewer));
            *superseded = match &review.text_hash {
                Some(text) => !same_text.insert((id, reviewer, text)),
                None => reviewed_later,
            };
        }
        let reviews: Vec<MatchedReview> = reviews
            .into_iter()
            .zip(superseded)
            .map(|(review, superseded)| {
                let text_status = TextStatus::of(&review, texts);
                MatchedReview { review, text_status, superseded }
            })
            .collect();
        let mut decisions: BTreeMap<String, BTreeMap<String, Decision>> = BTreeMap::new();
        for r in reviews.iter().filter(|r| !r.superseded && r.text_status == TextStatus::Current) {
            let of_row = decisions.entry(r.review.id.clone()).or_default();
            of_row.insert(r.review.reviewer.clone(), r.review.decision);
        }
        Self { reviews, decisions }
    }

    /// All reviews, in the order of saving.
    pub fn all(&self) -> &[MatchedReview] {
        &self.reviews
    }

    /// Number of reviews by status, without superseded ones.
    pub fn counts(&self) -> TextCounts {
        let mut counts = TextCounts::default();
        for review in self.reviews.iter().filter(|r| !r.superseded) {
            *match review.text_status {
                TextStatus::Current => &mut counts.current,
                TextStatus::Earlier => &mut counts.earlier,
                TextStatus::Unknown => &mut counts.unknown,
                TextStatus::Absent => &mut counts.absent,
            } += 1;
        }
        counts
    }

    /// Rows with a review of this status, sorted; without superseded reviews.
    pub fn rows(&self, status: TextStatus) -> BTreeSet<&str> {
        let of = self.reviews.iter().filter(|r| !r.superseded && r.text_status == status);
        of.map(|r| r.review.id.as_str()).collect()
    }

    /// Rows whose current text this person has reviewed.
    pub(crate) fn reviewed_by(&self, reviewer: &str) -> Vec<String> {
        let by = self.decisions.iter().filter(|(_, by)| by.contains_key(reviewer));
        by.map(|(id, _)| id.clone()).collect()
    }

    /// Conversations whose current text somebody accepted and nobody rejected.
    pub fn accepted(&self) -> HashSet<String> {
        let fit = |by: &BTreeMap<String, Decision>| {
            by.values().any(|d| *d == Decision::Accept)
                && by.values().all(|d| *d != Decision::Reject)
        };
        self.decisions.iter().filter(|(_, by)| fit(by)).map(|(id, _)| id.clone()).collect()
    }

    /// Agreement between reviewers on current texts.
    pub fn agreement(&self) -> Agreement {
        let mut reviewers: BTreeMap<String, u64> = BTreeMap::new();
        let mut pairs: BTreeMap<(String, String), [[u64; 3]; 3]> = BTreeMap::new();
        let mut by_raters: BTreeMap<usize, Vec<[u64; 3]>> = BTreeMap::new();
        for by in self.decisions.values() {
            let mut counts = [0; 3];
            for (name, decision) in by {
                *reviewers.entry(name.clone()).or_default() += 1;
                counts[*decision as usize] += 1;
                for (other, theirs) in by.range(name.clone()..).skip(1) {
                    let pair = pairs.entry((name.clone(), other.clone())).or_default();
                    pair[*decision as usize][*theirs as usize] += 1;
                }
            }
            if by.len() > 1 {
                by_raters.entry(by.len()).or_default().push(counts);
            }
        }
        let most = by_raters.into_values().max_by_key(Vec::len).unwrap_or_default();
        let pairs = pairs
            .into_iter()
            .map(|((a, b), counts)| (a, b, counts.iter().flatten().sum(), cohen(&counts)));
        Agreement {
            reviewers,
            pairs: pairs.collect(),
            fleiss: fleiss(&most),
            fleiss_rows: most.len() as u64,
        }
    }
}
