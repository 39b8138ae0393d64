use serde::{Deserialize, Serialize};

use crate::{Frame, PartId, RowId, Slug};

/// One value of an axis in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Axis: `task`, `specialty`, `profession`, `domain`, `subtopic`.
    pub axis: String,
    /// Slug of the value within its axis (`physician.cardiology` has two).
    pub slugs: Vec<Slug>,
    /// Name as in the catalog.
    pub name: String,
}

impl Subject {
    /// The value's id in rules: `emergency-triage`, `physician.cardiology`.
    pub fn value_id(&self) -> String {
        self.slugs.iter().map(Slug::as_str).collect::<Vec<_>>().join(".")
    }
}

/// A seed row of the plan: one request for one or more initial prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseRow {
    /// Stable id.
    pub id: RowId,
    /// Part it belongs to.
    pub part: PartId,
    /// The combined values, in the part's order of axes.
    pub subjects: Vec<Subject>,
    /// Profession of the health worker.
    pub profession: String,
    /// Specialty of the health worker, if the row has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub specialty: Option<String>,
    /// Whether one of the subjects is emergency medicine.
    pub emergency: bool,
    /// What is fixed about each requested prompt.
    pub frames: Vec<Frame>,
}
