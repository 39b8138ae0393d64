//! Outputs of a run: training files, dataset folder, report.

use std::fs;
use std::path::Path;

use serde_json::{Value, json as json_value};

use super::{STEMS, json, rows, run};

/// A small run of all parts.
fn small(dir: &Path) {
    let out = run(dir, &["build", "--limit", "4", "--out", "run", "--title", "Four & more"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn a_run_ends_with_a_dataset_and_a_report() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let run_dir = dir.path().join("run");
    let card = fs::read_to_string(run_dir.join("dataset/README.md")).unwrap();
    assert!(card.contains("\n# Four & more\n") && card.contains("A rehearsal."));
    let planned: usize = STEMS.iter().map(|s| rows(&run_dir, "conversations", s).len()).sum();
    assert!(card.contains(&format!("{planned} synthetic conversations")));
    let page = fs::read_to_string(run_dir.join("report.html")).unwrap();
    assert!(page.contains(&format!("<b>{planned}</b><span>rows in the dataset</span>")));
    assert!(!page.contains("banner bad"));
    // Both are the same when rewritten.
    let before = fs::read(run_dir.join("dataset/SHA256SUMS")).unwrap();
    for command in [&["export", "--out", "run"][..], &["report", "--out", "run"]] {
        assert!(run(dir.path(), command).status.success());
    }
    assert_eq!(fs::read(run_dir.join("dataset/SHA256SUMS")).unwrap(), before);
    assert_eq!(fs::read_to_string(run_dir.join("report.html")).unwrap(), page);
}

/// Version 1 had `splits/` instead of `annotations/`, and other keys in `summary.json`.
#[test]
fn a_run_of_version_1_is_exported_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let run_dir = dir.path().join("run");
    let shards = |sums: &str| -> Vec<String> {
        sums.lines().filter(|l| l.contains("parquet")).map(str::to_owned).collect()
    };
    let before = shards(&fs::read_to_string(run_dir.join("dataset/SHA256SUMS")).unwrap());
    let text = fs::read_to_string(run_dir.join("summary.json")).unwrap();
    let new: Value = serde_json::from_str(&text).unwrap();
    fs::create_dir(run_dir.join("splits")).unwrap();
    let mut parts = Vec::new();
    for (stem, part) in STEMS.iter().zip(new["parts"].as_array().unwrap()) {
        let old =
            |a: &Value| json_value!({ "id": a["id"], "split": a["split"] }).to_string() + "\n";
        let lines: Vec<String> = rows(&run_dir, "annotations", stem).iter().map(old).collect();
        fs::write(run_dir.join(format!("splits/{stem}.jsonl")), lines.concat()).unwrap();
        parts.push(json_value!({
            "part": part["part"], "stem": stem, "base_rows": part["seed_rows"],
            "prompts": part["prompts"], "emergencies": part["emergencies"],
            "planned": part["planned"], "in_dataset": part["in_dataset"],
            "rejected": part["rejected"], "failed": part["failed"], "under_way": 0,
            "assistant_turns": part["assistant_turns"], "mended": part["cleanup"],
        }));
    }
    fs::remove_dir_all(run_dir.join("annotations")).unwrap();
    let old = json_value!({
        "schema_version": 1, "backend": new["backend"], "model": new["model"], "rehearsal": true,
        "seed": new["seed"], "resources": new["resources"], "parts": parts,
        "requests": { "answered_in_all": new["requests_answered"] }, "sums_close": true,
    });
    fs::write(run_dir.join("summary.json"), old.to_string()).unwrap();
    for command in ["export", "report", "status"] {
        let out = run(dir.path(), &[command, "run"]);
        assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
    }
    let sums = fs::read_to_string(run_dir.join("dataset/SHA256SUMS")).unwrap();
    assert_eq!(shards(&sums), before);
    let page = fs::read_to_string(run_dir.join("report.html")).unwrap();
    assert!(!page.contains("banner bad"));
    // The next build writes annotations and removes the splits.
    small(dir.path());
    assert!(run_dir.join("annotations").exists() && !run_dir.join("splits").exists());
}

/// What the program did in one call is not in `summary.json`.
#[test]
fn equal_runs_have_equal_summaries() {
    let dir = tempfile::tempdir().unwrap();
    let summary = |out: &str, more: &[&str]| {
        let build = ["build", "--limit", "6", "--out", out];
        assert!(run(dir.path(), &[&build[..], more].concat()).status.success());
        fs::read_to_string(dir.path().join(out).join("summary.json")).unwrap()
    };
    let first = summary("one", &["--jobs", "1"]);
    assert_eq!(summary("two", &["--jobs", "3"]), first);
    // A second call finds all answers; the run is the same.
    assert_eq!(summary("one", &[]), first);
}

#[test]
fn formats_are_written_with_every_row() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let all: usize =
        STEMS.iter().map(|s| rows(&dir.path().join("run"), "conversations", s).len()).sum();
    for format in ["messages", "sharegpt", "alpaca", "openai-finetune", "seed"] {
        for encoding in ["jsonl", "parquet"] {
            let args = ["export", "--out", "run", "--format", format, "--as", encoding, "--json"];
            let told = json(dir.path(), &args);
            let sum: u64 =
                told["files"].as_array().unwrap().iter().map(|f| f["rows"].as_u64().unwrap()).sum();
            assert_eq!(sum as usize, all, "{format} {encoding}");
        }
    }
    // `check` accepts what was written.
    let file = format!("run/export/sharegpt/{}/train.jsonl", STEMS[0]);
    let checked = json(dir.path(), &["check", &file, "--json"]);
    assert!(checked.to_string().contains("conversations"));
}

