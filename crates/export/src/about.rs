use std::collections::BTreeMap;

/// What the card says of one part.
#[derive(Debug, Clone, Default)]
pub struct PartAbout {
    /// Stem of its files; the name of its configuration.
    pub stem: String,
    /// What it combines, in words.
    pub title: String,
    /// Rows that were planned.
    pub planned: u64,
    /// Rows of the dataset.
    pub in_dataset: u64,
    /// Rows that are not in it, by reason.
    pub left_out: BTreeMap<String, u64>,
}

/// A figure of the dataset with its target.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Texts or rows that it is of.
    pub of: u64,
    /// Its target, as `at most 0.05`; blank where there is none.
    pub target: String,
    /// Whether the target is met.
    pub met: bool,
}

/// What is known of a dataset beside its rows.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Name, for people.
    pub title: String,
    /// Address at which it is published; blank where it is not.
    pub url: String,
    /// Licence by its name at the hub, such as `cc-by-4.0`.
    pub license: String,
    /// Version of the program.
    pub program: String,
    /// Day of publication, as `2026-11-23`.
    pub date: String,
    /// Models by role, such as `assistant: gpt-4o (openai)`.
    pub models: Vec<String>,
    /// Whether a grammar wrote the text, and no model.
    pub rehearsal: bool,
    /// Whether messages have the reasoning of the model.
    pub reasoning: bool,
    /// Seed of all draws.
    pub seed: u64,
    /// Fingerprint of the resources.
    pub resources: String,
    /// Parts.
    pub parts: Vec<PartAbout>,
    /// Requests that were answered.
    pub requests: u64,
    /// Prompt and completion tokens.
    pub tokens: [u64; 2],
    /// What it cost, in millionths of a dollar.
    pub micro_usd: u64,
    /// Figures with their targets.
    pub figures: Vec<Figure>,
    /// Turns that failed a check at first, by check: how many, mended, never mended.
    pub repairs: BTreeMap<String, [u64; 3]>,
    /// Rows with items of evaluation sets that were taken out, by set.
    pub contaminated: BTreeMap<String, u64>,
}

impl About {
    /// Rows of the dataset.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|p| p.in_dataset).sum()
    }
}
