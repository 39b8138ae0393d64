//! Whether a text names its patient as a woman or as a man.

use std::ops::Range;

use clinstruct_schema::Language;

use super::{Class, Reading};
use crate::card::Gender;
use crate::case::view::View;
use crate::case::words;

/// The gender by which a text names its patient, where it does so by one only.
pub(in crate::case) fn named(view: &View<'_>, reading: &Reading) -> Option<(Gender, Range<usize>)> {
    let all = 0..view.text.len();
    let mut seen: Option<(Gender, Range<usize>)> = None;
    for hit in &reading.hits {
        let place = hit.start..hit.end;
        let gender = match hit.class {
            Class::Woman | Class::WomanTitle | Class::She => Gender::Woman,
            Class::Man | Class::ManTitle | Class::He => Gender::Man,
            _ => continue,
        };
        let is = match hit.class {
            Class::Woman | Class::Man => {
                !others_in(view, reading, &view.sentence(hit.start), hit.start)
            }
            Class::WomanTitle | Class::ManTitle => {
                is_before_a_name(view, reading, hit.end)
                    && !others_in(view, reading, &view.sentence(hit.start), hit.start)
            }
            _ => {
                does(view, reading, &place)
                    && !others_in(view, reading, &all, hit.start)
                    && !reading.has(Class::Other, &all)
            }
        };
        if !is {
            continue;
        }
        match &seen {
            None => seen = Some((gender, place)),
            Some((first, _)) if *first != gender => return None,
            Some(_) => {}
        }
    }
    seen
}

/// Whether a part of a text names somebody besides the patient.
fn others_in(view: &View<'_>, reading: &Reading, part: &Range<usize>, at: usize) -> bool {
    // Thai words are found within others.
    if reading.language == Language::Thai {
        return reading.is_of_other(view, &view.sentence(at), at);
    }
    view.within(part.clone()).any(|hit| {
        // `son` is French for `her`, `mal` no person, and so on: words of other languages are told by theirs.
        hit.class == words::Class::Person && view.between(hit.start, hit.end) != "son"
    })
}

/// Whether a name follows, and no rank.
fn is_before_a_name(view: &View<'_>, reading: &Reading, at: usize) -> bool {
    let rest = view.text.get(at..).unwrap_or_default();
    let name = rest.trim_start_matches([' ', '.']);
    let from = at + rest.len() - name.len();
    let rank = reading.hits.iter().any(|hit| hit.class == Class::Rank && hit.start == from);
    // Scripts without capitals do not set names apart.
    let is = name.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_lowercase());
    is && !rank
}

/// Whether a pronoun is said of a person: `er wiegt`, `er hat Fieber`, `seit gestern hat er Fieber`.
fn does(view: &View<'_>, reading: &Reading, pronoun: &Range<usize>) -> bool {
    let at = pronoun.end;
    let next = |class| {
        reading.hits.iter().find(|hit| {
            hit.class == class && hit.start > at && view.between(at, hit.start).trim().is_empty()
        })
    };
    if next(Class::Acts).is_some() {
        return true;
    }
    let before = reading.hits.iter().any(|hit| {
        hit.class == Class::Has
            && hit.end < pronoun.start
            && view.between(hit.end, pronoun.start).trim().is_empty()
    });
    let Some(from) = next(Class::Has).map(|hit| hit.end).or_else(|| before.then_some(at)) else {
        return false;
    };
    let rest = view.between(from, view.sentence(from).end);
    let clause = from..from + rest.find(", ").unwrap_or(rest.len());
    view.within(clause).any(|found| matches!(found.class, words::Class::Label(_)))
}
