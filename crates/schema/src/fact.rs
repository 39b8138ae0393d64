//! The names of facts about a patient.

use serde::{Deserialize, Serialize};

/// What kind of value a fact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// Age, sex, pregnancy.
    Patient,
    /// Vital signs and size.
    Vital,
    /// Laboratory values, scores and other measurements.
    Measurement,
    /// A statement.
    Text,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $kind:ident, $unit:literal;)*) => {
        /// A fact about a patient, as a message can state it. Names follow FHIR's vital signs and common laboratory
        /// panels, units are UCUM (<https://ucum.org/ucum>).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FactName {
            $($(#[$doc])* $variant,)*
        }

        impl FactName {
            /// All names, in the order in which they are listed to a model.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in records.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What kind of value it has.
            pub fn kind(self) -> FactKind {
                match self { $(Self::$variant => FactKind::$kind,)* }
            }

            /// Its usual UCUM unit; `1` for a fact without one.
            pub fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }
        }
    };
}

facts! {
    /// Age.
    Age = "age", Patient, "a";
    /// Recorded sex.
    Sex = "sex", Patient, "1";
    /// Completed weeks of pregnancy.
    PregnancyWeeks = "pregnancy_weeks", Patient, "wk";
    /// Body weight.
    Weight = "weight", Vital, "kg";
    /// Body height or length.
    Height = "height", Vital, "cm";
    /// Body temperature.
    Temperature = "temperature", Vital, "Cel";
    /// Heart rate.
    HeartRate = "heart_rate", Vital, "/min";
    /// Respiratory rate.
    RespiratoryRate = "respiratory_rate", Vital, "/min";
    /// Systolic blood pressure.
    Systolic = "systolic", Vital, "mm[Hg]";
    /// Diastolic blood pressure.
    Diastolic = "diastolic", Vital, "mm[Hg]";
    /// Oxygen saturation.
    Saturation = "saturation", Vital, "%";
    /// Body mass index.
    Bmi = "bmi", Measurement, "kg/m2";
    /// Blood glucose.
    Glucose = "glucose", Measurement, "mmol/L";
    /// Glycated haemoglobin.
    Hba1c = "hba1c", Measurement, "%";
    /// Haemoglobin.
    Haemoglobin = "haemoglobin", Measurement, "g/dL";
    /// White cell count.
    WhiteCells = "white_cells", Measurement, "10*9/L";
    /// Neutrophil count.
    Neutrophils = "neutrophils", Measurement, "10*9/L";
    /// Platelet count.
    Platelets = "platelets", Measurement, "10*9/L";
    /// Sodium.
    Sodium = "sodium", Measurement, "mmol/L";
    /// Potassium.
    Potassium = "potassium", Measurement, "mmol/L";
    /// Creatinine.
    Creatinine = "creatinine", Measurement, "umol/L";
    /// Estimated glomerular filtration rate.
    Egfr = "egfr", Measurement, "mL/min/{1.73_m2}";
    /// Urea.
    Urea = "urea", Measurement, "mmol/L";
    /// Bilirubin.
    Bilirubin = "bilirubin", Measurement, "umol/L";
    /// Alanine aminotransferase.
    Alt = "alt", Measurement, "U/L";
    /// International normalised ratio.
    Inr = "inr", Measurement, "1";
    /// C-reactive protein.
    Crp = "crp", Measurement, "mg/L";
    /// Lactate.
    Lactate = "lactate", Measurement, "mmol/L";
    /// Troponin.
    Troponin = "troponin", Measurement, "ng/L";
    /// Thyroid-stimulating hormone.
    Tsh = "tsh", Measurement, "m[IU]/L";
    /// CD4 count.
    Cd4 = "cd4", Measurement, "/uL";
    /// Viral load.
    ViralLoad = "viral_load", Measurement, "{copies}/mL";
    /// Ejection fraction.
    EjectionFraction = "ejection_fraction", Measurement, "%";
    /// Glasgow coma scale.
    Gcs = "gcs", Measurement, "{score}";
    /// Pain score of ten.
    PainScore = "pain_score", Measurement, "{score}";
    /// Another measurement, with its name in the value: `chloride 108 mmol/L`, `pH 7.31`, `standing blood pressure
    /// 112/70 mmHg`, `fetal heart rate 110/min`, `mid-upper arm circumference 11.2 cm`; a result of a test in words:
    /// `malaria rapid test negative`; an earlier laboratory value with its time: `last week: neutrophils 4.1`.
    ///
    /// A name of its own is worth its tokens, which every request for prompts and records pays, only where something
    /// uses it: a draw of what goes with it, a comparison with later turns, or the reader of messages.
    Other = "other", Measurement, "1";
    /// Why the patient is seen.
    Complaint = "complaint", Text, "1";
    /// A finding of the examination or of imaging.
    Finding = "finding", Text, "1";
    /// A long-standing or newly diagnosed condition.
    Condition = "condition", Text, "1";
    /// A medicine that the patient takes, with dose and frequency where stated.
    Medicine = "medicine", Text, "1";
    /// An allergy, with the reaction where stated; `none` where the message rules them out.
    Allergy = "allergy", Text, "1";
    /// A past event.
    History = "history", Text, "1";
    /// Family history.
    Family = "family", Text, "1";
    /// Occupation, home or habits.
    Social = "social", Text, "1";
}

