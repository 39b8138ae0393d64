//! Facts about the patient in texts, and contradictions planted into them: `corpus/case/`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_quality::case::{ContradictionKind, against_frame, contradictions, read};
use clinstruct_schema::{
    AgeYears, Case, CaseMedicine, CasePatient, CaseText, CaseVitals, ConversationMode, FactName,
    Frame, FramePatient, IncomeGroup, Language, Measurement, Origin, Place, RecordSource, Sex,
    Slug,
};
use serde::Deserialize;

use crate::answers::share;

/// The aim: the least share of planted contradictions that is found, of each kind.
const RECALL: f64 = 0.99;
/// Largest share of clean texts with a false alarm: the aim.
const FALSE_ALARMS: f64 = 0.005;
/// Least share of the right values that are read, of each kind.
const READ: f64 = 0.95;
/// Forms of each main kind in English, and in all other languages together.
const EACH: [usize; 2] = [40, 100];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    #[serde(default)]
    clean: Vec<String>,
    #[serde(default)]
    later: Vec<String>,
    planted: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pregnant: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    not_pregnant: BTreeMap<String, Vec<String>>,
}

fn corpus() -> Vec<(&'static str, Corpus)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/case");
    let read = |path: &std::path::Path| -> Corpus {
        let text = std::fs::read_to_string(path).unwrap();
        toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let mut all = Vec::new();
    for language in Language::ALL {
        let file = format!("{}.toml", language.code());
        all.push((language.code(), read(&folder.join(&file))));
        let more = folder.join("more").join(&file);
        if more.exists() {
            all.push((language.code(), read(&more)));
        }
    }
    all
}

fn slug(text: &str) -> Slug {
    Slug::new(text).unwrap()
}

fn place() -> Place {
    Place {
        country_code: "np".into(),
        country: "Nepal".into(),
        income: IncomeGroup::LowerMiddle,
        region: "SEAR".into(),
        setting: slug("low-resource"),
    }
}

/// The patient of the corpus.
fn case(pregnant: bool) -> Case {
    let origin = Origin::Stated;
    let measured = |name, value: &str, unit: &str| Measurement {
        name,
        value: value.into(),
        unit: unit.into(),
        origin,
    };
    let medicine = |drug: &str, dose: &str, frequency: &str| CaseMedicine {
        drug: drug.into(),
        dose: dose.into(),
        frequency: frequency.into(),
        atc: String::new(),
        origin,
    };
    Case {
        patient: CasePatient {
            age_band: slug("adult"),
            age: AgeYears { years: if pregnant { 28 } else { 45 }, months: None },
            sex: Sex::Female,
            gender: None,
            pregnancy_weeks: pregnant.then_some(34),
        },
        vitals: CaseVitals {
            height: Some(164.0),
            weight: Some(62.0),
            heart_rate: Some(112.0),
            respiratory_rate: Some(24.0),
            systolic: Some(96.0),
            diastolic: Some(60.0),
            temperature: Some(38.6),
            saturation: Some(91.0),
        },
        complaint: Vec::new(),
        findings: Vec::new(),
        measurements: vec![
            measured(FactName::Potassium, "5.9", "mmol/L"),
            measured(FactName::Haemoglobin, "7.2", "g/dL"),
        ],
        conditions: Vec::new(),
        medicines: vec![
            medicine("metformin", "500 mg", "twice daily"),
            medicine("amlodipine", "5 mg", "once daily"),
        ],
        allergies: Vec::new(),
        history: Vec::new(),
        family: Vec::new(),
        social: Vec::new(),
        origins: BTreeMap::new(),
        source: RecordSource::Writer,
    }
}

fn frame(pregnant: bool) -> Frame {
    let of = case(pregnant).patient;
    Frame::new(
        place(),
        Some(FramePatient {
            age_band: of.age_band,
            age: of.age,
            sex: of.sex,
            gender: of.gender,
            pregnancy_weeks: of.pregnancy_weeks,
            condition: None,
        }),
        ConversationMode::Normal,
    )
}

/// A text with the first or the second of each `{right|wrong}`.
fn filled(text: &str, wrong: bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (choice, behind) = after.split_once('}').unwrap();
        let (right, other) = choice.split_once('|').unwrap();
        out.push_str(before);
        out.push_str(if wrong { other } else { right });
        rest = behind;
    }
    out + rest
}

