//! The whole command line with a backend from outside the repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn my(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_my-clinstruct"));
    command.current_dir(dir).env_clear().args(args).output().unwrap()
}

fn done(dir: &Path, args: &[&str]) -> Output {
    let out = my(dir, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_slice(&done(dir, args).stdout).unwrap()
}

/// Lets the built-in grammar answer every open job; returns their number.
fn answer(dir: &Path) -> usize {
    let mut answered = 0;
    for job in fs::read_dir(dir.join("run/jobs")).unwrap() {
        let job = job.unwrap().path();
        if job.join("answers.jsonl").exists() {
            continue;
        }
        let (from, to) = (job.join("requests.jsonl"), job.join("answers.partial"));
        let args = ["rehearse", from.to_str().unwrap(), to.to_str().unwrap(), "--misbehave", "none"];
        done(dir, &args);
        fs::rename(to, job.join("answers.jsonl")).unwrap();
        answered += 1;
    }
    answered
}

#[test]
fn a_run_goes_from_the_estimate_to_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let help = String::from_utf8(done(dir, &["build", "--help"]).stdout).unwrap();
    assert!(help.contains("Jobs in a folder, answered by any program that watches it"), "{help}");

    let flags = ["--backend", "folder", "--model", "clerk", "--price", "2:4", "--limit", "2"];
    let estimate = json(dir, &[&["estimate", "--json"][..], &flags].concat());
    assert!(estimate["usd"].as_f64().unwrap() > 0.0, "{estimate}");
    let models = estimate["models"].as_str().unwrap();
    assert!(models.contains("assistant by clerk of folder"), "{models}");

    // The command ends before its jobs do; each further call sends what has become due.
    let sending = ["--yes", "--pause", "20", "--out", "run"];
    done(dir, &[&["submit"][..], &flags, &sending].concat());
    let jobs = json(dir, &["jobs", "run", "--json"]);
    assert_eq!(jobs["jobs"][0]["route"], "folder clerk");
    let mut rounds = 0;
    while answer(dir) > 0 {
        done(dir, &["collect", "run"]);
        done(dir, &["submit", "run", "--yes"]);
        rounds += 1;
        assert!(rounds < 40, "the run does not end");
    }
    assert!(rounds > 3, "{rounds}");
    let summary = json(dir, &["resume", "run", "--yes", "--json"]);
    assert_eq!(summary["counts_add_up"], true, "{summary}");
    assert_eq!((&summary["backend"], &summary["model"]), (&"folder".into(), &"clerk".into()));
    let rows: u64 =
        summary["parts"].as_array().unwrap().iter().map(|p| p["in_dataset"].as_u64().unwrap()).sum();
    assert!(rows > 5, "{summary}");
    assert!(json(dir, &["status", "run", "--json"])["usd_spent"].as_f64().unwrap() > 0.0);

    // A grammar wrote it, though the backend does not know that.
    assert_eq!(summary["rehearsal"], true, "{summary}");
    let exported = done(dir, &["export", "run", "--format", "messages"]);
    assert!(exported.status.success());
    let card = fs::read_to_string(dir.join("run/dataset/README.md")).unwrap();
    assert!(card.contains("rehearsal"), "{card}");
    done(dir, &["report", "run"]);
    assert!(fs::read_to_string(dir.join("run/report.html")).unwrap().contains("clerk"));
}
