//! `--shard` and `merge`: shards that are built apart give the dataset of one run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::provider::{Loopback, config};
use crate::{STEMS, clinstruct, files, json, rows, run};

/// Files that depend on the answers alone.
const KINDS: [&str; 5] = ["prompts", "situations", "conversations", "rejected", "annotations"];

/// Faults in what is written, so that rows are repaired, rejected and dropped.
const FAULTS: [&str; 6] =
    ["--misbehave", "none", "--misbehave", "text_refusal=0.45", "--misbehave", "violation=0.5"];

/// All files below a folder, by their path in it.
fn below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    fn walk(root: &Path, folder: &Path, all: &mut Vec<(PathBuf, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, all);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                all.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let mut all = Vec::new();
    walk(folder, folder, &mut all);
    all.sort();
    all
}

/// The whole of a run that does not depend on when and how often it was asked: rows, annotations, summary and dataset.
fn ensure_same(one: &Path, other: &Path) {
    for kind in KINDS {
        let (one, other) = (files(one, kind), files(other, kind));
        assert!(one.keys().eq(other.keys()), "{kind}: {:?} {:?}", one.keys(), other.keys());
        for (name, file) in &one {
            assert!(other[name] == *file, "{kind}/{name}");
        }
    }
    let text = |run: &Path| fs::read_to_string(run.join("summary.json")).unwrap();
    assert_eq!(text(one), text(other));
    let (one, other) = (below(&one.join("dataset")), below(&other.join("dataset")));
    let names = |all: &[(PathBuf, Vec<u8>)]| all.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for ((name, one), (_, other)) in one.iter().zip(&other) {
        assert!(one == other, "dataset/{}", name.display());
    }
}

/// Builds some shards, each in a process of its own.
fn build_shards(dir: &Path, of: usize, settings: &[&str]) -> Vec<String> {
    let start = |number: usize| {
        let (name, shard) = (format!("shard-{number}"), format!("{number}/{of}"));
        let args = [&["build", &name, "--shard", &shard, "--json"], settings].concat();
        let mut command = clinstruct(dir);
        command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        (name, child)
    };
    let children: Vec<(String, Child)> = (1..=of).map(start).collect();
    let ended = |(name, mut child): (String, Child)| {
        assert_eq!(child.wait().unwrap().code(), Some(0), "{name}");
        name
    };
    children.into_iter().map(ended).collect()
}

/// Merges runs, which must succeed.
fn merge(dir: &Path, shards: &[String], out: &str) -> Value {
    let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
    json(dir, &[&["merge"][..], &shards, &["--out", out, "--json"]].concat())
}

fn refused(dir: &Path, args: &[&str]) -> String {
    let out = run(dir, args);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {said}");
    assert!(said.contains("hint: ") || said.contains("--help"), "{args:?}: {said}");
    said
}

/// The status of a run.
fn status(dir: &Path, run: &str) -> Value {
    json(dir, &["status", run, "--json"])
}

