//! What contradicts the frame in a first message.

use clinstruct_schema::Frame;

use super::Contradiction;
use super::Corrected;
use super::contradictions::{of_age, of_country, of_pregnancy, of_sex};
use super::reader::Reader;
use crate::card::PatientFacts;
use crate::check::Finding;
use crate::checks::other_patient;

/// Pronouns of the other sex that tell in a message whom it is about.
const PRONOUNS: usize = 2;

/// What contradicts the frame in a first message: another age, sex, pregnancy or country of care, or a patient where the
/// question has none.
///
/// What the frame does not fix is the writer's.
pub fn against_frame(text: &str, frame: &Frame) -> Vec<Finding> {
    let corrected = Corrected::of(text);
    let reader = Reader::new(corrected.text());
    let of_patient = frame
        .patient
        .as_ref()
        .and_then(|patient| other_patient::other_patient(&reader, PatientFacts::from(patient)));
    let told = of_patient.is_some();
    of_patient.into_iter().chain(beyond(&reader, frame, told)).collect()
}

/// What [`other_patient`] does not find; its finding on age or sex is not repeated.
pub(crate) fn beyond(reader: &Reader<'_>, frame: &Frame, told: bool) -> Vec<Finding> {
    let ages = reader.ages();
    let mut all: Vec<Contradiction> = Vec::new();
    let mut findings = Vec::new();
    match &frame.patient {
        Some(patient) => {
            let facts = PatientFacts::from(patient);
            if !told {
                all.extend(of_age(reader.view(), ages, facts));
                all.extend(of_sex(reader, ages, facts, PRONOUNS));
            }
            all.extend(of_pregnancy(reader.pregnancies(), patient.pregnancy_weeks));
        }
        None => {
            // Only somebody with age and sex is clearly one patient.
            let one = ages.iter().find(|age| age.called.is_some() && age.unit != "d");
            findings.extend(one.map(|age| {
                Finding::at(age.span.clone(), "a patient where the question is about none")
            }));
        }
    }
    all.extend(of_country(reader, &frame.place.country_code));
    findings.extend(all.into_iter().map(|c| Finding::at(c.span, c.detail)));
    findings
}
