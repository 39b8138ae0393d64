//! Runs that are killed at random moments while the provider injects faults, and counted at the end.
//!
//! By default some dozens of runs; `cargo xtask crash-test` does a thousand. A failing run is reported with its number,
//! so that it can be repeated alone. In every second group of four runs, some responses cannot be used: there the test
//! asserts that each row is accounted for, and how often a request was paid for. The other runs must produce the same
//! rows as an undisturbed run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clinstruct_draw::{Draw, number};
use clinstruct_testkit::{Asked, Faults, ProviderConfig};
use serde_json::Value;

use crate::files;
use crate::provider::{Loopback, config};

/// Default number of runs.
const RUNS: u64 = 50;
/// Most kills of one run before it is left to finish.
const KILLS: u64 = 4;

fn args(seed: u64) -> Vec<String> {
    let seed = seed.to_string();
    let jobs = ["--limit", "2", "--rows-per-job", "7", "--jobs", "2"];
    // Requests that are sent again cost again; that is not tested here.
    let args = [&["build"][..], &jobs, &["--max-cost", "5", "--seed", &seed]].concat();
    args.into_iter().map(String::from).collect()
}

/// All rows by file, without the provider's token counts: those are estimated if they are missing.
fn kinds(out: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut all = files(out, "conversations");
    all.extend(files(out, "rejected").into_iter().map(|(k, v)| (format!("rejected {k}"), v)));
    let rows = |file: Vec<u8>| {
        let text = String::from_utf8(file).unwrap();
        text.lines().map(|line| without_usage(serde_json::from_str(line).unwrap())).collect()
    };
    all.into_iter().map(|(name, file)| (name, rows(file))).collect()
}

fn without_usage(row: Value) -> Value {
    match row {
        Value::Array(all) => all.into_iter().map(without_usage).collect(),
        Value::Object(fields) => {
            let about = |key: &str| key == "usage" || key.contains("estimat");
            let kept = fields.into_iter().filter(|(key, _)| !about(key));
            Value::Object(kept.map(|(key, value)| (key, without_usage(value))).collect())
        }
        other => other,
    }
}

/// The first row that is only in one of the two.
fn difference(
    expected: &BTreeMap<String, Vec<Value>>,
    got: &BTreeMap<String, Vec<Value>>,
) -> String {
    for (name, rows) in expected {
        let other = got.get(name).map(Vec::as_slice).unwrap_or_default();
        for at in 0..rows.len().max(other.len()) {
            if rows.get(at) != other.get(at) {
                return format!("{name}:\nexpected {:?}\ngot {:?}", rows.get(at), other.get(at));
            }
        }
    }
    "another file".into()
}

/// The ids of all rows; an error if one is duplicated.
fn ids(kinds: &BTreeMap<String, Vec<Value>>) -> Result<BTreeSet<&str>, String> {
    let mut ids = BTreeSet::new();
    for row in kinds.values().flatten() {
        let id = row["id"].as_str().unwrap_or_default();
        if !ids.insert(id) {
            return Err(format!("{id} is there twice"));
        }
    }
    Ok(ids)
}

/// What happened to a run.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    killed: u64,
    answers: u64,
    unusable: u64,
    /// Rows without a usable answer.
    given_up: u64,
}

/// No usable answer was requested again, and an unusable one at most once more.
fn asked_once(
    calm: &BTreeMap<String, Asked>,
    wild: &BTreeMap<String, Asked>,
) -> Result<(), String> {
    for (thing, content) in wild {
        // Two rows with the same request are two rows.
        let rows = calm.get(thing).map_or(1, |content| content.usable.max(1));
        if content.usable > rows {
            return Err(format!("a usable answer was asked for again: {content:?}"));
        }
        if content.paid > 2 * rows {
            return Err(format!("paid for {} times: {content:?}", content.paid));
        }
    }
    Ok(())
}

