//! Doses that the patient of a conversation takes already.

use std::ops::Range;

use clinstruct_schema::{CaseMedicine, Language};

use super::words::Words;
use super::{Dose, Unit, lower_case, numbers};

/// A medicine of a case with its dose.
#[derive(Debug)]
pub(super) struct Taken {
    /// First word of its name, in lower case.
    drug: String,
    amount: f64,
    unit: Unit,
}

impl Taken {
    /// The medicines that have a dose.
    pub(super) fn of(medicines: &[CaseMedicine], language: Language) -> Vec<Self> {
        let one = |drug: &str, dose: &str| {
            let (drug, lower) = (lower_case(drug), lower_case(dose));
            let drug = drug.split_whitespace().next()?.to_owned();
            let words = Words::of(language);
            let all = numbers::numbers(dose, &lower, words, &Words::places(&lower));
            let number = all.first()?;
            Some(Self { drug, amount: number.amount, unit: number.unit })
        };
        medicines.iter().filter_map(|m| one(&m.drug, &m.dose)).collect()
    }

    /// Whether a dose is this one, said again in a sentence that names the medicine.
    pub(super) fn is(&self, dose: &Dose, lower: &str, sentence: &Range<usize>) -> bool {
        let amount = dose.unit.in_unit(self.unit).map(|scale| dose.amount * scale);
        !dose.per_weight
            && amount.is_some_and(|amount| (amount - self.amount).abs() < 1e-6)
            && lower.get(sentence.clone()).is_some_and(|said| said.contains(&self.drug))
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Origin;

    use super::super::find_new;
    use super::*;

    #[test]
    fn what_a_patient_takes_is_no_advice() {
        let medicine = |drug: &str, dose: &str| CaseMedicine {
            drug: drug.into(),
            dose: dose.into(),
            frequency: "once daily".into(),
            atc: String::new(),
            origin: Origin::Stated,
        };
        let taken = [medicine("Hydroxyurea", "250 mg"), medicine("folic acid", "0.5 mg")];
        let unwarned = |text| find_new(text, Language::English, &taken).unwarned.is_some();
        for text in [
            "The referral should state: \"Sickle cell disease, 3 years; hydroxyurea 250 mg once daily.\"",
            "Write: on hydroxyurea 0.25 g daily and folic acid 500 micrograms daily.",
        ] {
            assert!(!unwarned(text), "{text}");
            assert!(find_new(text, Language::English, &[]).unwarned.is_some(), "{text}");
        }
        for text in [
            "Increase hydroxyurea to 375 mg once daily.",
            "Give paracetamol 250 mg once daily.",
            "Give hydroxyurea 250 mg/kg once daily.",
        ] {
            assert!(unwarned(text), "{text}");
        }
    }
}