/// Other names that models give to facts.
const ALIASES: &[(&str, FactName)] = &[
    ("gender", FactName::Sex),
    ("gestational_age", FactName::PregnancyWeeks),
    ("gestation", FactName::PregnancyWeeks),
    ("pregnancy", FactName::PregnancyWeeks),
    ("body_weight", FactName::Weight),
    ("body_height", FactName::Height),
    ("length", FactName::Height),
    ("body_temperature", FactName::Temperature),
    ("temp", FactName::Temperature),
    ("pulse", FactName::HeartRate),
    ("pulse_rate", FactName::HeartRate),
    ("hr", FactName::HeartRate),
    ("rr", FactName::RespiratoryRate),
    ("breathing_rate", FactName::RespiratoryRate),
    ("blood_pressure", FactName::Systolic),
    ("bp", FactName::Systolic),
    ("systolic_blood_pressure", FactName::Systolic),
    ("systolic_bp", FactName::Systolic),
    ("diastolic_blood_pressure", FactName::Diastolic),
    ("diastolic_bp", FactName::Diastolic),
    ("spo2", FactName::Saturation),
    ("oxygen_saturation", FactName::Saturation),
    ("body_mass_index", FactName::Bmi),
    ("blood_glucose", FactName::Glucose),
    ("hemoglobin", FactName::Haemoglobin),
    ("hb", FactName::Haemoglobin),
    ("white_blood_cells", FactName::WhiteCells),
    ("wbc", FactName::WhiteCells),
    ("gfr", FactName::Egfr),
    ("lvef", FactName::EjectionFraction),
    ("glasgow_coma_scale", FactName::Gcs),
    ("pain", FactName::PainScore),
    ("presenting_complaint", FactName::Complaint),
    ("chief_complaint", FactName::Complaint),
    ("symptom", FactName::Complaint),
    ("sign", FactName::Finding),
    ("examination", FactName::Finding),
    ("imaging", FactName::Finding),
    ("diagnosis", FactName::Condition),
    ("comorbidity", FactName::Condition),
    ("medication", FactName::Medicine),
    ("drug", FactName::Medicine),
    ("treatment", FactName::Medicine),
    ("past_history", FactName::History),
    ("surgery", FactName::History),
    ("family_history", FactName::Family),
    ("social_history", FactName::Social),
    ("occupation", FactName::Social),
];

impl FactName {
    /// Reads a name as models write it: in any case, with spaces or hyphens, in the plural, or under another usual name.
    pub fn parse(text: &str) -> Option<Self> {
        let name: String = text
            .trim()
            .trim_matches(['*', '`', '"'])
            .chars()
            .map(|c| if c == ' ' || c == '-' { '_' } else { c.to_ascii_lowercase() })
            .collect();
        let known = |name: &str| {
            let own = Self::ALL.iter().copied().find(|known| known.as_str() == name);
            own.or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, own)| *own))
        };
        let singular = || {
            let one = name.strip_suffix("ies").map(|stem| format!("{stem}y"));
            known(&one.unwrap_or_else(|| name.strip_suffix('s').unwrap_or(&name).to_owned()))
        };
        known(&name).or_else(singular)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_in_records() {
        for name in FactName::ALL {
            let text = serde_json::to_string(name).unwrap();
            assert_eq!(text, format!("\"{}\"", name.as_str()));
            assert_eq!(FactName::parse(name.as_str()), Some(*name));
        }
    }

    #[test]
    fn names_are_read_as_models_write_them() {
        for (text, name) in [
            ("Heart rate", FactName::HeartRate),
            ("**SpO2**", FactName::Saturation),
            ("allergies", FactName::Allergy),
            ("Medications", FactName::Medicine),
            ("white-cells", FactName::WhiteCells),
        ] {
            assert_eq!(FactName::parse(text), Some(name), "{text}");
        }
        assert_eq!(FactName::parse("favourite colour"), None);
    }
}
