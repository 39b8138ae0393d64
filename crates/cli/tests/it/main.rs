//! The `clinstruct` command from outside: whole runs, stages, kills, wrong use.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod backends;
mod change;
mod check;
mod crash_test;
mod documented;
mod errors;
mod extraction;
mod foreign;
mod help;
mod oddities;
mod oddities_cases;
mod oddities_crossed;
mod oddities_fields;
mod oddities_generated;
mod oddities_money;
mod oddities_texts;
mod paid;
mod pilot;
mod pinned;
mod previous;
mod provider;
mod reviews;
mod runs;
mod settings;
mod shards;
mod ship;
mod stale;
mod storage;
mod summaries;
mod terminal;
mod wrong;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) const STEMS: [&str; 3] = [
    "multiturn_specialty_x_domain",
    "multiturn_tasks_x_subtopics",
    "multiturn_task_x_specialties_x_demographic_x_answerstyle",
];

/// The command, in a folder of its own, without this machine's settings.
pub(crate) fn clinstruct(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clinstruct"));
    command.current_dir(dir).env_clear().env("NO_COLOR", "1");
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    clinstruct(dir).args(args).output().unwrap()
}

/// Runs a command that must succeed, and returns its stdout as JSON.
pub(crate) fn json(dir: &Path, args: &[&str]) -> Value {
    let out = run(dir, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Every file of a kind's folder, by name.
pub(crate) fn files(out: &Path, kind: &str) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(out.join(kind))
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&p).unwrap()))
        .collect()
}

pub(crate) fn rows(out: &Path, kind: &str, stem: &str) -> Vec<Value> {
    let text = fs::read_to_string(out.join(kind).join(format!("{stem}.jsonl"))).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// A copy of the repository's resources that a test may change.
pub(crate) fn resources(into: &Path) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources"), into);
}

pub(crate) fn append(file: &Path, text: &str) {
    let mut all = fs::read_to_string(file).unwrap();
    all.push_str(text);
    fs::write(file, all).unwrap();
}
