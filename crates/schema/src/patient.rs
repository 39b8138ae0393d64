use serde::{Deserialize, Serialize};

use crate::{IncomeGroup, Place, Slug};

/// Recorded sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Intersex.
    Intersex,
}

impl Sex {
    /// The word in texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
            Self::Intersex => "intersex",
        }
    }
}

/// Age in whole years; under two years, months count too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AgeYears {
    /// Whole years.
    pub years: u32,
    /// Whole months beyond the years, given only under two years.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub months: Option<u32>,
}

impl AgeYears {
    /// The age in whole months, under two years.
    pub fn total_months(self) -> Option<u32> {
        self.months.map(|months| self.years * 12 + months)
    }

    /// Before a noun: `7-month-old`, `63-year-old`.
    pub fn adjective(self) -> String {
        match self.total_months() {
            Some(0) => "newborn".to_owned(),
            Some(months) => format!("{months}-month-old"),
            None => format!("{}-year-old", self.years),
        }
    }

    /// As a duration: `7 months`, `1 year`, `63 years`.
    pub fn measure(self) -> String {
        let of = |n: u32, unit: &str| {
            if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") }
        };
        match self.total_months() {
            Some(0) => "less than a month".to_owned(),
            Some(months) => of(months, "month"),
            None => of(self.years, "year"),
        }
    }
}

/// Age, sex and gender of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'a> {
    /// Age band.
    pub age_band: &'a Slug,
    /// Age.
    pub age: AgeYears,
    /// Recorded sex.
    pub sex: Sex,
    /// Gender, from adolescence.
    pub gender: Option<&'a str>,
}

/// Demographics, drawn before the prompt is requested. Always fictional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// Age band.
    pub age_band: Slug,
    /// Age.
    pub age: AgeYears,
    /// Recorded sex.
    pub sex: Sex,
    /// Gender, from adolescence; mentioned only if relevant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gender: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country of care, lower case.
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

impl Patient {
    /// Age, sex and gender.
    pub fn who(&self) -> Who<'_> {
        let gender = self.gender.as_deref();
        Who { age_band: &self.age_band, age: self.age, sex: self.sex, gender }
    }

    /// Where care takes place.
    pub fn place(&self) -> Place {
        Place {
            country_code: self.country_code.clone(),
            country: self.country.clone(),
            income: self.income,
            region: self.region.clone(),
            setting: self.setting.clone(),
        }
    }
}

/// A term that applies to some countries only: a law, an authority, a brand name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountryBound {
    /// The term, with capitals as written.
    pub term: String,
    /// Country codes.
    pub countries: Vec<String>,
}

/// A medicine that the patient takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Medicine {
    /// Generic name.
    pub drug: String,
    /// Amount and unit, such as `500 mg`.
    pub dose: String,
    /// How often.
    pub frequency: String,
}

/// Vital signs; `None` where not measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vitals {
    /// Beats per minute.
    pub heart_rate: Option<u32>,
    /// Breaths per minute.
    pub respiratory_rate: Option<u32>,
    /// Systolic blood pressure, mmHg.
    pub systolic: Option<u32>,
    /// Diastolic blood pressure, mmHg.
    pub diastolic: Option<u32>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Oxygen saturation, per cent.
    pub saturation: Option<u32>,
    /// Kilograms.
    pub weight: Option<f64>,
    /// Centimetres.
    pub height: Option<u32>,
}

/// A case in the shape of earlier versions, for one version; see [`crate::Case::card`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatientCard {
    /// Who and where.
    pub patient: Patient,
    /// Long-standing conditions.
    pub conditions: Vec<String>,
    /// Medicines taken.
    pub medicines: Vec<Medicine>,
    /// Allergies, including `no known allergies`.
    pub allergies: String,
    /// Vital signs at presentation.
    pub vitals: Vitals,
    /// Past medical history.
    pub past: Vec<String>,
    /// Family history.
    pub family: String,
    /// Social history.
    pub social: String,
    /// The presenting problem, if the row's subject does not state it.
    pub presenting: String,
}