/// Performs one run; returns what is wrong with it, if anything.
fn one(run: u64) -> Result<Tally, String> {
    let mut draw = Draw::from_u64(number(run, "run", "sceptic"));
    let plan = run % 5;
    let backend = if run % 4 == 3 { "anthropic" } else { "openai" };
    let keeps_answers = (run / 4).is_multiple_of(2);
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;

    let calm = Loopback::start(config());
    let calm_dir = dir.path().join("calm");
    std::fs::create_dir_all(&calm_dir).map_err(|e| e.to_string())?;
    let plain = args(plan);
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let out = calm.run(&calm_dir, backend, &plain);
    if out.status.code() != Some(0) {
        return Err(format!("undisturbed: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let expected = kinds(&calm_dir.join("o"));

    let all = Faults::all(0.03);
    let faults = if keeps_answers { all.keeping_answers() } else { all };
    let faulty = ProviderConfig { faults, seed: run, page_size: 3, ..config() };
    let served = Loopback::start(faulty);
    let wild = dir.path().join("wild");
    std::fs::create_dir_all(&wild).map_err(|e| e.to_string())?;
    let mut tally = Tally::default();
    // A run that has only seen unusable answers may stop; the same command resumes it.
    let mut stops = u32::from(!keeps_answers);
    let mut kill = 0;
    loop {
        let mut command = served.command(&wild, backend, &plain);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        if kill < KILLS {
            kill += 1;
            std::thread::sleep(Duration::from_millis(30 + draw.below(900) as u64));
            if child.try_wait().map_err(|e| e.to_string())?.is_none() {
                child.kill().map_err(|e| e.to_string())?;
                tally.killed += 1;
            }
            child.wait().map_err(|e| e.to_string())?;
            continue;
        }
        let out = child.wait_with_output().map_err(|e| e.to_string())?;
        match out.status.code() {
            Some(0) => break,
            // Rows without a usable answer are failures.
            Some(1) if !keeps_answers => break,
            Some(3) if stops > 0 => stops -= 1,
            code => {
                let said = String::from_utf8_lossy(&out.stderr);
                return Err(format!("ended with {code:?}: {said}"));
            }
        }
    }
    let contents = served.provider.contents();
    asked_once(&calm.provider.contents(), &contents)?;
    let counts = served.provider.counts();
    if keeps_answers && counts.rows_billed_twice > 0 {
        let seen = served.provider.requests_seen();
        let twice: Vec<&String> = seen.iter().filter(|(_, n)| **n > 1).map(|(id, _)| id).collect();
        let jobs = crate::run(&wild, &["jobs", "--out", "o"]);
        return Err(format!(
            "{} rows were paid twice: {twice:?}\n{}",
            counts.rows_billed_twice,
            String::from_utf8_lossy(&jobs.stdout)
        ));
    }
    let got = kinds(&wild.join("o"));
    let (planned, there) = (ids(&expected)?, ids(&got)?);
    if planned != there {
        let lost: Vec<_> = planned.symmetric_difference(&there).collect();
        return Err(format!("rows that are lost, or that nobody planned: {lost:?}"));
    }
    if keeps_answers && got != expected {
        return Err(format!(
            "not the result of an undisturbed run: {}",
            difference(&expected, &got)
        ));
    }
    for content in contents.values() {
        tally.answers += u64::from(content.paid);
        tally.unusable += u64::from(content.paid - content.usable);
        tally.given_up += u64::from(content.paid > 0 && content.usable == 0);
    }
    Ok(tally)
}

/// Every second run, so that two tests share them.
#[expect(clippy::disallowed_methods, reason = "how many runs is for the caller to say")]
fn every_second(offset: u64) {
    let given = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let first = given("CLINSTRUCT_CRASH_TEST_FIRST").unwrap_or(0);
    let runs = given("CLINSTRUCT_CRASH_TEST_RUNS").unwrap_or(RUNS);
    let mut sum = Tally::default();
    let mut wrong = Vec::new();
    let mine: Vec<u64> = (first..first + runs).filter(|run| run % 2 == offset).collect();
    for run in &mine {
        match one(*run) {
            Ok(tally) => {
                sum.killed += tally.killed;
                sum.answers += tally.answers;
                sum.unusable += tally.unusable;
                sum.given_up += tally.given_up;
            }
            Err(why) => wrong.push(format!("run {run}: {why}")),
        }
    }
    eprintln!("{} runs: {sum:?}", mine.len());
    assert!(wrong.is_empty(), "{} runs went wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(sum.killed > 0 || mine.len() < 5, "nothing was killed");
    assert!(sum.unusable > 0 || mine.len() < 5, "every answer was good");
}

#[test]
fn nothing_is_lost_or_paid_twice_however_often_it_is_killed() {
    every_second(0);
}

#[test]
fn nothing_is_lost_or_paid_twice_in_the_other_runs_either() {
    every_second(1);
}
