//! A list of facts, compared with the message that it came with.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use clinstruct_schema::{FactKind, FactName, Frame, RecordSource, Sex, Stated, StatedFact};
use regex::Regex;

use super::contradictions::{converted, is_same};
use super::household;
use super::numbers::{Number, Part, numbers};
use super::reader::Reader;
use super::view::View;
use super::vitals::{Reading, canonical};
use super::{age, medicines, of_reader, standing};
use crate::card::{Gender, PatientFacts};

/// Share of the words of a statement that the message must have.
const WORDS: f64 = 0.6;

/// The facts that a message states.
///
/// `written` is the list that came with it. Of that, what the message does not have is dropped, numbers are those of the
/// message in the units of [`FactName::unit`], and what code reads and the list lacks is added. The value of an allergy,
/// a medicine or the like that the message rules out is `none`. Without a list the facts are those that code reads.
/// A question without a patient has none.
pub fn record(text: &str, frame: &Frame, written: Option<&[StatedFact]>) -> Stated {
    let source = if written.is_some() { RecordSource::Writer } else { RecordSource::Code };
    let Some(patient) = &frame.patient else { return Stated { facts: Vec::new(), source } };
    let reader = Reader::new(text);
    let view = reader.view();
    let words = view.lower.split(|c: char| !c.is_alphanumeric()).collect();
    let message = Message { reader: &reader, view, readings: reader.readings(), words };
    let mut facts: Vec<StatedFact> = Vec::new();
    for fact in written.unwrap_or_default() {
        for kept in message.kept(fact) {
            push(&mut facts, kept);
        }
    }
    for read in of_reader(&reader) {
        push(&mut facts, read.fact);
    }
    standing::add_statements(view, message.readings, &mut facts);
    for (name, none) in [
        (FactName::Allergy, NO_ALLERGY.as_ref().is_some_and(|p| p.is_match(text))),
        (FactName::Medicine, medicines::none(view).is_some()),
    ] {
        if none && !facts.iter().any(|fact| fact.name == name) {
            facts.push(StatedFact { name, value: NONE.to_owned(), unit: "1".to_owned() });
        }
    }
    // What a message says of the patient's home rules out that another one is drawn.
    if !facts.iter().any(|fact| fact.name == FactName::Social)
        && let Some(said) = household::said(view)
    {
        facts.push(StatedFact { name: FactName::Social, value: said, unit: "1".to_owned() });
    }
    // The sex of which a message speaks is the gender, which may be another one.
    let known = PatientFacts::from(patient);
    let plain = matches!(
        (known.sex, known.gender),
        (Sex::Male, Gender::Man) | (Sex::Female, Gender::Woman)
    );
    facts.retain(|fact| match fact.name {
        FactName::Sex => plain,
        FactName::PregnancyWeeks => patient.pregnancy_weeks.is_some(),
        _ => true,
    });
    Stated { facts, source }
}

/// The value of what a message rules out.
const NONE: &str = "none";

/// Adds a fact, unless it is there.
fn push(facts: &mut Vec<StatedFact>, fact: StatedFact) {
    let same = |known: &StatedFact| {
        if known.name != fact.name {
            return false;
        }
        match fact.name.kind() {
            FactKind::Text => is_same_text(fact.name, &known.value, &fact.value),
            _ if fact.name == FactName::Other => known.value.eq_ignore_ascii_case(&fact.value),
            _ => true,
        }
    };
    match facts.iter_mut().find(|known| same(known)) {
        // The longer statement says more.
        Some(known) if fact.name == FactName::Medicine && known.value.len() < fact.value.len() => {
            *known = fact;
        }
        Some(_) => {}
        None => facts.push(fact),
    }
}

