use std::collections::BTreeMap;

use clinstruct_schema::{IncomeGroup, Language, Sex, Slug};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::Scope;

/// A recorded sex with its weight.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SexShare {
    /// Which.
    pub id: Sex,
    /// Weight among all.
    pub weight: f64,
}

/// A gender.
#[derive(Debug, Clone)]
pub struct Gender {
    /// Slug.
    pub id: Slug,
    /// Name in texts.
    pub name: String,
    /// Name in texts of somebody below the age of [`Catalog::adult_from`](crate::Catalog::adult_from); `None` where it
    /// is the same.
    pub young: Option<String>,
    /// Weights given male, female, intersex.
    pub weights: [f64; 3],
    /// Codes of the countries in whose cultures it exists; everywhere if empty.
    pub countries: Vec<String>,
}

/// A care setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Slug.
    pub id: Slug,
    /// Name in texts.
    pub name: String,
    /// What it means for care, in one sentence.
    pub text: String,
}

/// A country.
#[derive(Debug, Clone)]
pub struct Country {
    /// ISO 3166-1 alpha-2, lower case.
    pub code: String,
    /// Common English name.
    pub name: String,
    /// World Bank income group.
    pub income: IncomeGroup,
    /// WHO region code.
    pub region: String,
    /// Main languages, by English name.
    pub languages: Vec<String>,
    /// Languages of minorities, as far as conversations can be in them.
    pub minorities: Vec<String>,
    /// Emergency telephone number of the ambulance.
    pub emergency: String,
    /// Care settings that occur, by index; the usual one first.
    pub settings: Vec<usize>,
}

/// A profession with its specialties.
#[derive(Debug, Clone)]
pub struct Profession {
    /// Slug.
    pub id: Slug,
    /// Name.
    pub name: String,
    /// Its specialties.
    pub specialties: Vec<Specialty>,
    /// Its prompts.
    pub scope: Scope,
}

/// A specialty of a profession.
#[derive(Debug, Clone)]
pub struct Specialty {
    /// Slug, unique inside its profession.
    pub id: Slug,
    /// Name.
    pub name: String,
    /// Whether it is an emergency specialty.
    pub emergency: bool,
    /// Its prompts.
    pub scope: Scope,
}

/// A domain of medicine.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Slug.
    pub id: Slug,
    /// Name.
    pub name: String,
    /// Whether it is emergency medicine.
    pub emergency: bool,
    /// Its prompts.
    pub scope: Scope,
}

/// A subtopic of a domain.
#[derive(Debug, Clone)]
pub struct Subtopic {
    /// Slug, unique over all domains.
    pub id: Slug,
    /// Name.
    pub name: String,
    /// Index of its domain.
    pub domain: usize,
    /// Its prompts; what it does not state is its domain's.
    pub scope: Scope,
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Slug.
    pub id: Slug,
    /// Name.
    pub name: String,
    /// What it is, one sentence.
    pub description: String,
    /// The case to invent for it, in one sentence.
    pub case: String,
    /// The question to invent for it where there is no patient, in one sentence.
    pub question: String,
    /// Maximum tokens of an answer.
    pub max_tokens: u32,
    /// Whether answers depend on rules of the country, which are to be looked up where they are not known.
    pub rules: bool,
    /// Whether answers contain text in other languages.
    pub translates: bool,
    /// Its prompts.
    pub scope: Scope,
}

/// An axis that a part can cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Tasks.
    Task,
    /// Specialties of all professions.
    Specialty,
    /// Professions.
    Profession,
    /// Domains.
    Domain,
    /// Subtopics of all domains.
    Subtopic,
}

impl Axis {
    /// Name in part files.
    #[inline]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Specialty => "specialty",
            Self::Profession => "profession",
            Self::Domain => "domain",
            Self::Subtopic => "subtopic",
        }
    }
}

/// One value of an axis, as indices into the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A task.
    Task(usize),
    /// A specialty: profession and specialty.
    Specialty(usize, usize),
    /// A profession.
    Profession(usize),
    /// A domain.
    Domain(usize),
    /// A subtopic.
    Subtopic(usize),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGender {
    pub(crate) id: Slug,
    pub(crate) name: String,
    pub(crate) young: Option<String>,
    pub(crate) weights: BTreeMap<Sex, f64>,
    #[serde(default)]
    pub(crate) countries: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCountry {
    pub(crate) code: Spanned<String>,
    pub(crate) name: String,
    pub(crate) income: IncomeGroup,
    pub(crate) region: Spanned<String>,
    pub(crate) languages: Vec<String>,
    #[serde(default)]
    pub(crate) minorities: Vec<String>,
    pub(crate) emergency: String,
    pub(crate) settings: Spanned<Vec<Spanned<String>>>,
}

impl Country {
    /// Whether health workers there write in a language: one of the country's own, or English, in which they write anywhere.
    #[inline]
    pub fn speaks(&self, language: Language) -> bool {
        language == Language::English || self.languages.iter().any(|own| own == language.name())
    }

    /// Whether patients and families there read a language: the country's own ones, and those of minorities.
    #[inline]
    pub fn reads(&self, language: Language) -> bool {
        self.speaks(language) || self.minorities.iter().any(|own| own == language.name())
    }
}
