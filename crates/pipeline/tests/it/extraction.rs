//! A model is asked for the facts that first messages state.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    AnswerTokens, Drive, Error, Event, Extent, Extraction, Outcome, OutputFiles, Progress, Route,
    Routes, RunConfig, RunContext, StopSignal, Tally, check_plan, estimate, play, run,
    write_outputs,
};
use clinstruct_schema::RowFormat;
use clinstruct_store::{Durability, Store};
use serde_json::Value;

struct Silent;

impl Progress for Silent {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}

fn context(catalog: &Catalog, extraction: Extraction, rates: Rates) -> RunContext<'_> {
    let backend = Arc::new(Rehearsal::new(catalog.instructions(), rates, None));
    let (name, model) = ("rehearsal".into(), "rehearsal".into());
    let route = Route { name, backend, model, price: None };
    let config = RunConfig { limit: Some(4), extraction, ..RunConfig::default() };
    RunContext::new(catalog, config, Routes::one(route)).unwrap()
}

/// Drives a run; gives how it ended, and the number of responses that it has received so far.
fn drive(context: &RunContext<'_>, folder: &Path, how: Drive) -> (Outcome, u64) {
    let mut store = Store::open(folder, Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stop, mut silent) = (StopSignal::default(), Silent);
    let ran = run(context, &mut store, &mut silent, &stop, || 0, "extracted", how);
    let (outcome, _) = runtime.block_on(ran).unwrap();
    (outcome, store.answered_total().unwrap())
}

/// The rows of every file of a kind, in order.
fn rows(context: &RunContext<'_>, folder: &Path, kind: &str) -> Vec<Value> {
    let store = Store::open(folder, Durability::Fast).unwrap();
    let summary = write_outputs(context, &store, folder, OutputFiles::ALL).unwrap().summary;
    assert!(summary.counts_add_up, "{summary:?}");
    let files = fs::read_dir(folder.join(kind)).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Id and source of the record of each row with a patient.
fn sources(rows: &[Value]) -> Vec<(&str, &str)> {
    let about = rows.iter().filter(|row| !row["attributes"]["case"].is_null());
    let of = |row| {
        let row: &Value = row;
        (row["id"].as_str().unwrap(), row["attributes"]["case"]["source"].as_str().unwrap())
    };
    about.map(of).collect()
}

#[test]
fn a_run_that_asks_for_all_records_has_the_same_rows_with_extracted_records() {
    let catalog = Catalog::embedded().unwrap();
    let of = |extraction| {
        let folder = tempfile::tempdir().unwrap();
        let context = context(&catalog, extraction, Rates::none());
        let (outcome, answered) = drive(&context, folder.path(), Drive::ToTheEnd);
        assert_eq!(outcome, Outcome::Finished);
        let prompts = rows(&context, folder.path(), "prompts");
        (prompts, rows(&context, folder.path(), "conversations"), answered)
    };
    let (plain_prompts, plain, before) = of(Extraction::Never);
    let (prompts, with, after) = of(Extraction::Always);
    let patients = prompts.iter().filter(|row| !row["frame"]["patient"].is_null());
    assert_eq!(after - before, patients.clone().count() as u64);
    let (mut aged, mut stating) = (0, 0);
    for row in patients.clone() {
        assert_eq!(row["stated"]["source"], "extraction", "{row}");
        let facts = row["stated"]["facts"].as_array().unwrap();
        stating += usize::from(!facts.is_empty());
        aged += usize::from(facts.iter().any(|fact| fact["name"] == "age"));
    }
    // A message of one line need not say how old the patient is, or anything that is a fact of its own.
    assert!(stating * 10 > patients.clone().count() * 9, "{stating}");
    assert!(aged * 2 > patients.count(), "{aged}");
    let texts =
        |rows: &[Value]| -> Vec<Value> { rows.iter().map(|r| r["prompt"].clone()).collect() };
    assert_eq!(texts(&plain_prompts), texts(&prompts));
    let (plain, with) = (sources(&plain), sources(&with));
    assert!(plain.iter().all(|(_, source)| *source == "writer"), "{plain:?}");
    assert!(with.iter().all(|(_, source)| *source == "extraction"), "{with:?}");
    let ids = |all: &[(&str, &str)]| -> Vec<String> {
        all.iter().map(|(id, _)| (*id).to_owned()).collect()
    };
    assert_eq!(ids(&plain), ids(&with));
    assert!(with.len() > 10, "{with:?}");
}

#[test]
fn records_survive_a_replay_and_do_not_depend_on_faults_in_delivery() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let faulty = context(&catalog, Extraction::Always, Rates::default());
    let (outcome, answered) = drive(&faulty, folder, Drive::ToTheEnd);
    assert_eq!(outcome, Outcome::Finished);
    let (prompts, conversations) =
        (rows(&faulty, folder, "prompts"), rows(&faulty, folder, "conversations"));
    assert!(!sources(&conversations).is_empty());
    drive(&faulty, folder, Drive::Replay);
    assert_eq!(rows(&faulty, folder, "prompts"), prompts);
    assert_eq!(rows(&faulty, folder, "conversations"), conversations);
    // Nothing is due after it.
    assert_eq!(drive(&faulty, folder, Drive::ToTheEnd), (Outcome::Finished, answered));
}

