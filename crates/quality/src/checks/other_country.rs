//! An emergency number, a law, an authority or a brand of another country.

use std::sync::LazyLock;

use clinstruct_schema::CountryBound;
use regex::Regex;

use crate::Turn;
use crate::card::{CountryTerms, Place};
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::of_all;

/// The check.
pub const CHECK: Check = Check {
    id: "other_country",
    former_ids: &[],
    repair_name: None,
    summary: "An emergency number, a law, an authority or a brand of another country.",
    group: Group::Facts,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example },
    good: &[
        "Ask for consent; HIPAAX is nothing.",
        "Call 999 or dial 112 now; 911 cases were seen.",
    ],
    bad: &["HIPAA asks for consent.", "Call 911 now."],
};

static EXAMPLE: LazyLock<CountryTerms> = LazyLock::new(|| {
    CountryTerms::new(vec![CountryBound { term: "HIPAA".into(), countries: vec!["us".into()] }])
});

fn example(text: &'static str) -> Turn<'static> {
    let place = Place { country: "ke", emergency: "999", terms: &EXAMPLE };
    Turn { place: Some(place), ..Turn::answer(text) }
}

/// Only a number to call: `call 911`, `dial 112`, `appelez le 15`, `rufen Sie die 112`.
static CALLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // ASCII word boundaries: Unicode ones would need a slower engine on every answer.
    let calls: Vec<String> = of_all(|l| &l.calls).map(|c| format!(r"(?-u:\b){c}")).collect();
    let between: Vec<&str> = of_all(|l| &l.before_numbers).collect();
    let (calls, between) = (calls.join("|"), between.join("|"));
    Regex::new(&format!(r"(?i)(?:{calls})\s+(?:{between})*([0-9]{{2,4}})(?-u:\b)")).ok()
});

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let Some(place) = turn.place else { return Vec::new() };
    let found = emergency_number(turn.text, place.emergency);
    found.or_else(|| foreign_term(turn.text, &place)).into_iter().collect()
}

/// A law, an authority or a brand name of another country.
pub(crate) fn foreign_term(text: &str, place: &Place<'_>) -> Option<Finding> {
    place.terms.find(text).find(|(term, _)| !term.countries.iter().any(|c| c == place.country)).map(
        |(term, span)| {
            Finding::at(span, format!("{} does not belong to the patient's country", term.term))
        },
    )
}

/// An emergency number to call that is not the country's.
///
/// `known` is the country's number, such as `15`; if it is unknown, every number passes. 112 works from mobile
/// telephones nearly everywhere (GSM) and passes in every country.
pub(crate) fn emergency_number(text: &str, known: &str) -> Option<Finding> {
    if known.is_empty() {
        return None;
    }
    for hit in CALLED.as_ref()?.captures_iter(text) {
        let number = hit.get(1)?;
        if number.as_str() != "112" && number.as_str() != known {
            let seen = format!("{} where the country's number is {}", number.as_str(), known);
            return Some(Finding::at(number.range(), seen));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_other_languages() {
        assert!(emergency_number("Rufen Sie die 911.", "112").is_some());
        assert!(emergency_number("Appelez le 911 tout de suite.", "15").is_some());
        assert!(emergency_number("Appelez le 15.", "15").is_none());
        assert!(emergency_number("Llame al 911.", "112").is_some());
        assert!(emergency_number("Call 911 now.", "").is_none());
    }
}
