//! What contradicts a case in a later text.

use std::ops::Range;

use clinstruct_schema::{Case, CaseMedicine, FactKind, FactName, Measurement, Place};

use super::age::{self, Age};
use super::correction::Corrected;
use super::local;
use super::medicines::{self, Mention};
use super::numbers::numbers;
use super::pregnancy::Pregnancy;
use super::reader::Reader;
use super::view::View;
use super::vitals::Reading;
use super::{ReadFact, country, household};
use crate::card::{Gender, PatientFacts};
use crate::dose::Unit;
use crate::people::{Called, is_of_event};

/// What is contradicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContradictionKind {
    /// Age.
    Age,
    /// Sex or gender.
    Sex,
    /// Weight.
    Weight,
    /// Height.
    Height,
    /// Pregnancy, or its stage.
    Pregnancy,
    /// Temperature.
    Temperature,
    /// Heart rate.
    HeartRate,
    /// Respiratory rate.
    RespiratoryRate,
    /// Blood pressure.
    Pressure,
    /// Oxygen saturation.
    Saturation,
    /// A laboratory value.
    Laboratory,
    /// A medicine that the patient takes.
    Medicine,
    /// The country of care.
    Country,
}

impl ContradictionKind {
    /// The kind of a fact.
    fn of(name: FactName) -> Self {
        match name {
            FactName::Age => Self::Age,
            FactName::Sex => Self::Sex,
            FactName::PregnancyWeeks => Self::Pregnancy,
            FactName::Weight => Self::Weight,
            FactName::Height => Self::Height,
            FactName::Temperature => Self::Temperature,
            FactName::HeartRate => Self::HeartRate,
            FactName::RespiratoryRate => Self::RespiratoryRate,
            FactName::Systolic | FactName::Diastolic => Self::Pressure,
            FactName::Saturation => Self::Saturation,
            FactName::Medicine => Self::Medicine,
            _ => Self::Laboratory,
        }
    }
}

/// A contradiction with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// What is contradicted.
    pub what: ContradictionKind,
    /// Both values, for people and for the model that writes the text anew.
    pub detail: String,
    /// Position in the text in bytes.
    pub span: Range<usize>,
}

/// What contradicts a case in a text that was written later in its conversation.
///
/// Age, sex, size, pregnancy, medicines and country stay; temperature, pulse and laboratory values change, and
/// contradict only where the text says them of the time when the patient was first seen ("on arrival", "as I said").
pub fn contradictions(text: &str, case: &Case, place: &Place) -> Vec<Contradiction> {
    let corrected = Corrected::of(text);
    contradictions_in(&Reader::new(corrected.text()), case, Some(&place.country_code))
}

/// [`contradictions`] of a text that others read too, with the code of the country; `None` does not compare it.
pub fn contradictions_in(
    reader: &Reader<'_>,
    case: &Case,
    country: Option<&str>,
) -> Vec<Contradiction> {
    let view = reader.view();
    let facts = PatientFacts::from(&case.patient);
    let mut ages = reader.ages().to_vec();
    ages.retain(|age| !is_of_event(view.text, &age.span) && !is_weight(age, case));
    let mut all = Vec::new();
    all.extend(of_age(view, &ages, facts));
    all.extend(of_sex(reader, &ages, facts, 1));
    all.extend(of_pregnancy(reader.pregnancies(), case.patient.pregnancy_weeks));
    all.extend(of_values(reader, case));
    all.extend(of_medicines(reader, case));
    all.extend(reader.local().iter().flat_map(|r| local::medicines::against(view, r, case)));
    all.extend(country.and_then(|code| of_country(reader, code)));
    all.sort_by_key(|c| (c.span.start, c.what));
    all
}

/// An age that is not the patient's, where none of the text is.
pub(super) fn of_age(view: &View<'_>, ages: &[Age], facts: PatientFacts) -> Option<Contradiction> {
    if ages.iter().any(|age| age.is(facts.age)) || age::is_noted(view, facts.age) {
        return None;
    }
    let first = ages.first()?;
    let unit = match first.unit {
        "mo" => "months",
        "wk" => "weeks",
        "d" => "days",
        _ => "years",
    };
    let known = facts.age.measure();
    let detail = format!("{} {unit} where the patient's age is {known}", first.number);
    Some(Contradiction { what: ContradictionKind::Age, detail, span: first.span.clone() })
}

