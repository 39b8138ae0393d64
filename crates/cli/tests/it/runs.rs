use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clinstruct_catalog::Catalog;
use clinstruct_quality::Turn;
use clinstruct_schema::Language;
use serde_json::Value;

use crate::{STEMS, append, clinstruct, files, json, resources, rows, run};

/// Invariants of every row of a finished run.
fn check_rows(out: &Path, stem: &str) -> usize {
    let rows = rows(out, "conversations", stem);
    for row in &rows {
        let id = row["id"].as_str().unwrap();
        let messages = row["messages"].as_array().unwrap();
        for (i, message) in messages.iter().enumerate() {
            let role = if i % 2 == 0 { "user" } else { "assistant" };
            assert_eq!(message["role"], role, "{id}");
            let mut text = message["content"].as_str().unwrap().to_owned();
            // What the health worker asks of the answer was not written by a model.
            let styles = row["attributes"]["situation"]["asked_styles"].as_array().unwrap();
            for style in styles.iter().filter(|_| role == "user") {
                text = text.replace(style["text"].as_str().unwrap(), "");
            }
            // It stood between two sentences, or was a paragraph.
            while text.contains("  ") {
                text = text.replace("  ", " ");
            }
            // The conversation's, or that of the answers.
            let constraints = styles.iter().flat_map(|s| s["constraints"].as_array().unwrap());
            let mut asked = constraints.filter(|c| c["kind"] == "language").map(|c| &c["language"]);
            let of_row = &row["attributes"]["situation"]["language"];
            let code = asked.rfind(|_| role == "assistant").unwrap_or(of_row);
            let language = Language::ALL.into_iter().find(|l| Some(l.code()) == code.as_str());
            let language = language.unwrap_or(Language::English);
            let turn = Turn { language, ..Turn::prompt(text.trim()) };
            assert_eq!(clinstruct_quality::check(&turn), [], "{id}");
        }
        assert_eq!(messages.len() % 2, 0, "{id} ends with the assistant");
        let turns = row["provenance"]["turns"].as_array().unwrap();
        assert_eq!(turns.len(), messages.len(), "{id}");
        assert_eq!(row["provenance"]["rehearsal"], true, "{id}");
        assert_eq!(row["schema_version"], clinstruct_schema::SCHEMA_VERSION, "{id}");
        let attributes = &row["attributes"];
        assert!(attributes["place"]["country"].is_string(), "{id}");
        assert_eq!(attributes["case"].is_null(), attributes["card"].is_null(), "{id}");
        assert!(row["attributes"]["situation"]["asked_styles"].is_array(), "{id}");
    }
    rows.len()
}

/// Rows of a part: planned, in `conversations/`, in `rejected/`.
fn part_counts(summary: &Value, part: usize) -> (u64, u64, u64) {
    let part = &summary["parts"][part];
    let sum = |v: &Value| v.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    let left_out = sum(&part["rejected"]) + sum(&part["failed"]);
    let done = part["in_dataset"].as_u64().unwrap() + sum(&part["dropped"]);
    (part["planned"].as_u64().unwrap(), done, left_out)
}

fn one_part(part: usize) {
    let dir = tempfile::tempdir().unwrap();
    let summary =
        json(dir.path(), &["build", "--part", STEMS[part], "--limit", "6", "--out", "o", "--json"]);
    let out = dir.path().join("o");
    let (planned, done, left_out) = part_counts(&summary, 0);
    assert_eq!(planned, done + left_out);
    assert_eq!(check_rows(&out, STEMS[part]) as u64, done);
    assert_eq!(rows(&out, "rejected", STEMS[part]).len() as u64, left_out);
    assert_eq!(summary["counts_add_up"], true);
    for kind in ["prompts", "situations"] {
        assert!(!rows(&out, kind, STEMS[part]).is_empty());
    }
    assert!(out.join("summary.json").exists() && out.join("raw").is_dir());
}

#[test]
fn part_one_from_end_to_end() {
    one_part(0);
}

