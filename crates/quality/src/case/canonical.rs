//! Values in the units of their facts.

use clinstruct_schema::{FactKind, FactName};

/// A value in the unit in which it is listed; `None` for one that cannot be it.
pub(super) fn canonical(
    name: FactName,
    value: f64,
    unit: Option<&'static str>,
) -> Option<(f64, &'static str)> {
    let tenth = |v: f64| (v * 10.0).round() / 10.0;
    Some(match (name, unit) {
        (FactName::Weight, Some("[lb_av]")) => (tenth(value * 0.453_592_37), "kg"),
        (FactName::Weight, Some("g")) => (tenth(value / 100.0) / 10.0, "kg"),
        (FactName::Height, Some("m")) => ((value * 100.0).round(), "cm"),
        (FactName::Height, None) if value < 2.5 => ((value * 100.0).round(), "cm"),
        (FactName::Temperature, Some("[degF]")) => (tenth((value - 32.0) / 1.8), "Cel"),
        (FactName::Temperature, None | Some("deg")) if value > 90.0 => {
            (tenth((value - 32.0) / 1.8), "Cel")
        }
        (FactName::Temperature, _) => {
            if !(25.0..45.0).contains(&value) {
                return None;
            }
            (value, "Cel")
        }
        (FactName::Haemoglobin, None) if value > 25.0 => (value, "g/L"),
        (FactName::Glucose, None) if value > 35.0 => (value, "mg/dL"),
        (FactName::Hba1c, None) if value > 20.0 => (value, "mmol/mol"),
        (FactName::Creatinine, None) if value < 15.0 => (value, "mg/dL"),
        (FactName::Bilirubin, None) if value < 6.0 => (value, "mg/dL"),
        (FactName::Platelets | FactName::WhiteCells | FactName::Neutrophils, None)
            if value > 1_500.0 =>
        {
            (value, "/uL")
        }
        // Thousands that the number or the unit left out: `512 mil/uL` is 512 000.
        (FactName::Platelets, Some("/uL")) if value < 1_500.0 => (value, name.unit()),
        (FactName::WhiteCells, Some("/uL")) if value < 100.0 => (value, name.unit()),
        (FactName::Neutrophils, Some("/uL")) if value < 15.0 => (value, name.unit()),
        (_, Some(unit)) if !is_vital(name) => (value, unit),
        (name, _) => (value, name.unit()),
    })
}

/// Whether a fact is a vital sign.
pub(super) fn is_vital(name: FactName) -> bool {
    matches!(name.kind(), FactKind::Vital)
}