#[test]
fn rows_that_wait_for_their_record_are_in_progress_and_go_on() {
    let catalog = Catalog::embedded().unwrap();
    let context = context(&catalog, Extraction::Always, Rates::none());
    let (folder, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drive(&context, whole.path(), Drive::ToTheEnd);
    // Each call ends as soon as it has received something, and what it had sent besides is lost.
    let folder = folder.path();
    let mut calls = 0;
    loop {
        let mut store = Store::open(folder, Durability::Fast).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let stop = StopSignal::default();
        let mut until = StopAfter { stop: stop.clone(), before: None };
        let ran = run(&context, &mut store, &mut until, &stop, || 0, "cut", Drive::ToTheEnd);
        let (outcome, _) = runtime.block_on(ran).unwrap();
        drop(store);
        calls += 1;
        // The counts add up at any point.
        rows(&context, folder, "conversations");
        if outcome == Outcome::Finished {
            break;
        }
        assert!(calls < 500, "it does not end");
    }
    assert!(calls > 2, "{calls}");
    for kind in ["prompts", "conversations", "rejected"] {
        assert_eq!(rows(&context, folder, kind), rows(&context, whole.path(), kind), "{kind}");
    }
}

/// Stops a run at the first report in which it has more answers than at its start.
struct StopAfter {
    stop: StopSignal,
    before: Option<usize>,
}

impl Progress for StopAfter {
    fn tally(&mut self, tally: &Tally) {
        if tally.answered > *self.before.get_or_insert(tally.answered) {
            self.stop.stop();
        }
    }

    fn event(&mut self, _: Event) {}
}

#[test]
fn another_setting_is_a_change_of_rows_with_patients() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plain = context(&catalog, Extraction::Never, Rates::none());
    let (_, before) = drive(&plain, folder.path(), Drive::ToTheEnd);
    let without = sources(&rows(&plain, folder.path(), "conversations")).len() as u64;
    let mut with = context(&catalog, Extraction::Always, Rates::none());
    let store = Store::open(folder.path(), Durability::Fast).unwrap();
    let refused = check_plan(&with, &store, Drive::ToTheEnd).unwrap_err();
    let Error::PlanChange(change) = refused else { panic!("{refused}") };
    assert_eq!(change.differences, ["extraction never -> always"]);
    assert_eq!(change.parts.iter().map(|part| part.changed).sum::<u64>(), without);
    drop(store);
    with.config.accept_change = true;
    let (outcome, after) = drive(&with, folder.path(), Drive::ToTheEnd);
    assert_eq!(outcome, Outcome::Finished);
    assert!(after > before);
    let now = rows(&with, folder.path(), "conversations");
    assert!(sources(&now).iter().all(|(_, source)| *source == "extraction"));
}

#[test]
fn the_estimate_has_the_requests_of_records() {
    let catalog = Catalog::embedded().unwrap();
    let of = |extraction| {
        let context = context(&catalog, extraction, Rates::none());
        let count = |text: &str| text.len() as u64;
        estimate(&context, &count, AnswerTokens::USUAL, 1.6, 4).unwrap()
    };
    let (plain, with) = (of(Extraction::Never), of(Extraction::Always));
    let lines: Vec<_> = with.lines.iter().filter(|l| l.annotator == Some("extraction")).collect();
    let requests: u64 = lines.iter().map(|l| l.requests).sum();
    assert_eq!(with.requests, plain.requests + requests);
    let folder = tempfile::tempdir().unwrap();
    let all = context(&catalog, Extraction::Always, Rates::none());
    drive(&all, folder.path(), Drive::ToTheEnd);
    let prompts = rows(&all, folder.path(), "prompts");
    let about = prompts.iter().filter(|row| !row["frame"]["patient"].is_null()).count();
    assert_eq!(requests, about as u64);
    // What is missing is not known before: the most is expected.
    assert_eq!(of(Extraction::Missing).requests, with.requests);
}

#[test]
fn a_seed_row_is_played_with_its_records() {
    let catalog = Catalog::embedded().unwrap();
    let context = context(&catalog, Extraction::Always, Rates::none());
    let rehearsal = Rehearsal::new(catalog.instructions(), Rates::none(), None);
    let mut records = 0;
    let part = context.plans[2].0;
    let row = context.plans[2].1.row(0).unwrap();
    let played = play::<Error>(
        &context,
        part,
        0,
        Extent::Everything,
        &mut |_, request| {
            let name = request.request.json_schema.as_ref().map(|schema| schema.name.as_str());
            records += usize::from(name == Some("facts"));
            let raw = rehearsal.rows_of("job", request).pop().unwrap();
            Ok(Ok(clinstruct_parser::decode(RowFormat::OpenaiBatch, &raw).outcome))
        },
        &mut |_| Ok(()),
    )
    .unwrap();
    assert_eq!(records, row.frames.iter().filter(|frame| frame.patient.is_some()).count());
    assert!(played.conversations.len() >= row.frames.len());
    let ids: Vec<_> = played.conversations.iter().map(|c| c.id.to_string()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
}