#[test]
fn four_shards_one_of_them_killed_are_the_dataset_of_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let settings = [&["--limit", "40", "--seed", "5", "--jobs", "1"][..], &FAULTS].concat();

    // One is killed after it has saved answers, and before it has all.
    let slow = ["build", "shard-2", "--shard", "2/4", "--rows-per-job", "2", "--window", "4"];
    let mut killed = clinstruct(dir)
        .args([&slow[..], &settings].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let raw = dir.join("shard-2/raw/segment-000001.zst");
    let began = Instant::now();
    while fs::metadata(&raw).map_or(0, |file| file.len()) == 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "nothing was answered");
        std::thread::sleep(Duration::from_millis(1));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!dir.join("shard-2/summary.json").exists(), "it was finished before it was killed");
    // Unfinished, it is not merged.
    let said = refused(dir, &["merge", "shard-2", "--out", "all"]);
    assert!(said.contains("shard 2/4 in shard-2 is not finished: "), "{said}");
    assert!(said.contains("clinstruct resume shard-2"), "{said}");
    assert!(!dir.join("all").exists());

    // The same command resumes it, beside the others.
    let shards = build_shards(dir, 4, &settings);
    json(dir, &[&["build", "whole", "--json"][..], &settings].concat());
    let built = merge(dir, &shards, "all");
    let (whole, all) = (dir.join("whole"), dir.join("all"));
    ensure_same(&whole, &all);
    assert_eq!(built["call"]["requested"], 0);
    assert!(rows(&all, "rejected", STEMS[1]).len() > 2, "nothing was rejected");

    // The shares are the whole, each row once, and equal.
    let summaries: Vec<Value> = shards
        .iter()
        .map(|name| fs::read_to_string(dir.join(name).join("summary.json")).unwrap())
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect();
    let merged: Value =
        serde_json::from_str(&fs::read_to_string(all.join("summary.json")).unwrap()).unwrap();
    assert!(merged["shard"].is_null());
    for (number, summary) in (1..).zip(&summaries) {
        assert_eq!(summary["shard"], format!("{number}/4"));
        for part in summary["parts"].as_array().unwrap() {
            assert_eq!(part["seed_rows"], 10, "{part}");
        }
    }
    let sum = |field: &str, part: usize| -> u64 {
        summaries.iter().map(|s| s["parts"][part][field].as_u64().unwrap()).sum()
    };
    for (part, expected) in merged["parts"].as_array().unwrap().iter().enumerate() {
        for field in ["seed_rows", "planned", "prompts", "emergencies"] {
            assert_eq!(expected[field].as_u64().unwrap(), sum(field, part), "{field}");
        }
    }
    let answered: u64 = summaries.iter().map(|s| s["requests_answered"].as_u64().unwrap()).sum();
    assert_eq!(merged["requests_answered"], answered);
    let jobs = |name: &str| status(dir, name)["jobs"].as_array().unwrap().len();
    assert_eq!(jobs("all"), shards.iter().map(|name| jobs(name)).sum::<usize>());
    for field in ["prompt_tokens", "completion_tokens"] {
        let of = |name: &str| status(dir, name)["usage"][field].as_u64().unwrap();
        assert_eq!(of("all"), shards.iter().map(|name| of(name)).sum::<u64>());
    }
    let ids: Vec<BTreeSet<String>> = shards
        .iter()
        .map(|name| rows(&dir.join(name), "prompts", STEMS[0]))
        .map(|rows| rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect())
        .collect();
    let union: BTreeSet<&String> = ids.iter().flatten().collect();
    assert_eq!(union.len(), ids.iter().map(BTreeSet::len).sum::<usize>());

    // The same command writes the same files again; the run is one like any other.
    merge(dir, &shards, "all");
    ensure_same(&whole, &all);
    json(dir, &["reparse", "all", "--json"]);
    ensure_same(&whole, &all);
}

#[test]
fn a_merge_that_is_killed_is_made_by_the_same_command() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let settings = ["--limit", "20", "--jobs", "1"];
    let shards = build_shards(dir, 2, &settings);
    let mut killed = 0;
    for pause in [0, 10, 40, 60, 80, 100, 150, 200, 300] {
        let mut merge = clinstruct(dir);
        merge.args(["merge", &shards[0], &shards[1], "--out", "all"]);
        let mut merge = merge.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        killed += u32::from(merge.try_wait().unwrap().is_none());
        merge.kill().unwrap();
        merge.wait().unwrap();
    }
    assert!(killed > 2, "{killed}");
    merge(dir, &shards, "all");
    json(dir, &[&["build", "whole", "--json"][..], &settings].concat());
    ensure_same(&dir.join("whole"), &dir.join("all"));
}

#[test]
fn duplicates_across_shards_are_dropped_when_they_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // A grammar that writes as people at home do repeats itself.
    let settings = ["--limit", "100", "--part", "layperson"];
    let shards = build_shards(dir, 4, &settings);
    merge(dir, &shards, "all");
    json(dir, &[&["build", "whole", "--json"][..], &settings].concat());
    ensure_same(&dir.join("whole"), &dir.join("all"));
    let dropped = |name: &str| {
        let rows = rows(&dir.join(name), "annotations", "multiturn_layperson");
        rows.iter().filter(|row| row["dropped"]["reason"] == "near_duplicate").count()
    };
    let apart: usize = shards.iter().map(|name| dropped(name)).sum();
    assert!(dropped("all") > apart, "{} and {apart}", dropped("all"));
}

#[test]
fn one_shard_of_one_is_the_run_without_shards() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let settings = ["--limit", "3", "--part", STEMS[0]];
    json(dir, &[&["build", "whole", "--json"][..], &settings].concat());
    let shards = build_shards(dir, 1, &settings);
    for kind in KINDS {
        let (one, whole) = (files(&dir.join("shard-1"), kind), files(&dir.join("whole"), kind));
        assert!(one == whole, "{kind}");
    }
    merge(dir, &shards, "all");
    ensure_same(&dir.join("whole"), &dir.join("all"));
}

