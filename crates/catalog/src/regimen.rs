use clinstruct_schema::{Sex, Slug};
use serde::Deserialize;
use toml::Spanned;

use crate::{Drug, Pregnancy, Who};

/// Medicines that are prescribed together for a condition. Facts for invented cases, never advice.
#[derive(Debug, Clone)]
pub struct Regimen {
    /// Slug.
    pub id: Slug,
    /// Index of the condition; `None` for what a pregnant patient takes whatever else she has.
    pub condition: Option<usize>,
    /// Relative frequency among the regimens of the condition.
    pub weight: f64,
    /// Whom it is for.
    pub who: Who,
    /// Whether a rule about age is stated, so that doses stated with it apply to children of that age.
    pub for_ages: bool,
    /// Ids of the settings that it is for; all if empty.
    pub settings: Vec<Slug>,
    /// Least body weight, in kilograms.
    pub min_kg: Option<f64>,
    /// Largest body weight, in kilograms.
    pub max_kg: Option<f64>,
    /// Index of a condition that the patient has too.
    pub with: Option<usize>,
    /// Indices of conditions that the patient does not have.
    pub without: Vec<usize>,
    /// Whether it is for pregnant patients.
    pub pregnancy: Pregnancy,
    /// What is taken.
    pub items: Vec<RegimenItem>,
}

/// One medicine of a [`Regimen`].
#[derive(Debug, Clone)]
pub struct RegimenItem {
    /// Indices of drugs, one of which is taken.
    pub any: Vec<usize>,
    /// Single doses, in the drug's unit; all its strengths if empty.
    pub doses: Vec<f64>,
    /// From a body weight in kilograms on, the single dose; ascending.
    pub by_weight: Vec<[f64; 2]>,
    /// How often; one of the drug's own if `None`.
    pub frequency: Option<String>,
    /// Share of patients on the regimen who take it.
    pub share: f64,
}

/// What is not drawn together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    /// Slug.
    pub id: Spanned<Slug>,
    /// Two different drugs of these ATC classes.
    #[serde(default)]
    pub any: Vec<Spanned<String>>,
    /// Drugs of these ATC classes, with or for what the other fields say.
    #[serde(default)]
    pub drugs: Vec<Spanned<String>>,
    /// ATC classes.
    #[serde(default)]
    pub with: Vec<Spanned<String>>,
    /// Conditions, by the first characters of their ICD-10 codes.
    #[serde(default)]
    pub conditions: Vec<Spanned<String>>,
    /// In pregnancy.
    #[serde(default)]
    pub pregnancy: bool,
    /// From and to which age in years.
    #[serde(default)]
    pub years: Option<[u32; 2]>,
    /// For patients of these sexes; with `years`, both apply together.
    #[serde(default)]
    pub sexes: Vec<Sex>,
}

fn starts(code: &str, classes: &[Spanned<String>]) -> bool {
    classes.iter().any(|class| code.starts_with(class.get_ref().as_str()))
}

impl Never {
    /// Whether two drugs are not taken together.
    pub fn forbids_pair(&self, a: &Drug, b: &Drug) -> bool {
        let pair = |a: &Drug, b: &Drug| starts(&a.atc, &self.drugs) && starts(&b.atc, &self.with);
        let two = a.id != b.id && starts(&a.atc, &self.any) && starts(&b.atc, &self.any);
        two || pair(a, b) || pair(b, a)
    }

    /// Whether nobody with a condition of this ICD-10 code takes the drug.
    #[inline]
    pub fn forbids_with(&self, drug: &Drug, icd10: &str) -> bool {
        starts(&drug.atc, &self.drugs) && starts(icd10, &self.conditions)
    }

    /// Whether no patient of this age and sex takes the drug.
    #[inline]
    pub fn forbids_for(&self, drug: &Drug, years: u32, sex: Sex, pregnant: bool) -> bool {
        let of_age = self.years.is_some_and(|[from, to]| (from..=to).contains(&years));
        let of_sex = self.sexes.contains(&sex);
        let person = match (self.years, self.sexes.is_empty()) {
            (Some(_), true) => of_age,
            (None, false) => of_sex,
            (Some(_), false) => of_age && of_sex,
            (None, true) => false,
        };
        starts(&drug.atc, &self.drugs) && (person || (self.pregnancy && pregnant))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRegimen {
    pub(crate) id: Spanned<Slug>,
    pub(crate) condition: Option<Spanned<Slug>>,
    pub(crate) weight: f64,
    pub(crate) ages: Option<Spanned<String>>,
    pub(crate) sexes: Option<Spanned<Vec<Sex>>>,
    #[serde(default)]
    pub(crate) settings: Vec<Spanned<Slug>>,
    pub(crate) min_kg: Option<f64>,
    pub(crate) max_kg: Option<f64>,
    pub(crate) with: Option<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) without: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) pregnancy: Pregnancy,
    pub(crate) items: Vec<Spanned<RawItem>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawItem {
    pub(crate) any: Vec<Spanned<Slug>>,
    #[serde(default)]
    pub(crate) doses: Vec<f64>,
    #[serde(default)]
    pub(crate) by_weight: Vec<[f64; 2]>,
    pub(crate) frequency: Option<String>,
    #[serde(default = "one")]
    pub(crate) share: f64,
}

fn one() -> f64 {
    1.0
}
