//! Contradictions between a text and the patient or the country of care, for metrics.

use std::ops::Range;

use clinstruct_schema::Who;

use crate::card::About;
use crate::case::Reader;
use crate::check::Finding;
use crate::checks::{other_country, other_patient};

fn with_place(finding: Finding) -> Option<(String, Range<usize>)> {
    Some((finding.detail, finding.span?))
}

/// Age and sex in a text that contradict the patient: [`other_patient`].
pub fn patient(text: &str, who: Who<'_>) -> Option<(String, Range<usize>)> {
    other_patient::other_patient(&Reader::new(text), who.into()).and_then(with_place)
}

/// A law, an authority or a brand name of another country: [`other_country`].
pub fn foreign(text: &str, about: &About<'_>) -> Option<(String, Range<usize>)> {
    other_country::foreign_term(text, &about.country()).and_then(with_place)
}

/// An emergency number to call that is not the country's: [`other_country`].
pub fn emergency_number(text: &str, known: &str) -> Option<(String, Range<usize>)> {
    other_country::emergency_number(text, known).and_then(with_place)
}
