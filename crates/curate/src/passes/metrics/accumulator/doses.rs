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
    let same = |part: Option<&str>| part.is_some_and(|part| part.to_lowercase() == name);
    // An ending of another language is no other medicine; a longer word is, as is one of several names.
    let begins = same(text.get(place.start..place.start + name.len()))
        && place.end <= place.start + name.len() + 1;
    begins || same(place.end.checked_sub(name.len()).and_then(|from| text.get(from..place.end)))
}