/// Age in years below which somebody else speaks for a patient.
const ADULT: u32 = 16;

/// The other sex, beside the patient's age, in a noun, or in all pronouns if there are so many of them.
pub(super) fn of_sex(
    reader: &Reader<'_>,
    ages: &[Age],
    facts: PatientFacts,
    pronouns: usize,
) -> Option<Contradiction> {
    let view = reader.view();
    let found = |called: Called, span: Range<usize>| {
        let (said, known) = facts.contradicts(called)?;
        let detail = format!("{} where the patient is {}", said.as_str(), known.as_str());
        Some(Contradiction { what: ContradictionKind::Sex, detail, span })
    };
    let mut aged = ages.iter().filter(|age| age.is(facts.age) || ages.len() == 1);
    let aged = aged.find_map(|age| found(age.called?, age.span.clone()));
    if aged.is_some() {
        return aged;
    }
    // Beside the patient's age, a noun settles it.
    if ages.iter().any(|age| age.is(facts.age) && age.called.is_some()) {
        return None;
    }
    let alone = !view.hits.iter().any(|hit| hit.class == super::words::Class::Person);
    if let Some((called, span)) = age::named(view).filter(|_| alone) {
        return found(called, span);
    }
    let mut local = reader.local().iter().filter_map(|r| local::sex::named(view, r));
    if let Some((gender, span)) = local.next() {
        return found(Called::Noun(gender), span);
    }
    let (gender, span) = age::pronoun(view)?;
    // `The family has no midazolam at home. What should she do?` asks for the mother, and so do many messages about a child.
    let least = if facts.age.years < ADULT { pronouns.max(2) } else { pronouns };
    let counts = age::pronouns(view) >= least && !household::names_family(view);
    if counts && facts.gender != Gender::Either { found(Called::Noun(gender), span) } else { None }
}

/// Another stage of pregnancy, or its presence or absence.
pub(super) fn of_pregnancy(said: &[Pregnancy], known: Option<u32>) -> Option<Contradiction> {
    let what = ContradictionKind::Pregnancy;
    let found =
        |p: &Pregnancy, detail: String| Some(Contradiction { what, detail, span: p.span.clone() });
    match known {
        None => {
            let first = said.iter().find(|p| p.is)?;
            found(first, "pregnant where the patient is not".to_owned())
        }
        Some(weeks) => {
            let near = |p: &&Pregnancy| p.weeks.is_some_and(|w| w.abs_diff(weeks) <= 1);
            if said.iter().any(|p| near(&p)) {
                return None;
            }
            if let Some((p, w)) = said.iter().find_map(|p| Some((p, p.weeks?))) {
                return found(p, format!("{w} weeks where the patient is {weeks} weeks pregnant"));
            }
            let no = said.iter().find(|p| !p.is)?;
            (!said.iter().any(|p| p.is))
                .then(|| found(no, format!("not pregnant where the patient is, at {weeks} weeks")))
                .flatten()
        }
    }
}

/// Whether a number without a unit that could be an age is the patient's weight: `he's 97` of 97 kg.
fn is_weight(age: &Age, case: &Case) -> bool {
    let facts = PatientFacts::from(&case.patient);
    let weight = case.vitals.weight.map(f64::round);
    let same = weight.is_some_and(|w| w.total_cmp(&f64::from(age.number)).is_eq());
    age.bare && same && !age.is(facts.age)
}

/// Another country of care.
pub(super) fn of_country(reader: &Reader<'_>, code: &str) -> Option<Contradiction> {
    let view = reader.view();
    let local = reader.local().iter().find_map(|r| local::country::other(view, r, code));
    let (name, span) = local.or_else(|| country::other_country(view, code))?;
    let detail = format!("{name} where care takes place elsewhere");
    Some(Contradiction { what: ContradictionKind::Country, detail, span })
}

