//! Units and plausible sizes of what is measured.

use std::ops::Range;

use clinstruct_schema::FactName;

/// Units and plausible sizes of a fact without one.
pub(super) fn kind(name: FactName) -> Option<(&'static [&'static str], Range<f64>)> {
    const MILLIMOLES: &[&str] = &["mmol/L", "meq/L"];
    Some(match name {
        FactName::Weight => (&["kg", "[lb_av]", "g"], 2.0..300.0),
        FactName::Height => (&["cm", "m"], 30.0..230.0),
        FactName::Temperature => (&["Cel", "[degF]", "deg"], 30.0..43.5),
        FactName::HeartRate => (&["{beats}/min", "/min"], 20.0..300.0),
        FactName::RespiratoryRate => (&["{breaths}/min", "/min"], 4.0..120.0),
        FactName::Systolic => (&["mm[Hg]"], 40.0..280.0),
        FactName::Diastolic => (&["mm[Hg]"], 15.0..180.0),
        FactName::Saturation => (&["%"], 40.0..100.5),
        FactName::Bmi => (&["kg/m2"], 8.0..80.0),
        FactName::Glucose => (&["mmol/L", "mg/dL", "g/L"], 0.3..900.0),
        FactName::Hba1c => (&["%", "mmol/mol"], 3.5..200.0),
        FactName::Haemoglobin => (&["g/dL", "g/L", "mmol/L"], 2.0..230.0),
        FactName::WhiteCells => (&["10*9/L", "/uL"], 0.1..60_000.0),
        FactName::Neutrophils => (&["10*9/L", "/uL"], 0.05..40_000.0),
        FactName::Platelets => (&["10*9/L", "/uL"], 1.0..1_000_000.0),
        FactName::Sodium => (MILLIMOLES, 95.0..200.0),
        FactName::Potassium => (MILLIMOLES, 1.0..10.0),
        FactName::Creatinine => (&["umol/L", "mg/dL", "mmol/L", "mg/L"], 0.2..2_500.0),
        FactName::Egfr => (&["mL/min/{1.73_m2}"], 1.0..160.0),
        FactName::Urea => (&["mmol/L", "mg/dL", "g/L"], 0.1..300.0),
        FactName::Bilirubin => (&["umol/L", "mg/dL", "mg/L"], 0.1..900.0),
        FactName::Alt => (&["U/L"], 3.0..15_000.0),
        FactName::Inr => (&[], 0.7..15.0),
        FactName::Crp => (&["mg/L", "mg/dL"], 0.1..600.0),
        FactName::Lactate => (&["mmol/L", "mg/dL"], 0.2..30.0),
        FactName::Troponin => (&["ng/L", "ng/mL", "pg/mL"], 0.001..100_000.0),
        FactName::Tsh => (&["m[IU]/L"], 0.001..200.0),
        FactName::Cd4 => (&["/uL"], 1.0..2_500.0),
        FactName::ViralLoad => (&["{copies}/mL"], 1.0..20_000_000.0),
        FactName::EjectionFraction => (&["%"], 5.0..80.0),
        FactName::Gcs => (&[], 3.0..15.5),
        FactName::PainScore => (&[], 0.0..10.5),
        _ => return None,
    })
}

/// Whether a value is one that a living body has.
pub(super) fn is_plausible(name: FactName, value: f64) -> bool {
    let Some((_, sizes)) = kind(name) else { return false };
    // Newborns weigh less than what is read without a unit.
    let start = if name == FactName::Weight { 0.3 } else { sizes.start };
    (start..sizes.end).contains(&value)
}

/// The unit of this UCUM name, among those that facts have.
pub(super) fn ucum(unit: &str) -> Option<&'static str> {
    FactName::ALL.iter().find_map(|name| {
        let all = kind(*name).map_or(&[] as &[&str], |(units, _)| units);
        let usual = Some(name.unit()).filter(|u| *u == unit && *u != "1");
        all.iter().copied().find(|u| *u == unit).or(usual)
    })
}
