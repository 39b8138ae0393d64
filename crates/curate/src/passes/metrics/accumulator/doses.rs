//! Doses against what a medicine is given in.

use std::ops::Range;

use clinstruct_quality::dose::{self, Unit};
use clinstruct_schema::summary::MetricId;

use super::super::faults::Place;
use super::MetricsAccumulator;

impl MetricsAccumulator {
    /// Doses compared with the largest single dose of the medicine that they belong to, where that is known.
    pub(super) fn ranges(&mut self, at: Place<'_>, doses: &[dose::Dose]) {
        for stated in doses.iter().filter(|dose| !dose.per_weight) {
            let Some(place) = &stated.medicine else { continue };
            let high = self.facts.drugs.iter().find_map(|drug| {
                let unit = Unit::of_fact(&drug.unit)?;
                let scale = stated.unit.in_unit(unit)?;
                is_named(at.text, place, &drug.name).then_some(drug.high / scale)
            });
            let Some(high) = high else { continue };
            // A day's dose may be several single ones.
            let above = (stated.amount > 4.0 * high).then(|| stated.place.clone());
            self.share(MetricId::DosesAboveRange, at, above);
        }
    }
}

/// Whether the word at a place begins or ends the name of a medicine that stands there: `amoxicilline` and
/// `folic acid` do.
fn is_named(text: &str, place: &Range<usize>, name: &str) -> bool {
    // Nearly all names are other ones: they are told without a copy in lower case.
    let same = |part: &str| {
        if part.is_ascii() { is_lower_case_of(name, part) } else { part.to_lowercase() == name }
    };
    // An ending of another language is no other medicine; a longer word is, as is one of several names.
    let begins = place.end <= place.start + name.len() + 1
        && text.get(place.start..place.start + name.len()).is_some_and(same);
    let ends = || text.get(place.end.checked_sub(name.len())?..place.end);
    begins || ends().is_some_and(same)
}

/// Whether a name is a text of ASCII in lower case.
fn is_lower_case_of(name: &str, text: &str) -> bool {
    let (name, text) = (name.as_bytes(), text.as_bytes());
    name.len() == text.len()
        && name.iter().zip(text).all(|(name, own)| *name == own.to_ascii_lowercase())
}