#[test]
fn part_two_from_end_to_end() {
    one_part(1);
}

#[test]
fn part_three_from_end_to_end() {
    one_part(2);
}

#[test]
fn a_seed_gives_the_same_bytes_on_any_number_of_threads_and_another_seed_gives_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for (name, more) in [
        ("a", ["--jobs", "1", "--seed", "5", "--rows-per-job", "1000", "--window", "4000"]),
        ("b", ["--jobs", "2", "--seed", "5", "--rows-per-job", "7", "--window", "3"]),
        ("c", ["--jobs", "2", "--seed", "6", "--rows-per-job", "1000", "--window", "4000"]),
    ] {
        let mut args = vec!["build", "--limit", "8", "--out", name, "--json"];
        args.extend(more);
        json(dir.path(), &args);
        all.push(
            ["conversations", "rejected", "annotations"]
                .map(|kind| files(&dir.path().join(name), kind)),
        );
    }
    assert!(all[0] == all[1], "threads, jobs and the window change nothing");
    assert!(all[0] != all[2], "another seed changes something");
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let args = |out: &'static str| ["build", "--limit", "40", "--out", out, "--rows-per-job", "50"];
    assert!(run(dir.path(), &args("whole")).status.success());
    let mut kills = 0;
    for wait in [30_u64, 60, 90, 120, 160, 200, 260, 340] {
        let mut child = clinstruct(dir.path())
            .args(args("killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ended = false;
        for _ in 0..wait / 10 {
            // Not a wait for an answer: the kill should come at an arbitrary instant.
            std::thread::park_timeout(Duration::from_millis(10));
            ended = child.try_wait().unwrap().is_some();
        }
        if !ended {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills > 0, "no run was long enough to be killed");
    assert!(run(dir.path(), &args("killed")).status.success());
    for kind in ["conversations", "rejected", "prompts", "situations"] {
        let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
        assert!(files(&whole, kind) == files(&killed, kind), "{kind}");
    }
}

#[test]
fn a_second_run_asks_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["build", "--limit", "10", "--out", "o", "--json"];
    json(dir.path(), &args);
    let before = files(&dir.path().join("o"), "conversations");
    let again = json(dir.path(), &args);
    assert_eq!(again["call"]["requested"], 0);
    assert!(before == files(&dir.path().join("o"), "conversations"));
}

#[test]
fn new_entries_ask_for_their_rows_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    resources(&mine);
    let args = |limit: &'static str| {
        [
            "build",
            "--part",
            STEMS[0],
            "--limit",
            limit,
            "--out",
            "o",
            "--resources",
            "mine",
            "--json",
        ]
    };
    // The first specialty of the first profession produces the first rows: the new one precedes all.
    let first = json(dir.path(), &args("49"));
    assert_eq!(first["call"]["found"], 0);
    let before = rows(&dir.path().join("o"), "conversations", STEMS[0]);
    let file = mine.join("professions.toml");
    let text = fs::read_to_string(&file).unwrap();
    let entry = "[[profession.specialty]]\nid = \"space-medicine\"\nname = \"Space Medicine\"\n\n";
    let at = text.find("[[profession.specialty]]").unwrap();
    fs::write(&file, format!("{}{entry}{}", &text[..at], &text[at..])).unwrap();
    append(
        &mine.join("tasks.toml"),
        "\n[[task]]\nid = \"shift-planning\"\nname = \"Shift Planning\"\ndescription = \"Plan shifts.\"\n\
         patient = \"patient\"\nemergency = \"never\"\ncase = \"Make up a ward.\"\n\
         question = \"Ask about shifts.\"\nmax_tokens = 800\n",
    );
    let second = json(dir.path(), &args("98"));
    let after = rows(&dir.path().join("o"), "conversations", STEMS[0]);
    for row in &before {
        assert!(after.contains(row), "{} has changed", row["id"]);
    }
    let found = second["call"]["found"].as_u64().unwrap();
    assert_eq!(found, first["requests_answered"].as_u64().unwrap());
    let new = after.iter().filter(|r| r["id"].as_str().unwrap().contains("space-medicine")).count();
    assert_eq!((before.len(), new, after.len()), (49, 49, 98));
}

