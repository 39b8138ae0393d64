//! Doses and their warnings in texts with known answers, and planted faults: `corpus/doses/`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;

use clinstruct_quality::dose;
use clinstruct_schema::Language;
use serde::Deserialize;

#[derive(Deserialize)]
struct Corpus {
    /// The number of doses, whether one of them is without a warning, and the text.
    texts: Vec<(usize, bool, String)>,
    doses: Vec<String>,
    frames: Vec<String>,
    warnings: Vec<String>,
    clean: Vec<String>,
}

fn read(language: Language) -> Corpus {
    let path = format!("{}/corpus/doses/{}.toml", env!("CARGO_MANIFEST_DIR"), language.code());
    toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

#[test]
fn doses_are_counted_as_people_count_them() {
    let mut wrong = String::new();
    for language in Language::ALL {
        let corpus = read(language);
        assert!(corpus.texts.len() >= 25, "{}", language.code());
        for (doses, unwarned, text) in &corpus.texts {
            let found = dose::find(text, language);
            if found.stated.len() != *doses || found.unwarned.is_some() != *unwarned {
                let places: Vec<&str> =
                    found.stated.iter().map(|dose| &text[dose.place.clone()]).collect();
                let code = language.code();
                let alone = found.unwarned.is_some();
                writeln!(wrong, "{code}: {places:?}, unwarned {alone}: {text}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn planted_faults_are_found_and_clean_texts_are_not() {
    let (mut planted, mut missed, mut clean, mut alarms) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut wrong = String::new();
    for language in Language::ALL {
        let corpus = read(language);
        let code = language.code();
        let has = |text: &str| dose::find(text, language).unwarned.is_some();
        // Thai sets a space where others set the mark of a sentence.
        for frame in &corpus.frames {
            for one in &corpus.doses {
                let text = frame.replace("{}", one);
                planted += 1;
                if !has(&text) {
                    missed += 1;
                    writeln!(wrong, "{code} missed: {text}").unwrap();
                }
                for warning in &corpus.warnings {
                    let line = if frame.starts_with("- ") { "\n\n" } else { " " };
                    let warned = format!("{text}{line}{warning}");
                    clean += 1;
                    if has(&warned) {
                        alarms += 1;
                        writeln!(wrong, "{code} alarm: {warned}").unwrap();
                    }
                }
            }
        }
        for text in &corpus.clean {
            let listed = format!("- {text}");
            let with_dose = format!("{} {text}", corpus.frames[0].replace("{}", &corpus.doses[0]));
            for text in [text, &listed] {
                clean += 1;
                if has(text) {
                    alarms += 1;
                    writeln!(wrong, "{code} alarm: {text}").unwrap();
                }
            }
            // A sentence about something else is no warning.
            planted += 1;
            if !has(&with_dose) {
                missed += 1;
                writeln!(wrong, "{code} missed: {with_dose}").unwrap();
            }
        }
    }
    println!("{missed} of {planted} missed, {alarms} of {clean} false\n{wrong}");
    assert!(f64::from(missed) <= 0.01 * f64::from(planted), "{missed} of {planted}\n{wrong}");
    assert!(f64::from(alarms) <= 0.005 * f64::from(clean), "{alarms} of {clean}\n{wrong}");
}
