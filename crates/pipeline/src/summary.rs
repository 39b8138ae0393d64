use std::collections::BTreeMap;

use clinstruct_schema::{BackendId, Speaker, Usage};
use serde::{Deserialize, Serialize};

use crate::Quality;

/// What became of turns and prompt requests whose first attempt failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairCounts {
    /// Turns and prompt requests whose first attempt failed.
    pub first: u64,
    /// These, by who was asked.
    #[serde(default)]
    pub speakers: BTreeMap<Speaker, u64>,
    /// Of these, those that succeeded in the end.
    pub mended: u64,
    /// Of these, those that never did: their conversations are rejected.
    pub rejected: u64,
    /// Requests whose answer failed.
    pub requests: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost, in millionths of a dollar.
    pub micro_usd: u64,
}

/// What became of one part's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// Id of the part.
    pub part: String,
    /// Stem of its files.
    pub stem: String,
    /// Base rows: prompt requests.
    pub base_rows: u64,
    /// Prompts that came.
    pub prompts: u64,
    /// Prompts treated as an emergency, which give one conversation instead of all variants.
    pub emergencies: u64,
    /// Conversations that the plan and the emergencies give.
    pub planned: u64,
    /// Rows in `conversations/`.
    pub in_dataset: u64,
    /// Rows in `rejected/` of which an answer came but none was good, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Rows in `rejected/` for which no answer could be had, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Rows still under way.
    pub under_way: u64,
    /// Turns of the assistant in the dataset.
    pub assistant_turns: u64,
    /// Times that each rule of the parser changed a text of the dataset.
    pub mended: BTreeMap<String, u64>,
}

impl PartSummary {
    /// Rows that were rejected or failed.
    pub fn left_out(&self) -> u64 {
        self.rejected.values().sum::<u64>() + self.failed.values().sum::<u64>()
    }

    /// Whether every planned row is accounted for exactly once.
    pub fn closes(&self) -> bool {
        self.planned == self.in_dataset + self.left_out() + self.under_way
    }
}

/// Requests and responses of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// Responses that were there already.
    pub found: u64,
    /// Requests sent by this call, those sent again included.
    pub asked: u64,
    /// Raw rows received by this call.
    pub rows: u64,
    /// Jobs that ended in this call.
    pub jobs: u64,
    /// Tokens of the rows received by this call.
    pub usage: Usage,
    /// Different requests answered, over all calls on this folder.
    pub answered_in_all: u64,
}

/// The sums of a run, as `summary.json` holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`clinstruct_schema::SCHEMA_VERSION`].
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
    /// Requests and responses.
    pub requests: RequestCounts,
    /// Whether the sums of all parts close.
    pub sums_close: bool,
    /// Turns and prompt requests whose first attempt failed, by the check or reason that stopped it.
    #[serde(default)]
    pub repairs: BTreeMap<String, RepairCounts>,
    /// What is known of the dataset as a whole, once the run has come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
}

impl Summary {
    /// Rows that failed, over all parts.
    pub fn failed(&self) -> u64 {
        self.parts.iter().flat_map(|p| p.failed.values()).sum()
    }

    /// Rows under way, over all parts.
    pub fn under_way(&self) -> u64 {
        self.parts.iter().map(|p| p.under_way).sum()
    }
}