/// Whether a value is that of a case, as precisely as people say it.
pub(super) fn is_same(name: FactName, said: f64, known: f64) -> bool {
    let off = match name {
        FactName::Weight => f64::max(1.0, known * 0.03),
        FactName::Height | FactName::RespiratoryRate => 2.0,
        FactName::Temperature => 0.25,
        FactName::HeartRate | FactName::Systolic | FactName::Diastolic => 5.0,
        FactName::Saturation => 1.0,
        _ => known.abs() * 0.03,
    };
    // Infants weigh little: a kilogram is much.
    let off = if name == FactName::Weight && known < 15.0 { known * 0.07 } else { off };
    (said - known).abs() <= off + 1e-9
}

/// The number of a text such as `5.9` or `about 6`.
fn number(text: &str) -> Option<f64> {
    numbers(text, &text.to_lowercase()).first().map(|n| n.value)
}

/// A value in another unit; `None` where that is not known.
pub(super) fn converted(name: FactName, value: f64, from: &str, to: &str) -> Option<f64> {
    let same =
        |a: &str, b: &str| a == b || matches!((a, b), ("meq/L", "mmol/L") | ("mmol/L", "meq/L"));
    if same(from, to) {
        return Some(value);
    }
    let factor = match (name, from, to) {
        (FactName::Haemoglobin, "g/L", "g/dL")
        | (FactName::Crp | FactName::Creatinine | FactName::Bilirubin, "mg/L", "mg/dL") => 0.1,
        (FactName::Haemoglobin, "g/dL", "g/L")
        | (FactName::Crp | FactName::Creatinine | FactName::Bilirubin, "mg/dL", "mg/L") => 10.0,
        (FactName::Creatinine, "mg/dL", "umol/L") => 88.4,
        (FactName::Creatinine, "umol/L", "mg/dL") => 1.0 / 88.4,
        (FactName::Glucose, "mg/dL", "mmol/L") => 1.0 / 18.0,
        (FactName::Glucose, "mmol/L", "mg/dL") => 18.0,
        // Where French is spoken, and in much of Latin America and Italy, laboratories report grams and milligrams per litre.
        (FactName::Glucose, "g/L", "mg/dL") => 100.0,
        (FactName::Glucose, "mg/dL", "g/L") => 0.01,
        (FactName::Glucose, "g/L", "mmol/L") => 100.0 / 18.0,
        (FactName::Glucose, "mmol/L", "g/L") => 0.18,
        (FactName::Creatinine, "mg/L", "umol/L") => 8.84,
        (FactName::Creatinine, "umol/L", "mg/L") => 1.0 / 8.84,
        (FactName::Urea, "g/L", "mmol/L") => 100.0 / 6.006,
        (FactName::Urea, "mmol/L", "g/L") => 0.06006,
        (FactName::Bilirubin, "mg/L", "umol/L") => 1.71,
        (FactName::Bilirubin, "umol/L", "mg/L") => 1.0 / 1.71,
        // NGSP: https://ngsp.org/ifcc.asp.
        (FactName::Hba1c, "%", "mmol/mol") => return Some((value - 2.152) / 0.09148),
        (FactName::Hba1c, "mmol/mol", "%") => return Some(0.09148 * value + 2.152),
        (FactName::Urea, "mg/dL", "mmol/L") => 1.0 / 6.006,
        (FactName::Urea, "mmol/L", "mg/dL") => 6.006,
        (FactName::Bilirubin, "mg/dL", "umol/L") => 17.1,
        (FactName::Bilirubin, "umol/L", "mg/dL") => 1.0 / 17.1,
        (_, "/uL", "10*9/L") | (_, "ng/L", "ng/mL") => 0.001,
        (_, "10*9/L", "/uL") | (_, "ng/mL", "ng/L") => 1000.0,
        (_, "pg/mL", "ng/L") | (_, "ng/L", "pg/mL") => 1.0,
        _ => return None,
    };
    Some(value * factor)
}

/// A measurement of the case in the unit of a reading.
fn measured(of: &Measurement, reading: &Reading) -> Option<f64> {
    let unit = if of.unit.is_empty() || of.unit == "1" { of.name.unit() } else { of.unit.as_str() };
    converted(of.name, number(&of.value)?, unit, reading.unit)
}