#[test]
fn two_runs_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let other = ["build", "--limit", "3", "--seed", "2", "--out", "other"];
    assert!(run(dir.path(), &other).status.success());
    assert!(run(dir.path(), &["compare", "run", "other", "--to", "both.html"]).status.success());
    let page = fs::read_to_string(dir.path().join("both.html")).unwrap();
    assert!(page.contains("<td>seed</td><td>1</td><td>2</td><td>differs</td>"));
}

#[test]
fn a_folder_without_a_finished_run_is_said() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("none")).unwrap();
    for args in [&["report", "--out", "none"][..], &["compare", "none", "none"]] {
        let out = run(dir.path(), args);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains("no finished run") && err.contains("clinstruct build"), "{err}");
    }
    assert_eq!(run(dir.path(), &["export", "--out", "none"]).status.code(), Some(2));
}

#[test]
fn the_shell_and_the_manual_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let out = run(dir.path(), &["completions", shell]);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success() && text.contains("only-split"), "{shell}");
    }
    assert!(run(dir.path(), &["man", "--to", "man"]).status.success());
    let page = fs::read_to_string(dir.path().join("man/clinstruct-export.1")).unwrap();
    assert!(page.contains("only\\-split"));
    assert!(dir.path().join("man/clinstruct.1").exists());
}

#[test]
fn a_rehearsal_is_not_published_unless_it_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let publish = |args: &[&str], key: bool| {
        let mut command = super::clinstruct(dir.path());
        command.args(["publish", "us/small", "--pause", "1", "--out", "run"]).args(args);
        // Nothing listens there.
        command.env("HF_ENDPOINT", "http://127.0.0.1:9");
        if key {
            command.env("HF_TOKEN", "hf_secretsecret0123");
        }
        let out = command.output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, err) = publish(&[], true);
    assert_eq!(code, Some(2));
    assert!(err.contains("rehearsal") && err.contains("--rehearsal"), "{err}");
    let (code, err) = publish(&["--rehearsal"], false);
    assert_eq!(code, Some(2));
    assert!(err.contains("HF_TOKEN"), "{err}");
    let (code, err) = publish(&["--rehearsal"], true);
    assert_eq!(code, Some(3));
    assert!(err.contains("does not answer") && !err.contains("secretsecret"), "{err}");
    assert!(err.contains("hint: check the network"), "{err}");
    let changed = dir.path().join("run/dataset/README.md");
    fs::write(&changed, fs::read_to_string(&changed).unwrap() + "more").unwrap();
    let (code, err) = publish(&["--rehearsal"], true);
    assert_eq!(code, Some(3));
    assert!(
        err.contains("has changed") && err.contains("hint: type clinstruct export --out"),
        "{err}"
    );
}
