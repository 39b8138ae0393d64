//! Age or sex that is not the patient's.

use std::sync::LazyLock;

use clinstruct_schema::{AgeYears, Sex};
use regex::Regex;

use crate::Turn;
use crate::card::PatientFacts;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "other_patient",
    former_ids: &[],
    repair_name: None,
    summary: "Age or sex that is not the patient's.",
    group: Group::Facts,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: None,
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example },
    good: &[
        "A 45-year-old woman coughs.",
        "A 44-year-old coughs.",
        "She is 45 and her son 3.",
        "A 45 year old tired lady.",
    ],
    bad: &[
        "A 54-year-old woman coughs.",
        "A 45-year-old male patient coughs.",
        "A 7-month-old girl coughs.",
    ],
};

fn example(text: &'static str) -> Turn<'static> {
    let age = AgeYears { years: 45, months: None };
    Turn { patient: Some(PatientFacts { age, sex: Sex::Female }), ..Turn::prompt(text) }
}

static AGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)([0-9]{1,3})[- ](year|month|week|day)s?[- ]old(?-u:\b)").ok()
});

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    turn.patient.and_then(|patient| other_patient(turn.text, patient)).into_iter().collect()
}

/// An age that differs from the patient's by more than a year, or the other sex.
///
/// Ages in weeks and days, and other people in the text (a mother, a cohort), cannot be distinguished by code: only the
/// first age of the text, and the sex next to it, are compared.
pub(crate) fn other_patient(text: &str, patient: PatientFacts) -> Option<Finding> {
    let hit = AGE.as_ref()?.captures(text)?;
    let number: u32 = hit.get(1)?.as_str().parse().ok()?;
    let whole = hit.get(0)?;
    let unit = hit.get(2)?.as_str().to_lowercase();
    let known = patient.age;
    let agrees = match (unit.as_str(), known.months) {
        ("year", None) => number.abs_diff(known.years) <= 1,
        ("year", Some(_)) => number <= 1,
        ("month", Some(months)) => number.abs_diff(months) <= 1,
        ("month", None) => number / 12 == known.years || number <= 24 && known.years <= 2,
        _ => true,
    };
    if !agrees {
        let seen = format!("{} where the patient's age is {}", whole.as_str(), known.measure());
        return Some(Finding::at(whole.range(), seen));
    }
    let behind = text.get(whole.end()..)?;
    let words = behind.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).take(2);
    let said = words.into_iter().find_map(|w| match w.to_lowercase().as_str() {
        "male" | "man" | "boy" | "gentleman" => Some(Sex::Male),
        "female" | "woman" | "girl" | "lady" => Some(Sex::Female),
        _ => None,
    })?;
    let other = patient.sex != Sex::Intersex && said != patient.sex;
    other.then(|| {
        let seen = format!("{} where the patient is {}", said.as_str(), patient.sex.as_str());
        Finding::at(whole.range(), seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_names_both() {
        let seen = |text| find(&example(text)).pop().unwrap().detail;
        assert_eq!(
            seen("A 54-year-old woman coughs."),
            "54-year-old where the patient's age is 45 years"
        );
        assert_eq!(seen("A 45-year-old male patient coughs."), "male where the patient is female");
    }
}