/// The value of the case of which a reading is; `None` where the case has none.
fn known(case: &Case, reading: &Reading) -> Option<f64> {
    if reading.name.kind() == FactKind::Vital {
        return case.vitals.get(reading.name);
    }
    let mut all = case.measurements.iter().filter(|m| m.name == reading.name);
    all.find_map(|m| measured(m, reading))
}

fn of_values(reader: &Reader<'_>, case: &Case) -> Vec<Contradiction> {
    let mut all: Vec<Contradiction> = Vec::new();
    let (view, readings) = (reader.view(), reader.readings());
    for reading in readings {
        let what = ContradictionKind::of(reading.name);
        let Some(value) = known(case, reading) else { continue };
        let stays = matches!(reading.name, FactName::Weight | FactName::Height);
        let same = |r: &Reading| {
            r.name == reading.name && known(case, r).is_some_and(|k| is_same(r.name, r.value, k))
        };
        let counts = if stays { !reading.past } else { view.is_initial(reading.span.clone()) };
        // Both numbers of a pressure are one contradiction.
        let told = all.iter().any(|c| c.what == what && what != ContradictionKind::Laboratory);
        if !counts || told || readings.iter().any(same) {
            continue;
        }
        let name = reading.name.as_str().replace('_', " ");
        let said = view.text.get(reading.span.clone()).unwrap_or_default();
        let detail =
            format!("{name} {said} where the patient's is {}", super::vitals::plain(value));
        all.push(Contradiction { what, detail, span: reading.span.clone() });
    }
    all
}

/// Amount and unit of a medicine of the case.
fn dose(of: &CaseMedicine) -> Option<(f64, Unit)> {
    let text = if of.dose.is_empty() { &of.drug } else { &of.dose };
    let all = numbers(text, &text.to_lowercase());
    let number = all.iter().find(|n| n.unit.is_some())?;
    let unit = match number.unit? {
        "mg" => Unit::Milligram,
        "ug" => Unit::Microgram,
        "g" => Unit::Gram,
        "mL" => Unit::Millilitre,
        "[IU]" => Unit::International,
        _ => return None,
    };
    Some((number.value, unit))
}

/// How many times a day.
fn times(frequency: &str) -> f64 {
    let lower = frequency.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if any(&["twice", "bd", "bid", "two times", "12 h", "twelve hours"]) {
        2.0
    } else if any(&["three", "tds", "tid", "8 h", "eight hours"]) {
        3.0
    } else if any(&["four", "qds", "qid", "6 h", "six hours"]) {
        4.0
    } else {
        1.0
    }
}

/// Whether a text gives the dose of the case.
fn is_dose(mention: &Mention, medicine: &CaseMedicine) -> bool {
    is_amount(mention.dose, mention.daily, medicine)
}

/// Whether an amount is the dose of a medicine, or those of a whole day if it is `daily`; what cannot be compared is.
pub(super) fn is_amount(said: Option<(f64, Unit)>, daily: bool, medicine: &CaseMedicine) -> bool {
    let (Some((said, unit)), Some((known, other))) = (said, dose(medicine)) else {
        return true;
    };
    // Units that measure different things cannot be compared.
    let Some(scale) = unit.in_unit(other) else { return true };
    let near = |known: f64| (said * scale - known).abs() <= known * 0.01;
    near(known) || (daily && near(known * times(&medicine.frequency)))
}

/// Treatments of these days, which no list of medicines has.
const ACUTE: [&str; 12] = [
    "oxygen",
    "saline",
    "ringer",
    "crystalloid",
    "glucose",
    "dextrose",
    "rehydration",
    "hartmann",
    "adrenaline",
    "epinephrine",
    "ors",
    "colloid",
];

/// Whether a name, in lower case, is that of a treatment of these days.
pub(super) fn is_acute(name: &str) -> bool {
    ACUTE.iter().any(|treatment| name.starts_with(treatment))
}