#[test]
fn shards_of_a_sample_are_merged_and_grow() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let settings = |rows: &'static str| ["--sample", rows, "--part", "layperson", "--seed", "9"];
    let before = build_shards(dir, 3, &settings("7"));
    let small: Vec<Vec<Value>> =
        before.iter().map(|name| rows(&dir.join(name), "prompts", "multiturn_layperson")).collect();
    assert_eq!(small.iter().map(Vec::len).sum::<usize>(), 7 * 4);
    merge(dir, &before, "small");
    json(dir, &[&["build", "small-whole", "--json"][..], &settings("7")].concat());
    ensure_same(&dir.join("small-whole"), &dir.join("small"));
    let summary = fs::read_to_string(dir.join("small/summary.json")).unwrap();
    assert!(summary.contains("\"pilot\""), "{summary}");

    // A row stays in its shard when the sample grows, so a larger one needs no flag.
    let shards = build_shards(dir, 3, &settings("12"));
    for (name, small) in shards.iter().zip(&small) {
        let grown = rows(&dir.join(name), "prompts", "multiturn_layperson");
        assert!(small.iter().all(|row| grown.contains(row)), "{name}");
    }
    // What was merged before is of another state of the shards.
    let said = refused(dir, &["merge", &shards[0], &shards[1], &shards[2], "--out", "small"]);
    assert!(said.contains("from these before they changed"), "{said}");
    merge(dir, &shards, "large");
    json(dir, &[&["build", "large-whole", "--json"][..], &settings("12")].concat());
    ensure_same(&dir.join("large-whole"), &dir.join("large"));
    // A merged run grows like any other, and asks only for what is new.
    let larger = [&["build", "large", "--json"][..], &settings("14")].concat();
    let built = json(dir, &larger);
    assert!(built["call"]["requested"].as_u64().unwrap() > 0, "{built}");
    json(dir, &[&["build", "larger-whole", "--json"][..], &settings("14")].concat());
    let (grown, fresh) = (dir.join("large"), dir.join("larger-whole"));
    for kind in KINDS {
        assert!(files(&grown, kind) == files(&fresh, kind), "{kind}");
    }
}

#[test]
fn more_shards_than_rows_leave_some_without_any() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let settings = ["--limit", "2", "--part", STEMS[1]];
    let shards = build_shards(dir, 3, &settings);
    let empty = fs::read_to_string(dir.join("shard-3/summary.json")).unwrap();
    assert!(empty.contains("\"planned\": 0"), "{empty}");
    merge(dir, &shards, "all");
    json(dir, &[&["build", "whole", "--json"][..], &settings].concat());
    ensure_same(&dir.join("whole"), &dir.join("all"));
}

#[test]
fn what_cannot_be_merged_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let part = ["--part", STEMS[1], "--json"];
    let build = |name: &str, more: &[&str]| {
        json(dir, &[&["build", name, "--limit", "4"][..], more, &part].concat());
    };
    build("one", &["--shard", "1/3"]);
    build("two", &["--shard", "2/3"]);
    build("three", &["--shard", "3/3"]);
    build("again", &["--shard", "2/3"]);
    build("seed", &["--shard", "3/3", "--seed", "2"]);
    build("halves", &["--shard", "2/2"]);
    build("split", &["--shard", "3/3", "--split", "0.2,0.2"]);
    build("plain", &[]);
    for (words, texts) in [
        ("merge one two", &["shard 3/3 is missing", "--shard 3/3"][..]),
        ("merge two", &["shards 1/3, 3/3 are missing"]),
        ("merge one two again three", &["shard 2/3 is there twice: two and again"]),
        ("merge one two seed", &["shard 3/3 in seed is of another plan", "seed 1 -> 2"]),
        ("merge one halves", &["halves is shard 2/2", "same division"]),
        ("merge one two split", &["another --split: none and 0.2,0.2", "add --split"]),
        ("merge one two plain", &["the run in plain is no shard"]),
        ("merge one two nowhere", &["there is no run in nowhere"]),
        ("merge one two three --out two", &["two is the run of shard 2/3"]),
        ("merge one two three --out plain", &["was not merged from shards"]),
        ("merge one two three --seed 4 --out x", &["another plan than the shards: seed 1 -> 4"]),
        ("merge", &["<DIR>..."]),
    ] {
        let said = refused(dir, &words.split(' ').collect::<Vec<_>>());
        for text in texts {
            assert!(said.contains(text), "{words}: {said}");
        }
    }
    assert!(!dir.join("x/run.sqlite").exists() && !dir.join("data").exists());
    // A setting of the dataset may be given for the merged run.
    json(dir, &["merge", "three", "one", "two", "--split", "0.3,0.3", "--out", "all", "--json"]);
    json(
        dir,
        &["build", "whole", "--limit", "4", "--part", STEMS[1], "--split", "0.3,0.3", "--json"],
    );
    ensure_same(&dir.join("whole"), &dir.join("all"));

    // The shard of a run is part of its plan.
    let said =
        refused(dir, &["build", "one", "--limit", "4", "--part", STEMS[1], "--shard", "2/3"]);
    assert!(said.contains("shard 1/3 -> 2/3") && said.contains("--accept-change"), "{said}");
    let status = String::from_utf8(run(dir, &["status", "one"]).stdout).unwrap();
    assert!(status.starts_with("shard 1 of 3\n"), "{status}");
    // All rows are more rows.
    build("one", &[]);
    for kind in KINDS {
        assert!(files(&dir.join("one"), kind) == files(&dir.join("plain"), kind), "{kind}");
    }
}

