//! A model is asked about each finished conversation.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_multiturn::Dialogue;
use clinstruct_pipeline::{
    Annotator, AnnotatorError, Drive, Error, Event, Outcome, OutputFiles, Progress, Route, Routes,
    RunConfig, RunContext, StopSignal, Tally, annotator_name, estimate, run, write_annotations,
    write_outputs,
};
use clinstruct_schema::{ChatRequest, JsonSchema, Message, Role};
use clinstruct_store::{Durability, Store};
use serde_json::Value;

/// Asks for a length, of conversations with an answer or more.
#[derive(Debug)]
struct Length {
    name: &'static str,
    /// Whether no answer is good enough.
    strict: bool,
}

static LENGTH: Length = Length { name: "length", strict: false };
static SLASH: Length = Length { name: "../length", strict: false };
static STRICT: Length = Length { name: "strict", strict: true };

impl Annotator for Length {
    fn name(&self) -> &'static str {
        self.name
    }

    fn request(
        &self,
        conversation: &Dialogue,
        model: &str,
    ) -> Result<Option<ChatRequest>, AnnotatorError> {
        let about = conversation.messages().first().ok_or("no message")?;
        let content = format!("{}: is this short or long? {}", self.name, about.content);
        let schema = r#"{"type":"object","properties":{"length":{"enum":["short","long"]}}}"#;
        Ok(Some(ChatRequest {
            model: model.to_owned(),
            messages: vec![Message { role: Role::User, content }],
            max_tokens: 50,
            temperature: None,
            seed: 0,
            json_schema: Some(JsonSchema { name: "length".into(), schema: schema.into() }),
        }))
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        let answer: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if self.strict { Err(format!("{answer} is not enough")) } else { Ok(answer) }
    }
}

struct Silent;

impl Progress for Silent {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}

fn context<'c>(
    catalog: &'c Catalog,
    annotators: &[&'static dyn Annotator],
    limit: usize,
    rates: Rates,
) -> RunContext<'c> {
    let backend = Arc::new(Rehearsal::new(catalog.instructions(), rates, None));
    let (name, model) = ("rehearsal".into(), "rehearsal".into());
    let route = Route { name, backend, model, price: None };
    let annotators = annotators.to_vec();
    let config = RunConfig { limit: Some(limit), annotators, ..RunConfig::default() };
    RunContext::new(catalog, config, Routes::one(route)).unwrap()
}

/// Drives a run; gives the number of responses that it has received so far.
fn drive(context: &RunContext<'_>, folder: &Path, how: Drive) -> u64 {
    let mut store = Store::open(folder, Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stop, mut silent) = (StopSignal::default(), Silent);
    let ran = run(context, &mut store, &mut silent, &stop, || 0, "annotated", how);
    let (outcome, _) = runtime.block_on(ran).unwrap();
    assert!(how == Drive::Replay || outcome == Outcome::Finished);
    store.answered_total().unwrap()
}

/// Counts by the name of the annotator: done, waiting, rejected.
fn counted(folder: &Path, all: &[&'static dyn Annotator]) -> Vec<(&'static str, u64, u64, u64)> {
    let store = Store::open(folder, Durability::Fast).unwrap();
    let mut sums: Vec<(&str, u64, u64, u64)> = Vec::new();
    for c in store.beside().unwrap() {
        let name = annotator_name(all, c.annotator).unwrap();
        match sums.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, done, waiting, rejected)) => {
                *done += c.done;
                *waiting += c.waiting;
                *rejected += c.rejected;
            }
            None => sums.push((name, c.done, c.waiting, c.rejected)),
        }
    }
    sums
}

/// Rows of `folder` by file, ids with what `annotator` has.
fn annotations(context: &RunContext<'_>, folder: &Path, one: &dyn Annotator) -> Vec<Value> {
    let store = Store::open(folder, Durability::Fast).unwrap();
    write_annotations(context, &store, folder, one).unwrap();
    rows(folder, &format!("annotations/{}", one.name()))
}

fn rows(folder: &Path, kind: &str) -> Vec<Value> {
    let files = fs::read_dir(folder.join(kind)).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        })
        .collect()
}

