//! What first messages begin with, and whether they say where their writer is.

use std::ops::Range;

use clinstruct_schema::summary::MetricId;

use super::super::faults::Place;
use super::MetricsAccumulator;

/// Words of a message among which an age is a recited card.
const FIRST: usize = 5;
/// What follows a number that is an age, where nothing else has to say so.
const OLD: [&str; 7] = ["yo", "y/o", "yom", "yof", "yr-old", "year-old", "month-old"];
/// Units of an age before `old`.
const UNITS: [&str; 8] = ["year", "years", "yr", "yrs", "month", "months", "week", "weeks"];
/// Years in other languages, after a word that makes them an age.
const YEARS: [&str; 4] = ["ans", "anni", "anos", "años"];
/// People whose age may follow.
const PEOPLE: [&str; 8] = ["man", "woman", "boy", "girl", "male", "female", "patient", "child"];

impl MetricsAccumulator {
    /// Measures the beginning of a first message, without the styles that were asked for.
    pub(super) fn first_message(&mut self, at: Place<'_>) {
        if at.row.variant {
            return;
        }
        self.share(MetricId::AgeFirst, at, age_first(at.text));
        if let Some(care) = at.row.attributes.and_then(clinstruct_schema::Attributes::place) {
            self.share(MetricId::OwnCountry, at, named(at.text, &care.country));
        }
    }
}

/// A number of years or months.
fn is_number(word: &str) -> bool {
    (1..=3).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}

/// The first age among the first words of a text.
fn age_first(text: &str) -> Option<Range<usize>> {
    let mut end = 0;
    let words: Vec<(Range<usize>, String)> = text
        .split_whitespace()
        .take(FIRST + 3)
        .map(|word| {
            let start = end + text.get(end..).and_then(|rest| rest.find(word)).unwrap_or(0);
            end = start + word.len();
            let plain = word.trim_matches(|c: char| !c.is_alphanumeric() && !is_mark(c));
            (start..end, plain.to_lowercase())
        })
        .collect();
    let word = |at: usize| words.get(at).map_or("", |(_, word)| word.as_str());
    (0..words.len().min(FIRST)).find_map(|at| {
        let (this, next, third) = (word(at), word(at + 1), word(at + 2));
        let digits = this.len() - this.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = this.split_at(digits);
        let unit = unit.trim_start_matches('-');
        let before = at.checked_sub(1).map_or("", word);
        let joined = is_number(number)
            && (OLD.contains(&unit)
                || ["m", "f", "y", "yrs-old", "years-old", "week-old", "day-old"].contains(&unit)
                || unit.starts_with("jährig"));
        let apart = is_number(this)
            && (OLD.contains(&next)
                || UNITS.contains(&next) && third == "old"
                || YEARS.contains(&next) && ["de", "di"].contains(&before)
                || next == "वर्षीय");
        let after = is_number(this)
            && (before == "aged"
                || PEOPLE.contains(&before)
                || before == "of" && at > 1 && PEOPLE.contains(&word(at - 2)));
        let found = joined || apart || after || this.starts_with("อายุ") || this == "newborn";
        found.then(|| words.get(at).map(|(span, _)| span.clone())).flatten()
    })
}

/// Marks of scripts that are part of a word.
fn is_mark(c: char) -> bool {
    ('\u{900}'..='\u{e7f}').contains(&c)
}

/// Where a text names this country as a word of its own.
fn named(text: &str, country: &str) -> Option<Range<usize>> {
    if country.is_empty() {
        return None;
    }
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(country).map(|(at, found)| at..at + found.len()).find(|span| {
        let before = text.get(..span.start).and_then(|t| t.chars().next_back());
        let after = text.get(span.end..).and_then(|t| t.chars().next());
        !inside(before) && !inside(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_counts_among_the_first_words_only() {
        for (text, found) in [
            ("A 54-year-old woman coughs.", Some("54-year-old")),
            ("54F, day 3, febrile", Some("54F,")),
            ("Pt 45 yo male with chest pain", Some("45")),
            ("My patient is 8 months old and vomits.", Some("8")),
            ("A man (63) has lost weight.", Some("(63)")),
            ("A woman of 31, seen today", Some("31,")),
            ("Eine 54-jährige Patientin hustet.", Some("54-jährige")),
            ("Une patiente de 54 ans tousse.", Some("54")),
            ("A newborn girl does not drink.", Some("newborn")),
            ("Coughing for 3 months, and now fever.", None),
            ("Hb 54 g/L this morning in a man", None),
            ("Which inhaler suits her now, a 54-year-old woman?", None),
            ("3 years ago it began.", None),
            ("", None),
        ] {
            assert_eq!(age_first(text).and_then(|span| text.get(span)), found, "{text}");
        }
    }

    #[test]
    fn a_country_is_named_as_a_word() {
        assert_eq!(named("Here in Mali we wait.", "Mali"), Some(8..12));
        assert_eq!(named("A Malian colleague", "Mali"), None);
        assert_eq!(named("We wait.", ""), None);
    }
}