#[test]
fn a_wrong_shard_says_what_is_one() {
    let dir = tempfile::tempdir().unwrap();
    for (shard, why) in [
        ("0/4", "the shards are 1/4 to 4/4"),
        ("5/4", "the shards are 1/4 to 4/4"),
        ("1/0", "there must be at least 1 shard"),
        ("a/b", "it is not K/N"),
        ("3", "it is not K/N"),
    ] {
        let said = refused(dir.path(), &["build", "o", "--shard", shard]);
        assert!(said.contains(&format!("invalid value '{shard}' for '--shard <K/N>'")), "{said}");
        assert!(said.contains(why), "{said}");
        let variable =
            clinstruct(dir.path()).args(["plan"]).env("CLINSTRUCT_SHARD", shard).output();
        assert_eq!(variable.unwrap().status.code(), Some(2));
    }
    fs::write(dir.path().join("clinstruct.toml"), "shard = \"9/8\"\n").unwrap();
    let said = refused(dir.path(), &["plan"]);
    assert!(said.contains("\"9/8\" is no shard: the shards are 1/8 to 8/8"), "{said}");
    assert!(!dir.path().join("o").exists());
}

#[test]
fn the_plans_of_all_shards_add_up_to_the_whole_plan() {
    let dir = tempfile::tempdir().unwrap();
    let plan = |more: &[&str]| json(dir.path(), &[&["plan", "--json"], more].concat());
    let whole = plan(&[]);
    let shards: Vec<Value> =
        (1..=8).map(|number| plan(&["--shard", &format!("{number}/8")])).collect();
    assert_eq!(shards[2]["shard"], "3/8");
    for (at, part) in whole["parts"].as_array().unwrap().iter().enumerate() {
        let of = |plan: &Value| {
            let fields = ["prompt_requests", "conversations"];
            fields.map(|field| plan["parts"][at][field].as_u64().unwrap())
        };
        let each: Vec<[u64; 2]> = shards.iter().map(of).collect();
        let sum = |field: usize| each.iter().map(|counts| counts[field]).sum::<u64>();
        assert_eq!([sum(0), sum(1)], of(&whole), "{part}");
        let rows = || each.iter().map(|counts| counts[0]);
        assert!(rows().max().unwrap() - rows().min().unwrap() <= 2, "{each:?}");
    }
    let text = String::from_utf8(run(dir.path(), &["plan", "--shard", "3/8"]).stdout).unwrap();
    assert!(text.starts_with("shard 3 of 8\n"), "{text}");
    let usd = |more: &[&str]| {
        let words = ["estimate", "--model", "gpt-4o", "--json"];
        json(dir.path(), &[&words[..], more].concat())["usd"].as_f64().unwrap()
    };
    let ratio = usd(&["--shard", "3/8"]) * 8.0 / usd(&[]);
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
}

#[test]
fn shards_share_the_budget_and_their_merge_pays_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let served = Loopback::start(config());
    let settings = ["--limit", "4", "--part", STEMS[1], "--max-cost", "3"];
    let built = |folder: &str, shard: &[&str]| {
        let dir = dir.path().join(folder);
        fs::create_dir(&dir).unwrap();
        let out = served.run(&dir, "openai", &[&["build"], &settings[..], shard].concat());
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(0), "{said}");
        said
    };
    for number in ["1", "2"] {
        let said = built(number, &["--shard", &format!("{number}/2")]);
        let told = "of --max-cost $3.00, which is for all 2 shards, this one may spend $1.50";
        assert!(said.contains(told) && said.contains(" of its share of $1.50"), "{said}");
        assert!(said.contains(&format!("shard {number} of 2")), "{said}");
    }
    built("whole", &[]);
    let billed = served.provider.counts().rows_billed;
    // No key is at hand.
    merge(dir.path(), &["2/o".to_owned(), "1/o".to_owned()], "all");
    assert_eq!(served.provider.counts().rows_billed, billed);
    ensure_same(&dir.path().join("whole/o"), &dir.path().join("all"));
    let spent = |name: &str| status(dir.path(), name)["usd_spent"].as_f64().unwrap();
    assert!((spent("1/o") + spent("2/o") - spent("all")).abs() < 1e-9);
    assert!(spent("all") > 0.0 && spent("1/o") < 1.5);
}
