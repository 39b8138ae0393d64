//! Deviations made by crossing the fields of a provider's replies with wrong values, places and durations.
//!
//! By default a sample of them runs; `CLINSTRUCT_ODDITIES=all` runs each. With `CLINSTRUCT_ODDITIES_TABLE=FILE` the
//! result of each is appended to that file, as a row of a Markdown table.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use clinstruct_testkit::Place;

use crate::oddities::{Ended, Trial, Way, pollution, without_oddities};
use crate::oddities_crossed::{
    Case, Expected, anthropic_objects, anthropic_rows, chats, openai_objects, openai_rows,
};
use crate::oddities_fields::{Use, text, values};

/// Spending limit of each run, in US dollars. A run without an oddity costs at most a fifth.
const CAP: f64 = 0.11;
/// Concurrent runs in each test.
const AT_ONCE: usize = 3;

/// Every n-th case, or all.
fn sample(cases: Vec<Case>, every: usize) -> Vec<Case> {
    #[expect(clippy::disallowed_methods, reason = "how many runs is for the caller to say")]
    let all = std::env::var("CLINSTRUCT_ODDITIES").is_ok_and(|which| which == "all");
    if all { cases } else { cases.into_iter().step_by(every).collect() }
}

/// Result of a run.
struct Report {
    what: String,
    most_paid: u32,
    problems: Vec<String>,
}

fn examine(case: Case) -> Report {
    let mut problems = Vec::new();
    let mut trial = Trial::new(case.way, case.oddities);
    trial.cap = CAP;
    let mut what = String::new();
    let first = if case.expected == Expected::WaitedOut { wait(&trial) } else { trial.build() };
    let hits = trial.served.provider.oddity_hits();
    let mut check = |holds: bool, problem: &dyn Fn() -> String| {
        if !holds {
            problems.push(problem());
        }
    };
    check(hits.iter().all(|n| *n > 0), &|| format!("it did not come: {hits:?}"));
    check(matches!(first.code, Some(0 | 1 | 3)), &|| {
        format!("ended with {:?} after {:?}: {}", first.code, first.took, tail(&first.text))
    });
    let errors: Vec<&str> = first.text.lines().filter(|l| l.starts_with("error:")).collect();
    check((errors.len() == 1) == (first.code == Some(3)), &|| {
        format!("{:?} with the errors {errors:?}", first.code)
    });
    let planned = without_oddities(case.way).len();
    let rows = trial.rows();
    if first.code == Some(3) {
        let cause = first.text.lines().find(|l| l.contains("caused by:")).unwrap_or_default();
        let _ = write!(what, "stops: {} {}", errors.concat(), cause.trim());
    } else {
        check(rows.len() == planned || is_capped(&first.text), &|| {
            format!("{} of {planned} rows", rows.len())
        });
        let reasons: Vec<String> = rows
            .failures()
            .iter()
            .map(|row| format!("{} ({})", row["reason"], row["detail"]))
            .collect();
        let _ = match reasons.first() {
            None => write!(what, "all rows come"),
            Some(reason) => write!(what, "{} of {planned} rows rejected: {reason}", reasons.len()),
        };
    }
    for row in rows.failures() {
        let said = row["detail"].as_str().is_some_and(|detail| !detail.trim().is_empty());
        check(said, &|| format!("no reason: {row}"));
    }
    let paid = trial.most_paid();
    check(paid <= 2, &|| format!("a row was paid for {paid} times"));
    money(&trial, first.code == Some(3), case.believed, &mut check);
    clean(&trial, &mut check);
    if case.expected != Expected::Accounted {
        check(first.code == Some(0), &|| format!("{:?}: {}", first.code, tail(&first.text)));
        check(rows.result() == without_oddities(case.way).result(), &|| {
            "not the rows of a run without it".into()
        });
        check(paid == 1, &|| format!("a row was paid for {paid} times, and every answer was good"));
    }

    trial.end_oddities();
    if is_capped(&first.text) {
        trial.cap = 5.0;
    }
    let again = trial.build();
    check(matches!(again.code, Some(0 | 1)), &|| {
        format!("once it is gone: {:?}: {}", again.code, tail(&again.text))
    });
    let rows = trial.rows();
    check(rows.len() == planned, &|| format!("once it is gone: {} of {planned} rows", rows.len()));
    clean(&trial, &mut check);
    money(&trial, false, case.believed, &mut check);
    if first.code == Some(3) {
        let _ = write!(what, "; once it is gone, the same command finishes");
        check(rows.failures().is_empty(), &|| {
            format!("once it is gone, still rejected: {:?}", rows.failures())
        });
    }
    let contents = trial.contents();
    let twice = contents.iter().find(|content| content.usable > 1);
    check(twice.is_none(), &|| format!("a usable answer was asked for again: {twice:?}"));
    let most_paid = trial.most_paid();
    check(most_paid <= 2, &|| format!("in all, a row was paid for {most_paid} times"));
    Report { what, most_paid, problems }
}

/// A run that waits until the oddity is gone.
fn wait(trial: &Trial) -> Ended {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| trial.build());
        std::thread::sleep(Duration::from_millis(1500));
        let waits = !run.is_finished();
        let hits = trial.served.provider.oddity_hits();
        trial.end_oddities();
        let mut ended = run.join().unwrap();
        if !waits || hits == [0] {
            ended.code = None;
            let _ = write!(ended.text, "\nit did not wait, after {hits:?} such replies");
        }
        ended
    })
}

