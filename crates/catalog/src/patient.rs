use clinstruct_schema::Slug;
use serde::Deserialize;
use toml::Spanned;

use crate::Who;

/// A drug with its usual single doses. Facts for invented cases, never advice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drug {
    /// Slug.
    pub id: Slug,
    /// Generic name.
    pub name: String,
    /// Unit of `low`, `high` and `step`.
    pub unit: String,
    /// Smallest usual single dose of an adult.
    pub low: f64,
    /// Largest usual single dose of an adult.
    pub high: f64,
    /// Step between available doses.
    pub step: f64,
    /// Smallest and largest single dose of a child per kilogram of body weight, in `unit`.
    #[serde(default)]
    pub child_mg_per_kg: Option<[f64; 2]>,
    /// Route, such as `by mouth`.
    pub route: String,
    /// How often.
    pub frequencies: Vec<String>,
}

/// A chronic condition.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Slug.
    pub id: Slug,
    /// Name, as a clinician says it.
    pub name: String,
    /// Who can have it.
    pub who: Who,
    /// Relative frequency.
    pub weight: f64,
    /// Indices of drugs that may be taken for it.
    pub drugs: Vec<usize>,
    /// Ids of incompatible conditions.
    pub excludes: Vec<Slug>,
}

/// A statement about a patient's history.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Slug.
    pub id: Slug,
    /// Third person, without a subject.
    pub text: String,
    /// Patients that it can apply to.
    pub who: Who,
    /// Relative frequency.
    pub weight: f64,
}

/// All statements, by kind.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    /// Allergies, including `no known allergies`.
    pub allergy: Vec<HistoryEntry>,
    /// Family.
    pub family: Vec<HistoryEntry>,
    /// Social.
    pub social: Vec<HistoryEntry>,
    /// Past medical events.
    pub past: Vec<HistoryEntry>,
    /// Presenting complaints.
    pub presenting: Vec<HistoryEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCondition {
    pub(crate) id: Spanned<Slug>,
    pub(crate) name: String,
    pub(crate) ages: Option<Spanned<String>>,
    pub(crate) sexes: Option<Spanned<Vec<clinstruct_schema::Sex>>>,
    pub(crate) weight: f64,
    #[serde(default)]
    pub(crate) drugs: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) excludes: Vec<Spanned<Slug>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHistory {
    pub(crate) id: Spanned<Slug>,
    pub(crate) text: String,
    pub(crate) ages: Option<Spanned<String>>,
    pub(crate) sexes: Option<Spanned<Vec<clinstruct_schema::Sex>>>,
    #[serde(default = "one")]
    pub(crate) weight: f64,
}

fn one() -> f64 {
    1.0
}
