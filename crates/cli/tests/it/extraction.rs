//! Records of first messages that a model is asked for.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::{STEMS, clinstruct, files, json, rows, run};

#[test]
fn all_records_can_be_asked_for_and_a_killed_run_goes_on_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let args = |out: &'static str| {
        ["build", "--limit", "12", "--out", out, "--rows-per-job", "20", "--extraction", "always"]
    };
    assert!(run(dir.path(), &args("whole")).status.success());
    let mut kills = 0;
    for wait in [60_u64, 90, 120, 160, 220, 300] {
        let mut child = clinstruct(dir.path())
            .args(args("killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not a wait for an answer: the kill should come at an arbitrary instant.
        std::thread::park_timeout(Duration::from_millis(wait));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills > 0, "no run was long enough to be killed");
    assert!(run(dir.path(), &args("killed")).status.success());
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    for kind in ["conversations", "rejected", "prompts", "situations"] {
        assert!(files(&whole, kind) == files(&killed, kind), "{kind}");
    }
    // Records are counted beside the turns, by part.
    let status = json(dir.path(), &["status", "whole", "--json"]);
    let beside = status["beside"].as_array().unwrap();
    assert!(!beside.is_empty() && beside.iter().all(|b| b["name"] == "extraction"), "{beside:?}");
    let sum = |key: &str| beside.iter().map(|b| b[key].as_u64().unwrap()).sum::<u64>();
    assert!(sum("done") > 20 && sum("waiting") == 0, "{beside:?}");
    let said = run(dir.path(), &["status", "whole"]).stdout;
    assert_eq!(String::from_utf8(said).unwrap().matches("\n  extraction ").count(), beside.len());
    let cases = STEMS.iter().flat_map(|stem| rows(&whole, "conversations", stem));
    let sources: Vec<_> = cases
        .map(|row| row["attributes"]["case"]["source"].clone())
        .filter(|source| !source.is_null())
        .collect();
    let extracted = sources.iter().filter(|source| *source == "extraction").count();
    // Faults are rehearsed too: where no list could be read, the one of the writer stays.
    assert!(extracted * 10 >= sources.len() * 9 && extracted > 20, "{extracted} {}", sources.len());
}

#[test]
fn the_setting_is_saved_with_the_run_and_another_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let build = ["build", "o", "--limit", "2", "--part", STEMS[0], "--json"];
    fs::write(dir.path().join("clinstruct.toml"), "extraction = \"always\"\n").unwrap();
    json(dir.path(), &build);
    fs::remove_file(dir.path().join("clinstruct.toml")).unwrap();
    let said = run(dir.path(), &build);
    assert_eq!(said.status.code(), Some(2));
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("extraction always -> never"), "{said}");
    // A command on the run takes its own setting.
    let again = run(dir.path(), &["resume", "o"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn an_estimate_counts_the_requests_for_records() {
    let dir = tempfile::tempdir().unwrap();
    let of = |when: &str| {
        let args = ["estimate", "--limit", "5", "--part", STEMS[2], "--extraction", when, "--json"];
        json(dir.path(), &args)["requests"].as_u64().unwrap()
    };
    let (never, always) = (of("never"), of("always"));
    assert!((never + 5..=never + 20).contains(&always), "{never} {always}");
}
