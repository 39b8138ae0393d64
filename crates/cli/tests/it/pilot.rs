//! `--sample`: a pilot over all axes, and the run that grows from it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::{STEMS, files, json, rows, run};

/// Ids of the accepted and rejected rows.
fn ids(out: &std::path::Path, stem: &str) -> BTreeSet<String> {
    let all = ["conversations", "rejected"].map(|kind| rows(out, kind, stem)).concat();
    all.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_pilot_has_many_specialties_and_tells_what_the_whole_takes() {
    let dir = tempfile::tempdir().unwrap();
    let built = json(dir.path(), &["build", "run", "--sample", "12", "--json"]);
    let out = dir.path().join("run");
    let value_of = |stem: &str, n: usize| -> BTreeSet<String> {
        let all = ids(&out, stem);
        all.iter().map(|id| id.split('.').nth(n).unwrap().to_owned()).collect()
    };
    // One part of an id for each axis: part, task, domain.
    assert_eq!(value_of(STEMS[1], 1).len(), 12, "tasks");
    let summary = &built["summary"];
    let summary = if summary.is_null() { &built } else { summary };
    let pilot = &summary["pilot"];
    assert_eq!(pilot["seed_rows"], 36);
    assert!(pilot["of"].as_u64().unwrap() > 15_000, "{pilot}");
    let of = |name: &str, end: &str| pilot[name][end].as_u64().unwrap();
    for name in ["planned", "requests", "tokens", "prompt_tokens", "completion_tokens"] {
        assert!(of(name, "low") <= of(name, "expected"), "{pilot}");
        assert!(of(name, "expected") <= of(name, "high") && of(name, "low") > 0, "{pilot}");
    }
    // The plan of the whole: 6,321 and 12,688 conversations, and 20,696 less those of the emergencies.
    let planned = 6_321 + 12_688 + 20_696;
    assert!(of("planned", "low") <= planned && of("planned", "high") > planned - 1_500, "{pilot}");
    let all = summary["requests_answered"].as_u64().unwrap();
    assert!(of("requests", "expected") > 100 * all, "{pilot}");
    assert_eq!(of("micro_usd", "high"), 0);
}

#[test]
fn a_run_grows_from_its_pilot_without_a_flag() {
    let dir = tempfile::tempdir().unwrap();
    let part = ["--part", "layperson", "--json"];
    let build = |more: &[&str]| json(dir.path(), &[&["build", "run"], more, &part[..]].concat());
    build(&["--sample", "4"]);
    let out = dir.path().join("run");
    let stem = "multiturn_layperson";
    let small = rows(&out, "conversations", stem);
    build(&["--sample", "9"]);
    let larger = ids(&out, stem);
    // Four prompts for each request, and one conversation for each prompt.
    assert_eq!(larger.len(), 36);
    let grown = rows(&out, "conversations", stem);
    for row in &small {
        assert!(grown.contains(row), "{}", row["id"]);
    }
    // What grew is what is made at once.
    let fresh = dir.path().join("fresh");
    json(dir.path(), &[&["build", "fresh", "--sample", "9"], &part[..]].concat());
    for kind in ["prompts", "situations", "conversations", "rejected", "annotations"] {
        assert!(files(&out, kind) == files(&fresh, kind), "{kind}");
    }
    let summary: Value =
        serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["pilot"]["seed_rows"], 9);
}

#[test]
fn a_sample_is_not_replaced_by_other_rows_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let part = ["--part", STEMS[0]];
    json(dir.path(), &[&["build", "run", "--sample", "5", "--json"], &part[..]].concat());
    let said = run(dir.path(), &[&["build", "run", "--limit", "5"], &part[..]].concat());
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("limit none -> 5") && stderr.contains("sample 5 -> none"), "{stderr}");
    for (flags, why) in [
        (&["--sample", "0"][..], "invalid value '0' for '--sample <N>': it must be at least 1"),
        (&["--sample", "3", "--limit", "3"], "cannot be used with"),
    ] {
        let said = run(dir.path(), &[&["plan", "--out", "new"], flags].concat());
        let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(2) && stderr.contains(why), "{stderr}");
    }
}

#[test]
fn a_folder_may_hold_only_the_resources_that_differ() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("mine")).unwrap();
    let tasks = fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/tasks.toml"),
    )
    .unwrap();
    let renamed = tasks.replacen("name = \"Diagnosing Symptoms\"", "name = \"Working It Out\"", 1);
    assert_ne!(renamed, tasks);
    fs::write(dir.path().join("mine/tasks.toml"), renamed).unwrap();
    let build = ["build", "run", "--limit", "1", "--part", STEMS[1], "--resources", "mine"];
    let said = run(dir.path(), &build);
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && stderr.contains("1 of "), "{stderr}");
    let rows = rows(&dir.path().join("run"), "prompts", STEMS[1]);
    assert!(rows[0].to_string().contains("Working It Out"), "{}", rows[0]);

    fs::create_dir(dir.path().join("empty")).unwrap();
    let said = run(dir.path(), &["plan", "--resources", "empty"]);
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(2) && stderr.contains("no resource file"), "{stderr}");
    // A name that nothing reads.
    fs::write(dir.path().join("mine/extra.toml"), "").unwrap();
    let said = run(dir.path(), &["plan", "--resources", "mine"]);
    let stderr = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(2) && stderr.contains("extra.toml"), "{stderr}");
}