fn is_same_text(name: FactName, a: &str, b: &str) -> bool {
    if name == FactName::Medicine {
        let (one, other) = (a.to_lowercase(), b.to_lowercase());
        if one.contains(other.as_str()) || other.contains(one.as_str()) {
            return true;
        }
        let first = |text: &str| {
            let lower = text.to_lowercase();
            let word = lower.split(|c: char| !c.is_alphabetic()).find(|w| w.chars().count() >= 4);
            word.map(str::to_owned)
        };
        return match (first(a), first(b)) {
            (Some(one), Some(_)) => medicines::is_named(&one, b) || a.eq_ignore_ascii_case(b),
            _ => a.eq_ignore_ascii_case(b),
        };
    }
    let words = |text: &str| -> Vec<String> { content(text).collect() };
    words(a) == words(b)
}

/// Values that say that there is nothing.
static NOTHING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\A\W*(?:none|nil|no|nothing|negative|nkda|nka|n/a|not any|no known|none known|no known (?:drug )?allergies|no (?:[a-z-]+ ){0,3}(?:allerg(?:y|ies)|medicines?|medications?|meds|drugs|history|conditions?|illness(?:es)?|problems)|not allergic|denies (?:any )?allerg(?:y|ies))(?: (?:known|reported|stated|at all))?\W*\z").ok()
});

/// That a message rules out allergies.
static NO_ALLERGY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:no (?:known |reported |other )?(?:drug |medication |food |medicine )?allerg(?:y|ies)|nkda|nka|allerg(?:y|ies)\s*[:=-]?\s*(?:none|nil|no(?-u:\b))|denies (?:any |drug )?allerg|not allergic|without (?:known )?allerg|allergies (?:are )?(?:none|not known))").ok()
});

/// That a message rules something out.
static RULED_OUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:no|none|nil|denies|without|never|unremarkable|negative|nothing|not)(?-u:\b)").ok()
});

/// Words without content of their own.
const SMALL: [&str; 40] = [
    "the", "and", "with", "for", "has", "had", "her", "his", "she", "from", "was", "are", "is",
    "of", "a", "an", "in", "on", "at", "to", "or", "by", "since", "after", "over", "past", "last",
    "patient", "history", "known", "been", "have", "that", "this", "their", "who", "day", "days",
    "ago", "about",
];

/// The words of a statement with content, and its numbers.
fn content(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let all: Vec<String> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !SMALL.contains(word))
        .map(str::to_owned)
        .collect();
    all.into_iter()
}

/// A message with what was read in it.
struct Message<'a> {
    reader: &'a Reader<'a>,
    view: &'a View<'a>,
    readings: &'a [Reading],
    words: BTreeSet<&'a str>,
}

