use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct PartSums {
    pub(crate) part: String,
    pub(crate) stem: String,
    pub(crate) planned: u64,
    pub(crate) in_dataset: u64,
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) under_way: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Requests {
    pub(crate) answered_in_all: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Repair {
    pub(crate) first: u64,
    pub(crate) speakers: BTreeMap<String, u64>,
    pub(crate) mended: u64,
    pub(crate) rejected: u64,
    pub(crate) requests: u64,
    pub(crate) micro_usd: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Metric {
    pub(crate) row: u32,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) of: u64,
    pub(crate) target: f64,
    pub(crate) aim: String,
    pub(crate) met: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Check {
    pub(crate) checked: u64,
    pub(crate) strict: u64,
    pub(crate) loose: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Figures {
    pub(crate) texts: [u64; 3],
    pub(crate) metrics: Vec<Metric>,
    pub(crate) instructions: BTreeMap<String, Check>,
    pub(crate) openings: [Vec<(String, u64)>; 3],
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Gone {
    pub(crate) goes: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Duplicates {
    pub(crate) pairs: [u64; 3],
    pub(crate) twins: u64,
    pub(crate) clusters: u64,
    #[serde(rename = "duplicates")]
    pub(crate) gone: Vec<Gone>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Quality {
    pub(crate) figures: Figures,
    pub(crate) duplicates: Duplicates,
    pub(crate) contaminated: BTreeMap<String, u64>,
    pub(crate) splits: BTreeMap<String, BTreeMap<String, u64>>,
    pub(crate) distances: BTreeMap<String, f64>,
}

/// The sums of a run, as `summary.json` holds them; what a page does not show is not read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Sums {
    pub(crate) backend: String,
    pub(crate) model: String,
    pub(crate) rehearsal: bool,
    pub(crate) seed: u64,
    pub(crate) resources: String,
    pub(crate) parts: Vec<PartSums>,
    pub(crate) requests: Requests,
    #[serde(rename = "sums_close")]
    pub(crate) close: bool,
    pub(crate) repairs: BTreeMap<String, Repair>,
    pub(crate) quality: Option<Quality>,
}

impl Sums {
    /// Reads `summary.json`.
    ///
    /// # Errors
    /// Text that is no JSON object of that shape.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The model, and its backend where that is another name.
    pub(crate) fn model_told(&self) -> String {
        if self.model == self.backend {
            return self.model.clone();
        }
        format!("{} ({})", self.model, self.backend)
    }

    pub(crate) fn planned(&self) -> u64 {
        self.parts.iter().map(|p| p.planned).sum()
    }

    pub(crate) fn in_dataset(&self) -> u64 {
        self.parts.iter().map(|p| p.in_dataset).sum()
    }

    /// Rows that are not in the dataset, by reason.
    pub(crate) fn left_out(&self) -> BTreeMap<&str, u64> {
        let mut all = BTreeMap::new();
        for (reason, n) in self.parts.iter().flat_map(|p| p.rejected.iter().chain(&p.failed)) {
            *all.entry(reason.as_str()).or_default() += n;
        }
        all
    }

    pub(crate) fn metrics(&self) -> &[Metric] {
        self.quality.as_ref().map_or(&[], |q| &q.figures.metrics)
    }
}
