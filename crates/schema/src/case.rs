//! The one patient of a conversation: what the plan fixes, what the first message states, and what code fills in.
//!
//! A [`Frame`] is drawn before anything is requested. The writer's message wins over everything that it does not fix:
//! the facts that it states ([`Stated`]) and the frame are completed to a [`Case`], which every turn and every variant
//! of the prompt shares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AgeYears, ConversationMode, FactName, Language, Medicine, Patient, PatientCard, Persona, Place,
    Sex, Slug, Vitals, Voice, Who,
};

/// What the plan fixes about a prompt before it is written. A message that contradicts it is requested again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Where care takes place.
    pub place: Place,
    /// The patient; `None` for a question that is not about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patient: Option<FramePatient>,
    /// How the two sides talk.
    pub mode: ConversationMode,
    /// Whether the prompt becomes a single conversation that starts with the part's emergency instruction.
    #[serde(default)]
    pub emergency_instruction: bool,
    /// The language in which both sides write, where no style asks for another.
    #[serde(default)]
    pub language: Language,
    /// How the message is written; `None` in rows of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub voice: Option<Voice>,
    /// Whether the message leaves out something that the decision depends on, so that the assistant has to ask for it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub withholds: bool,
    /// Who writes, if not a health worker.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub persona: Option<Persona>,
}

impl Frame {
    /// A frame without an emergency instruction, in English, that leaves the voice of the message open.
    pub fn new(place: Place, patient: Option<FramePatient>, mode: ConversationMode) -> Self {
        Self {
            place,
            patient,
            mode,
            emergency_instruction: false,
            language: Language::English,
            voice: None,
            withholds: false,
            persona: None,
        }
    }
}

/// The patient of a [`Frame`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramePatient {
    /// Age band.
    pub age_band: Slug,
    /// Age.
    pub age: AgeYears,
    /// Recorded sex.
    pub sex: Sex,
    /// Gender, from adolescence; mentioned only if relevant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gender: Option<String>,
    /// Completed weeks of pregnancy; `None` for a patient who is not pregnant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pregnancy_weeks: Option<u32>,
    /// A long-standing condition that fits topic and place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<Coded>,
}

/// A name with its code in a public classification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coded {
    /// As a clinician says it.
    pub name: String,
    /// ICD-10 for conditions, ATC for medicines; empty if unknown.
    pub code: String,
}

/// A fact that a message states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedFact {
    /// Which.
    pub name: FactName,
    /// Value, as in the message: `54`, `female`, `metformin 500 mg twice daily`.
    pub value: String,
    /// UCUM unit; `1` without one.
    pub unit: String,
}

/// Who read the facts of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordSource {
    /// The writer listed them with its message.
    Writer,
    /// A model was asked for them.
    Extraction,
    /// Code alone: there was no readable list.
    Code,
}

/// The facts that a message states, after code has compared them with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// The facts.
    pub facts: Vec<StatedFact>,
    /// Who read them.
    pub source: RecordSource,
}

impl Stated {
    /// No facts, read by code.
    pub const NONE: Self = Self { facts: Vec::new(), source: RecordSource::Code };

    /// The value of the first fact of this name.
    pub fn value(&self, name: FactName) -> Option<&StatedFact> {
        self.facts.iter().find(|fact| fact.name == name)
    }
}

/// Where a fact of a case comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Fixed by the plan.
    Frame,
    /// Stated by the first message.
    Stated,
    /// Drawn to complete the case.
    Drawn,
}

/// The patient of a [`Case`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CasePatient {
    /// Age band.
    pub age_band: Slug,
    /// Age.
    pub age: AgeYears,
    /// Recorded sex.
    pub sex: Sex,
    /// Gender, from adolescence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gender: Option<String>,
    /// Completed weeks of pregnancy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pregnancy_weeks: Option<u32>,
}

