//! A list of facts, compared with the message that it came with.

use std::sync::LazyLock;

use clinstruct_schema::{FactKind, FactName, Frame, RecordSource, Sex, Stated, StatedFact};
use regex::Regex;

use super::canonical::canonical;
use super::contradictions::{converted, is_same};
use super::correction::Corrected;
use super::numbers::{Number, Part, numbers};
use super::reader::Reader;
use super::statement::{content, fact_of};
use super::view::View;
use super::vitals::Reading;
use super::{age, body, filing, listed, medicines, of_reader, resembling, standing, untaken};
use crate::card::{Gender, PatientFacts};

/// Share of the words of a statement that the message must have.
const WORDS: f64 = 0.6;

/// The facts that a message states.
///
/// `written` is the list that came with it. Of that, what the message does not have is dropped, numbers are those of the
/// message in the units of [`FactName::unit`], and what code reads and the list lacks is added. Results of tests in words are
/// [`FactName::Other`], whatever they are listed as. The value of an allergy,
/// a medicine or the like that the message rules out is `none`; one medicine that is not taken, because the message asks about
/// beginning it, is `not on X`. Without a list the facts are those that code reads.
/// A question without a patient has none.
pub fn record(text: &str, frame: &Frame, written: Option<&[StatedFact]>) -> Stated {
    record_in(&Reader::new(text), frame, written)
}

/// The same for one who has read more in the message.
pub fn record_in(reader: &Reader<'_>, frame: &Frame, written: Option<&[StatedFact]>) -> Stated {
    // What a dictated message takes back is not stated.
    let corrected = reader.corrected();
    if corrected.text() == reader.text() {
        recorded(reader, corrected, frame, written)
    } else {
        recorded(&Reader::new(corrected.text()), corrected, frame, written)
    }
}

