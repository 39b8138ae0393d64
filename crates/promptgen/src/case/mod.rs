//! Completes a case.

use std::collections::BTreeMap;

use clinstruct_catalog::Catalog;
use clinstruct_schema::{Case, CasePatient, CaseVitals, Frame, Origin, Stated};

/// The case of a frame.
pub fn complete(
    _catalog: &Catalog,
    _seed: u64,
    _key: &str,
    frame: &Frame,
    stated: &Stated,
) -> Option<Case> {
    let patient = frame.patient.as_ref()?;
    Some(Case {
        patient: CasePatient {
            age_band: patient.age_band.clone(),
            age: patient.age,
            sex: patient.sex,
            gender: patient.gender.clone(),
            pregnancy_weeks: patient.pregnancy_weeks,
        },
        vitals: CaseVitals::default(),
        complaint: Vec::new(),
        measurements: Vec::new(),
        conditions: Vec::new(),
        medicines: Vec::new(),
        allergies: Vec::new(),
        history: Vec::new(),
        family: Vec::new(),
        social: Vec::new(),
        origins: BTreeMap::from([("patient.age".to_owned(), Origin::Frame)]),
        source: stated.source,
    })
}