fn is_capped(text: &str) -> bool {
    text.contains("--max-cost")
}

fn tail(text: &str) -> String {
    let lines: VecDeque<&str> = text.lines().collect();
    lines.iter().rev().take(6).rev().copied().collect::<Vec<_>>().join(" / ")
}

/// The limit holds, and what is billed is in the ledger; for a stopped run, as spent or in flight.
fn money(
    trial: &Trial,
    stopped: bool,
    believed: bool,
    check: &mut dyn FnMut(bool, &dyn Fn() -> String),
) {
    let (billed, (spent, booked)) = (trial.billed(), trial.booked());
    let ledger = if stopped { booked } else { spent };
    check(billed <= trial.cap, &|| format!("${billed} billed under a cap of ${}", trial.cap));
    check(booked <= trial.cap + 1e-6, &|| {
        format!("${booked} booked or under way under a cap of ${}", trial.cap)
    });
    check(believed || ledger >= billed * 0.5, &|| {
        format!("${ledger} in the ledger, ${billed} billed")
    });
}

fn clean(trial: &Trial, check: &mut dyn FnMut(bool, &dyn Fn() -> String)) {
    let found = pollution(&trial.rows());
    check(found.is_none(), &|| found.clone().unwrap_or_default());
}

/// Runs all of them, and fails with all errors.
fn run(title: &str, cases: Vec<Case>) {
    let many = cases.len();
    let queue = Mutex::new(cases.into_iter().enumerate().collect::<VecDeque<_>>());
    let lines = Mutex::new(Vec::new());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().pop_front();
                    let Some((i, case)) = next else { break };
                    let name = case.name.clone();
                    let report = examine(case);
                    let row = format!("| {name} | {} | {} |", report.what, report.most_paid);
                    lines.lock().unwrap().push((i, row));
                    if !report.problems.is_empty() {
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("{name}\n    {}", report.problems.join("\n    ")));
                    }
                }
            });
        }
    });
    let mut lines = lines.into_inner().unwrap();
    lines.sort();
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    table(title, &lines, &wrong);
    assert!(wrong.is_empty(), "{} of {many} went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "where the table goes is for the caller to say")]
fn table(title: &str, lines: &[String], wrong: &[String]) {
    let Ok(path) = std::env::var("CLINSTRUCT_ODDITIES_TABLE") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let head = "| oddity | what happens | paid for a row |\n| --- | --- | --- |";
    write!(file, "## {title}\n\n{head}\n{}\n\n", lines.join("\n")).unwrap();
    if !wrong.is_empty() {
        write!(file, "Wrong:\n\n- {}\n\n", wrong.join("\n- ")).unwrap();
    }
}

fn all() -> [(&'static str, Vec<Case>, usize); 6] {
    let openai = openai_rows(Way::OpenAi, Place::OpenAiRow, "row");
    let program = openai_rows(Way::Command, Place::CommandRow, "row of a program");
    [
        ("Rows of OpenAI batches", openai, 23),
        ("Rows of programs", program, 37),
        ("Rows of Anthropic batches", anthropic_rows(), 23),
        ("Chats", chats(), 19),
        ("OpenAI batches and files", openai_objects(), 17),
        ("Anthropic batches", anthropic_objects(), 13),
    ]
}

fn group(at: usize) {
    let (title, cases, every) = all().into_iter().nth(at).unwrap();
    run(title, sample(cases, every));
}

#[test]
fn odd_rows_of_openai_batches() {
    group(0);
}

#[test]
fn odd_rows_of_programs() {
    group(1);
}

#[test]
fn odd_rows_of_anthropic_batches() {
    group(2);
}

#[test]
fn odd_chats() {
    group(3);
}

#[test]
fn odd_openai_batches_and_files() {
    group(4);
}

#[test]
fn odd_anthropic_batches() {
    group(5);
}

/// The sample is large enough, and has each field, value and duration.
#[test]
fn the_sample_goes_through_everything() {
    let mut names = Vec::new();
    let mut every_field = 0;
    for (_, cases, every) in all() {
        every_field += cases.len();
        names.extend(cases.into_iter().step_by(every).map(|case| case.name));
    }
    assert!(names.len() >= 60 && every_field > 1500, "{} of {every_field}", names.len());
    let some = |part: &str| assert!(names.iter().any(|n| n.contains(part)), "{part}: {names:#?}");
    for (value, _) in values(text("x", Use::Idle), "/x") {
        some(&format!("is {value},"));
    }
    for when in ["the first time", "of every second row", "always", "at first"] {
        some(when);
    }
    for field in [
        "choices`",
        "usage",
        "content",
        "finish_reason",
        "error_file_id",
        "bytes",
        "custom_id",
        "status",
    ] {
        some(field);
    }
}

/// The guide's table covers each field that is crossed.
#[test]
fn the_guide_names_each_field() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src/oddities.md");
    let page = std::fs::read_to_string(page).unwrap();
    for case in all().into_iter().flat_map(|(_, cases, _)| cases) {
        let Some(path) = case.name.split('`').nth(1).filter(|_| case.name.contains("` is ")) else {
            continue;
        };
        let field =
            path.rsplit('.').find(|name| name.parse::<usize>().is_err()).unwrap_or_default();
        assert!(field.is_empty() || page.contains(&format!("`{field}`")), "{field}: {}", case.name);
    }
}
