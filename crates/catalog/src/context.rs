//! Frames and cases as the variables of templates.

use clinstruct_schema::{Case, CaseText, FactName, Frame, Language, Measurement, Place, Sex};
use minijinja::context;

use crate::Catalog;

/// The gender, where it says more than the sex.
#[inline]
fn stated_gender(sex: Sex, gender: Option<&str>) -> Option<&str> {
    gender.filter(|gender| {
        !matches!((sex, *gender), (Sex::Male, "man" | "boy") | (Sex::Female, "woman" | "girl"))
    })
}

/// The language of a conversation for templates, as the instruction to a writer of its messages; none for English.
#[inline]
pub fn language_context(language: Language, place: &Place) -> Option<String> {
    (language != Language::English).then(|| {
        format!(
            "{}, as health workers in {} write it, with the names and units that are usual there",
            language.name(),
            place.country
        )
    })
}

/// A frame for templates: every field is a string; those of the patient are absent where there is none.
#[inline]
pub fn frame_context(catalog: &Catalog, frame: &Frame) -> minijinja::Value {
    let setting = catalog.settings.iter().find(|s| s.id == frame.place.setting);
    let patient = frame.patient.as_ref();
    context! {
        language => language_context(frame.language, &frame.place),
        country => frame.place.country.as_str(),
        setting => setting.map(|s| s.name.as_str()),
        setting_text => setting.map(|s| s.text.as_str()),
        withholds => frame.withholds,
        patient => patient.map(|p| context! {
            age => p.age.measure(),
            sex => p.sex.as_str(),
            gender => stated_gender(p.sex, p.gender.as_deref()),
            pregnancy => p.pregnancy_weeks.map(|weeks| format!("{weeks} weeks")),
            background => p.condition.as_ref().map(|c| c.name.as_str()),
        }),
    }
}

/// A case for templates: every field is a string, lists are joined by semicolons; what is not known says so.
#[inline]
pub fn case_context(case: &Case) -> minijinja::Value {
    let list = |items: Vec<String>, none: &str| {
        if items.is_empty() { none.to_owned() } else { items.join("; ") }
    };
    let texts =
        |all: &[CaseText], none: &str| list(all.iter().map(|t| t.text.clone()).collect(), none);
    let medicines = case.medicines.iter().map(|m| {
        let said = [&m.drug, &m.dose, &m.frequency].into_iter().filter(|part| !part.is_empty());
        said.map(String::as_str).collect::<Vec<_>>().join(" ")
    });
    let patient = &case.patient;
    context! {
        age => patient.age.measure(),
        sex => patient.sex.as_str(),
        gender => stated_gender(patient.sex, patient.gender.as_deref()),
        pregnancy => patient.pregnancy_weeks.map(|weeks| format!("{weeks} weeks")),
        background => list(case.conditions.iter().map(|c| c.name.clone()).collect(), "none known"),
        medicines => list(medicines.collect(), "none beyond your messages"),
        allergies => texts(&case.allergies, "none known"),
        vitals => vitals(case),
        size => size(case),
        measurements => list(case.measurements.iter().map(measurement).collect(), "none beyond your messages"),
        complaint => list(case.presented().map(|t| t.text.clone()).collect(), "as in your first message"),
        history => texts(&case.history, "nothing beyond your messages"),
        family => texts(&case.family, "nothing known beyond your messages"),
        social => texts(&case.social, "nothing known beyond your messages"),
    }
}

#[inline]
fn measurement(measured: &Measurement) -> String {
    let name = match measured.name {
        FactName::Other => String::new(),
        name => format!("{} ", name.as_str().replace('_', " ")),
    };
    let unit = readable(&measured.unit);
    // A measurement without a name of its own has its unit in its value, as the message writes it.
    let number = measured.value.rfind(|c: char| c.is_ascii_digit());
    let rest = number.and_then(|at| measured.value.get(at + 1..)).unwrap_or_default();
    let written = measured.name == FactName::Other && !rest.trim().is_empty();
    let said = measured.unit == "1"
        || unit.is_empty()
        || written
        || measured.value.ends_with(&measured.unit);
    let unit = if said { String::new() } else { format!(" {unit}") };
    format!("{name}{}{unit}", measured.value)
}

