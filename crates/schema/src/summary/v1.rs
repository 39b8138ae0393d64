//! `summary.json` in schema version 1. Read only.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::id::{MetricId, Target};
use super::metric::{InstructionCounts, Measured, Metrics};
use super::{DuplicateCounts, PartSummary, Quality, RepairCounts};
use crate::{BackendId, MicroUsd, Speaker, Usage};

#[derive(Deserialize)]
struct Repair {
    first: u64,
    #[serde(default)]
    speakers: BTreeMap<Speaker, u64>,
    mended: u64,
    rejected: u64,
    requests: u64,
    usage: Usage,
    micro_usd: MicroUsd,
}

#[derive(Deserialize)]
struct OldPart {
    part: String,
    stem: String,
    base_rows: u64,
    prompts: u64,
    emergencies: u64,
    planned: u64,
    in_dataset: u64,
    /// Includes near duplicates and contaminated rows: version 1 moved them to `rejected/`.
    rejected: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
    under_way: u64,
    assistant_turns: u64,
    mended: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Requests {
    answered_in_all: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Aim {
    AtMost,
    AtLeast,
    Told,
}

#[derive(Deserialize)]
struct Figure {
    name: String,
    value: f64,
    of: u64,
    target: f64,
    aim: Aim,
}

#[derive(Deserialize)]
struct Figures {
    conversations: u64,
    texts: [u64; 3],
    metrics: Vec<Figure>,
    instructions: BTreeMap<String, InstructionCounts>,
    openings: [Vec<(String, u64)>; 3],
}

#[derive(Deserialize)]
struct OldDuplicates {
    pairs: [u64; 3],
    twins: u64,
    clusters: u64,
    duplicates: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct OldQuality {
    figures: Figures,
    duplicates: OldDuplicates,
    #[serde(default)]
    contaminated: BTreeMap<String, u64>,
    splits: BTreeMap<String, BTreeMap<String, u64>>,
    distances: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
pub(super) struct Summary {
    backend: BackendId,
    model: String,
    rehearsal: bool,
    seed: u64,
    resources: String,
    parts: Vec<OldPart>,
    requests: Requests,
    sums_close: bool,
    #[serde(default)]
    repairs: BTreeMap<String, Repair>,
    quality: Option<OldQuality>,
}

/// Names of metrics without a subject.
const NAMES: [(&str, MetricId); 29] = [
    ("parts whose sums do not close", MetricId::PartsNotAddingUp),
    ("near duplicates kept", MetricId::NearDuplicates),
    ("distinct-2 of prompts", MetricId::DistinctPairs),
    ("zlib ratio of prompts", MetricId::ZlibRatio),
    ("empty or blank texts", MetricId::BlankTexts),
    ("answers that break off", MetricId::TruncatedAnswers),
    ("control characters and U+FFFD", MetricId::ControlCharacters),
    ("mojibake", MetricId::Mojibake),
    ("not in form C", MetricId::NotNfc),
    ("role tags and control tokens", MetricId::ControlTokens),
    ("### at the start of a line", MetricId::HashHeadings),
    ("text about the text", MetricId::MetaCommentary),
    ("ids given twice", MetricId::DuplicateIds),
    ("roles out of order", MetricId::RoleOrder),
    ("instructions not obeyed", MetricId::InstructionsNotFollowed),
    ("situations with contradicting instructions", MetricId::ContradictingInstructions),
    ("answers in another language", MetricId::OtherLanguage),
    ("doses without a warning", MetricId::DosesWithoutWarning),
    ("warnings without a dose", MetricId::WarningsWithoutDose),
    ("doses above what the medicine is given in", MetricId::DosesAboveRange),
    ("ages and sexes that differ from the patient's card", MetricId::OtherPatient),
    ("laws and brands of another country", MetricId::OtherCountryTerms),
    ("emergency numbers of another country", MetricId::OtherEmergencyNumber),
    ("questions to the health worker that stay without an answer", MetricId::UnansweredQuestions),
    ("answers that ask unasked", MetricId::UnsolicitedQuestions),
    ("filler openers", MetricId::FillerOpeners),
    ("offers at the end", MetricId::ClosingOffers),
    ("answers longer than their mode allows", MetricId::OverlongAnswers),
    ("twins or patients on both sides of a split", MetricId::SplitLeaks),
];

/// Names of metrics that end with their subject.
const PREFIXES: [(&str, MetricId); 4] = [
    ("texts said twice, ", MetricId::ExactDuplicates),
    ("share of the ten most common openings, ", MetricId::TopOpenings),
    ("wrapping quotes, ", MetricId::WrappingQuotes),
    ("distance from the plan, ", MetricId::PlanDistance),
];

/// Version 1 named a metric by a phrase.
fn id_of(name: &str) -> Option<(MetricId, Option<&str>)> {
    if let Some((_, id)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some((*id, None));
    }
    if name == "most piled age, times its plan" {
        return Some((MetricId::AgeConcentration, None));
    }
    if let Some(set) = name.strip_prefix("rows with items of ") {
        return Some((MetricId::EvalItems, Some(set.strip_suffix(" kept").unwrap_or(set))));
    }
    PREFIXES.iter().find_map(|(prefix, id)| Some((*id, Some(name.strip_prefix(prefix)?))))
}

impl From<Figures> for Metrics {
    fn from(old: Figures) -> Self {
        let mut metrics = Self {
            conversations: old.conversations,
            texts: old.texts,
            values: Vec::new(),
            instructions: old.instructions,
            openings: old.openings,
            unmeasured: Vec::new(),
        };
        for figure in &old.metrics {
            let target = match figure.aim {
                Aim::AtMost => Target::AtMost(figure.target),
                Aim::AtLeast => Target::AtLeast(figure.target),
                Aim::Told => Target::None,
            };
            if let Some((id, subject)) = id_of(&figure.name) {
                metrics.push(id, subject, Measured::of_value(id, figure.value, figure.of), target);
            }
        }
        metrics
    }
}

impl From<OldPart> for PartSummary {
    fn from(old: OldPart) -> Self {
        Self {
            part: old.part,
            stem: old.stem,
            seed_rows: old.base_rows,
            prompts: old.prompts,
            emergencies: old.emergencies,
            planned: old.planned,
            in_dataset: old.in_dataset,
            dropped: BTreeMap::new(),
            rejected: old.rejected,
            failed: old.failed,
            in_progress: old.under_way,
            assistant_turns: old.assistant_turns,
            cleanup: old.mended,
        }
    }
}

impl From<Repair> for RepairCounts {
    fn from(old: Repair) -> Self {
        Self {
            first: old.first,
            attempts: old.requests,
            speakers: old.speakers,
            repaired: old.mended,
            rejected: old.rejected,
            requests: old.requests,
            usage: old.usage,
            micro_usd: old.micro_usd,
        }
    }
}

impl From<OldQuality> for Quality {
    fn from(old: OldQuality) -> Self {
        let d = old.duplicates;
        Self {
            metrics: old.figures.into(),
            duplicates: DuplicateCounts {
                pairs: d.pairs,
                variants: d.twins,
                clusters: d.clusters,
                rows: d.duplicates.len() as u64,
            },
            contaminated: old.contaminated,
            splits: old.splits,
            distances: old.distances,
        }
    }
}

impl From<Summary> for super::Summary {
    fn from(old: Summary) -> Self {
        Self {
            schema_version: crate::SCHEMA_VERSION,
            backend: old.backend,
            model: old.model,
            rehearsal: old.rehearsal,
            seed: old.seed,
            shard: None,
            resources: old.resources,
            parts: old.parts.into_iter().map(PartSummary::from).collect(),
            requests_answered: old.requests.answered_in_all,
            counts_add_up: old.sums_close,
            repairs: old.repairs.into_iter().map(|(check, r)| (check, r.into())).collect(),
            pilot: None,
            quality: old.quality.map(Quality::from),
        }
    }
}