fn conversations(context: &RunContext<'_>, folder: &Path) -> Vec<Value> {
    let store = Store::open(folder, Durability::Fast).unwrap();
    let summary = write_outputs(context, &store, folder, OutputFiles::ALL).unwrap().summary;
    assert!(summary.counts_add_up, "{summary:?}");
    rows(folder, "conversations")
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_stage_that_is_added_to_a_finished_run_sends_its_own_requests_and_no_others() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plain = context(&catalog, &[], 3, Rates::none());
    let with = context(&catalog, &[&LENGTH], 3, Rates::none());

    let before = drive(&plain, folder, Drive::ToTheEnd);
    let texts = conversations(&plain, folder);
    let after = drive(&with, folder, Drive::ToTheEnd);
    assert_eq!(after - before, texts.len() as u64);
    assert_eq!(conversations(&with, folder), texts);
    let answers = annotations(&with, folder, &LENGTH);
    assert_eq!(ids(&answers), ids(&texts));
    let is_level =
        |row: &Value| row["length"]["length"] == "short" || row["length"]["length"] == "long";
    assert!(answers.iter().all(is_level), "{answers:?}");

    // A program without the stage continues the run, and one with it finds its answers again.
    assert_eq!(drive(&plain, folder, Drive::ToTheEnd), after);
    assert_eq!(conversations(&plain, folder), texts);
    assert_eq!(drive(&with, folder, Drive::ToTheEnd), after);
    assert_eq!(annotations(&with, folder, &LENGTH), answers);
    assert_eq!(drive(&with, folder, Drive::Replay), after);
    assert_eq!(annotations(&with, folder, &LENGTH), answers);
}

#[test]
fn annotations_do_not_depend_on_faults_in_delivery_or_on_when_they_were_asked() {
    let catalog = Catalog::embedded().unwrap();
    let faults: Rates = Rates::default();
    let (clean, disturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let with = context(&catalog, &[&LENGTH], 4, faults.clone());
    drive(&with, clean.path(), Drive::ToTheEnd);
    let plain = context(&catalog, &[], 4, faults);
    drive(&plain, disturbed.path(), Drive::ToTheEnd);
    drive(&with, disturbed.path(), Drive::ToTheEnd);
    let of = |folder: &Path| annotations(&with, folder, &LENGTH);
    assert_eq!(of(clean.path()), of(disturbed.path()));
    assert_eq!(ids(&of(clean.path())), ids(&conversations(&with, clean.path())));
}

#[test]
fn what_cannot_be_read_is_rejected_and_the_conversation_stays() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plain = context(&catalog, &[], 2, Rates::none());
    let with = context(&catalog, &[&LENGTH, &STRICT], 2, Rates::none());
    let before = drive(&plain, folder, Drive::ToTheEnd);
    let texts = conversations(&plain, folder);
    let after = drive(&with, folder, Drive::ToTheEnd);
    // One request of the one, four attempts of the other.
    assert_eq!(after - before, 5 * texts.len() as u64);
    assert_eq!(conversations(&with, folder), texts);
    let rejected = annotations(&with, folder, &STRICT);
    assert_eq!(ids(&rejected), ids(&texts));
    let all = texts.len() as u64;
    let mut counts = counted(folder, &[&LENGTH, &STRICT]);
    counts.sort_unstable();
    assert_eq!(counts, [("length", all, 0, 0), ("strict", 0, 0, all)]);
    for row in &rejected {
        assert_eq!(row["rejected"]["reason"], "unreadable_annotation");
        assert!(row["rejected"]["detail"].as_str().unwrap().ends_with("is not enough"), "{row}");
    }
}

#[test]
fn the_estimate_has_the_requests_of_annotators() {
    let catalog = Catalog::embedded().unwrap();
    let of = |annotators: &[&'static dyn Annotator]| {
        let context = context(&catalog, annotators, 5, Rates::none());
        let count = |text: &str| text.len() as u64;
        estimate(&context, &count, clinstruct_pipeline::AnswerTokens::USUAL, 1.6, 5).unwrap()
    };
    let (plain, with) = (of(&[]), of(&[&LENGTH]));
    let lines: Vec<_> = with.lines.iter().filter(|l| l.annotator == Some("length")).collect();
    let requests: u64 = lines.iter().map(|l| l.requests).sum();
    assert_eq!(with.requests, plain.requests + requests);
    assert!(requests >= 5 * 3, "{requests}");
    let tokens: u64 = lines.iter().map(|l| l.usage.completion_tokens).sum();
    assert_eq!(tokens, 60 * requests);
}

#[test]
fn names_must_differ_and_be_plain() {
    let catalog = Catalog::embedded().unwrap();
    let fails = |annotators: Vec<&'static dyn Annotator>| {
        let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::none(), None));
        let (name, model) = ("rehearsal".into(), "rehearsal".into());
        let route = Route { name, backend, model, price: None };
        let config = RunConfig { limit: Some(1), annotators, ..RunConfig::default() };
        RunContext::new(&catalog, config, Routes::one(route)).map(drop).unwrap_err()
    };
    let same = fails(vec![&LENGTH, &LENGTH]);
    assert!(matches!(same, Error::AnnotatorName { clash: Some(_), .. }), "{same}");
    let slash = fails(vec![&SLASH]);
    assert_eq!(
        slash.to_string(),
        "the annotator \"../length\" must be named with letters, digits and `_`"
    );
}
