//! What code reads of first messages in all languages, beside what a careful reader notes: `corpus/record/`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_quality::case::{contradictions, record};
use clinstruct_schema::{
    AgeYears, Case, CaseMedicine, CasePatient, CaseVitals, ConversationMode, FactKind, FactName,
    Frame, FramePatient, IncomeGroup, Language, Origin, Place, RecordSource, Sex, Slug, StatedFact,
};
use serde::Deserialize;

use crate::answers::share;

/// Least share of the facts that are read which are noted, for each language: what is not there must not be read.
const PRECISION: f64 = 0.99;
/// Least share of the noted facts that are read. Health workers write English; in the other languages medicines, allergies
/// that are ruled out, and some nouns for a person are not read yet, which the printed table shows by name.
fn recall_of(language: Language) -> f64 {
    if language == Language::English { 0.94 } else { 0.8 }
}
/// Messages of each language.
const EACH: usize = 25;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    /// Message and facts.
    messages: Vec<(String, String)>,
}

fn corpus(language: Language) -> Corpus {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/record");
    let path = folder.join(format!("{}.toml", language.code()));
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// `weight 62`, `age 8 mo`, `medicine metformin 500 mg`.
fn noted(facts: &str) -> Vec<StatedFact> {
    let fact = |text: &str| {
        let (name, value) = text.split_once(' ').unwrap_or_else(|| panic!("no value in {text}"));
        let name = FactName::parse(name).unwrap_or_else(|| panic!("no fact {name}"));
        let (value, unit) = match value.split_once(' ') {
            Some((value, unit)) if name.kind() != FactKind::Text => (value, unit),
            _ => (value, name.unit()),
        };
        StatedFact { name, value: value.into(), unit: unit.into() }
    };
    facts.split("; ").map(fact).collect()
}

/// A frame with which nothing of the message is left out.
fn frame(noted: &[StatedFact]) -> Frame {
    let value = |name| noted.iter().find(|f| f.name == name).map(|f| f.value.as_str());
    let sex = if value(FactName::Sex) == Some("male") { Sex::Male } else { Sex::Female };
    let slug = |text: &str| Slug::new(text).unwrap();
    let place = Place {
        country_code: "np".into(),
        country: "Nepal".into(),
        income: IncomeGroup::LowerMiddle,
        region: "SEAR".into(),
        setting: slug("low-resource"),
    };
    let patient = FramePatient {
        age_band: slug("adult"),
        age: AgeYears { years: 40, months: None },
        sex,
        gender: None,
        pregnancy_weeks: value(FactName::PregnancyWeeks).map(|w| w.parse().unwrap()),
        condition: None,
    };
    Frame::new(place, Some(patient), ConversationMode::Normal)
}

/// Whether a fact that was read is the one that was noted.
fn is_same(read: &StatedFact, noted: &StatedFact) -> bool {
    if read.name != noted.name {
        return false;
    }
    if noted.name == FactName::Medicine {
        let lower = read.value.to_lowercase();
        return noted.value.split(' ').all(|word| lower.contains(&word.to_lowercase()));
    }
    let number = |text: &str| text.parse::<f64>().ok();
    let value = match (number(&read.value), number(&noted.value)) {
        (Some(a), Some(b)) => (a - b).abs() < 0.006 * b.abs().max(1e-9),
        (None, None) => read.value == noted.value,
        _ => false,
    };
    value && read.unit == noted.unit
}

#[derive(Default, Clone, Copy)]
struct Count {
    noted: usize,
    read: usize,
    right: usize,
}

impl Count {
    fn and(self, other: Self) -> Self {
        Self {
            noted: self.noted + other.noted,
            read: self.read + other.read,
            right: self.right + other.right,
        }
    }
}

#[test]
fn facts_of_messages_are_read_in_all_languages() {
    let mut counts: BTreeMap<(FactName, Language), Count> = BTreeMap::new();
    let mut wrong = String::new();
    for language in Language::ALL {
        let corpus = corpus(language);
        assert!(corpus.messages.len() >= EACH, "{language:?}");
        for (text, facts) in &corpus.messages {
            let noted = noted(facts);
            let read = record(text, &frame(&noted), None).facts;
            for fact in &noted {
                let count = counts.entry((fact.name, language)).or_default();
                count.noted += 1;
                if read.iter().any(|r| is_same(r, fact)) {
                    count.right += 1;
                } else {
                    let name = fact.name.as_str();
                    writeln!(wrong, "missed {name} {} {}: {text}", fact.value, fact.unit).unwrap();
                }
            }
            // A statement about the household is no value, nor are a result in words and what is asked for.
            let is_value = |fact: &&StatedFact| {
                !matches!(fact.name, FactName::Social | FactName::Other)
                    && !fact.value.starts_with("not on ")
            };
            for fact in read.iter().filter(is_value) {
                let count = counts.entry((fact.name, language)).or_default();
                count.read += 1;
                if !noted.iter().any(|n| is_same(fact, n)) {
                    let name = fact.name.as_str();
                    writeln!(wrong, "misread {name} {} {}: {text}", fact.value, fact.unit).unwrap();
                }
            }
        }
    }
    let mut table = String::from("name, language: noted, precision, recall\n");
    for ((name, language), c) in &counts {
        // Each fact is noted at most once, so that what is right is both noted and read.
        let (precision, recall) = (share(c.right, c.read), share(c.right, c.noted));
        let (name, code) = (name.as_str(), language.code());
        writeln!(table, "{name:18} {code} {:3} {precision:.3} {recall:.3}", c.noted).unwrap();
    }
    let mut low = String::new();
    for language in Language::ALL {
        let own = counts.iter().filter(|((_, of), _)| *of == language);
        let sum = own.fold(Count::default(), |a, (_, b)| a.and(*b));
        let (precision, recall) = (share(sum.right, sum.read), share(sum.right, sum.noted));
        let line = format!(
            "{} {} noted, precision {precision:.3}, recall {recall:.3}",
            language.code(),
            sum.noted
        );
        writeln!(table, "{line}").unwrap();
        if precision < PRECISION || recall < recall_of(language) {
            writeln!(low, "{line}").unwrap();
        }
    }
    let sum = counts.values().fold(Count::default(), |a, b| a.and(*b));
    println!("{table}{} noted, {} read, {} right\n{wrong}", sum.noted, sum.read, sum.right);
    assert!(low.is_empty(), "{low}{wrong}");
}

/// The case that a message states.
fn case(noted: &[StatedFact]) -> Case {
    let frame = frame(noted);
    let patient = frame.patient.unwrap();
    let number = |name| {
        let fact = noted.iter().find(|f| f.name == name)?;
        fact.value.parse::<f64>().ok().filter(|_| fact.unit == name.unit())
    };
    let years = noted.iter().find(|f| f.name == FactName::Age).map_or(40.0, |age| {
        let number: f64 = age.value.parse().unwrap();
        number / if age.unit == "a" { 1.0 } else { 12.0 }
    });
    let mut vitals = CaseVitals::default();
    for name in FactName::ALL.iter().filter(|n| n.kind() == FactKind::Vital) {
        if let Some(value) = number(*name) {
            vitals.set(*name, value);
        }
    }
    let medicine = |fact: &StatedFact| {
        let at = fact.value.find(|c: char| c.is_ascii_digit()).unwrap_or(fact.value.len());
        CaseMedicine {
            drug: fact.value[..at].trim().to_owned(),
            dose: fact.value[at..].to_owned(),
            frequency: String::new(),
            atc: String::new(),
            origin: Origin::Stated,
        }
    };
    let taken = noted.iter().filter(|f| f.name == FactName::Medicine && f.value != "none");
    Case {
        patient: CasePatient {
            age_band: patient.age_band,
            age: AgeYears {
                years: years as u32,
                months: (years < 3.0).then_some((years * 12.0) as u32 % 12),
            },
            sex: patient.sex,
            gender: None,
            pregnancy_weeks: patient.pregnancy_weeks,
        },
        vitals,
        complaint: Vec::new(),
        findings: Vec::new(),
        measurements: Vec::new(),
        conditions: Vec::new(),
        medicines: taken.map(medicine).collect(),
        allergies: Vec::new(),
        history: Vec::new(),
        family: Vec::new(),
        social: Vec::new(),
        origins: BTreeMap::new(),
        source: RecordSource::Writer,
    }
}

#[test]
fn a_message_contradicts_no_case_of_its_own_facts() {
    let (mut messages, mut alarms, mut wrong) = (0, 0, String::new());
    for language in Language::ALL {
        for (text, facts) in &corpus(language).messages {
            let noted = noted(facts);
            // An age in weeks or days is none of a case, and who has no sex here has a gender instead.
            let odd =
                |f: &StatedFact| f.name == FactName::Age && !["a", "mo"].contains(&f.unit.as_str());
            if noted.iter().any(odd) || !noted.iter().any(|f| f.name == FactName::Sex) {
                continue;
            }
            messages += 1;
            let found = contradictions(text, &case(&noted), &frame(&noted).place);
            if !found.is_empty() {
                alarms += 1;
                writeln!(wrong, "{} {text} {found:?}", language.code()).unwrap();
            }
        }
    }
    println!("{alarms} of {messages}\n{wrong}");
    assert!(messages >= 180);
    assert!(share(alarms, messages) <= 0.005, "{alarms} of {messages}\n{wrong}");
}
