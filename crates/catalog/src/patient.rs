use std::collections::BTreeMap;

use clinstruct_schema::{AgeYears, IncomeGroup, Sex, Slug};
use serde::Deserialize;
use toml::Spanned;

use crate::{Sentence, Who};

/// Where a drug is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// On the WHO Model List of Essential Medicines: everywhere.
    Essential,
    /// In an ordinary pharmacy.
    Usual,
    /// Only where there are specialists.
    Specialist,
}

/// A drug with its usual single doses. Facts for invented cases, never advice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drug {
    /// Slug.
    pub id: Slug,
    /// Generic name.
    pub name: String,
    /// ATC code.
    pub atc: String,
    /// The name with salt, element or strength, where the dose depends on it.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
    /// Other names that a message may use.
    #[serde(default)]
    pub also: Vec<String>,
    /// Where it is to be had.
    pub availability: Availability,
    /// Unit of `strengths` and `high`.
    pub unit: String,
    /// Usual single doses of an adult that are made of whole or halved units, in `unit`.
    pub strengths: Vec<f64>,
    /// Largest usual single dose of an adult, in `unit`.
    pub high: f64,
    /// Smallest and largest single dose of a child per kilogram of body weight, in `unit`.
    #[serde(default)]
    pub child_mg_per_kg: Option<[f64; 2]>,
    /// Whether children take the same doses.
    #[serde(default)]
    pub children: bool,
    /// Route, such as `by mouth`.
    pub route: String,
    /// How often.
    pub frequencies: Vec<String>,
}

impl Drug {
    /// The name on a prescription: with salt, element or strength where the dose depends on it.
    pub fn prescribed(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// The name and all others that a message may use.
    #[inline]
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.also.iter().map(String::as_str))
    }
}

/// What a rule says about pregnancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pregnancy {
    /// Nothing.
    #[default]
    Either,
    /// Only in pregnancy.
    Only,
    /// Never in pregnancy.
    Never,
}

impl Pregnancy {
    /// Whether it allows a patient who is or is not pregnant.
    #[inline]
    pub fn allows(self, pregnant: bool) -> bool {
        match self {
            Self::Either => true,
            Self::Only => pregnant,
            Self::Never => !pregnant,
        }
    }
}

/// A long-standing condition.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Slug.
    pub id: Slug,
    /// Name, as a clinician says it.
    pub name: String,
    /// Other names that a message may use.
    pub also: Vec<String>,
    /// ICD-10 code.
    pub icd10: String,
    /// ICD-10 code of the illness while it is acute, where `icd10` is that of what it left behind.
    pub acute_icd10: Option<String>,
    /// Ids of the domains and specialties in which a patient with it is typical.
    pub fields: Vec<Slug>,
    /// Who can have it.
    pub who: Who,
    /// Youngest age, in years.
    pub from_age: u32,
    /// Youngest age of those under two years, in months.
    pub from_months: u32,
    /// Whether a message that only names it may mean an illness that has just begun.
    pub acute: bool,
    /// Relative frequency where `weights` says nothing else.
    pub weight: f64,
    /// Relative frequency in some income groups.
    pub weights: BTreeMap<IncomeGroup, f64>,
    /// Codes of the WHO regions where it is seen; everywhere if empty.
    pub regions: Vec<String>,
    /// Codes of countries where it is not seen.
    pub not_countries: Vec<String>,
    /// Whether pregnant patients have it.
    pub pregnancy: Pregnancy,
    /// Completed weeks of pregnancy from which on it occurs.
    pub weeks_from: u32,
    /// Ids of conditions that the patient must have already.
    pub needs: Vec<Slug>,
    /// Share of patients who take medicine for it.
    pub treated: f64,
    /// Indices of drugs, each of which is a treatment by itself.
    pub drugs: Vec<usize>,
    /// Ids of conditions that nobody has together with it; the other side names it too.
    pub excludes: Vec<Slug>,
}

impl Condition {
    /// The relative frequency in an income group; an unclassified country is taken as a lower-middle one.
    #[inline]
    pub fn weight_in(&self, income: IncomeGroup) -> f64 {
        let income = match income {
            IncomeGroup::Unclassified => IncomeGroup::LowerMiddle,
            other => other,
        };
        self.weights.get(&income).copied().unwrap_or(self.weight)
    }

    /// Whether a patient of this age and sex can have it.
    #[inline]
    pub fn fits(&self, band: usize, age: AgeYears, sex: Sex, pregnancy_weeks: Option<u32>) -> bool {
        self.who.includes(band, sex)
            && age.years >= self.from_age
            && age.total_months().is_none_or(|months| months >= self.from_months)
            && self.pregnancy.allows(pregnancy_weeks.is_some())
            && pregnancy_weeks.is_none_or(|weeks| weeks >= self.weeks_from)
    }

    /// Whether nobody has both, or they are the same.
    pub fn clashes(&self, other: &Self) -> bool {
        self.id == other.id
            || self.excludes.contains(&other.id)
            || other.excludes.contains(&self.id)
    }

    /// The name and all others that a message may use.
    #[inline]
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.also.iter().map(String::as_str))
    }
}