#[test]
fn what_cannot_be_had_is_accounted_for() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "build",
        "--limit",
        "12",
        "--out",
        "o",
        "--json",
        "--misbehave",
        "refusal=0.4",
        "--misbehave",
        "cut=0.4",
        "--misbehave",
        "wrong_count=0.6",
        "--misbehave",
        "missing=0.2",
    ];
    let summary = json(dir.path(), &args);
    let out = dir.path().join("o");
    let mut lost = 0;
    for (i, stem) in STEMS.iter().enumerate() {
        let (planned, done, left_out) = part_counts(&summary, i);
        assert_eq!(planned, done + left_out, "{stem}");
        assert_eq!(check_rows(&out, stem) as u64, done);
        let rejected = rows(&out, "rejected", stem);
        assert_eq!(rejected.len() as u64, left_out);
        for row in &rejected {
            for key in ["id", "part", "stage", "reason", "detail"] {
                assert!(row[key].is_string(), "{row}");
            }
        }
        let mut ids: Vec<String> = ["conversations", "rejected"]
            .iter()
            .flat_map(|kind| rows(&out, kind, stem))
            .map(|r| r["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len() as u64, planned, "{stem}: each planned row once");
        lost += left_out;
    }
    assert!(lost > 0, "such faults must cost rows");
}

#[test]
fn stages_come_to_the_same_end_as_the_whole_job() {
    let dir = tempfile::tempdir().unwrap();
    let whole = ["build", "--limit", "5", "--out", "whole", "--json"];
    json(dir.path(), &whole);
    for _ in 0..60 {
        for stage in ["submit", "collect"] {
            json(dir.path(), &[stage, "--limit", "5", "--out", "staged", "--json"]);
        }
        let status = json(dir.path(), &["status", "--limit", "5", "--out", "staged", "--json"]);
        let waits = |key: &str| {
            let parts = status["parts"].as_array().unwrap();
            parts.iter().map(|p| p[key].as_u64().unwrap()).sum::<u64>()
        };
        let begun = status["parts"].as_array().unwrap().len() == 3;
        if begun && waits("conversations_waiting") + waits("prompt_requests_waiting") == 0 {
            break;
        }
    }
    for command in ["parse", "situations", "conversations"] {
        json(dir.path(), &[command, "--limit", "5", "--out", "staged", "--json"]);
    }
    let (whole, staged) = (dir.path().join("whole"), dir.path().join("staged"));
    for kind in ["prompts", "situations", "conversations", "rejected", "annotations"] {
        assert!(files(&whole, kind) == files(&staged, kind), "{kind}");
    }
}

/// All files that a stage writes below a folder, by path.
fn outputs(out: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, dir: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "raw" && name != "viewer" {
                walk(root, &path, all);
            } else if path.is_file() && !name.starts_with("run.sqlite") && !name.starts_with('.') {
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(out, out, &mut all);
    all
}

#[test]
fn a_stage_that_runs_again_leaves_no_stale_file() {
    // The report names the run's folder.
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (again, fresh) = (one.path(), other.path());
    // Rows that are lost and sent again count in the ledger, which the report quotes.
    let base = ["--limit", "20", "--part", STEMS[0], "--misbehave", "none"];
    let split = ["--split", "0.3,0.3"];
    json(again, &[&["build", "o", "--json"][..], &base].concat());
    json(fresh, &[&["build", "o", "--json"][..], &base, &split].concat());
    let fresh = outputs(&fresh.join("o"));
    for kind in ["conversations/", "annotations/", "dataset/data/", "summary.json", "report.html"] {
        assert!(fresh.keys().any(|name| name.starts_with(kind)), "{kind}");
    }
    assert!(outputs(&again.join("o")) != fresh, "another split changes nothing");
    json(again, &[&["conversations", "o", "--json"][..], &split].concat());
    let again = outputs(&again.join("o"));
    let names = |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&again), names(&fresh));
    // The times of the jobs differ from run to run, and are in one picture of the report.
    let lasting = |name: &str, bytes: &[u8]| match name {
        "report.html" => {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let lines = text.lines().filter(|line| !line.contains("Tokens over time"));
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        _ => bytes.to_vec(),
    };
    for (name, bytes) in &fresh {
        assert!(lasting(name, &again[name]) == lasting(name, bytes), "{name} is stale");
    }
}

#[test]
fn rows_that_were_lost_and_sent_again_change_no_file_of_the_dataset() {
    let dir = tempfile::tempdir().unwrap();
    let faults = ["missing=0.2", "row_error=0.1", "expired_job=0.2", "duplicated=0.2"];
    let lossy: Vec<&str> = faults.iter().flat_map(|fault| ["--misbehave", fault]).collect();
    let [plain, lossy] = [("plain", &[][..]), ("lossy", &lossy)].map(|(out, faults)| {
        // Without a name the model is called after its faults.
        let args = ["build", "--limit", "5", "--model", "m", "--out", out, "--json"];
        json(dir.path(), &[&args[..], &["--misbehave", "none"], faults].concat())["call"]["requested"]
            .as_u64()
            .unwrap()
    });
    assert!(lossy > plain, "{lossy} {plain}");
    let files = |out: &str| outputs(&dir.path().join(out).join("dataset"));
    let plain = files("plain");
    assert!(plain.contains_key("README.md"));
    assert!(plain == files("lossy"), "the datasets or their cards differ");
}

#[test]
fn a_fourth_part_needs_no_rust() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    resources(&mine);
    let text = fs::read_to_string(mine.join("parts/2-tasks-x-subtopics.toml")).unwrap();
    let fourth = text
        .replace("id = \"task-subtopic\"", "id = \"task-domain\"")
        .replace("stem = \"multiturn_tasks_x_subtopics\"", "stem = \"multiturn_tasks_x_domains\"")
        .replace("\"subtopic\"", "\"domain\"")
        .replace("prompt_task_subtopic.j2", "prompt_task_topic.j2");
    fs::write(mine.join("parts/4-tasks-x-domains.toml"), fourth).unwrap();
    let args = [
        "build",
        "--part",
        "task-domain",
        "--limit",
        "5",
        "--resources",
        "mine",
        "--json",
        "--out",
        "o",
    ];
    let summary = json(dir.path(), &args);
    assert_eq!(part_counts(&summary, 0).0, 5);
    assert_eq!(check_rows(&dir.path().join("o"), "multiturn_tasks_x_domains"), 5);
}