/// A UCUM unit as people write it; empty for one that only says what is counted, such as `{score}`.
#[inline]
fn readable(unit: &str) -> String {
    if unit.starts_with('{') && unit.ends_with('}') {
        return String::new();
    }
    let mut text = unit.replace("{1.73_m2}", "1.73 m²");
    for (ucum, written) in
        [("10*9/", "×10⁹/"), ("[Hg]", "Hg"), ("[IU]", "IU"), ("umol", "µmol"), ("Cel", "°C")]
    {
        text = text.replace(ucum, written);
    }
    text.replace(['{', '}'], "")
}

/// Weight and height.
#[inline]
fn size(case: &Case) -> String {
    let (weight, height) = (case.vitals.weight, case.vitals.height);
    let known = [
        weight.map(|w| format!("weight {w:.1} kg")),
        height.map(|h| format!("height {} cm", h.round())),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    if known.is_empty() { "not measured".to_owned() } else { known.join("; ") }
}

/// The vital signs that were measured, and which were not.
#[inline]
fn vitals(case: &Case) -> String {
    let v = &case.vitals;
    let mut known: Vec<String> = Vec::new();
    let mut unknown: Vec<&str> = Vec::new();
    let mut say = |label: &'static str, value: Option<String>| match value {
        Some(value) => known.push(format!("{label} {value}")),
        None => unknown.push(label),
    };
    let whole = |value: Option<f64>, unit: &str| value.map(|v| format!("{}{unit}", v.round()));
    say("heart rate", whole(v.heart_rate, " a minute"));
    say("respiratory rate", whole(v.respiratory_rate, " a minute"));
    let pressure = v.systolic.zip(v.diastolic);
    say("blood pressure", pressure.map(|(s, d)| format!("{}/{} mmHg", s.round(), d.round())));
    say("temperature", v.temperature.map(|t| format!("{t:.1} °C")));
    say("oxygen saturation", whole(v.saturation, " %"));
    if !unknown.is_empty() {
        known.push(format!("not measured: {}", unknown.join(", ")));
    }
    known.join("; ")
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{FactName, Measurement, Origin};

    use super::{measurement, readable};

    #[test]
    fn measurements_have_their_unit_once() {
        for (name, value, unit, shown) in [
            (
                FactName::Other,
                "standing pressure 112/70 mmHg",
                "mm[Hg]",
                "standing pressure 112/70 mmHg",
            ),
            (FactName::Other, "capillary refill 3", "s", "capillary refill 3 s"),
            (
                FactName::Other,
                "last week: neutrophils 4.1",
                "10*9/L",
                "last week: neutrophils 4.1 ×10⁹/L",
            ),
            (FactName::Other, "urine dipstick negative", "1", "urine dipstick negative"),
            (FactName::Neutrophils, "4.1", "10*9/L", "neutrophils 4.1 ×10⁹/L"),
        ] {
            let (value, unit, origin) = (value.to_owned(), unit.to_owned(), Origin::Stated);
            assert_eq!(measurement(&Measurement { name, value, unit, origin }), shown);
        }
    }

    #[test]
    fn units_are_shown_as_people_write_them() {
        for (ucum, written) in [
            ("{score}", ""),
            ("{copies}/mL", "copies/mL"),
            ("10*9/L", "×10⁹/L"),
            ("m[IU]/L", "mIU/L"),
            ("mL/min/{1.73_m2}", "mL/min/1.73 m²"),
            ("mmol/L", "mmol/L"),
        ] {
            assert_eq!(readable(ucum), written);
        }
    }
}
