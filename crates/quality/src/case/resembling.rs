//! Measurements whose names resemble that of a fact: urea nitrogen is no urea, direct bilirubin not the whole of it.

use clinstruct_schema::{FactKind, FactName, StatedFact};

use super::numbers::{Number, Part, numbers};
use super::standing::is_said;
use super::statement::fact_of;
use super::view::View;
use super::vitals::label;
use super::words::{Class, Hit};

/// The name before a number, where it only resembles that of a fact.
fn name<'v>(view: &'v View<'_>, number: &Number) -> Option<&'v Hit> {
    let sentence = view.sentence(number.span.start);
    label(view, &sentence, number).filter(|hit| hit.class == Class::Resembling)
}

/// Whether the number is a measurement that only resembles a fact.
pub(super) fn is_resembling(view: &View<'_>, number: &Number) -> bool {
    name(view, number).is_some()
}

/// A unit behind a number that no fact has: `s`, `IU/L`.
fn written(rest: &str) -> Option<&str> {
    let word = rest.split_whitespace().next()?.trim_end_matches(['.', ',', ';', ')', '?']);
    let is_unit = matches!(word, "s" | "sec") || (word.contains('/') && word.len() <= 12);
    is_unit.then_some(word)
}

/// Adds such measurements that a message states and no fact has, under their own names: `BUN 38 mg/dL`.
pub(super) fn add(view: &View<'_>, facts: &mut Vec<StatedFact>) {
    for number in view.numbers.iter().filter(|n| n.part == Part::Alone && is_said(view, n)) {
        let Some(name) = name(view, number) else { continue };
        let told = facts.iter().any(|fact| {
            let texts = fact.name.kind() == FactKind::Text || fact.name == FactName::Other;
            let mut all = numbers(&fact.value, &fact.value.to_lowercase()).into_iter();
            texts && all.any(|n| (n.value - number.value).abs() < 1e-9)
        });
        let said = |from, to| view.text.get(from..to).unwrap_or_default().trim();
        let (name, value) = (said(name.start, name.end), said(number.span.start, number.end));
        let rest = view.text.get(number.end..).unwrap_or_default();
        // `urine glucose 2+` is a grade.
        if !told && !rest.starts_with('+') {
            let unit = number.unit.or_else(|| written(rest)).unwrap_or("1");
            let value = match number.unit {
                None if unit != "1" => format!("{name} {value} {unit}"),
                _ => format!("{name} {value}"),
            };
            facts.push(fact_of(FactName::Other, &value, unit));
        }
    }
}
