//! Whole runs with a stage that the repository does not have.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn json(dir: &Path, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_urgency-clinstruct"));
    let out = command.current_dir(dir).env_clear().args(args).arg("--json").output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// All rows of a kind of file.
fn rows(dir: &Path, folder: &str) -> Vec<Value> {
    let mut files: Vec<_> =
        fs::read_dir(dir.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|t| t.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<_>>())
        .collect()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

const BUILD: [&str; 7] = ["build", "--limit", "4", "--out", "run", "--yes", "--jobs"];

#[test]
fn each_conversation_has_an_annotation() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let built = json(dir, &[&BUILD[..], &["2"]].concat());
    let conversations = rows(dir, "run/conversations");
    let annotations = rows(dir, "run/annotations/urgency");
    assert!(conversations.len() > 30, "{}", conversations.len());
    assert_eq!(ids(&annotations), ids(&conversations));
    for level in ["emergency", "soon", "routine"] {
        assert!(annotations.iter().any(|row| row["urgency"] == level), "no {level}");
    }
    // All of it is there: the same command sends nothing more.
    let again = json(dir, &[&BUILD[..], &["2"]].concat());
    assert_eq!(again["requests_answered"], built["requests_answered"]);
    assert_eq!(again["call"]["rows"], 0, "{again}");

    // The estimate has the stage's requests.
    let estimate = json(dir, &["estimate", "--limit", "4", "--model", "gpt-4o"]);
    let lines = estimate["lines"].as_array().unwrap();
    let asked: u64 = lines
        .iter()
        .filter(|line| line["annotator"] == "urgency")
        .map(|line| line["requests"].as_u64().unwrap())
        .sum();
    assert!(asked >= conversations.len() as u64, "{asked}");

    // The stage runs again from the stored responses, as all do.
    fs::remove_dir_all(dir.join("run/annotations")).unwrap();
    json(dir, &["reparse", "--out", "run"]);
    assert_eq!(rows(dir, "run/annotations/urgency"), annotations);
}