/// Vital signs and size; `None` where not measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseVitals {
    /// Centimetres.
    pub height: Option<f64>,
    /// Kilograms.
    pub weight: Option<f64>,
    /// Beats per minute.
    pub heart_rate: Option<f64>,
    /// Breaths per minute.
    pub respiratory_rate: Option<f64>,
    /// Systolic blood pressure, mmHg.
    pub systolic: Option<f64>,
    /// Diastolic blood pressure, mmHg.
    pub diastolic: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Oxygen saturation, per cent.
    pub saturation: Option<f64>,
}

/// Ages in years at which a patient can be pregnant.
const PREGNANT_AGES: std::ops::RangeInclusive<u32> = 10..=58;

impl FramePatient {
    /// Whether sex and age allow a pregnancy.
    pub fn can_be_pregnant(&self) -> bool {
        self.sex != Sex::Male && PREGNANT_AGES.contains(&self.age.years)
    }

    /// Age, sex and gender.
    pub fn who(&self) -> Who<'_> {
        let gender = self.gender.as_deref();
        Who { age_band: &self.age_band, age: self.age, sex: self.sex, gender }
    }
}

impl CasePatient {
    /// Age, sex and gender.
    pub fn who(&self) -> Who<'_> {
        let gender = self.gender.as_deref();
        Who { age_band: &self.age_band, age: self.age, sex: self.sex, gender }
    }
}

impl CaseVitals {
    /// The value of a vital sign; `None` also for facts that are none.
    pub fn get(&self, name: FactName) -> Option<f64> {
        match name {
            FactName::Height => self.height,
            FactName::Weight => self.weight,
            FactName::HeartRate => self.heart_rate,
            FactName::RespiratoryRate => self.respiratory_rate,
            FactName::Systolic => self.systolic,
            FactName::Diastolic => self.diastolic,
            FactName::Temperature => self.temperature,
            FactName::Saturation => self.saturation,
            _ => None,
        }
    }

    /// Sets a vital sign; `false` for facts that are none.
    pub fn set(&mut self, name: FactName, value: f64) -> bool {
        let slot = match name {
            FactName::Height => &mut self.height,
            FactName::Weight => &mut self.weight,
            FactName::HeartRate => &mut self.heart_rate,
            FactName::RespiratoryRate => &mut self.respiratory_rate,
            FactName::Systolic => &mut self.systolic,
            FactName::Diastolic => &mut self.diastolic,
            FactName::Temperature => &mut self.temperature,
            FactName::Saturation => &mut self.saturation,
            _ => return false,
        };
        *slot = Some(value);
        true
    }
}

/// A long-standing condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseCondition {
    /// As a clinician says it.
    pub name: String,
    /// ICD-10 code; empty if unknown.
    pub icd10: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// A medicine that the patient takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseMedicine {
    /// Generic name, with its salt or element where the dose depends on it; the whole text where it could not be
    /// divided.
    pub drug: String,
    /// Amount and unit, such as `500 mg`; empty if unknown.
    pub dose: String,
    /// How often; empty if unknown.
    pub frequency: String,
    /// ATC code; empty if unknown.
    pub atc: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// A statement about the patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseText {
    /// The statement, without a subject.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// A measured value that is not a vital sign, such as a laboratory value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// Which.
    pub name: FactName,
    /// Value, as stated.
    pub value: String,
    /// UCUM unit; `1` for a number without one, empty where the value says what was measured: a test that was positive.
    pub unit: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// One patient, shared by all turns of a conversation and all variants of its prompt. Always fictional.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Who.
    pub patient: CasePatient,
    /// Vital signs and size.
    pub vitals: CaseVitals,
    /// Why the patient is seen: the complaint and its duration.
    pub complaint: Vec<CaseText>,
    /// What was found on examination or in pictures, and what was looked for and not found. Cases of earlier versions have it in
    /// `complaint`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<CaseText>,
    /// Laboratory values, scores and other measurements.
    pub measurements: Vec<Measurement>,
    /// Long-standing conditions, and illnesses that the message names.
    pub conditions: Vec<CaseCondition>,
    /// Medicines that the patient takes, and those that the message says have just been given.
    pub medicines: Vec<CaseMedicine>,
    /// Allergies; empty if there is none known.
    pub allergies: Vec<CaseText>,
    /// What happened before now: past events, and the course of the present illness.
    pub history: Vec<CaseText>,
    /// Family history.
    pub family: Vec<CaseText>,
    /// Occupation, home and habits.
    pub social: Vec<CaseText>,
    /// Origin of each value of `patient` and `vitals`, by its path: `vitals.weight`.
    pub origins: BTreeMap<String, Origin>,
    /// Who read the facts that are `stated`.
    pub source: RecordSource,
}