fn recorded(
    reader: &Reader<'_>,
    corrected: &Corrected<'_>,
    frame: &Frame,
    written: Option<&[StatedFact]>,
) -> Stated {
    let source = if written.is_some() { RecordSource::Writer } else { RecordSource::Code };
    let Some(patient) = &frame.patient else { return Stated { facts: Vec::new(), source } };
    let (text, view) = (reader.text(), reader.view());
    let mut words: Vec<&str> = view.lower.split(|c: char| !c.is_alphanumeric()).collect();
    words.sort_unstable();
    words.dedup();
    let message = Message { reader, view, readings: reader.readings(), words };
    let mut facts: Vec<StatedFact> = Vec::new();
    for fact in &filing::whole(written.unwrap_or_default(), view) {
        let value = corrected.statement(&fact.value).into_owned();
        let kept = message.kept(&StatedFact { value, ..fact.clone() }).into_iter();
        for filed in kept.flat_map(|fact| filing::filed(fact, view, message.readings)) {
            push(&mut facts, filed);
        }
    }
    for read in of_reader(reader) {
        push(&mut facts, read.fact);
    }
    standing::add_statements(view, message.readings, &mut facts);
    resembling::add(view, &mut facts);
    filing::add_results(view, &mut facts);
    filing::settle_intakes(view, &mut facts);
    filing::settle_stopped(&mut facts);
    body::add(view, frame, &mut facts);
    untaken::add(reader, &mut facts);
    for (name, none) in [
        (FactName::Allergy, NO_ALLERGY.as_ref().is_some_and(|p| p.is_match(text))),
        (FactName::Medicine, medicines::none(view).is_some()),
    ] {
        if none && !facts.iter().any(|fact| fact.name == name) {
            facts.push(StatedFact { name, value: NONE.to_owned(), unit: "1".to_owned() });
        }
    }
    // What a message says of how the patient lives rules out that something else is drawn. Where a relative writes, "my mother"
    // is the patient.
    if frame.persona.is_none() {
        filing::settle_social(view, &mut facts);
        filing::settle_relatives(&mut facts);
    }
    filing::settle_complaints(frame, &mut facts);
    filing::without_repeated_complaints(&mut facts);
    // Why the patient is seen is never lost.
    if !facts.iter().any(|fact| fact.name == FactName::Complaint) {
        let elsewhere = |value: &str| {
            let is = |f: &StatedFact| f.name != FactName::Condition && f.value.contains(value);
            facts.iter().any(is) || value.contains(char::is_numeric)
        };
        let complaint = written
            .unwrap_or_default()
            .iter()
            .find(|f| f.name == FactName::Complaint && !elsewhere(f.value.trim()));
        facts.extend(complaint.and_then(|f| message.text(f.name, f.value.trim())));
    }
    // The sex of which a message speaks is the gender, which may be another one.
    let known = PatientFacts::from(patient);
    let plain = matches!(
        (known.sex, known.gender),
        (Sex::Male, Gender::Man) | (Sex::Female, Gender::Woman)
    );
    // A writer may make the patient of a frame without one pregnant, and lists it; what code reads may be of another woman.
    let listed = |name| written.unwrap_or_default().iter().any(|fact| fact.name == name);
    let pregnant = patient.pregnancy_weeks.is_some()
        || (patient.can_be_pregnant() && listed(FactName::PregnancyWeeks));
    facts.retain(|fact| match fact.name {
        FactName::Sex => plain,
        FactName::PregnancyWeeks => pregnant,
        _ => true,
    });
    if corrected.is_changed() {
        for fact in &mut facts {
            fact.value = fact.value.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
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

/// Words of medicines that do not tell one from another.
const UNNAMED: [&str; 24] = [
    "intravenous",
    "intramuscular",
    "subcutaneous",
    "oral",
    "orally",
    "inhaled",
    "topical",
    "nasal",
    "rectal",
    "nebulised",
    "nebulized",
    "insulin",
    "insulina",
    "insuline",
    "tablet",
    "tablets",
    "capsule",
    "capsules",
    "cream",
    "drops",
    "low",
    "dose",
    "high",
    "regular",
];

fn is_same_text(name: FactName, a: &str, b: &str) -> bool {
    if name == FactName::Medicine {
        let (one, other) = (a.to_lowercase(), b.to_lowercase());
        if one.contains(other.as_str()) || other.contains(one.as_str()) {
            return true;
        }
        let first = |text: &str| {
            let lower = text.to_lowercase();
            let words = lower.split(|c: char| !c.is_alphabetic());
            let mut names = words.filter(|w| w.chars().count() >= 4 && !UNNAMED.contains(w));
            names.next().map(str::to_owned)
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

/// A message with what was read in it.
struct Message<'a, 't> {
    reader: &'a Reader<'t>,
    view: &'a View<'t>,
    readings: &'a [Reading],
    /// Its words in lower case, in the order of the alphabet.
    words: Vec<&'a str>,
}

impl Message<'_, '_> {
    /// What a listed fact is by the message: itself, two for a pressure, or nothing.
    fn kept(&self, fact: &StatedFact) -> Vec<StatedFact> {
        let value = fact.value.trim();
        if value.is_empty() {
            return Vec::new();
        }
        match fact.name {
            FactName::Sex => self.sex(value).into_iter().collect(),
            FactName::Other => {
                let kept = listed::says(value) && self.has_words(value) && self.has_numbers(value);
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
            let said = self.has("intersex");
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
        let said = words.iter().any(|word| self.has(word));
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
        if let Some(bound) = listed::bound(self.view, name, value, unit) {
            return Some(bound);
        }
        let Some(number) = Self::listed(value, unit).into_iter().next() else {
            return self.in_words(name, value, unit);
        };
        let said_unit = known_unit(unit).or(number.unit);
        if self.readings.iter().any(|r| r.name == name) {
            // What dipped or was is no value of its own.
            let current = standing::current(self.readings, name);
            let mut own = self.readings.iter().filter(|r| r.name == name);
            // The month before a value may be that of what is told before it: `since giving platelets in may hb 10.6`.
            let only = own.next().filter(|r| {
                own.next().is_none() && r.past && !r.episode && listed::is_of_a_month(self.view, r)
            });
            let read = current.first().copied().or(only)?;
            let listed = canonical(name, number.value, said_unit);
            let agrees = |read: &&Reading| {
                listed.is_some_and(|(value, unit)| {
                    converted(name, value, unit, read.unit)
                        .is_some_and(|value| is_same(name, value, read.value))
                })
            };
            // `saturation dropped to 91% while he slept, two hours after .., and came back to 97%`: the later value has no
            // label, and the list says what it is of.
            let later = |n: &&Number| {
                n.unit == Some(read.unit)
                    && (n.value - number.value).abs() < 1e-9
                    && n.span.start >= read.span.end
                    && self.view.sentence(n.span.start) == self.view.sentence(read.span.start)
                    && self.readings.iter().all(|r| r.span.start != n.span.start)
                    && standing::is_said(self.view, n)
            };
            let agreed = current.iter().copied().find(agrees);
            if agreed.is_none()
                && let Some(later) = self.view.numbers.iter().find(later)
            {
                return Some(fact_of(name, &later.text, read.unit));
            }
            if current.is_empty() && !only.as_ref().is_some_and(agrees) {
                return None;
            }
            // Of several values of one time, the listed one.
            let chosen = agreed.unwrap_or(read);
            return Some(fact_of(name, &chosen.text, chosen.unit));
        }
        let mut same = self.view.numbers.iter().filter(|n| (n.value - number.value).abs() < 1e-9);
        let stands = |n: &Number| {
            let said = standing::is_said(self.view, n)
                || listed::is_behind_a_question(self.view, n)
                || listed::is_range(self.view, n, value);
            said && !resembling::is_resembling(self.view, n)
        };
        if !same.any(stands) || number.part == Part::Other {
            return None;
        }
        let (value, unit) = canonical(name, number.value, said_unit)?;
        let sized = super::sizes::is_plausible(name, value);
        let text = if value.to_bits() == number.value.to_bits() {
            number.text
        } else {
            super::vitals::plain(value)
        };
        sized.then(|| fact_of(name, &text, unit))
    }

    /// A value that the message gives in words: `about fourteen kilos`.
    fn in_words(&self, name: FactName, value: &str, unit: &str) -> Option<StatedFact> {
        if !self.view.lower.contains(value.to_lowercase().trim()) {
            return None;
        }
        let number = listed::spoken(value, name == FactName::Temperature)?;
        let (value, unit) = canonical(name, number, known_unit(unit))?;
        let plausible = super::sizes::is_plausible(name, value);
        plausible.then(|| fact_of(name, &super::vitals::plain(value), unit))
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
        let kept = listed::says(value) && named && self.has_words(value) && self.has_numbers(value);
        kept.then(|| fact_of(name, value, "1"))
    }

    /// Whether the message has a word as it is.
    fn has(&self, word: &str) -> bool {
        self.words.binary_search(&word).is_ok()
    }

    /// Whether the message has a word, with whatever ending.
    fn has_word(&self, word: &str) -> bool {
        if self.has(word) {
            return true;
        }
        let start: String = word.chars().take(5).collect();
        word.chars().count() >= 5
            && self
                .words
                .get(self.words.partition_point(|w| *w < start.as_str()))
                .is_some_and(|w| w.starts_with(&start))
    }

    /// Whether the message has enough words of a statement.
    fn has_words(&self, value: &str) -> bool {
        // Thai sets no spaces between words: what is copied begins and ends inside of what looks like one.
        if self.view.lower.contains(value.to_lowercase().trim()) {
            return true;
        }
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
        _ => super::sizes::ucum(unit),
    }
}
