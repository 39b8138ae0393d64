use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Split;

/// Why a pass dropped a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Pass that dropped it, such as `near_duplicates`.
    pub pass: Cow<'static, str>,
    /// Named reason, such as `near_duplicate`.
    pub reason: Cow<'static, str>,
    /// Details, for display.
    pub detail: String,
}

/// A line of `annotations/`: what the passes over a dataset found about one row of `conversations/`.
///
/// A row is in the dataset if no pass dropped it; then it has a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// Id of the conversation. A string, because other datasets have ids of any form.
    pub id: String,
    /// Its split; missing if it was dropped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub split: Option<Split>,
    /// The pass that dropped it; `null` if it is in the dataset.
    #[serde(default)]
    pub dropped: Option<Dropped>,
    /// [`crate::SCHEMA_VERSION`] at the time of writing.
    #[serde(default = "before_annotations")]
    pub schema_version: u32,
}

/// Version 1 had a line with id and split in `splits/` instead.
fn before_annotations() -> u32 {
    1
}
