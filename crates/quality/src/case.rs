//! What a message says about its patient: read by code, and compared with the frame and the case.
//!
//! [`read()`] finds ages, vital signs, laboratory values and medicines, whatever wrote them. [`record()`] compares a list
//! of facts with the message that it came with. [`against_frame()`] and [`contradictions()`] find what contradicts the
//! patient; both prefer a contradiction that is missed to one that is none, since each costs another request.
//!
//! A number is read in three steps: what stands right behind it (its unit), what stands before it (its label), and
//! whether it is said of the patient at all. Limits, ranges, dates, durations, wishes for the answer, things, groups and
//! other people have numbers of their own.

mod advice;
mod age;
mod body;
mod canonical;
#[cfg(test)]
mod clinical_tests;
mod contradictions;
mod correction;
#[cfg(test)]
mod correction_tests;
mod country;
mod filing;
#[cfg(test)]
mod filing_pieces_tests;
#[cfg(test)]
mod filing_placed_tests;
#[cfg(test)]
mod filing_tests;
mod frame;
mod homograph;
mod household;
mod listed;
mod local;
mod medicines;
mod numbers;
mod pregnancy;
mod reader;
mod record;
#[cfg(test)]
mod record_tests;
mod resembling;
#[cfg(test)]
mod resembling_tests;
mod sides;
mod sizes;
mod sound;
mod standing;
#[cfg(test)]
mod standing_tests;
mod statement;
mod topic;
mod untaken;
mod view;
mod vitals;
mod words;
mod writer;

use std::collections::BTreeSet;
use std::ops::Range;

use clinstruct_schema::{Case, FactName, StatedFact};

pub use self::contradictions::{
    Contradiction, ContradictionKind, contradictions, contradictions_in,
};
pub use self::correction::Corrected;
pub use self::frame::against_frame;
pub(crate) use self::frame::beyond;
pub use self::reader::Reader;
pub use self::record::{record, record_in};
pub use self::topic::{left_topic, topic_words};
pub(crate) use self::writer::is_of_patient;

/// A fact with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFact {
    /// The fact.
    pub fact: StatedFact,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

impl ReadFact {
    fn new(name: FactName, value: impl Into<String>, unit: &str, span: Range<usize>) -> Self {
        Self { fact: StatedFact { name, value: value.into(), unit: unit.to_owned() }, span }
    }
}

/// The facts that a message states of its patient, in the order of the text.
///
/// Age, size and vital signs are in the unit of their [`FactName`] (an infant's age in `mo`, `wk` or `d`); laboratory
/// values in the unit that the text gives. Each is read once: the latest value that stands, which is no dip, no peak and
/// not of an earlier time.
/// Medicines are those that the patient takes in a dose.
pub fn read(text: &str) -> Vec<ReadFact> {
    of_reader(&Reader::new(Corrected::of(text).text()))
}

fn of_reader(reader: &Reader<'_>) -> Vec<ReadFact> {
    let (view, ages) = (reader.view(), reader.ages());
    let mut all = Vec::new();
    if let Some(age) = ages.first() {
        let value = age.number.to_string();
        all.push(ReadFact::new(FactName::Age, value, age.unit, age.span.clone()));
    }
    if let Some((sex, span)) = age::sex(view, ages) {
        all.push(ReadFact::new(FactName::Sex, sex.as_str(), "1", span));
    }
    let weeks = reader.pregnancies().iter().find_map(|p| Some((p.weeks?, p.span.clone())));
    if let Some((weeks, span)) = weeks {
        all.push(ReadFact::new(FactName::PregnancyWeeks, weeks.to_string(), "wk", span));
    }
    let values = reader.readings();
    let names: BTreeSet<FactName> = values.iter().map(|reading| reading.name).collect();
    for reading in names.iter().filter_map(|n| standing::current(values, *n).into_iter().next()) {
        let span = reading.span.clone();
        all.push(ReadFact::new(reading.name, reading.text.as_str(), reading.unit, span));
    }
    for mention in reader.mentions() {
        if mention.taken && mention.dose.is_some() {
            let value = view.text.get(mention.span.clone()).unwrap_or_default();
            all.push(ReadFact::new(FactName::Medicine, value, "1", mention.span.clone()));
        }
    }
    all.sort_by_key(|read| (read.span.start, read.fact.name));
    all
}

/// The facts that a text states and a case lacks, or has otherwise.
///
/// A later turn may add to a case: a new measurement, a medicine that was not named before. They are counted, not
/// refused.
pub fn added(reader: &Reader<'_>, case: &Case) -> Vec<ReadFact> {
    let all = of_reader(reader).into_iter();
    all.filter(|read| !contradictions::has(reader, case, read)).collect()
}
