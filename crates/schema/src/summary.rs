//! `summary.json`: what became of a run, part by part, with the metrics of its dataset.
//!
//! Two runs with the same settings and answers have the same bytes here. What one call of the program did (requests
//! sent, jobs ended) is not part of it.

mod metric;
mod v1;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BackendId, Blame, Hint, MicroUsd, SCHEMA_VERSION, Speaker, Usage};

pub use metric::{InstructionCounts, Metric, MetricId, Metrics, Target, TextKind, Unit};

/// Turns and prompt requests whose first attempt failed, by what came of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairCounts {
    /// Turns and prompt requests whose first attempt failed.
    pub first: u64,
    /// These, by who was asked.
    #[serde(default)]
    pub speakers: BTreeMap<Speaker, u64>,
    /// Of these, those that succeeded in the end.
    pub repaired: u64,
    /// Of these, those that never did: their conversations are rejected.
    pub rejected: u64,
    /// Requests whose answer failed.
    pub requests: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost, in millionths of a dollar.
    pub micro_usd: MicroUsd,
}

/// What became of one part's rows.
///
/// Rows in `conversations/` are those in the dataset and those that were dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// Id of the part.
    pub part: String,
    /// Stem of its files.
    pub stem: String,
    /// Seed rows of the plan: prompt requests.
    pub seed_rows: u64,
    /// Prompts that came.
    pub prompts: u64,
    /// Prompts treated as an emergency, which give one conversation instead of all variants.
    pub emergencies: u64,
    /// Conversations that the plan and the emergencies give.
    pub planned: u64,
    /// Rows in the dataset.
    pub in_dataset: u64,
    /// Rows in `conversations/` that a pass dropped, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// Rows in `rejected/` of which an answer came but none was good, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows in `rejected/` for which no answer could be had, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Rows still under way.
    pub under_way: u64,
    /// Turns of the assistant in `conversations/`.
    pub assistant_turns: u64,
    /// Times that each rule of the parser changed a text of `conversations/`.
    pub cleanup: BTreeMap<String, u64>,
}

impl PartSummary {
    /// Rows that are in `conversations/` and not in the dataset.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Rows in `rejected/`: those that were rejected or failed.
    pub fn left_out(&self) -> u64 {
        self.rejected.values().sum::<u64>() + self.failed.values().sum::<u64>()
    }

    /// Whether every planned row is accounted for exactly once.
    pub fn adds_up(&self) -> bool {
        self.planned == self.in_dataset + self.dropped() + self.left_out() + self.under_way
    }

    /// Why rows are not in the dataset: reasons with their numbers of rows, those of dropped rows first.
    pub fn reasons(&self) -> impl Iterator<Item = (&str, u64)> {
        let all = self.dropped.iter().chain(&self.rejected).chain(&self.failed);
        all.map(|(reason, rows)| (reason.as_str(), *rows))
    }
}

/// Near duplicates of a dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateCounts {
    /// Pairs of near duplicates among prompts, answers and follow-ups.
    pub pairs: [u64; 3],
    /// Prompts that are the same because they are variants of one base prompt.
    pub variants: u64,
    /// Clusters.
    pub clusters: u64,
    /// Conversations that were dropped.
    pub rows: u64,
}

/// What the passes found in a dataset as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Metrics with their targets.
    pub metrics: Metrics,
    /// Near duplicates.
    pub duplicates: DuplicateCounts,
    /// Rows that were dropped for an item of an evaluation set, by the set's name.
    pub contaminated: BTreeMap<String, u64>,
    /// Rows by stem and split.
    pub splits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Distance of the realised from the planned distribution, by attribute: total variation, 0 to 1.
    pub distances: BTreeMap<String, f64>,
}