fn kind(of: &str) -> ContradictionKind {
    match of {
        "age" => ContradictionKind::Age,
        "sex" => ContradictionKind::Sex,
        "weight" => ContradictionKind::Weight,
        "height" => ContradictionKind::Height,
        "pregnancy" => ContradictionKind::Pregnancy,
        "temperature" => ContradictionKind::Temperature,
        "heart_rate" => ContradictionKind::HeartRate,
        "respiratory_rate" => ContradictionKind::RespiratoryRate,
        "pressure" => ContradictionKind::Pressure,
        "saturation" => ContradictionKind::Saturation,
        "laboratory" => ContradictionKind::Laboratory,
        "medicine" => ContradictionKind::Medicine,
        "country" => ContradictionKind::Country,
        other => panic!("no kind {other}"),
    }
}

/// The fact of a kind and its value in the case, as far as code reads it from every right text.
fn fact(kind: &str, pregnant: bool) -> Option<(FactName, f64)> {
    Some(match kind {
        "age" => (FactName::Age, if pregnant { 28.0 } else { 45.0 }),
        "weight" => (FactName::Weight, 62.0),
        "height" => (FactName::Height, 164.0),
        "temperature" => (FactName::Temperature, 38.6),
        "heart_rate" => (FactName::HeartRate, 112.0),
        "respiratory_rate" => (FactName::RespiratoryRate, 24.0),
        "pressure" => (FactName::Systolic, 96.0),
        "saturation" => (FactName::Saturation, 91.0),
        "pregnancy" if pregnant => (FactName::PregnancyWeeks, 34.0),
        _ => return None,
    })
}

#[derive(Default)]
struct Count {
    planted: usize,
    found: usize,
    values: usize,
    read: usize,
}

