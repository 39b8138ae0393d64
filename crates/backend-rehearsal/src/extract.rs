//! Lists the facts of a message, as far as its words are those of the grammar.

use crate::grammar::{Template, worker};

type Fact = (&'static str, String, &'static str);

/// Nouns and adjectives that give a sex.
const FEMALE: [&str; 3] = ["female", "woman", "girl"];
const MALE: [&str; 3] = ["male", "man", "boy"];
/// Words before an age that stands behind its person: `a woman of 54`.
const BEFORE_AGE: [&str; 2] = ["of", "aged"];

/// The list of facts, as JSON or a line for each.
pub(crate) fn list(message: &str, structured: bool) -> String {
    let facts = facts(message);
    if structured {
        let fact = |(name, value, unit): &Fact| serde_json::json!({ "name": name, "value": value, "unit": unit });
        return serde_json::json!({ "facts": facts.iter().map(fact).collect::<Vec<_>>() })
            .to_string();
    }
    let fact = |(name, value, unit): &Fact| format!("{name}: {value} {unit}");
    facts.iter().map(fact).collect::<Vec<_>>().join("\n")
}

fn facts(message: &str) -> Vec<Fact> {
    let lower = message.to_lowercase();
    let mut facts = Vec::new();
    if let Some((number, unit)) = age(&lower) {
        facts.push(("age", number, unit));
    }
    let says = |all: &[&str]| lower.split(|c: char| !c.is_alphabetic()).any(|w| all.contains(&w));
    match (says(&FEMALE), says(&MALE)) {
        (true, false) => facts.push(("sex", "female".to_owned(), "1")),
        (false, true) => facts.push(("sex", "male".to_owned(), "1")),
        _ => {}
    }
    let complaints = worker().all("lists", "complaint").iter().map(Template::plain);
    let said = complaints.filter(|text| lower.contains(&text.to_lowercase()));
    if let Some(complaint) = said.max_by_key(String::len) {
        facts.push(("complaint", complaint, "1"));
    }
    facts
}

/// The first age of a message: `54-year-old`, `of 54`, `aged 54`, `(54)`.
fn age(lower: &str) -> Option<(String, &'static str)> {
    if lower.contains("newborn") {
        return Some(("0".to_owned(), "a"));
    }
    for (unit, code) in [("-year-old", "a"), ("-month-old", "mo")] {
        if let Some((before, _)) = lower.split_once(unit) {
            let start = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let number = before.get(start..).unwrap_or_default();
            if !number.is_empty() {
                return Some((number.to_owned(), code));
            }
        }
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let number = if BEFORE_AGE.contains(word) {
            words.get(at + 1)?.trim_end_matches(|c: char| !c.is_ascii_digit())
        } else {
            word.strip_prefix('(')?.split_once(')')?.0
        };
        let is_age = (1..4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        // Other numbers have no person in front of them.
        let person = words.get(at.saturating_sub(3)..at)?;
        let of_person = person.iter().any(|w| FEMALE.contains(w) || MALE.contains(w));
        (is_age && of_person).then(|| (number.to_owned(), "a"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_as_the_grammar_words_them() {
        for (text, found) in [
            ("a 54-year-old man has a cough", Some(("54", "a"))),
            ("My patient, an 8-month-old girl, vomits.", Some(("8", "mo"))),
            ("A woman of 31, seen today", Some(("31", "a"))),
            ("a boy aged 7 with fever", Some(("7", "a"))),
            ("A man (63) has lost weight.", Some(("63", "a"))),
            ("a newborn girl does not drink", Some(("0", "a"))),
            ("a female nurse of 40 has a rash of 3 days", Some(("40", "a"))),
            ("a rash of 3 days in a man", None),
            ("What helps against a cough?", None),
        ] {
            let found = found.map(|(number, unit)| (number.to_owned(), unit));
            assert_eq!(age(&text.to_lowercase()), found, "{text}");
        }
    }

    #[test]
    fn a_list_is_json_or_lines() {
        let text = "A 54-year-old woman was seen today.";
        assert_eq!(list(text, false), "age: 54 a\nsex: female 1");
        let json: serde_json::Value = serde_json::from_str(&list(text, true)).unwrap();
        assert_eq!(json["facts"][1]["value"], "female");
        assert_eq!(list("What helps?", false), "");
    }
}
