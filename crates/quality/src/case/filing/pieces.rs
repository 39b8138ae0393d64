//! Statements that a writer cut out of one phrase of its message: `infantile haemangioma` and `of the left cheek`.

use std::ops::Range;

use clinstruct_schema::{FactName, StatedFact};

use super::super::statement::fact_of;
use crate::case::view::View;

/// Words with which the rest of a phrase begins, or which want a rest.
const RESTS: [&str; 34] = [
    "of", "in", "on", "at", "with", "without", "for", "since", "from", "to", "by", "over", "under",
    "after", "have", "has", "had", "is", "are", "was", "were", "which", "that", "de", "du", "des",
    "della", "del", "da", "do", "mit", "seit", "im", "am",
];
/// Words between an earlier value and a later one.
const TO: [&str; 7] = ["to", "auf", "à", "a", "para", "ad", "al"];

/// The list with such pieces put together again, in the words of the message.
pub(in crate::case) fn whole(written: &[StatedFact], view: &View<'_>) -> Vec<StatedFact> {
    let mut all: Vec<(StatedFact, Option<Range<usize>>)> = Vec::new();
    for fact in written {
        let Some(own) = is_text(fact.name).then(|| place(view, &fact.value)).flatten() else {
            all.push((fact.clone(), None));
            continue;
        };
        let end = changed(view, &own);
        let more = view.text.get(own.end..end).unwrap_or_default();
        let (own, value) = (own.start..end, format!("{}{more}", fact.value.trim()));
        let before = all.iter_mut().find(|(_, place)| {
            let end = place.as_ref().map(|place| place.end);
            end.is_some_and(|end| view.text.get(end..own.start) == Some(" "))
        });
        // A message thumbed in without commas has a space between complaints, too.
        let joins = |known: &str| is_rest(&value) || is_joining(known.split_whitespace().last());
        match before.filter(|(known, _)| joins(&known.value)) {
            Some((known, Some(place))) if known.name != FactName::Condition => {
                place.end = own.end;
                if let Some(phrase) = view.text.get(place.clone()) {
                    phrase.clone_into(&mut known.value);
                }
            }
            // The condition keeps its name, and the phrase is what was found.
            Some((_, Some(place))) => {
                let phrase = place.start..own.end;
                let said = view.text.get(phrase.clone()).unwrap_or(&value).to_owned();
                all.push((fact_of(FactName::Finding, &said, "1"), Some(phrase)));
            }
            _ => all.push((StatedFact { value, ..fact.clone() }, Some(own))),
        }
    }
    let said: Vec<Range<usize>> = all.iter().filter_map(|(_, place)| place.clone()).collect();
    // The later value is told by the phrase.
    let is_told = |fact: &StatedFact| {
        let value = fact.value.trim();
        fact.name == FactName::Other
            && !value.contains(char::is_alphabetic)
            && said.iter().any(|place| {
                view.text.get(place.clone()).is_some_and(|s| s.trim_end().ends_with(value))
            })
    };
    all.into_iter().map(|(fact, _)| fact).filter(|fact| !is_told(fact)).collect()
}

fn is_text(name: FactName) -> bool {
    matches!(
        name,
        FactName::Complaint | FactName::Finding | FactName::History | FactName::Condition
    )
}

/// Where a message says something once, letter by letter.
fn place(view: &View<'_>, value: &str) -> Option<Range<usize>> {
    let value = crate::dose::lower_case(value.trim());
    let mut found =
        view.lower.match_indices(value.as_str()).map(|(at, found)| at..at + found.len());
    let place = found.next().filter(|place| !place.is_empty())?;
    found.next().is_none().then_some(place)
}

/// The end of a statement with what a value changed to: `recognition fell from 78%` goes on with `to 52%`.
fn changed(view: &View<'_>, place: &Range<usize>) -> usize {
    let last = view.numbers.iter().position(|number| {
        number.end == place.end
            || (number.span.start >= place.start && number.span.end == place.end)
    });
    let next = last.and_then(|at| Some((view.numbers.get(at)?, view.numbers.get(at + 1)?)));
    let Some((last, next)) = next else { return place.end };
    let gap = view.lower.get(last.end..next.span.start).unwrap_or_default().trim();
    if TO.contains(&gap) { next.end } else { place.end }
}

fn is_rest(value: &str) -> bool {
    is_joining(value.split_whitespace().next())
}

fn is_joining(word: Option<&str>) -> bool {
    word.is_some_and(|word| RESTS.contains(&word))
}
