//! References and rules, as data.

use std::collections::BTreeMap;

use clinstruct_schema::{FactName, Sex};
use serde::Deserialize;

/// The file `rules.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// Words of conditions with a low saturation.
    pub(crate) low_saturation: Vec<String>,
    /// Words of medicines and conditions that slow the heart or the breathing whatever the message states.
    pub(crate) slowing: Vec<String>,
    pub(crate) limits: Shares,
    pub(crate) country: Vec<CountryReference>,
    pub(crate) weight: Vec<WeightReference>,
    pub(crate) band: Vec<Band>,
    pub(crate) scenario: Vec<Scenario>,
    pub(crate) excluded: Vec<Excluded>,
    pub(crate) pair: Vec<Pair>,
    pub(crate) regimen: Vec<Regimen>,
}

impl Data {
    pub(crate) fn read() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("rules.toml"))
    }

    pub(crate) fn band(&self, years: u32) -> Option<&Band> {
        self.band.iter().find(|b| (b.years[0]..=b.years[1]).contains(&years))
    }
}

/// Largest shares, in per cent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shares {
    pub(crate) broken_regimens: f64,
    pub(crate) same_sentence: f64,
}

/// Men and women of a country.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountryReference {
    pub(crate) code: String,
    pub(crate) height: Option<[f64; 2]>,
    pub(crate) bmi: Option<[f64; 2]>,
}

/// -3 SD, median and +3 SD.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeightReference {
    pub(crate) months: f64,
    pub(crate) boys: [f64; 3],
    pub(crate) girls: [f64; 3],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) any: [f64; 2],
    pub(crate) median: [f64; 2],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Band {
    pub(crate) years: [u32; 2],
    pub(crate) heart_rate: Limits,
    pub(crate) respiratory_rate: Limits,
    pub(crate) systolic: Limits,
}

impl Band {
    pub(crate) fn signs(&self) -> [(FactName, &Limits); 3] {
        [
            (FactName::HeartRate, &self.heart_rate),
            (FactName::RespiratoryRate, &self.respiratory_rate),
            (FactName::Systolic, &self.systolic),
        ]
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    pub(crate) name: FactName,
    pub(crate) value: String,
    pub(crate) unit: Option<String>,
}

/// What a message states, and what must follow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) weight: f64,
    #[serde(default)]
    pub(crate) facts: Vec<Fact>,
    pub(crate) ages: Option<[u32; 2]>,
    #[serde(default)]
    pub(crate) pregnant: bool,
    /// Limits of each case.
    #[serde(default)]
    pub(crate) expect: BTreeMap<FactName, [f64; 2]>,
    /// Percentiles of adults.
    #[serde(default)]
    pub(crate) adults: BTreeMap<FactName, [f64; 2]>,
    /// The heart is at least as fast as usual.
    #[serde(default)]
    pub(crate) faster: bool,
    /// Signs that each case has raised, by how much above the least median of the age.
    #[serde(default)]
    pub(crate) raised: BTreeMap<FactName, f64>,
    /// Limits of an adult's body mass index.
    pub(crate) bmi: Option<[f64; 2]>,
    /// A wasted child.
    #[serde(default)]
    pub(crate) thin: bool,
}

impl Scenario {
    /// Whether the message has no complaint that moves a sign.
    pub(crate) fn is_calm(&self) -> bool {
        matches!(
            self.id.as_str(),
            "none"
                | "no complaint that moves a sign"
                | "denied complaints"
                | "stated lists"
                | "nothing taken and nothing known"
        )
    }
}

/// A list of a case that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    Complaint,
    Conditions,
    Medicines,
    Allergies,
    History,
    Family,
    Social,
}

/// Texts that a patient cannot have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Excluded {
    pub(crate) id: String,
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) sexes: Vec<Sex>,
    pub(crate) ages: Option<[u32; 2]>,
    #[serde(default)]
    pub(crate) pregnant: bool,
    /// All lists but the family's if empty.
    #[serde(default, rename = "where")]
    pub(crate) lists: Vec<List>,
    #[serde(default)]
    pub(crate) without: Vec<String>,
    /// Whether a message may state it.
    #[serde(default)]
    pub(crate) drawn_only: bool,
    /// Whether the rule is only about cases whose message states facts.
    #[serde(default)]
    pub(crate) beside_message: bool,
    /// Codes of the countries where it may be said; all if empty.
    #[serde(default)]
    pub(crate) only_in: Vec<String>,
    /// Codes of the WHO regions that the rule is about; all if empty.
    #[serde(default)]
    pub(crate) regions: Vec<String>,
}

/// Two texts that exclude each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    pub(crate) id: String,
    pub(crate) first: Vec<String>,
    pub(crate) second: Vec<String>,
    #[serde(default)]
    pub(crate) first_in: Vec<List>,
    #[serde(default)]
    pub(crate) second_in: Vec<List>,
}

/// Groups of medicines that a condition needs together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Regimen {
    pub(crate) id: String,
    pub(crate) condition: Vec<String>,
    pub(crate) groups: Vec<Vec<String>>,
}
