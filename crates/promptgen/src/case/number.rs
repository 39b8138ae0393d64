//! Reads the numbers of stated facts.

use clinstruct_schema::{FactName, StatedFact};

/// The number at the start of a value: `138`, `38,5`, `about 60 kg`. `None` for a range, and for text.
pub(super) fn number(value: &str) -> Option<f64> {
    let (number, rest) = leading_number(value)?;
    let rest = rest.trim_start();
    let range = rest.starts_with(['-', '–', '/', '±'])
        || rest.strip_prefix("to ").is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
    (!range).then_some(number)
}

fn leading_number(value: &str) -> Option<(f64, &str)> {
    let mut value = value.trim();
    for about in
        ["about", "approximately", "approx.", "approx", "around", "roughly", "~", "≈", "ca."]
    {
        if value.get(..about.len()).is_some_and(|start| start.eq_ignore_ascii_case(about)) {
            value = value[about.len()..].trim_start();
        }
    }
    let end =
        value.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(value.len());
    let (digits, rest) = value.split_at(end);
    let digits = digits.trim_end_matches(['.', ',']);
    let plain = match digits.split_once(',') {
        // A decimal comma, or a separator of thousands.
        Some((_, decimals)) if decimals.len() != 3 => digits.replace(',', "."),
        _ => digits.replace(',', ""),
    };
    let number: f64 = plain.parse().ok()?;
    number.is_finite().then_some((number, rest))
}

/// A stated vital sign in its usual unit, if a living patient can have it.
pub(super) fn vital(fact: &StatedFact) -> Option<f64> {
    // `120/80` is a systolic pressure of 120; other values with a slash are ranges.
    let value = match fact.value.split_once('/') {
        Some((systolic, _)) if fact.name == FactName::Systolic => systolic,
        _ => fact.value.as_str(),
    };
    let number = number(value)?;
    let unit = fact.unit.trim().to_lowercase();
    let number = match (fact.name, unit.as_str()) {
        (FactName::Weight, "lb" | "lbs" | "[lb_av]" | "pound" | "pounds") => number * 0.453_592_37,
        (FactName::Weight, "g" | "gram" | "grams") => number / 1000.0,
        (FactName::Height, "m" | "metre" | "metres" | "meter" | "meters") => number * 100.0,
        (FactName::Height, "[in_i]" | "in" | "inch" | "inches") => number * 2.54,
        (FactName::Temperature, "[degf]" | "°f" | "f" | "degf") => (number - 32.0) / 1.8,
        _ => number,
    };
    let possible = match fact.name {
        FactName::Weight => 0.3..=400.0,
        FactName::Height => 20.0..=250.0,
        FactName::Temperature => 15.0..=44.0,
        FactName::HeartRate => 0.0..=350.0,
        FactName::RespiratoryRate => 0.0..=150.0,
        FactName::Systolic => 0.0..=320.0,
        FactName::Diastolic => 0.0..=220.0,
        _ => 0.0..=100.0,
    };
    possible.contains(&number).then(|| (number * 100.0).round() / 100.0)
}

/// The diastolic pressure of a systolic one that is stated as a pair.
pub(super) fn pressure_pair<'a>(
    stated: impl Iterator<Item = &'a StatedFact>,
    name: FactName,
) -> Option<f64> {
    if name != FactName::Diastolic {
        return None;
    }
    let mut systolic = stated.filter(|f| f.name == FactName::Systolic);
    systolic
        .find_map(|f| f.value.split_once('/').and_then(|(_, diastolic)| number(diastolic)))
        .filter(|d| (0.0..=220.0).contains(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_leniently() {
        let read = |v: &str| number(v);
        assert_eq!(read("138"), Some(138.0));
        assert_eq!(read(" 38,5 °C"), Some(38.5));
        assert_eq!(read("about 60 kg"), Some(60.0));
        assert_eq!(read("~72"), Some(72.0));
        assert_eq!(read("1,200 g"), Some(1200.0));
        assert_eq!(read("54."), Some(54.0));
        for text in ["", "high", "60-70", "60 to 70", "1.2.3", "-", "NaN", "inf", ",", "½"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn vital_signs_are_converted_and_impossible_ones_ignored() {
        let read = |name, value: &str, unit: &str| {
            vital(&StatedFact { name, value: value.into(), unit: unit.into() })
        };
        assert_eq!(read(FactName::Weight, "154", "[lb_av]"), Some(69.85));
        assert_eq!(read(FactName::Temperature, "101.3", "[degF]"), Some(38.5));
        assert_eq!(read(FactName::Height, "1.72", "m"), Some(172.0));
        assert_eq!(read(FactName::Systolic, "120/80", "mm[Hg]"), Some(120.0));
        assert_eq!(read(FactName::Saturation, "980", "%"), None);
        assert_eq!(read(FactName::Weight, "-3", "kg"), None);
    }
}
