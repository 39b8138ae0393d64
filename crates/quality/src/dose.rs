//! Doses that a text advises to give or to take, and the warnings that go with them.
//!
//! A dose is a number with a unit. What makes it one is the words around it: [`words`](self) finds those in one
//! pass over the text, [`numbers`](self) finds the numbers with their units, and `context` decides. The rules
//! prefer a dose that is missed to a number that is none: an alarm costs a repair, and a repair of a text
//! that was right makes it worse.
//!
//! Not counted are concentrations and laboratory values, food and drink, blood, what came out of a body, what
//! the patient already takes, took, forgot or was told to stop, what is left in a box, and the strength of a product
//! that is only described. Grams, millilitres and litres are doses only beside a medicine, a route or a frequency,
//! and large ones not beside a frequency alone: two litres a day are drunk.

mod context;
mod judged;
mod medicine;
mod numbers;
mod size;
mod taken;
mod units;
mod warning;
mod words;

use std::ops::Range;

use clinstruct_schema::{CaseMedicine, Language};

use self::taken::Taken;
use self::words::{Hit, Words};
use crate::phrases::small;
use crate::segment::sentences;

/// Units of doses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Micrograms.
    Microgram,
    /// Milligrams.
    Milligram,
    /// Grams.
    Gram,
    /// Millilitres.
    Millilitre,
    /// Litres, of a fluid or of oxygen.
    Litre,
    /// International units.
    International,
    /// Millimoles or milliequivalents.
    Millimole,
    /// Per cent.
    Percent,
    /// Tablets, drops, puffs and what else is counted.
    Piece,
}

impl Unit {
    /// The unit of a fact about a medicine; `None` for pieces, which differ in what they hold.
    pub fn of_fact(unit: &str) -> Option<Self> {
        Some(match unit {
            "microgram" => Self::Microgram,
            "mg" => Self::Milligram,
            "g" => Self::Gram,
            "ml" => Self::Millilitre,
            "units" => Self::International,
            _ => return None,
        })
    }

    /// What one is in another unit; `None` where the two measure different things.
    pub fn in_unit(self, other: Self) -> Option<f64> {
        let scale = |unit| match unit {
            Self::Microgram => Some(0.001),
            Self::Milligram => Some(1.0),
            Self::Gram => Some(1000.0),
            _ => None,
        };
        match (scale(self), scale(other)) {
            (Some(mine), Some(theirs)) => Some(mine / theirs),
            _ => (self == other).then_some(1.0),
        }
    }
}

/// A dose with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Dose {
    /// Number and unit, as they stand.
    pub place: Range<usize>,
    /// Its unit.
    pub unit: Unit,
    /// The number, the larger one of a range.
    pub amount: f64,
    /// For each kilogram or square metre of a body.
    pub per_weight: bool,
    /// The word that names its medicine, known or not; `None` where the words around it leave that open.
    pub medicine: Option<Range<usize>>,
}

/// The doses of a text, and which of them come with a warning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Doses {
    /// All, in the order of the text.
    pub stated: Vec<Dose>,
    /// The first that no sentence asks to verify.
    pub unwarned: Option<Dose>,
    /// A sentence that asks to verify doses, by that name.
    pub warning: Option<Range<usize>>,
}

/// Finds the doses of a text and the sentences that ask to verify them.
///
/// A warning that names doses or amounts ("confirm this number"), or says no more than "verify before use", counts for
/// all of the text. Another one ("check that with the pharmacist") counts for the doses of its own sentence, of the one
/// before, and of the list or table before.
pub fn find(text: &str, language: Language) -> Doses {
    find_new(text, language, &[])
}

/// The same without the doses that the patient takes already: a referral names them, and advises none of them.
pub fn find_new(text: &str, language: Language, taken: &[CaseMedicine]) -> Doses {
    let words = Words::of(language);
    let lower = lower_case(text);
    let places = Words::places(&lower);
    let numbers = numbers::numbers(text, &lower, words, &places);
    // Most texts have neither: all other words matter only beside one of these.
    if numbers.is_empty() && !words.may_verify(&lower, &places) {
        return Doses::default();
    }
    let hits = words.hits(&lower, &places);
    let verifies = hits.iter().any(|hit| hit.class == words::Class::Verify);
    if numbers.is_empty() && !verifies {
        return Doses::default();
    }
    let sentences = sentences(text, language);
    let view = View { text, lower: &lower, words, hits: &hits, sentences: &sentences };
    let mut stated = context::doses(&view, &numbers);
    if !(stated.is_empty() || taken.is_empty()) {
        let taken = Taken::of(taken, language);
        stated.retain(|dose| {
            let of = |s: &&Range<usize>| s.contains(&dose.place.start);
            let sentence = view.sentences.iter().find(of).cloned().unwrap_or_default();
            !taken.iter().any(|taken| taken.is(dose, view.lower, &sentence))
        });
    }
    let (warning, unwarned) = warning::unwarned(&view, &stated);
    Doses { unwarned: unwarned.map(|at| stated[at].clone()), stated, warning }
}

/// The first dose that no sentence asks to verify, with what is wrong; not one that the patient takes already.
pub(crate) fn missing_warning(
    text: &str,
    language: Language,
    taken: &[CaseMedicine],
) -> Option<(Range<usize>, String)> {
    let place = find_new(text, language, taken).unwarned?.place;
    let stated = text.get(place.clone()).unwrap_or_default();
    let seen = format!(
        "a dose ({stated}) without a sentence that asks to verify it: keep the dose and add the sentence"
    );
    Some((place, seen))
}

/// The words of a text that name medicines, in its order. `lower` is the text in lower case.
pub(crate) fn medicine_words(lower: &str, language: Language) -> Vec<Range<usize>> {
    let hits = Words::of(language).hits(lower, &Words::places(lower));
    hits.iter().filter(|hit| hit.class == words::Class::Medicine).map(Hit::range).collect()
}

/// A text with all that was found in it.
#[derive(Clone, Copy)]
struct View<'a> {
    text: &'a str,
    lower: &'a str,
    words: &'static Words,
    hits: &'a [Hit],
    sentences: &'a [Range<usize>],
}

impl<'a> View<'a> {
    /// The hits in a part of the text.
    fn within(&self, part: &Range<usize>) -> &'a [Hit] {
        let from = self.hits.partition_point(|hit| hit.start < part.start);
        let to = self.hits.partition_point(|hit| hit.start < part.end);
        self.hits.get(from..to).unwrap_or_default()
    }

    fn between(&self, from: usize, to: usize) -> &'a str {
        self.lower.get(from..to).unwrap_or_default()
    }
}

/// Lower case in which every byte keeps its place: a letter whose small form has another length stays.
pub(crate) fn lower_case(text: &str) -> String {
    small(text, |c, lower| {
        let mut small = c.to_lowercase();
        match (small.next(), small.next()) {
            (Some(one), None) if one.len_utf8() == c.len_utf8() => lower.push(one),
            _ => lower.push(c),
        }
    })
}
