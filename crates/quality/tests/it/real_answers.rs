//! The checks on answers of a real model, which are not in the repository: `CLINSTRUCT_REAL_DATA` names their folder.
//!
//! Each line of the files in `real-model/` is a request with its answer. The test prints
//! every alarm, to be read beside the answers.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clinstruct_catalog::Catalog;
use clinstruct_quality::{Turn, check};
use clinstruct_schema::{Constraint, Language, Meaning, Message, Role, Speaker};
use serde::Deserialize;

/// A request and its answer.
#[derive(Deserialize)]
struct Row {
    round: u32,
    n: u32,
    messages: Vec<Message>,
    json: bool,
    text: String,
}

/// Who is asked, and the constraints that stand in a request.
fn read(catalog: &Catalog, row: &Row) -> (Option<Speaker>, Vec<Constraint>) {
    let mut speaker = None;
    let mut constraints = Vec::new();
    for message in row.messages.iter().filter(|m| m.role != Role::Assistant) {
        for instruction in catalog.instructions() {
            let text = &instruction.text.0;
            if text.is_empty() {
                continue;
            }
            let (head, tail) = text.split_once("{n}").unwrap_or((text, ""));
            for (at, _) in message.content.match_indices(head) {
                let rest = &message.content[at + head.len()..];
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                let counted = text.contains("{n}");
                if counted && (digits.is_empty() || !rest[digits.len()..].starts_with(tail)) {
                    continue;
                }
                for meaning in &instruction.means {
                    match meaning {
                        Meaning::Role { speaker: one } => speaker = Some(*one),
                        Meaning::Keep { constraint } => {
                            let constraint = match digits.parse() {
                                Ok(n) if counted => instruction.text.constraint(constraint, n),
                                _ => constraint.clone(),
                            };
                            if !constraints.contains(&constraint) {
                                constraints.push(constraint);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    (speaker, constraints)
}

/// The alarms of an answer, each with its detail.
fn alarms(catalog: &Catalog, row: &Row) -> Vec<(&'static str, String)> {
    let (speaker, constraints) = read(catalog, row);
    let language = constraints.iter().find_map(|c| match c {
        Constraint::Language { language } => Some(*language),
        _ => None,
    });
    let texts: Vec<String> = if row.json {
        let value: serde_json::Value = serde_json::from_str(&row.text).unwrap();
        let prompts = value["prompts"].as_array().unwrap().iter();
        prompts.map(|p| p["prompt"].as_str().unwrap().to_owned()).collect()
    } else {
        vec![clinstruct_parser::turn(&row.text).unwrap().text]
    };
    let mut all = Vec::new();
    for text in &texts {
        let mut turn = match speaker {
            Some(Speaker::PromptWriter) => Turn::prompt(text),
            Some(Speaker::User) => Turn::follow_up(text),
            _ => Turn::answer(text),
        };
        if turn.speaker == Speaker::Assistant {
            turn.language = language.unwrap_or(Language::English);
            turn.instructions = constraints.iter().collect();
        }
        all.extend(check(&turn).into_iter().map(|v| (v.check, v.detail)));
    }
    all
}

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("CLINSTRUCT_REAL_DATA")?).join("real-model");
    assert!(folder.is_dir(), "CLINSTRUCT_REAL_DATA has no folder real-model");
    Some(folder)
}

#[test]
fn alarms_on_real_answers() {
    let Some(folder) = folder() else { return };
    let catalog = Catalog::embedded().unwrap();
    let mut table = String::new();
    for name in ["a", "c"] {
        let text = fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            let row: Row = serde_json::from_str(line).unwrap();
            for (check, detail) in alarms(&catalog, &row) {
                *counts.entry(check).or_default() += 1;
                writeln!(table, "{name} {}/{} {check}: {detail}", row.round, row.n).unwrap();
            }
        }
        writeln!(table, "{name}: {counts:?}\n").unwrap();
    }
    eprint!("{table}");
}