/// All texts with a contradiction: language, kind, text, and whether the patient is pregnant.
fn planted(all: &[(&'static str, Corpus)]) -> Vec<(&'static str, String, String, bool)> {
    let mut texts = Vec::new();
    for (language, corpus) in all {
        let groups =
            [(&corpus.planted, false), (&corpus.pregnant, true), (&corpus.not_pregnant, false)];
        for (kinds, pregnant) in groups {
            for (kind, list) in kinds {
                texts.extend(list.iter().map(|t| (*language, kind.clone(), t.clone(), pregnant)));
            }
        }
    }
    texts
}

#[test]
fn planted_contradictions_are_found_and_right_texts_pass() {
    let all = corpus();
    let mut wrong = String::new();
    let mut counts: BTreeMap<(bool, String), Count> = BTreeMap::new();
    let (mut alarms, mut clean) = (0, 0);
    for (language, of, text, pregnant) in planted(&all) {
        let case = case(pregnant);
        let count = counts.entry((language == "en", of.clone())).or_default();
        let bad = filled(&text, true);
        count.planted += 1;
        if contradictions(&bad, &case, &place()).iter().any(|c| c.what == kind(&of)) {
            count.found += 1;
        } else {
            writeln!(wrong, "missed {of}: {bad}").unwrap();
        }
        let good = filled(&text, false);
        clean += 1;
        let seen = contradictions(&good, &case, &place());
        if !seen.is_empty() {
            alarms += 1;
            writeln!(wrong, "alarm {of}: {good} {seen:?}").unwrap();
        }
        // Only a text that gives the number states it.
        let Some((name, value)) = fact(&of, pregnant) else { continue };
        let numbered = text.split('{').nth(1).is_some_and(|t| {
            t.split('|').next().unwrap().contains(|c: char| c.is_numeric() || of == "age")
        });
        if numbered {
            count.values += 1;
            let read = read(&good);
            let near = |v: &str| v.parse::<f64>().is_ok_and(|v| (v - value).abs() <= value * 0.01);
            if read.iter().any(|r| r.fact.name == name && near(&r.fact.value)) {
                count.read += 1;
            } else {
                writeln!(wrong, "unread {of}: {good} {read:?}").unwrap();
            }
        }
    }
    for (_, corpus) in &all {
        for text in corpus.clean.iter().chain(&corpus.later) {
            for pregnant in [false, true] {
                // A text of a later turn may deny a pregnancy.
                if pregnant && corpus.later.contains(text) {
                    continue;
                }
                clean += 1;
                let seen = contradictions(text, &case(pregnant), &place());
                if !seen.is_empty() {
                    alarms += 1;
                    writeln!(wrong, "alarm: {text} {seen:?}").unwrap();
                }
            }
        }
    }
    let mut table = String::new();
    for ((english, kind), c) in &counts {
        let language = if *english { "en" } else { "others" };
        writeln!(
            table,
            "{language:6} {kind:16} found {}/{} read {}/{}",
            c.found, c.planted, c.read, c.values
        )
        .unwrap();
    }
    writeln!(table, "{alarms} of {clean} texts with a false alarm").unwrap();
    println!("{table}{wrong}");
    for ((english, kind), c) in &counts {
        assert!(share(c.found, c.planted) >= RECALL, "{kind}\n{table}{wrong}");
        assert!(c.values == 0 || share(c.read, c.values) >= READ, "{kind}\n{table}{wrong}");
        let main = ["weight", "age", "sex", "pregnancy", "temperature", "medicine", "country"];
        assert!(
            !main.contains(&kind.as_str()) || c.planted >= EACH[usize::from(!english)],
            "{kind}: {}",
            c.planted
        );
    }
    assert!(share(alarms, clean) <= FALSE_ALARMS, "{table}{wrong}");
}

#[test]
fn nothing_is_read_of_texts_about_something_else() {
    let mut wrong = String::new();
    let (mut texts, mut alarms) = (0, 0);
    for (_, corpus) in corpus() {
        for text in &corpus.clean {
            texts += 1;
            // Who is spoken of may still be told by a pronoun.
            let mut read = read(text);
            read.retain(|r| r.fact.name != FactName::Sex);
            if !read.is_empty() {
                alarms += 1;
                writeln!(wrong, "{text} {read:?}").unwrap();
            }
        }
    }
    println!("{alarms} of {texts}\n{wrong}");
    assert!(texts >= 120);
    assert!(share(alarms, texts) <= FALSE_ALARMS, "{wrong}");
}

#[test]
fn a_first_message_contradicts_its_frame_as_a_later_one_its_case() {
    let all = corpus();
    let mut wrong = String::new();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut alarms, mut clean) = (0, 0);
    for (_, of, text, pregnant) in planted(&all) {
        let frame = frame(pregnant);
        let bad = filled(&text, true);
        if ["age", "pregnancy", "country"].contains(&of.as_str()) {
            let count = counts.entry(of.clone()).or_default();
            count.1 += 1;
            if against_frame(&bad, &frame).is_empty() {
                writeln!(wrong, "missed {of}: {bad}").unwrap();
            } else {
                count.0 += 1;
            }
        }
        clean += 1;
        let good = filled(&text, false);
        let seen = against_frame(&good, &frame);
        if !seen.is_empty() {
            alarms += 1;
            writeln!(wrong, "alarm {of}: {good} {seen:?}").unwrap();
        }
    }
    for (_, corpus) in &all {
        for text in &corpus.clean {
            clean += 1;
            let none = Frame { patient: None, ..frame(false) };
            let seen = [against_frame(text, &frame(false)), against_frame(text, &none)].concat();
            if !seen.is_empty() {
                alarms += 1;
                writeln!(wrong, "alarm: {text} {seen:?}").unwrap();
            }
        }
    }
    println!("{counts:?} {alarms} of {clean}\n{wrong}");
    for (kind, (found, planted)) in &counts {
        assert!(share(*found, *planted) >= RECALL, "{kind} {found}/{planted}\n{wrong}");
    }
    assert!(share(alarms, clean) <= FALSE_ALARMS, "{alarms} of {clean}\n{wrong}");
}

#[test]
fn a_medicine_that_the_case_names_elsewhere_is_no_contradiction() {
    let text = "She takes rifampicin 150 mg once daily.";
    let of = |history: &str| {
        let text_of_case = CaseText { text: history.into(), origin: Origin::Stated };
        let case = Case { history: vec![text_of_case], ..case(false) };
        contradictions(text, &case, &place()).len()
    };
    assert_eq!(of("isoniazid, rifampicin and pyrazinamide until this morning"), 0);
    assert_eq!(of("appendix removed at 12"), 1);
}