impl Message<'_> {
    /// What a listed fact is by the message: itself, two for a pressure, or nothing.
    fn kept(&self, fact: &StatedFact) -> Vec<StatedFact> {
        let value = fact.value.trim();
        if value.is_empty() {
            return Vec::new();
        }
        match fact.name {
            FactName::Sex => self.sex(value).into_iter().collect(),
            FactName::Other => {
                let kept = says(value) && self.has_words(value) && self.has_numbers(value);
                kept.then(|| fact_of(fact.name, value, tidy(&fact.unit))).into_iter().collect()
            }
            name if name.kind() == FactKind::Text => self.text(name, value).into_iter().collect(),
            FactName::Systolic | FactName::Diastolic => self.pressure(fact.name, value),
            FactName::Age => self.age(value, &fact.unit).into_iter().collect(),
            FactName::PregnancyWeeks => self.weeks(value).into_iter().collect(),
            name => self.measured(name, value, &fact.unit).into_iter().collect(),
        }
    }

    fn sex(&self, value: &str) -> Option<StatedFact> {
        let lower = value.to_lowercase();
        let is = |words: &[&str]| words.contains(&lower.as_str());
        let listed = if is(&["f", "female", "woman", "girl", "lady"]) {
            Sex::Female
        } else if is(&["m", "male", "man", "boy", "gentleman"]) {
            Sex::Male
        } else if lower == "intersex" {
            let said = self.words.contains("intersex");
            return said.then(|| fact_of(FactName::Sex, Sex::Intersex.as_str(), "1"));
        } else {
            return None;
        };
        let read = age::sex(self.view, self.reader.ages()).map(|(sex, _)| sex);
        let words: &[&str] = if listed == Sex::Female {
            &[
                "female", "woman", "girl", "lady", "she", "her", "f", "mother", "daughter", "wife",
                "pregnant",
            ]
        } else {
            &[
                "male",
                "man",
                "boy",
                "gentleman",
                "he",
                "his",
                "him",
                "m",
                "son",
                "husband",
                "father",
            ]
        };
        let said = words.iter().any(|word| self.words.contains(word));
        let sex = read.or(said.then_some(listed))?;
        Some(fact_of(FactName::Sex, sex.as_str(), "1"))
    }

    /// The numbers of a listed value, with the unit that the list gives.
    fn listed(value: &str, unit: &str) -> Vec<Number> {
        let whole = if value.chars().any(char::is_alphabetic) {
            value.to_owned()
        } else {
            format!("{value} {}", unit.trim_end_matches('.'))
        };
        numbers(&whole, &whole.to_lowercase())
    }

    /// Whether a number occurs in the message.
    fn has_number(&self, value: f64) -> bool {
        self.view.numbers.iter().any(|n| (n.value - value).abs() < 1e-9)
    }

    fn age(&self, value: &str, unit: &str) -> Option<StatedFact> {
        if let Some(age) = self.reader.ages().first() {
            return Some(fact_of(FactName::Age, &age.number.to_string(), age.unit));
        }
        let number = Self::listed(value, unit).into_iter().next()?;
        let lower = format!("{value} {unit}").to_lowercase();
        let any = |words: &[&str]| {
            lower.split(|c: char| !c.is_alphabetic()).any(|word| words.contains(&word))
        };
        let (unit, most) = if any(&["mo", "month", "months", "mth"]) {
            ("mo", 48.0)
        } else if any(&["wk", "week", "weeks"]) {
            ("wk", 104.0)
        } else if any(&["d", "day", "days"]) {
            ("d", 365.0)
        } else {
            ("a", 120.0)
        };
        let fits = number.value.fract() == 0.0 && number.value <= most;
        (fits && self.has_number(number.value)).then(|| fact_of(FactName::Age, &number.text, unit))
    }

    fn weeks(&self, value: &str) -> Option<StatedFact> {
        let name = FactName::PregnancyWeeks;
        let read = self.reader.pregnancies().iter().find_map(|p| p.weeks);
        if let Some(weeks) = read {
            return Some(fact_of(name, &weeks.to_string(), "wk"));
        }
        let number = numbers(value, &value.to_lowercase()).into_iter().next()?;
        let fits = (1.0..45.0).contains(&number.value) && number.value.fract() == 0.0;
        (fits && self.has_number(number.value)).then(|| fact_of(name, &number.text, "wk"))
    }

    /// A vital sign or a laboratory value.
    fn measured(&self, name: FactName, value: &str, unit: &str) -> Option<StatedFact> {
        let number = Self::listed(value, unit).into_iter().next()?;
        let said_unit = known_unit(unit).or(number.unit);
        if self.readings.iter().any(|r| r.name == name) {
            // What dipped or was is no value of its own.
            let current = standing::current(self.readings, name);
            let read = *current.first()?;
            let listed = canonical(name, number.value, said_unit);
            let agrees = |read: &&Reading| {
                listed.is_some_and(|(value, unit)| {
                    converted(name, value, unit, read.unit)
                        .is_some_and(|value| is_same(name, value, read.value))
                })
            };
            // Of several values of one time, the listed one.
            let chosen = current.iter().copied().find(agrees).unwrap_or(read);
            return Some(fact_of(name, &chosen.text, chosen.unit));
        }
        let mut same = self.view.numbers.iter().filter(|n| (n.value - number.value).abs() < 1e-9);
        if !same.any(|n| standing::is_said(self.view, n)) || number.part == Part::Other {
            return None;
        }
        let (value, unit) = canonical(name, number.value, said_unit)?;
        let sized = super::vitals::is_plausible(name, value);
        let text = if value.to_bits() == number.value.to_bits() {
            number.text
        } else {
            super::vitals::plain(value)
        };
        sized.then(|| fact_of(name, &text, unit))
    }

    /// One number of a pressure, or both.
    fn pressure(&self, name: FactName, value: &str) -> Vec<StatedFact> {
        let all = numbers(value, &value.to_lowercase());
        let [first, second] = all.as_slice() else {
            return self.measured(name, value, "").into_iter().collect();
        };
        [(FactName::Systolic, first), (FactName::Diastolic, second)]
            .into_iter()
            .filter_map(|(name, number)| self.measured(name, &number.text, ""))
            .collect()
    }

    fn text(&self, name: FactName, value: &str) -> Option<StatedFact> {
        if NOTHING.as_ref().is_some_and(|p| p.is_match(value)) {
            let text = self.view.text;
            let said = match name {
                FactName::Allergy => NO_ALLERGY.as_ref().is_some_and(|p| p.is_match(text)),
                FactName::Medicine => medicines::none(self.view).is_some(),
                _ => RULED_OUT.as_ref().is_some_and(|p| p.is_match(text)),
            };
            return said.then(|| fact_of(name, NONE, "1"));
        }
        let named = name != FactName::Medicine
            || content(value)
                .find(|word| word.chars().all(char::is_alphabetic) && word.chars().count() >= 4)
                .is_none_or(|word| self.has_word(&word));
        let kept = says(value) && named && self.has_words(value) && self.has_numbers(value);
        kept.then(|| fact_of(name, value, "1"))
    }

    /// Whether the message has a word, with whatever ending.
    fn has_word(&self, word: &str) -> bool {
        if self.words.contains(word) {
            return true;
        }
        let start: String = word.chars().take(5).collect();
        word.chars().count() >= 5
            && self.words.range(start.as_str()..).next().is_some_and(|w| w.starts_with(&start))
    }

    /// Whether the message has enough words of a statement.
    fn has_words(&self, value: &str) -> bool {
        let words: Vec<String> =
            content(value).filter(|word| word.chars().all(char::is_alphabetic)).collect();
        let found = words.iter().filter(|word| self.has_word(word)).count();
        words.is_empty() || found as f64 >= WORDS * words.len() as f64
    }

    fn has_numbers(&self, value: &str) -> bool {
        numbers(value, &value.to_lowercase())
            .iter()
            .all(|n| self.has_number(n.value) || self.words.iter().any(|word| **word == n.text))
    }
}

