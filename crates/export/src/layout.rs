//! Contents of a dataset folder: its shards and their columns.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_schema::{RequestId, Speaker, Split, TurnProvenance};

use crate::format::content;
use crate::table::{Field, Kind};

/// A Parquet file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Path below the folder, with forward slashes.
    pub path: String,
    /// Stem of its part.
    pub stem: String,
    /// Its split.
    pub split: Split,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A finished dataset folder.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// Its Parquet files.
    pub shards: Vec<Shard>,
    /// Codes of the languages of its answers.
    pub languages: BTreeSet<String>,
    /// What its texts took.
    pub used: Used,
}

/// What the texts of rows took: the accepted requests alone, so that equal rows have equal numbers.
///
/// What retries and lost rows took as well is in the run's ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Requests.
    pub requests: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
    /// The last request for prompts: rows whose prompts are in one answer stand together.
    prompts: Option<RequestId>,
}

impl Used {
    /// Adds a row, which stands behind those of the same seed row.
    pub(crate) fn add(&mut self, turns: &[TurnProvenance]) {
        for turn in turns {
            if turn.speaker == Speaker::PromptWriter {
                if self.prompts == Some(turn.request) {
                    continue;
                }
                self.prompts = Some(turn.request);
            }
            self.requests += 1;
            self.prompt_tokens += turn.usage.prompt_tokens;
            self.completion_tokens += turn.usage.completion_tokens;
        }
    }

    /// What this and the rows of another part took.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            completion_tokens: self.completion_tokens + other.completion_tokens,
            prompts: None,
        }
    }
}

impl Folder {
    /// Rows by stem and split.
    pub fn rows(&self) -> BTreeMap<(&str, Split), u64> {
        let mut rows = BTreeMap::new();
        for shard in &self.shards {
            *rows.entry((shard.stem.as_str(), shard.split)).or_default() += shard.rows;
        }
        rows
    }
}

/// A column with its description, for the card and the Croissant file.
const COLUMNS: [(&str, Kind, &str); 19] = [
    ("id", Kind::Text, "Stable id: part, combined values, patient, variant."),
    ("part", Kind::Text, "Part."),
    (
        "messages",
        Kind::Records(&[Field::text("role"), Field::text("content")]),
        "The conversation: `role` (system, user, assistant) and `content`.",
    ),
    ("language", Kind::Text, "Code of the requested language, which the answers are in."),
    ("mode", Kind::Text, "Length of answers: normal, chat or emergency."),
    ("turns", Kind::Int, "Questions with their answers."),
    ("profession", Kind::Text, "Who asks."),
    ("specialty", Kind::Text, "Specialty of the health worker; blank if there is none."),
    ("subjects", Kind::Texts, "Combined values, such as a specialty and a domain."),
    (
        "styles",
        Kind::Texts,
        "Instructions on style and form, requested by the user or set by the system prompt.",
    ),
    ("sex", Kind::Text, "Sex of the simulated patient; blank if the question is not about one."),
    ("age_years", Kind::OptionalInt, "Age of the simulated patient, in years; null without one."),
    ("country", Kind::Text, "Code of the country of care, ISO 3166-1 alpha-2, lower case."),
    ("setting", Kind::Text, "Care setting."),
    ("base", Kind::Text, "Base prompt, shared by its variants."),
    ("model", Kind::Text, "Model that wrote the answers, with its backend."),
    ("rehearsal", Kind::Flag, "Whether a grammar wrote the text instead of a model."),
    (
        "provenance",
        Kind::Records(&[
            Field::text("speaker"),
            Field::text("request"),
            Field::number("attempts"),
            Field::number("prompt_tokens"),
            Field::number("completion_tokens"),
        ]),
        "One entry per message, without the system message: speaker, request hash, attempts, tokens.",
    ),
    (
        "attributes",
        Kind::Text,
        "Everything else about the row as JSON: case, place, situation, constraints.",
    ),
];

/// The columns of a folder, with or without reasoning in the messages.
pub(crate) fn columns_of(reasoning: bool) -> [(&'static str, Kind, &'static str); 19] {
    let mut columns = COLUMNS;
    if reasoning && let Some(messages) = columns.iter_mut().find(|(name, ..)| *name == "messages") {
        messages.1 = Kind::Records(content(true));
        messages.2 = "The conversation: `role` (system, user, assistant), `content`, and `reasoning_content`: what the \
                      model thought before an answer.";
    }
    columns
}