impl Case {
    /// The case of a patient about whom nothing else is known.
    pub fn new(patient: &FramePatient) -> Self {
        let mut origins: BTreeMap<String, Origin> =
            ["patient.age", "patient.sex"].map(|path| (path.to_owned(), Origin::Frame)).into();
        for (path, known) in [
            ("patient.gender", patient.gender.is_some()),
            ("patient.pregnancy_weeks", patient.pregnancy_weeks.is_some()),
        ] {
            if known {
                origins.insert(path.to_owned(), Origin::Frame);
            }
        }
        let condition = |c: &Coded| CaseCondition {
            name: c.name.clone(),
            icd10: c.code.clone(),
            origin: Origin::Frame,
        };
        Self {
            patient: CasePatient {
                age_band: patient.age_band.clone(),
                age: patient.age,
                sex: patient.sex,
                gender: patient.gender.clone(),
                pregnancy_weeks: patient.pregnancy_weeks,
            },
            vitals: CaseVitals::default(),
            complaint: Vec::new(),
            findings: Vec::new(),
            measurements: Vec::new(),
            conditions: patient.condition.iter().map(condition).collect(),
            medicines: Vec::new(),
            allergies: Vec::new(),
            history: Vec::new(),
            family: Vec::new(),
            social: Vec::new(),
            origins,
            source: RecordSource::Code,
        }
    }

    /// Complaint and findings.
    pub fn presented(&self) -> impl Iterator<Item = &CaseText> {
        self.complaint.iter().chain(&self.findings)
    }

    /// The origin of a vital sign.
    pub fn origin(&self, name: FactName) -> Option<Origin> {
        self.origins.get(&format!("vitals.{}", name.as_str())).copied()
    }

    /// The case in the shape of earlier versions. What is not known stays empty.
    pub fn card(&self, place: &Place) -> PatientCard {
        let whole = |value: Option<f64>| value.map(|v| v.round() as u32);
        let v = &self.vitals;
        let texts =
            |all: &[CaseText]| -> Vec<String> { all.iter().map(|t| t.text.clone()).collect() };
        let joined = |all: &[CaseText]| texts(all).join("; ");
        PatientCard {
            patient: Patient {
                age_band: self.patient.age_band.clone(),
                age: self.patient.age,
                sex: self.patient.sex,
                gender: self.patient.gender.clone(),
                country_code: place.country_code.clone(),
                country: place.country.clone(),
                income: place.income,
                region: place.region.clone(),
                setting: place.setting.clone(),
            },
            conditions: self.conditions.iter().map(|c| c.name.clone()).collect(),
            medicines: self
                .medicines
                .iter()
                .map(|m| Medicine {
                    drug: m.drug.clone(),
                    dose: m.dose.clone(),
                    frequency: m.frequency.clone(),
                })
                .collect(),
            allergies: joined(&self.allergies),
            vitals: Vitals {
                heart_rate: whole(v.heart_rate),
                respiratory_rate: whole(v.respiratory_rate),
                systolic: whole(v.systolic),
                diastolic: whole(v.diastolic),
                temperature: v.temperature,
                saturation: whole(v.saturation),
                weight: v.weight,
                height: whole(v.height),
            },
            past: texts(&self.history),
            family: joined(&self.family),
            social: joined(&self.social),
            presenting: self.presented().map(|t| t.text.as_str()).collect::<Vec<_>>().join("; "),
        }
    }
}
