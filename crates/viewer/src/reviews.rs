//! What people think of conversations.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use crate::kappa::{cohen, fleiss};
use crate::{Error, Result};

/// Longest name of a reviewer and comment, in bytes.
const LONGEST: [usize; 2] = [200, 20_000];

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
    fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Unsure => "unsure",
        }
    }
}

/// A review. A later one of the same reviewer counts in place of an earlier one; none is deleted.
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
    /// When it was saved, in seconds since 1970.
    #[serde(default)]
    pub at: i64,
}

/// How far reviewers agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Agreement {
    pub(crate) reviewers: BTreeMap<String, u64>,
    /// First, second, rows that both decided, Cohen's kappa.
    pub(crate) pairs: Vec<(String, String, u64, Option<f64>)>,
    /// Of the rows that have the commonest number of reviewers, from two on.
    pub(crate) fleiss: Option<f64>,
    pub(crate) fleiss_rows: u64,
}

/// The reviews of a run, in a file of their own.
#[derive(Debug)]
pub struct Reviews {
    path: PathBuf,
    connection: Connection,
}

fn review(row: &Row<'_>) -> rusqlite::Result<Review> {
    let decision = match row.get::<_, String>(2)?.as_str() {
        "accept" => Decision::Accept,
        "reject" => Decision::Reject,
        _ => Decision::Unsure,
    };
    let scores: String = row.get(4)?;
    Ok(Review {
        id: row.get(0)?,
        reviewer: row.get(1)?,
        decision,
        comment: row.get(3)?,
        scores: serde_json::from_str(&scores).unwrap_or_default(),
        at: row.get(5)?,
    })
}

impl Reviews {
    /// Opens the reviews, or begins them.
    ///
    /// # Errors
    /// A file that is none of ours or cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(dir) = path.parent() {
            let failed = |source| Error::Io { path: dir.to_owned(), source };
            fs::create_dir_all(dir).map_err(failed)?;
        }
        let failed = |source| Error::Database { path: path.to_owned(), source };
        let connection = Connection::open(path).map_err(failed)?;
        // Two windows write at the same time: one waits for the other. A change to WAL would not wait: SQLite tells a
        // second opener "busy" at once. Reviews are few, and the rollback journal, which every file begins with, will do.
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS review (
                     n INTEGER PRIMARY KEY, id TEXT NOT NULL, reviewer TEXT NOT NULL, decision TEXT NOT NULL,
                     comment TEXT NOT NULL, scores TEXT NOT NULL, at INTEGER NOT NULL
                 );
                 CREATE INDEX IF NOT EXISTS review_of ON review (id, reviewer);",
            )
            .map_err(failed)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Database { path: self.path.clone(), source }
    }

    /// Saves a review; it is durable when this returns.
    ///
    /// # Errors
    /// A review without a reviewer's name or an id, with marks that are none, or one that cannot be saved.
    pub fn add(&self, review: &Review) -> Result<()> {
        let bad = |what: &str| Err(Error::Review(what.to_owned()));
        let name = review.reviewer.trim();
        if name.is_empty() || name.len() > LONGEST[0] {
            return bad("give your name first, 200 bytes at most");
        }
        if review.id.is_empty() || review.comment.len() > LONGEST[1] {
            return bad("a review needs an id, and a comment of 20000 bytes at most");
        }
        if review.scores.len() > 20 || review.scores.values().any(|s| !(1..=5).contains(s)) {
            return bad("marks go from 1 to 5");
        }
        let scores = serde_json::to_string(&review.scores).unwrap_or_default();
        self.connection
            .execute(
                "INSERT INTO review (id, reviewer, decision, comment, scores, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, unixepoch())",
                params![review.id, name, review.decision.as_str(), review.comment, scores],
            )
            .map_err(self.failed())?;
        Ok(())
    }

    /// All reviews, in the order in which they were saved; of one conversation, where an id is given.
    pub fn all(&self, id: Option<&str>) -> Result<Vec<Review>> {
        self.connection
            .prepare_cached(
                "SELECT id, reviewer, decision, comment, scores, at FROM review
                 WHERE ?1 IS NULL OR id = ?1 ORDER BY n",
            )
            .and_then(|mut s| s.query_map([id], review)?.collect())
            .map_err(self.failed())
    }

    /// What each reviewer decided last, by id.
    pub(crate) fn decisions(&self) -> Result<BTreeMap<String, BTreeMap<String, Decision>>> {
        let mut all: BTreeMap<String, BTreeMap<String, Decision>> = BTreeMap::new();
        for review in self.all(None)? {
            all.entry(review.id).or_default().insert(review.reviewer, review.decision);
        }
        Ok(all)
    }

    /// Conversations that somebody accepted and nobody rejected, by what each reviewer decided last.
    pub fn accepted(&self) -> Result<HashSet<String>> {
        let all = self.decisions()?;
        let fit = |by: &BTreeMap<String, Decision>| {
            by.values().any(|d| *d == Decision::Accept)
                && by.values().all(|d| *d != Decision::Reject)
        };
        Ok(all.into_iter().filter(|(_, by)| fit(by)).map(|(id, _)| id).collect())
    }

    pub(crate) fn agreement(&self) -> Result<Agreement> {
        let all = self.decisions()?;
        let mut reviewers: BTreeMap<String, u64> = BTreeMap::new();
        let mut pairs: BTreeMap<(String, String), [[u64; 3]; 3]> = BTreeMap::new();
        let mut by_raters: BTreeMap<usize, Vec<[u64; 3]>> = BTreeMap::new();
        for by in all.values() {
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
        Ok(Agreement {
            reviewers,
            pairs: pairs.collect(),
            fleiss: fleiss(&most),
            fleiss_rows: most.len() as u64,
        })
    }
}