fn of_medicines(reader: &Reader<'_>, case: &Case) -> Vec<Contradiction> {
    let (view, mentions) = (reader.view(), reader.mentions());
    let what = ContradictionKind::Medicine;
    let mut all = Vec::new();
    let mut add = |detail: String, span| all.push(Contradiction { what, detail, span });
    if let Some(span) = medicines::none(view).filter(|_| !case.medicines.is_empty()) {
        let names: Vec<&str> = case.medicines.iter().map(|m| m.drug.as_str()).collect();
        add(format!("no medicines where the patient takes {}", names.join(", ")), span);
    }
    for mention in mentions {
        let word = view.between(mention.name.start, mention.name.end);
        let known: Vec<&CaseMedicine> =
            case.medicines.iter().filter(|m| medicines::is_named(word, &m.drug)).collect();
        let said = view.text.get(mention.span.clone()).unwrap_or_default();
        let later = view.is_later(mention.name.clone());
        if !mention.taken {
            if !known.is_empty() && !later {
                add(format!("no {word} where the patient takes it"), mention.span.clone());
            }
        } else if known.is_empty() {
            let listed = is_acute(word) || is_elsewhere(case, word);
            if mention.habit && mention.dose.is_some() && !later && !listed {
                add(format!("{said} where the patient does not take it"), mention.span.clone());
            }
        } else {
            let agrees = |m: &Mention| {
                let name = view.between(m.name.start, m.name.end);
                medicines::is_named(name, word) && known.iter().any(|k| is_dose(m, k))
            };
            let other =
                mention.dose.is_some() && !mentions.iter().any(|m| m.dose.is_some() && agrees(m));
            if other && !is_changed(view, &mention.name) {
                let known = known.first().map_or("", |k| k.dose.as_str());
                add(format!("{said} where the patient takes {known}"), mention.span.clone());
            }
        }
    }
    all
}

/// Whether a case names a medicine somewhere else than among those that are taken: one that was stopped this morning, or
/// that the illness comes from.
fn is_elsewhere(case: &Case, word: &str) -> bool {
    other_texts(case)
        .any(|text| medicines::is_named(word, text) || text.to_lowercase().contains(word))
}

/// The texts of a case besides the medicines that are taken.
pub(super) fn other_texts(case: &Case) -> impl Iterator<Item = &str> {
    let texts = [&case.complaint, &case.findings, &case.history, &case.allergies, &case.social];
    let texts = texts.into_iter().flatten().map(|item| item.text.as_str());
    texts.chain(case.conditions.iter().map(|c| c.name.as_str()))
}

/// Whether the sentence says that a medicine was changed.
fn is_changed(view: &View<'_>, name: &Range<usize>) -> bool {
    let sentence = view.sentence(name.start);
    let whole = view.between(sentence.start, sentence.end);
    let changes = [
        "increas",
        "rais",
        "doubl",
        "reduc",
        "lower",
        "halv",
        "switch",
        "chang",
        "up from",
        "titrat",
        "stepp",
        "now ",
        "since yesterday",
        "from tomorrow",
        "until last",
        "used to",
        "previously",
        "before that",
        "years ago",
        "started on",
    ];
    changes.iter().any(|word| whole.contains(word))
}

/// Whether a case has a fact as it was read.
pub(super) fn has(reader: &Reader<'_>, case: &Case, read: &ReadFact) -> bool {
    let view = reader.view();
    let fact = &read.fact;
    let facts = PatientFacts::from(&case.patient);
    match fact.name {
        FactName::Age => reader.ages().iter().any(|age| age.span == read.span && age.is(facts.age)),
        FactName::Sex => {
            let said = match fact.value.as_str() {
                "male" => Called::Noun(Gender::Man),
                _ => Called::Noun(Gender::Woman),
            };
            facts.contradicts(said).is_none()
        }
        FactName::PregnancyWeeks => {
            let weeks = fact.value.parse::<u32>().ok();
            matches!((weeks, case.patient.pregnancy_weeks), (Some(a), Some(b)) if a.abs_diff(b) <= 1)
        }
        FactName::Medicine => reader.mentions().iter().any(|mention| {
            let word = view.between(mention.name.start, mention.name.end);
            mention.span == read.span
                && case
                    .medicines
                    .iter()
                    .any(|m| medicines::is_named(word, &m.drug) && is_dose(mention, m))
        }),
        _ => reader.readings().iter().any(|reading| {
            reading.name == fact.name
                && reading.span == read.span
                && known(case, reading).is_some_and(|k| is_same(reading.name, reading.value, k))
        }),
    }
}
