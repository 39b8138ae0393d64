//! Where care takes place.

use serde::{Deserialize, Serialize};

use crate::Slug;

/// World Bank income group of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncomeGroup {
    /// High income.
    High,
    /// Upper middle income.
    UpperMiddle,
    /// Lower middle income.
    LowerMiddle,
    /// Low income.
    Low,
    /// Not classified this year.
    Unclassified,
}

/// Country and setting of care.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// ISO 3166-1 alpha-2 code, lower case.
    pub country_code: String,
    /// The country's English name.
    pub country: String,
    /// Its World Bank income group.
    pub income: IncomeGroup,
    /// Its WHO region.
    pub region: String,
    /// Care setting.
    pub setting: Slug,
}