/// A statement about a patient's history, with the patients that it can apply to.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Slug.
    pub id: Slug,
    /// Third person, without a subject.
    pub text: Sentence,
    /// At most one entry of a kind is said of a patient.
    pub kind: Option<Slug>,
    /// Patients that it can apply to.
    pub who: Who,
    /// Youngest age, in months.
    pub from_months: u32,
    /// Relative frequency.
    pub weight: f64,
    /// Age at the event in months, both ends included; of the relative in family history.
    pub at: Option<[u32; 2]>,
    /// Whether the age at the event is said in months.
    pub at_months: bool,
    /// How long ago the event was, in months.
    pub ago: Option<[u32; 2]>,
    /// Calendar year before which the event is not plausible.
    pub since: Option<u32>,
    /// Income groups of the countries where it can be said; all if empty.
    pub incomes: Vec<IncomeGroup>,
    /// Ids of settings; all if empty.
    pub settings: Vec<Slug>,
    /// Codes of WHO regions; all if empty.
    pub regions: Vec<String>,
    /// Codes of WHO regions where it is not said.
    pub not_regions: Vec<String>,
    /// Codes of countries where it is not said.
    pub not_countries: Vec<String>,
    /// Codes of countries; all if empty.
    pub countries: Vec<String>,
    /// Whether it can be said of pregnant patients.
    pub pregnancy: Pregnancy,
    /// Ids of conditions of which the patient has one.
    pub needs: Vec<Slug>,
    /// Ids of conditions of which the patient has none.
    pub not_conditions: Vec<Slug>,
    /// Texts, in lower case; not drawn if a complaint, finding or condition contains one.
    pub excludes_words: Vec<String>,
    /// ATC classes that a patient with this allergy does not take.
    pub drugs: Vec<String>,
    /// Names by which a message may state this allergy.
    pub words: Vec<String>,
    /// Indices of the relatives that it can be about.
    pub relatives: Vec<usize>,
    /// Ids of the kinds that do not go with it.
    pub not_kinds: Vec<Slug>,
    /// Whether the relative is alive.
    pub alive: bool,
    /// Whether the event is the relative's death.
    pub died: bool,
    /// Whether it is the only statement of its list.
    pub alone: bool,
    /// Whether it weighs so much that it is said only where a message states it, and not drawn beside one.
    pub weighty: bool,
}

/// A relative.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relative {
    /// As in texts.
    pub name: String,
    /// How many years older than the patient, both ends included; negative for younger ones.
    pub older: [i32; 2],
}

/// A kind of social statements.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Slug.
    pub id: Slug,
    /// Share of patients for whom one of it is said.
    pub share: f64,
}

/// All statements, by list.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    /// Share of patients with an allergy.
    pub allergic: f64,
    /// Words for an illness beside which little else of the past is told, in lower case.
    pub grave: Vec<String>,
    /// Calendar year in which the patients are seen, by which [`HistoryEntry::since`] is reckoned; `None` without one.
    pub year: Option<u32>,
    /// Relatives.
    pub relatives: Vec<Relative>,
    /// Kinds of social statements.
    pub kinds: Vec<Kind>,
    /// Allergies.
    pub allergy: Vec<HistoryEntry>,
    /// Family.
    pub family: Vec<HistoryEntry>,
    /// Social.
    pub social: Vec<HistoryEntry>,
    /// Past medical events.
    pub past: Vec<HistoryEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCondition {
    pub(crate) id: Spanned<Slug>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) also: Vec<String>,
    pub(crate) icd10: Spanned<String>,
    pub(crate) acute_icd10: Option<Spanned<String>>,
    pub(crate) fields: Spanned<Vec<Spanned<Slug>>>,
    pub(crate) ages: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) from_age: u32,
    #[serde(default)]
    pub(crate) from_months: u32,
    #[serde(default)]
    pub(crate) acute: bool,
    pub(crate) sexes: Option<Spanned<Vec<Sex>>>,
    pub(crate) weight: f64,
    #[serde(default)]
    pub(crate) weights: BTreeMap<IncomeGroup, f64>,
    #[serde(default)]
    pub(crate) regions: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) not_countries: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) pregnancy: Pregnancy,
    #[serde(default)]
    pub(crate) weeks_from: u32,
    #[serde(default)]
    pub(crate) needs: Vec<Spanned<Slug>>,
    pub(crate) treated: Option<Spanned<f64>>,
    #[serde(default)]
    pub(crate) drugs: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) excludes: Vec<Spanned<Slug>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHistory {
    pub(crate) id: Spanned<Slug>,
    pub(crate) text: Spanned<String>,
    pub(crate) kind: Option<Spanned<Slug>>,
    pub(crate) ages: Option<Spanned<String>>,
    pub(crate) sexes: Option<Spanned<Vec<Sex>>>,
    pub(crate) from_age: Option<u32>,
    pub(crate) from_months: Option<u32>,
    #[serde(default = "one")]
    pub(crate) weight: f64,
    pub(crate) at: Option<Spanned<[u32; 2]>>,
    pub(crate) at_months: Option<Spanned<[u32; 2]>>,
    pub(crate) ago: Option<Spanned<[u32; 2]>>,
    pub(crate) since: Option<Spanned<u32>>,
    #[serde(default)]
    pub(crate) incomes: Vec<IncomeGroup>,
    #[serde(default)]
    pub(crate) settings: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) regions: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) not_regions: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) not_countries: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) countries: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) pregnancy: Pregnancy,
    #[serde(default)]
    pub(crate) needs: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) not_conditions: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) excludes_words: Vec<String>,
    #[serde(default)]
    pub(crate) drugs: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) relatives: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) not_kinds: Vec<Slug>,
    #[serde(default)]
    pub(crate) alive: bool,
    #[serde(default)]
    pub(crate) died: bool,
    #[serde(default)]
    pub(crate) alone: bool,
    #[serde(default)]
    pub(crate) weighty: bool,
}

fn one() -> f64 {
    1.0
}
