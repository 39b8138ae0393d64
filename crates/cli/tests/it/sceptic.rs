//! Runs that are killed at random moments against a provider that misbehaves, and counted at the end.
//!
//! Fifty runs as a rule; `cargo xtask sceptic` does a thousand. The seed of a run that fails is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clinstruct_draw::{Draw, number};
use clinstruct_testkit::{Faults, ProviderConfig};

use crate::files;
use crate::provider::{Loopback, config};

/// Runs, where nobody asks for another number.
const RUNS: u64 = 50;
/// Most times that one run is killed before it is let go on to its end.
const KILLS: u64 = 4;

fn args(seed: u64) -> Vec<String> {
    let seed = seed.to_string();
    ["build", "--limit", "2", "--rows-per-job", "7", "--jobs", "2", "--seed", &seed]
        .map(String::from)
        .to_vec()
}

fn kinds(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = files(out, "conversations");
    all.extend(files(out, "rejected").into_iter().map(|(k, v)| (format!("rejected {k}"), v)));
    all
}

/// The first line that one has and the other has not.
fn difference(expected: &BTreeMap<String, Vec<u8>>, got: &BTreeMap<String, Vec<u8>>) -> String {
    for (name, file) in expected {
        let other = got.get(name).map(Vec::as_slice).unwrap_or_default();
        let (a, b) = (String::from_utf8_lossy(file), String::from_utf8_lossy(other));
        let (mut a, mut b) = (a.lines(), b.lines());
        loop {
            match (a.next(), b.next()) {
                (None, None) => break,
                (a, b) if a == b => {}
                (a, b) => return format!("{name}:\nexpected {a:?}\ngot {b:?}"),
            }
        }
    }
    "another file".into()
}

/// One run; what is wrong with it, if anything is.
fn one(run: u64) -> Result<u64, String> {
    let mut draw = Draw::from_u64(number(run, "run", "sceptic"));
    let plan = run % 5;
    let backend = if run % 4 == 3 { "anthropic" } else { "openai" };
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

    let faulty = ProviderConfig { faults: Faults::all(0.03), seed: run, page_size: 3, ..config() };
    let served = Loopback::start(faulty);
    let wild = dir.path().join("wild");
    std::fs::create_dir_all(&wild).map_err(|e| e.to_string())?;
    let mut killed = 0;
    for kill in 0..=KILLS {
        let mut command = served.command(&wild, backend, &plain);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        if kill < KILLS {
            std::thread::sleep(Duration::from_millis(30 + draw.below(900) as u64));
            if child.try_wait().map_err(|e| e.to_string())?.is_none() {
                child.kill().map_err(|e| e.to_string())?;
                killed += 1;
            }
            child.wait().map_err(|e| e.to_string())?;
            continue;
        }
        let out = child.wait_with_output().map_err(|e| e.to_string())?;
        if out.status.code() != Some(0) {
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            return Err(format!("ended with {:?}: {said}", out.status.code()));
        }
    }
    let counts = served.provider.counts();
    if counts.rows_billed_twice > 0 {
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
    if got != expected {
        return Err(format!(
            "not the result of an undisturbed run: {}",
            difference(&expected, &got)
        ));
    }
    Ok(killed)
}

/// Every second run, so that two tests share them.
#[expect(clippy::disallowed_methods, reason = "how many runs is for the caller to say")]
fn every_second(offset: u64) {
    let given = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let first = given("CLINSTRUCT_SCEPTIC_FIRST").unwrap_or(0);
    let runs = given("CLINSTRUCT_SCEPTIC_RUNS").unwrap_or(RUNS);
    let mut killed = 0;
    let mut wrong = Vec::new();
    let mine: Vec<u64> = (first..first + runs).filter(|run| run % 2 == offset).collect();
    for run in &mine {
        match one(*run) {
            Ok(n) => killed += n,
            Err(why) => wrong.push(format!("run {run}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{} runs went wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(killed > 0 || mine.len() < 5, "nothing was killed");
}

#[test]
fn nothing_is_lost_or_paid_twice_however_often_it_is_killed() {
    every_second(0);
}

#[test]
fn nothing_is_lost_or_paid_twice_in_the_other_runs_either() {
    every_second(1);
}
