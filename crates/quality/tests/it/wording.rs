//! Openings, endings, meta-commentary, tokens, broken texts and languages: clean texts, and the same with a
//! fault planted in them, in eight languages (`corpus/planted.toml`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_quality::{Turn, check};
use clinstruct_schema::{Constraint, Language, Speaker};
use serde::Deserialize;

#[derive(Deserialize)]
struct Planted {
    /// Texts without a fault, by language.
    clean: BTreeMap<String, Vec<String>>,
    /// Sentences of medicine that look like a fault, by language.
    alike: BTreeMap<String, Vec<String>>,
    /// Faults by check and language.
    fault: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

const CHECKS: [&str; 6] = [
    "filler_opener",
    "offer_at_the_end",
    "meta_commentary",
    "control_token",
    "role_tag",
    "truncated_answer",
];

/// What the checks of this file find in an answer.
fn found(text: &str, language: Language) -> Vec<&'static str> {
    let asked = Constraint::Language { language };
    let turn = Turn { language, instructions: vec![&asked], ..Turn::answer(text) };
    let all = check(&turn).into_iter().map(|v| v.check);
    all.filter(|id| CHECKS.contains(id) || *id == "language").collect()
}

/// A text with a fault at the place where such a fault stands.
fn planted(check: &str, clean: &str, fault: &str) -> String {
    match check {
        "filler_opener" => format!("{fault} {clean}"),
        "role_tag" => format!("{clean}\n{fault} {clean}"),
        // Tokens stand wherever a template had them.
        "control_token" if clean.len().is_multiple_of(2) => format!("{fault}{clean}"),
        _ => format!("{clean} {fault}"),
    }
}

#[test]
fn planted_faults_are_found_and_clean_texts_pass() {
    let path = format!("{}/corpus/planted.toml", env!("CARGO_MANIFEST_DIR"));
    let texts: Planted = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut table = String::new();
    let mut wrong = String::new();
    let (mut alarms, mut passed) = (0, 0);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for language in Language::ALL {
        let code = language.code();
        let clean = &texts.clean[code];
        for text in clean.iter().chain(&texts.alike[code]) {
            let seen = found(text, language);
            passed += 1;
            if !seen.is_empty() {
                alarms += 1;
                writeln!(wrong, "  false alarm: {code} {seen:?}: {text}").unwrap();
            }
        }
        for (id, of) in &texts.fault {
            for fault in of.get(code).or_else(|| of.get("all")).into_iter().flatten() {
                for text in clean {
                    let text = planted(id, text, fault);
                    let count = counts.entry(id).or_default();
                    count.1 += 1;
                    // What steers a model stops the others.
                    if found(&text, language).contains(&id.as_str()) {
                        count.0 += 1;
                    } else {
                        writeln!(wrong, "  missed: {code} {id}: {text}").unwrap();
                    }
                }
            }
        }
        // A text in each of the other languages.
        for other in Language::ALL.into_iter().filter(|other| *other != language) {
            for text in &texts.clean[other.code()] {
                let count = counts.entry("language").or_default();
                count.1 += 1;
                count.0 += usize::from(found(text, language).contains(&"language"));
            }
        }
    }
    for (id, (seen, all)) in &counts {
        writeln!(table, "{id:<18} {seen:>4} of {all:>4} found").unwrap();
    }
    writeln!(table, "{:<18} {alarms:>4} of {passed:>4} alarms", "clean").unwrap();
    println!("{table}{wrong}");
    // The language is another one; where a text breaks off has a test of its own.
    assert_eq!(counts.len(), CHECKS.len());
    assert!(counts.values().all(|(seen, all)| seen * 100 >= all * 99), "{table}{wrong}");
    assert!(alarms * 200 <= passed, "{table}{wrong}");
}

/// The cut of a text within a sentence is seen wherever it falls; a cut behind one is none.
#[test]
fn a_text_that_stops_within_a_sentence_is_truncated() {
    let path = format!("{}/corpus/planted.toml", env!("CARGO_MANIFEST_DIR"));
    let texts: Planted = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // Thai marks no end of a sentence: only a word that must be followed by another tells.
    for language in Language::ALL.into_iter().filter(|l| *l != Language::Thai) {
        for text in &texts.clean[language.code()] {
            let Some(first) = text.find(['.', '।']) else { continue };
            let cuts: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
            for at in cuts.into_iter().filter(|at| *at > first + 8) {
                let cut = &text[..at];
                let ended = cut.ends_with(['.', '।', '?', ';', ':']);
                let seen = found(cut, language).contains(&"truncated_answer");
                assert!(seen != ended, "{}: {cut}", language.code());
            }
        }
    }
}

/// A health worker may thank and greet: only the assistant begins with the matter.
#[test]
fn thanks_of_the_health_worker_are_no_filler() {
    for speaker in [Speaker::User, Speaker::PromptWriter] {
        let text = "Hello, thanks for the quick answer. What should I do about the fever?";
        assert_eq!(check(&Turn::new(speaker, text)), []);
    }
}

/// Chat files that are not in the repository: `CLINSTRUCT_REAL_DATA` names their folder.
#[test]
fn chat_files_with_known_answers() {
    let Some(folder) = std::env::var_os("CLINSTRUCT_REAL_DATA") else { return };
    let folder = std::path::PathBuf::from(folder).join("chat-files");
    let rows = |file: &str| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let has = |row: &serde_json::Value, checks: &[&str]| {
        row["messages"].as_array().unwrap().iter().any(|message| {
            let turn = Turn::answer(message["content"].as_str().unwrap());
            check(&turn).iter().any(|v| checks.contains(&v.check))
        })
    };
    for row in rows("meta/false_alarms.jsonl") {
        assert_eq!(has(&row, &["meta_commentary"]), row["id"] == "true", "{row}");
    }
    for row in rows("tags/special_tokens.jsonl") {
        assert!(has(&row, &["control_token", "role_tag"]), "{row}");
    }
}