/// The counts and metrics of a run, as `summary.json` holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Backend.
    pub backend: BackendId,
    /// Model.
    pub model: String,
    /// Whether a grammar wrote all text, and no model: never data to train on.
    pub rehearsal: bool,
    /// Seed.
    pub seed: u64,
    /// Fingerprint of the resources.
    pub resources: String,
    /// One entry a part.
    pub parts: Vec<PartSummary>,
    /// Different requests that were answered, over all calls on this run.
    pub requests_answered: u64,
    /// Whether the counts of all parts add up to what was planned.
    pub counts_add_up: bool,
    /// Turns and prompt requests whose first attempt failed, by the check or reason that stopped it.
    #[serde(default)]
    pub repairs: BTreeMap<String, RepairCounts>,
    /// What the passes found in the dataset, once the run has come to its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<Quality>,
}

/// As much of `summary.json` as tells which version wrote it.
#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

/// Why a `summary.json` cannot be read.
#[derive(Debug)]
pub enum SummaryError {
    /// It is no summary.
    Json(serde_json::Error),
    /// A newer version of this program wrote it.
    Newer {
        /// Version of the file.
        found: u32,
    },
}

impl fmt::Display for SummaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(_) => f.write_str("not a summary of a run"),
            Self::Newer { found } => write!(
                f,
                "schema version {found} is newer than {SCHEMA_VERSION}, the newest that this build reads"
            ),
        }
    }
}

impl std::error::Error for SummaryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(e) => Some(e),
            Self::Newer { .. } => None,
        }
    }
}

impl Hint for SummaryError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Json(_) => "run `clinstruct reparse` to write it again",
            Self::Newer { .. } => "read the run with the version of clinstruct that built it",
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Json(_) => Blame::Environment,
            Self::Newer { .. } => Blame::Usage,
        }
    }
}

impl Summary {
    /// Reads `summary.json`, also one that the previous version wrote.
    ///
    /// # Errors
    /// Text that is no summary, or one of a newer version.
    pub fn read(text: &str) -> Result<Self, SummaryError> {
        let version: Version = serde_json::from_str(text).map_err(SummaryError::Json)?;
        match version.schema_version {
            1 => serde_json::from_str::<v1::Summary>(text).map(Self::from),
            SCHEMA_VERSION => serde_json::from_str(text),
            found => return Err(SummaryError::Newer { found }),
        }
        .map_err(SummaryError::Json)
    }

    /// Planned rows, over all parts.
    pub fn planned(&self) -> u64 {
        self.parts.iter().map(|p| p.planned).sum()
    }

    /// Rows in the dataset, over all parts.
    pub fn in_dataset(&self) -> u64 {
        self.parts.iter().map(|p| p.in_dataset).sum()
    }

    /// Rows that a pass dropped, over all parts.
    pub fn dropped(&self) -> u64 {
        self.parts.iter().map(PartSummary::dropped).sum()
    }

    /// Rows that were rejected or failed, over all parts.
    pub fn left_out(&self) -> u64 {
        self.parts.iter().map(PartSummary::left_out).sum()
    }

    /// Rows that failed, over all parts.
    pub fn failed(&self) -> u64 {
        self.parts.iter().flat_map(|p| p.failed.values()).sum()
    }

    /// Rows under way, over all parts.
    pub fn under_way(&self) -> u64 {
        self.parts.iter().map(|p| p.under_way).sum()
    }

    /// Rows that are not in the dataset, by reason.
    pub fn reasons(&self) -> BTreeMap<&str, u64> {
        let mut all = BTreeMap::new();
        for (reason, rows) in self.parts.iter().flat_map(PartSummary::reasons) {
            *all.entry(reason).or_default() += rows;
        }
        all
    }

    /// The metrics of the dataset; none before it was curated.
    pub fn metrics(&self) -> &[Metric] {
        self.quality.as_ref().map_or(&[], |q| &q.metrics.values)
    }

    /// The model, with its backend where that has another name.
    pub fn model_and_backend(&self) -> String {
        if self.model == self.backend.0 {
            return self.model.clone();
        }
        format!("{} ({})", self.model, self.backend)
    }
}