/// Whether a value has a word.
fn says(value: &str) -> bool {
    content(value).any(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2)
}

fn fact_of(name: FactName, value: &str, unit: &str) -> StatedFact {
    StatedFact { name, value: value.to_owned(), unit: unit.to_owned() }
}

/// A unit as the list gives it, without spaces; `1` for none.
fn tidy(unit: &str) -> &str {
    let unit = unit.trim();
    if unit.is_empty() { "1" } else { known_unit(unit).unwrap_or(unit) }
}

/// The UCUM name of a unit as a list gives it.
fn known_unit(unit: &str) -> Option<&'static str> {
    let unit = unit.trim().trim_end_matches('.');
    let text = format!("1 {unit}");
    let whole = numbers(&text, &text.to_lowercase()).first().map(|n| (n.unit, n.end));
    match whole {
        Some((Some(found), end)) if end >= text.trim_end().len() => Some(found),
        _ => super::vitals::ucum(unit),
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{AgeYears, ConversationMode, FramePatient, IncomeGroup, Place, Slug};

    use super::*;

    fn frame(sex: Sex) -> Frame {
        let slug = |s: &str| Slug::new(s).unwrap();
        Frame::new(
            Place {
                country_code: "np".into(),
                country: "Nepal".into(),
                income: IncomeGroup::LowerMiddle,
                region: "SEAR".into(),
                setting: slug("low-resource"),
            },
            Some(FramePatient {
                age_band: slug("adult"),
                age: AgeYears { years: 45, months: None },
                sex,
                gender: None,
                pregnancy_weeks: None,
                condition: None,
            }),
            ConversationMode::Normal,
        )
    }

    fn listed(list: &[(FactName, &str, &str)]) -> Vec<StatedFact> {
        list.iter().map(|(name, value, unit)| fact_of(*name, value, unit)).collect()
    }

    fn shown(stated: &Stated) -> Vec<String> {
        let facts = stated.facts.iter();
        facts.map(|f| format!("{} {} {}", f.name.as_str(), f.value, f.unit)).collect()
    }

    const TEXT: &str = "A 45-year-old woman with known hypertension has had burning on passing urine for 3 days. \
        She weighs 137 lb, temp 101.5 F, BP 138/76, pulse 88. She takes amlodipine 5 mg once daily and has no drug \
        allergies. Creatinine 1.1 mg/dL. What should I prescribe?";

    #[test]
    fn the_list_is_corrected_by_the_message() {
        let list = listed(&[
            (FactName::Age, "45 years", "years"),
            (FactName::Sex, "F", ""),
            (FactName::Weight, "137", "lb"),
            (FactName::Temperature, "101.5", "°F"),
            (FactName::Systolic, "138/76", "mmHg"),
            (FactName::Complaint, "burning on passing urine for 3 days", ""),
            (FactName::Condition, "hypertension", ""),
            (FactName::Condition, "type 2 diabetes", ""),
            (FactName::Medicine, "amlodipine 5 mg once daily", ""),
            (FactName::Medicine, "metformin 500 mg", ""),
            (FactName::Allergy, "no known drug allergies", ""),
            (FactName::Saturation, "98", "%"),
        ]);
        let stated = record(TEXT, &frame(Sex::Female), Some(&list));
        assert_eq!(stated.source, RecordSource::Writer);
        assert_eq!(
            shown(&stated),
            [
                "age 45 a",
                "sex female 1",
                "weight 62.1 kg",
                "temperature 38.6 Cel",
                "systolic 138 mm[Hg]",
                "diastolic 76 mm[Hg]",
                "complaint burning on passing urine for 3 days 1",
                "condition hypertension 1",
                "medicine amlodipine 5 mg once daily 1",
                "allergy none 1",
                "heart_rate 88 /min",
                "creatinine 1.1 mg/dL",
            ]
        );
    }

    #[test]
    fn without_a_list_code_reads_the_message() {
        let stated = record(TEXT, &frame(Sex::Female), None);
        assert_eq!(stated.source, RecordSource::Code);
        let all = shown(&stated);
        for fact in [
            "age 45 a",
            "weight 62.1 kg",
            "allergy none 1",
            "medicine amlodipine 5 mg once daily 1",
        ] {
            assert!(all.iter().any(|f| f == fact), "{fact}: {all:?}");
        }
    }

    #[test]
    fn what_a_list_cannot_mean_is_no_fact() {
        let odd = ["", "°C", "kg.", "yo", "??", "-1", "1e99", "NaN", "९९९९९९९", "½", "12/", "'"];
        for name in FactName::ALL {
            for value in odd {
                for unit in odd {
                    let list = listed(&[(*name, value, unit)]);
                    let stated = record("She coughs.", &frame(Sex::Female), Some(&list));
                    let none = |f: &StatedFact| f.name == FactName::Sex;
                    assert!(stated.facts.iter().all(none), "{name:?} {value} {unit}: {stated:?}");
                }
            }
        }
    }

    #[test]
    fn a_question_without_a_patient_states_nothing() {
        let none = Frame { patient: None, ..frame(Sex::Male) };
        assert_eq!(record(TEXT, &none, None), Stated::NONE);
    }
}
