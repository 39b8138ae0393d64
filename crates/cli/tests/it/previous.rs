//! A run that the previous version made, with its templates, cards and checks. `data/previous-run` is such a folder: a
//! rehearsal of one seed row in each part, with repaired, rejected and missing texts, without its report and dataset.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clinstruct_store::{Store, TaskKey, TaskRecord, TaskState};
use serde_json::Value;

use crate::{STEMS, files, json, rows, run};

/// The settings of the run.
const BUILD: [&str; 12] = [
    "build",
    "o",
    "--limit",
    "1",
    "--seed",
    "4",
    "--misbehave",
    "violation=0.2",
    "--misbehave",
    "refusal=0.4",
    "--misbehave",
    "cut=0.1",
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn previous() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/previous-run")
}

/// A copy of the run, as `o` in a folder.
fn copied() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o");
    copy(&previous(), &out);
    (dir, out)
}

fn tasks(out: &Path) -> Vec<TaskRecord> {
    let store = Store::open_read_only(out).unwrap();
    store.tasks(TaskKey::seed_row(0, 0).unwrap(), TaskKey::seed_row(9, 0).unwrap()).unwrap()
}

/// All files of rows.
fn written(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let kinds = ["prompts", "situations", "conversations", "rejected", "annotations"];
    let all = kinds.into_iter().flat_map(|kind| {
        let named = move |(name, text)| (format!("{kind}/{name}"), text);
        files(out, kind).into_iter().map(named)
    });
    all.collect()
}

/// A row without the keys that its version did not have.
fn of_its_version(mut row: Value) -> Value {
    if let Some(attributes) = row.get_mut("attributes").and_then(Value::as_object_mut) {
        attributes.retain(|_, value| !value.is_null());
    }
    row
}

fn succeeds(dir: &Path, args: &[&str]) -> String {
    let out = run(dir, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stderr).unwrap()
}

#[test]
fn a_run_of_the_previous_version_is_read_as_it_is() {
    let (dir, out) = copied();
    for command in [
        &["status", "o"][..],
        &["report", "o"],
        &["check", "o"],
        &["show", "o"],
        &["jobs", "o"],
        &["export", "o", "--to", "exported"],
    ] {
        succeeds(dir.path(), command);
    }
    let before = written(&previous());
    assert!(written(&out) == before);
    let exported: usize = STEMS.iter().map(|stem| rows(&out, "conversations", stem).len()).sum();
    let data = fs::read_dir(dir.path().join("exported")).unwrap().count();
    assert!(exported == 6 && data > 0);
}

#[test]
fn a_run_of_the_previous_version_is_reparsed_from_its_stored_answers() {
    let (dir, out) = copied();
    let journal = tasks(&out);
    let built = json(dir.path(), &["reparse", "o", "--json"]);
    assert_eq!(tasks(&out), journal, "no step of the journal changed");
    assert_eq!([&built["call"]["found"], &built["call"]["requested"]], [0, 0]);
    let said = succeeds(dir.path(), &["reparse", "o"]);
    assert!(
        said.contains("and written from stored answers: 6 conversations of this run"),
        "{said}"
    );

    // Each planned row is where it was, and the counts add up.
    let before: Value =
        serde_json::from_slice(&fs::read(previous().join("summary.json")).unwrap()).unwrap();
    assert_eq!(built["counts_add_up"], true);
    for (now, then) in
        built["parts"].as_array().unwrap().iter().zip(before["parts"].as_array().unwrap())
    {
        for key in ["part", "stem", "seed_rows", "planned", "in_dataset", "rejected", "failed"] {
            assert_eq!(now[key], then[key], "{key} of {}", now["part"]);
        }
    }
    assert_eq!(built["resources"], before["resources"]);
    for stem in STEMS {
        for kind in ["situations", "conversations", "prompts"] {
            let now: Vec<Value> = rows(&out, kind, stem).into_iter().map(of_its_version).collect();
            assert_eq!(now, rows(&previous(), kind, stem), "{kind} of {stem}");
        }
        let rejected = |out: &Path| -> Vec<[Value; 5]> {
            let keys = ["id", "stage", "failed", "reason", "detail"];
            let all = rows(out, "rejected", stem);
            all.iter().map(|row| keys.map(|key| row[key].clone())).collect()
        };
        assert_eq!(rejected(&out), rejected(&previous()), "{stem}");
    }
    for name in ["report.html", "dataset/README.md"] {
        assert!(out.join(name).is_file(), "{name}");
    }

    // Another time, the same bytes.
    let first = written(&out);
    succeeds(dir.path(), &["reparse", "o"]);
    assert!(written(&out) == first);
    succeeds(dir.path(), &["export", "o", "--to", "exported"]);
}

#[test]
fn rows_without_their_situations_are_not_made_up() {
    let (dir, out) = copied();
    let lost = out.join("situations").join(format!("{}.jsonl", STEMS[2]));
    let text = fs::read_to_string(&lost).unwrap();
    let all = |text: &str| {
        let out = run(dir.path(), &["reparse", "o"]);
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(text) && said.contains("restore the file"), "{said}");
    };
    fs::remove_file(&lost).unwrap();
    let before = written(&out);
    all("lacks 5 accepted conversations of this run, such as task-topic.");
    // Those of another plan have the same ids, but another number of turns.
    let other = text.replace("\"turns\":1", "\"turns\":7");
    assert_ne!(other, text);
    fs::write(&lost, other).unwrap();
    all("lacks ");
    fs::remove_file(&lost).unwrap();
    assert!(written(&out) == before, "nothing was written or removed");
    fs::write(&lost, text).unwrap();
    succeeds(dir.path(), &["reparse", "o"]);
}

#[test]
fn a_run_of_the_previous_version_goes_on_only_where_somebody_accepts_it() {
    let (dir, out) = copied();
    let before = written(&out);
    let store = Store::open_read_only(&out).unwrap();
    let has_prompts = |task: &TaskKey| {
        let row = TaskKey::seed_row(task.part(), task.seed_row_index()).unwrap();
        store.task(row).unwrap().unwrap().state == TaskState::Done
    };
    let sent = store.answered_requests().unwrap();
    let again = sent.iter().filter(|(task, _)| has_prompts(task)).count();
    assert!(again > 10 && again < sent.len());
    let price = format!("{again} requests would be sent again\n");
    for command in [&BUILD[..], &["resume", "o"], &["submit", "o"]] {
        let out = run(dir.path(), command);
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{said}");
        for expected in
            [price.as_str(), "clinstruct reparse DIR", "clinstruct export DIR", "--accept-change"]
        {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
    drop(store);
    assert!(written(&out) == before);

    let args = [&BUILD[..], &["--accept-change", "--json"]].concat();
    let output = run(dir.path(), &args);
    let built: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(built["counts_add_up"], true);
    assert!(built["call"]["requested"].as_u64().unwrap() > 10);
    assert_ne!(written(&out), before);
    // Now it is a run of this version.
    let output = run(dir.path(), &["resume", "o", "--json"]);
    let resumed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(resumed["call"]["requested"], 0);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("another version"));
}
