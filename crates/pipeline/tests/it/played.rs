//! What `clinstruct try` plays is what a build does.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::BatchRequest;
use clinstruct_catalog::Catalog;
use clinstruct_parser::decode;
use clinstruct_pipeline::{
    Delivery, Drive, Error, Event, Extent, Outcome, OutputFiles, PlayEvent, Progress, Retries,
    Route, Routes, RunConfig, RunContext, StopSignal, Tally, play, run, write_outputs,
};
use clinstruct_schema::{
    Conversation, Message, Rejected, RowFormat, RowId, Speaker, Stage, Summary,
};
use clinstruct_store::{Durability, Store};
use serde::de::DeserializeOwned;

/// Seed rows of each part; those of the third part yield eight rows each.
const LIMIT: usize = 52;

struct Silent;

impl Progress for Silent {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}

/// Faults of every kind, often enough that rows are repaired and rejected.
fn rates() -> Rates {
    let mut rates = Rates::default();
    for (kind, rate) in [
        ("refusal", 0.06),
        ("cut", 0.15),
        ("empty", 0.03),
        ("malformed_json", 0.4),
        ("wrong_count", 0.4),
        ("violation", 0.2),
        ("wrong_language", 0.1),
        ("missing", 0.03),
        ("row_error", 0.03),
        ("bad_row", 0.02),
        ("duplicated", 0.02),
    ] {
        assert!(rates.set(kind, rate), "{kind}");
    }
    rates
}

/// How a row ended.
#[derive(Debug, PartialEq)]
enum End {
    Done(Vec<Message>),
    Rejected { stage: Stage, failed: bool, reason: String, detail: String },
}

/// Repairs by the reason of the first failure: requests, successes, rejections, roles.
type Repairs = BTreeMap<String, (u64, u64, u64, BTreeMap<Speaker, u64>)>;

fn rows<T: DeserializeOwned>(dir: &Path, kind: &str) -> Vec<T> {
    let mut all = Vec::new();
    for file in fs::read_dir(dir.join(kind)).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        all.extend(text.lines().map(|line| serde_json::from_str::<T>(line).unwrap()));
    }
    all
}

fn built(context: &RunContext<'_>) -> (BTreeMap<RowId, End>, Repairs) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stop, mut silent) = (StopSignal::default(), Silent);
    let how = Drive::ToTheEnd;
    let ran = run(context, &mut store, &mut silent, &stop, || 0, "played", how);
    let (outcome, _) = runtime.block_on(ran).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    let files = OutputFiles::ALL;
    let Summary { repairs, counts_add_up, .. } =
        write_outputs(context, &store, folder.path(), files).unwrap().summary;
    assert!(counts_add_up);
    let done = rows::<Conversation>(folder.path(), "conversations");
    let mut ends: BTreeMap<_, _> =
        done.into_iter().map(|c| (c.id, End::Done(c.messages))).collect();
    for Rejected { id, stage, failed, reason, detail, .. } in rows(folder.path(), "rejected") {
        ends.insert(id, End::Rejected { stage, failed, reason, detail });
    }
    let repairs = repairs.into_iter().map(|(reason, r)| {
        assert!(r.first <= r.repaired + r.rejected && r.first <= r.attempts);
        (reason, (r.attempts, r.repaired, r.rejected, r.speakers))
    });
    (ends, repairs.collect())
}

fn played(context: &RunContext<'_>, engine: &Rehearsal) -> (BTreeMap<RowId, End>, Repairs) {
    let mut sent = 0;
    let mut failures = 0;
    let mut ask = |_: Speaker, request: &BatchRequest| -> Result<Delivery, Error> {
        sent += 1;
        let rows = engine.rows_of(&format!("played-try-{sent}"), request);
        let row = rows.first().map(|row| decode(RowFormat::OpenaiBatch, row).outcome);
        Ok(row.ok_or_else(|| "no row came".into()))
    };
    let mut events = |event: PlayEvent<'_>| -> Result<(), Error> {
        failures += u64::from(matches!(event, PlayEvent::Failed { .. }));
        Ok(())
    };
    let mut ends = BTreeMap::new();
    let mut repairs = Repairs::new();
    for (part, plan) in &context.plans {
        for index in 0..plan.len() {
            let everything = Extent::Everything;
            let row = play(context, *part, index, everything, &mut ask, &mut events).unwrap();
            for conversation in row.conversations {
                let end = match conversation.rejection {
                    None => End::Done(conversation.messages),
                    Some(why) => End::Rejected {
                        stage: why.stage,
                        failed: why.failed,
                        reason: why.reason,
                        detail: why.detail,
                    },
                };
                assert!(ends.insert(conversation.id, end).is_none());
            }
            for Retries { speaker, failed, succeeded } in row.retries {
                for check in failed.iter().flatten().collect::<BTreeSet<_>>() {
                    let counts = repairs.entry(check.clone()).or_default();
                    counts.0 +=
                        failed.iter().filter(|checks| checks.contains(check)).count() as u64;
                    counts.1 += u64::from(succeeded);
                    counts.2 += u64::from(!succeeded);
                    if failed[0].contains(check) {
                        *counts.3.entry(speaker).or_default() += 1;
                    }
                }
            }
        }
    }
    assert!(failures > 100, "{failures}");
    (ends, repairs)
}

#[test]
fn five_hundred_rows_come_out_as_in_a_build() {
    let catalog = Catalog::embedded().unwrap();
    let engine = || Rehearsal::new(catalog.instructions(), rates(), None);
    let (name, model) = ("rehearsal".to_owned(), "rehearsal".to_owned());
    let route = Route { name, backend: Arc::new(engine()), model, price: None };
    let config = RunConfig { limit: Some(LIMIT), seed: 7, ..RunConfig::default() };
    let context = RunContext::new(&catalog, config, Routes::one(route)).unwrap();

    let (built, built_repairs) = built(&context);
    let (played, played_repairs) = played(&context, &engine());
    assert!(built.len() >= 500, "{}", built.len());
    assert_eq!(built.keys().collect::<Vec<_>>(), played.keys().collect::<Vec<_>>());
    for (id, end) in &built {
        assert_eq!(Some(end), played.get(id), "{id}");
    }
    assert_eq!(built_repairs, played_repairs);

    // There was something to compare.
    let rejected = |stage| {
        let is = |end: &&End| matches!(end, End::Rejected { stage: s, .. } if *s == stage);
        built.values().filter(is).count()
    };
    let (prompts, turns) = (rejected(Stage::Prompt), rejected(Stage::Turn));
    assert!(prompts >= 1 && turns >= 3, "{prompts} rows without a prompt, {turns} without a turn");
    let repaired: u64 = built_repairs.values().map(|(_, repaired, ..)| repaired).sum();
    assert!(repaired > 100, "{repaired}");
}
