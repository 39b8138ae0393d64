//! Sizes, vital signs, and what moves them.

use clinstruct_schema::{FactName, Slug};
use serde::Deserialize;

/// A number for men and one for women.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BySex {
    /// Men, boys.
    pub men: f64,
    /// Women, girls.
    pub women: f64,
}

/// The sizes of people. Heights are centimetres, weights kilograms, body mass index (BMI) kg/m2.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// Populations; one of each WHO region is the default of its other countries.
    pub populations: Vec<Population>,
    /// Standard deviation of adult height.
    pub height_sd: BySex,
    /// Standard deviation of the logarithm of adult BMI.
    pub bmi_spread: BySex,
    /// Limits of an adult's BMI.
    pub bmi_limits: [f64; 2],
    /// Adults by age, youngest first.
    pub adult: Vec<AdultSize>,
    /// Children by age, youngest first.
    pub growth: Vec<GrowthPoint>,
    /// What conditions and complaints say about size.
    pub sizes: Vec<SizeRule>,
    /// Weight gained in pregnancy, by weeks.
    pub pregnancy: Vec<PregnancyGain>,
}

impl Body {
    /// The population of a country; `None` for a country without one in a region without a default.
    #[inline]
    pub fn population(&self, country_code: &str, region: &str) -> Option<&Population> {
        let listed = |p: &&Population| p.countries.iter().any(|c| c == country_code);
        let default = |p: &&Population| p.region.as_deref() == Some(region);
        self.populations.iter().find(listed).or_else(|| self.populations.iter().find(default))
    }
}

/// Mean height and median BMI of the young and middle-aged adults of some countries.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Slug.
    pub id: Slug,
    /// WHO region whose unlisted countries it stands for.
    #[serde(default)]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2 codes, lower case.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Mean height of men at 19.
    pub men: f64,
    /// Mean height of women at 19.
    pub women: f64,
    /// Median BMI of men.
    pub bmi_men: f64,
    /// Median BMI of women.
    pub bmi_women: f64,
}

/// How the size of adults changes with age.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdultSize {
    /// Years.
    pub age: f64,
    /// Centimetres that men are shorter than at 19.
    pub men: f64,
    /// Centimetres that women are shorter than at 19.
    pub women: f64,
    /// BMI relative to the population's median.
    pub bmi: f64,
}

/// A child's size at one age.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Median and standard deviation of height.
    pub height: [f64; 2],
    /// L, M and S of BMI.
    pub bmi: [f64; 3],
}

/// Children of one age.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthPoint {
    /// Age.
    pub months: f64,
    /// Boys.
    pub boys: Growth,
    /// Girls.
    pub girls: Growth,
}

/// What words in a case say about the patient's size.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeRule {
    /// Slug.
    pub id: Slug,
    /// Words to look for.
    pub words: Vec<String>,
    /// They say the same of the present where they are a past event, such as an operation.
    #[serde(default)]
    pub events: bool,
    /// Limits of an adult's BMI.
    #[serde(default)]
    pub bmi: Option<[f64; 2]>,
    /// Added to an adult's BMI.
    #[serde(default)]
    pub bmi_shift: Option<f64>,
    /// Limits of a child's BMI, in standard deviations.
    #[serde(default)]
    pub bmi_z: Option<[f64; 2]>,
    /// Limits of height, in standard deviations.
    #[serde(default)]
    pub height_z: Option<[f64; 2]>,
}

/// Kilograms gained by a week of pregnancy.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PregnancyGain {
    /// Completed weeks.
    pub weeks: f64,
    /// Kilograms.
    pub gain: f64,
}

/// Vital signs of healthy people, and which are measured.
#[derive(Debug, Clone, Default)]
pub struct Signs {
    /// By age, youngest first.
    pub normal: Vec<NormalSigns>,
    /// In pregnancy, by weeks.
    pub expecting: Vec<Expecting>,
    /// Shares that are not measured, by setting.
    pub unmeasured: Vec<Unmeasured>,
}

/// Vital signs at rest at one age: mean and standard deviation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalSigns {
    /// Age.
    pub months: f64,
    /// Beats per minute.
    pub heart_rate: [f64; 2],
    /// Breaths per minute.
    pub respiratory_rate: [f64; 2],
    /// mmHg.
    pub systolic: [f64; 2],
    /// mmHg.
    pub diastolic: [f64; 2],
    /// Degrees Celsius.
    pub temperature: [f64; 2],
    /// Per cent.
    pub saturation: [f64; 2],
}

/// Factors on vital signs in pregnancy.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expecting {
    /// Completed weeks.
    pub weeks: f64,
    /// On heart rate.
    pub heart_rate: f64,
    /// On systolic pressure.
    pub systolic: f64,
}

/// Shares of cases without a vital sign in a care setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unmeasured {
    /// Care setting.
    pub setting: Slug,
    /// Without saturation.
    pub saturation: f64,
    /// Without blood pressure, of children under five.
    pub infant_pressure: f64,
}

/// What moves vital signs.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// Classes of complaint.
    pub complaints: Vec<Effect>,
    /// Long-standing conditions.
    pub conditions: Vec<Effect>,
    /// Medicines.
    pub medicines: Vec<Effect>,
}

/// A class of complaint, condition or medicine. Each range runs from a mild to a severe case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Slug.
    pub id: Slug,
    /// Words to look for.
    pub words: Vec<String>,
    /// Words to look for also in the conditions that a message states.
    #[serde(default)]
    pub diagnoses: Vec<String>,
    /// Measurements that show it.
    #[serde(default)]
    pub measured: Vec<Measured>,
    /// Youngest and oldest age in years.
    #[serde(default)]
    pub ages: Option<[u32; 2]>,
    /// Factor on heart rate.
    #[serde(default)]
    pub heart_rate: Option<[f64; 2]>,
    /// Factor on respiratory rate.
    #[serde(default)]
    pub respiratory_rate: Option<[f64; 2]>,
    /// Factor on systolic pressure.
    #[serde(default)]
    pub systolic: Option<[f64; 2]>,
    /// Degrees Celsius.
    #[serde(default)]
    pub temperature: Option<[f64; 2]>,
    /// Per cent.
    #[serde(default)]
    pub saturation: Option<[f64; 2]>,
    /// Classes that do not apply beside it.
    #[serde(default)]
    pub cancels: Vec<Slug>,
}

/// A measurement beyond a limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Which.
    pub name: FactName,
    /// In its usual unit.
    #[serde(default)]
    pub below: Option<f64>,
    /// In its usual unit.
    #[serde(default)]
    pub above: Option<f64>,
}
