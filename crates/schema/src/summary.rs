//! `summary.json`: the counts of a run by part, with the metrics of its dataset.
//!
//! Two runs with the same settings and answers have the same bytes here. What a single call of the program did
//! (requests sent, jobs ended) is not included.

mod id;
mod metric;
mod pilot;
mod unmeasured;
mod v1;
mod verdict;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BackendId, Blame, Hint, MicroUsd, SCHEMA_VERSION, Shard, Speaker, Usage};

pub use id::{MetricId, Target, Unit};
pub use metric::{InstructionCounts, Measured, Metric, Metrics, TextKind};
pub use pilot::{Pilot, PilotPart, Projection, SeedRowTotals};
pub use unmeasured::{Property, Unmeasured};
pub use verdict::{Verdict, percent, wilson};

/// Turns and prompt requests of which an attempt failed a check, by what came of them. An attempt that fails several checks
/// counts for each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairCounts {
    /// Turns and prompt requests whose first attempt failed the check.
    pub first: u64,
    /// Attempts that failed the check: the first ones, and those that were to repair them.
    #[serde(default)]
    pub attempts: u64,
    /// These, by who was asked.
    #[serde(default)]
    pub speakers: BTreeMap<Speaker, u64>,
    /// Turns and prompt requests of which an attempt failed the check, and that succeeded in the end.
    pub repaired: u64,
    /// The same that never did: their conversations are rejected.
    pub rejected: u64,
    /// Requests whose answer failed this check before any other.
    pub requests: u64,
    /// Their tokens.
    pub usage: Usage,
    /// Their cost, in millionths of a dollar.
    pub micro_usd: MicroUsd,
}

/// Counts of one part's rows.
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
    /// Accepted prompts.
    pub prompts: u64,
    /// Prompts treated as an emergency, which become one conversation instead of all variants.
    pub emergencies: u64,
    /// Conversations according to the plan and the emergencies.
    pub planned: u64,
    /// Rows in the dataset.
    pub in_dataset: u64,
    /// Rows in `conversations/` that a pass dropped, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// Rows in `rejected/` that had answers, but no usable one, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows in `rejected/` without an answer, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Unfinished rows.
    #[serde(alias = "under_way")]
    pub in_progress: u64,
    /// Turns of the assistant in `conversations/`.
    pub assistant_turns: u64,
    /// How often each parser rule changed a text of `conversations/`.
    pub cleanup: BTreeMap<String, u64>,
}

impl PartSummary {
    /// Rows that are in `conversations/` but not in the dataset.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Rows in `rejected/`: rejected or failed.
    pub fn left_out(&self) -> u64 {
        self.rejected.values().sum::<u64>() + self.failed.values().sum::<u64>()
    }

    /// Whether every planned row is accounted for exactly once.
    pub fn adds_up(&self) -> bool {
        self.planned == self.in_dataset + self.dropped() + self.left_out() + self.in_progress
    }

    /// Why rows are not in the dataset: reasons with their numbers of rows, dropped rows first.
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
    /// Prompts that are equal because they are variants of one base prompt.
    pub variants: u64,
    /// Clusters.
    pub clusters: u64,
    /// Conversations that were dropped.
    pub rows: u64,
}

/// Results of the passes over a dataset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Metrics with their targets.
    pub metrics: Metrics,
    /// Near duplicates.
    pub duplicates: DuplicateCounts,
    /// Rows dropped for containing an item of an evaluation set, by the set's name.
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
    /// Whether a grammar wrote all text instead of a model: never data to train on.
    pub rehearsal: bool,
    /// Seed.
    pub seed: u64,
    /// The shard of the plan, if the run is only one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shard: Option<Shard>,
    /// Fingerprint of the resources.
    pub resources: String,
    /// One entry per part.
    pub parts: Vec<PartSummary>,
    /// Distinct answered requests, over all calls on this run.
    pub requests_answered: u64,
    /// Whether the counts of all parts add up to the planned rows.
    pub counts_add_up: bool,
    /// Turns and prompt requests whose first attempt failed, by check or reason.
    #[serde(default)]
    pub repairs: BTreeMap<String, RepairCounts>,
    /// What the whole plan would take, if the run is a sample of it and finished.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pilot: Option<Pilot>,
    /// Results of the passes, once the run is finished.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<Quality>,
}

/// The part of `summary.json` that identifies its version.
#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

/// Why a `summary.json` cannot be read.
#[derive(Debug)]
pub enum SummaryError {
    /// It is not a summary.
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
    /// Reads `summary.json`, also of the previous version.
    ///
    /// # Errors
    /// Text that is not a summary, or one of a newer version.
    pub fn read(text: &str) -> Result<Self, SummaryError> {
        let version: Version = serde_json::from_str(text).map_err(SummaryError::Json)?;
        match version.schema_version {
            1 => serde_json::from_str::<v1::Summary>(text).map(Self::from),
            SCHEMA_VERSION => serde_json::from_str(text),
            found => return Err(SummaryError::Newer { found }),
        }
        .map_err(SummaryError::Json)
    }

    /// The text of `summary.json`.
    ///
    /// # Errors
    /// None: it has no maps with keys that JSON does not support.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Planned rows, over all parts.
    pub fn planned(&self) -> u64 {
        self.parts.iter().map(|p| p.planned).sum()
    }

    /// Rows in the dataset, over all parts.
    pub fn in_dataset(&self) -> u64 {
        self.parts.iter().map(|p| p.in_dataset).sum()
    }

    /// Dropped rows, over all parts.
    pub fn dropped(&self) -> u64 {
        self.parts.iter().map(PartSummary::dropped).sum()
    }

    /// Rejected and failed rows, over all parts.
    pub fn left_out(&self) -> u64 {
        self.parts.iter().map(PartSummary::left_out).sum()
    }

    /// Failed rows, over all parts.
    pub fn failed(&self) -> u64 {
        self.parts.iter().flat_map(|p| p.failed.values()).sum()
    }

    /// Unfinished rows, over all parts.
    pub fn in_progress(&self) -> u64 {
        self.parts.iter().map(|p| p.in_progress).sum()
    }

    /// Rows that are not in the dataset, by reason.
    pub fn reasons(&self) -> BTreeMap<&str, u64> {
        let mut all = BTreeMap::new();
        for (reason, rows) in self.parts.iter().flat_map(PartSummary::reasons) {
            *all.entry(reason).or_default() += rows;
        }
        all
    }

    /// The metrics of the dataset; empty before it was curated.
    pub fn metrics(&self) -> &[Metric] {
        self.quality.as_ref().map_or(&[], |q| &q.metrics.values)
    }

    /// The model, with its backend if that has another name.
    pub fn model_and_backend(&self) -> String {
        if self.model == self.backend.0 {
            return self.model.clone();
        }
        format!("{} ({})", self.model, self.backend)
    }
}
