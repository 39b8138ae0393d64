//! The guide's schema reference against the rows of a run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{files, run};

/// Fields whose keys are data, such as the name of a check, in rows and in `summary.json`.
const OF_ROWS: &[&str] = &["origins"];
const OF_SUMMARY: &[&str] = &[
    "cleanup",
    "contaminated",
    "distances",
    "dropped",
    "failed",
    "instructions",
    "rejected",
    "repairs",
    "speakers",
    "splits",
];

/// Adds the names of all fields of a value.
fn fields(value: &Value, maps: &[&str], into: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|v| fields(v, maps, into)),
        Value::Object(object) => {
            for (name, value) in object {
                into.insert(name.clone());
                match value {
                    Value::Object(map) if maps.contains(&name.as_str()) => {
                        map.values().for_each(|v| fields(v, maps, into));
                    }
                    _ => fields(value, maps, into),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_of_a_run_is_in_the_guide() {
    let dir = tempfile::tempdir().unwrap();
    let parts = ["--part", "specialty-domain", "--part", "task-topic", "--part", "layperson"];
    // Faults, so that there are rejected rows with texts and messages.
    let flags = ["build", "run", "--limit", "6", "--seed", "7", "--misbehave", "violation=0.6"];
    let built = run(dir.path(), &[&flags[..], &parts[..]].concat());
    assert!(dir.path().join("run/summary.json").exists(), "{built:?}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src/schema.md");
    let page = fs::read_to_string(page).unwrap();

    let run = dir.path().join("run");
    let mut missing = Vec::new();
    let mut look = |place: &str, values: &[Value], maps: &[&str]| {
        let mut names = BTreeSet::new();
        values.iter().for_each(|value| fields(value, maps, &mut names));
        assert!(!names.is_empty(), "{place} has no rows");
        missing.extend(
            names
                .into_iter()
                .filter(|name| !page.contains(&format!("`{name}`")))
                .map(|name| format!("{place}: {name}")),
        );
    };
    for folder in ["prompts", "situations", "conversations", "rejected", "annotations"] {
        let mut rows = Vec::new();
        for text in files(&run, folder).into_values() {
            let text = String::from_utf8(text).unwrap();
            rows.extend(text.lines().map(|line| serde_json::from_str(line).unwrap()));
        }
        look(folder, &rows, OF_ROWS);
    }
    let summary = fs::read_to_string(run.join("summary.json")).unwrap();
    look("summary.json", &[serde_json::from_str(&summary).unwrap()], OF_SUMMARY);
    assert_eq!(missing, [""; 0]);
}