#[test]
fn an_untouched_copy_of_the_resources_is_the_embedded_catalog() {
    let dir = tempfile::tempdir().unwrap();
    resources(&dir.path().join("mine"));
    json(dir.path(), &["build", "--limit", "3", "--out", "o", "--json"]);
    let args = ["build", "--limit", "3", "--out", "o", "--json", "--resources", "mine"];
    let again = json(dir.path(), &args);
    assert_eq!(again["call"]["requested"], 0);
    assert_eq!(again["resources"], Catalog::embedded().unwrap().fingerprint());
}

#[test]
fn shows_and_tries() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path(), &["build", "--limit", "3", "--out", "o", "--json"]);
    let id = rows(&dir.path().join("o"), "conversations", STEMS[1])[1]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = json(dir.path(), &["show", &id, "--out", "o", "--json"]);
    assert_eq!(shown["id"], id.as_str());
    let tried = run(dir.path(), &["try", "--row", &id]);
    assert!(tried.status.success());
    assert!(String::from_utf8_lossy(&tried.stdout).contains("[assistant]"));
    assert!(!dir.path().join("data").exists(), "a trial keeps nothing");
    let planned = run(dir.path(), &["plan", "--rows", "--limit", "2"]);
    assert_eq!(String::from_utf8_lossy(&planned.stdout).lines().count(), 6);
}
