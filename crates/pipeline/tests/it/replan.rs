//! A run gets another plan: what it keeps, what it would lose, and that it reports this before writing.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_multiturn::{situation, variants};
use clinstruct_pipeline::{
    Drive, Error, Event, Outcome, OutputFiles, PartChange, PlanChange, Progress, Route, Routes,
    RunConfig, RunContext, StopSignal, Tally, check_outputs, check_plan, run, write_outputs,
};
use clinstruct_promptgen::Plan;
use clinstruct_schema::{Price, RequestId};
use clinstruct_store::{Durability, Store, TaskKey, TaskRecord, Tx};

struct Silent;

impl Progress for Silent {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}

/// The catalog, with some files edited: name, old text, new text.
fn catalog(edits: &[(&str, &str, &str)]) -> Catalog {
    let mut files = Catalog::embedded_files();
    for (name, from, to) in edits {
        let file = files.get_mut(*name).unwrap();
        assert!(file.contains(from), "{name} has no {from}");
        *file = file.replacen(from, to, 1);
    }
    Catalog::read(files).unwrap()
}

fn config(limit: usize) -> RunConfig {
    RunConfig { limit: Some(limit), seed: 1, ..RunConfig::default() }
}

fn context(catalog: &Catalog, config: RunConfig) -> RunContext<'_> {
    let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::default(), None));
    let (name, model) = ("rehearsal".into(), "rehearsal".into());
    let route = Route { name, backend, model, price: None };
    RunContext::new(catalog, config, Routes::one(route)).unwrap()
}

fn drive(context: &RunContext<'_>, folder: &Path, how: Drive) -> Result<Tally, Error> {
    let mut store = Store::open(folder, Durability::Fast).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (stop, name) = (StopSignal::default(), "replan");
    let mut silent = Silent;
    let ran = run(context, &mut store, &mut silent, &stop, || 0, name, how);
    let (outcome, tally) = runtime.block_on(ran)?;
    assert!(how != Drive::ToTheEnd || outcome == Outcome::Finished);
    Ok(tally)
}

/// A finished run of the embedded catalog.
fn finished(limit: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::embedded().unwrap();
    drive(&context(&catalog, config(limit)), folder.path(), Drive::ToTheEnd).unwrap();
    folder
}

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path(), Durability::Fast).unwrap()
}

/// Removes the tasks or the plan's rows from a run's journal.
fn clear(folder: &tempfile::TempDir, tasks: bool) {
    let write = |tx: &mut Tx<'_>| if tasks { tx.clear_tasks() } else { tx.clear_planned() };
    open(folder).write(write).unwrap();
}

/// What a plan would cost the run, if anything.
fn lost(context: &RunContext<'_>, folder: &tempfile::TempDir, how: Drive) -> Option<PlanChange> {
    let Err(Error::PlanChange(change)) = check_plan(context, &open(folder), how) else {
        // Any other error is unexpected.
        check_plan(context, &open(folder), how).unwrap();
        return None;
    };
    Some(*change)
}

fn rows(change: &PlanChange) -> (u64, u64) {
    let sum = |f: fn(&PartChange) -> u64| change.parts.iter().map(f).sum();
    (sum(|p| p.changed), sum(|p| p.dropped))
}

fn parts(change: &PlanChange) -> Vec<&str> {
    change.parts.iter().map(|p| p.part.as_str()).collect()
}

/// Conversations whose seed row has its prompts, by part.
fn answered(folder: &tempfile::TempDir, part: u8) -> u64 {
    let store = open(folder);
    let next = TaskKey::seed_row(part + 1, 0).unwrap();
    let tasks = store.tasks(TaskKey::seed_row(part, 0).unwrap(), next).unwrap();
    let done = |u: &&clinstruct_store::TaskRecord| {
        let base = TaskKey::seed_row(part, u.key.seed_row_index()).unwrap();
        !u.key.is_seed_row() && !store.task(base).unwrap().unwrap().steps.is_empty()
    };
    tasks.iter().filter(done).count() as u64
}

const PART_3: &str = "parts/3-tasks-x-topics-x-patients.toml";

#[test]
fn a_run_refuses_itself_and_is_left_as_it_was() {
    let folder = finished(4);
    let catalog = Catalog::embedded().unwrap();
    let other = context(&catalog, RunConfig { seed: 2, ..config(4) });
    let before = (0..3).map(|part| answered(&folder, part)).collect::<Vec<_>>();
    let plan = open(&folder).meta("plan").unwrap();
    for how in [Drive::ToTheEnd, Drive::SubmitOnly, Drive::CollectOnly, Drive::Replay] {
        let refused = drive(&other, folder.path(), how).unwrap_err();
        assert!(matches!(refused, Error::PlanChange(_)), "{refused}");
    }
    assert_eq!(open(&folder).meta("plan").unwrap(), plan);
    assert_eq!((0..3).map(|part| answered(&folder, part)).collect::<Vec<_>>(), before);
    let change = lost(&other, &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(rows(&change), (before.iter().sum(), 0));
    assert_eq!(change.differences, ["seed 1 -> 2"]);
    let wanted = RunConfig { seed: 2, accept_change: true, ..config(4) };
    drive(&context(&catalog, wanted), folder.path(), Drive::ToTheEnd).unwrap();
    assert_eq!(lost(&other, &folder, Drive::ToTheEnd), None);
}

#[test]
fn what_grows_is_kept_and_found_again() {
    let folder = finished(3);
    let catalog = Catalog::embedded().unwrap();
    let before = open(&folder).answered_total().unwrap();
    let grown = context(&catalog, config(7));
    assert_eq!(lost(&grown, &folder, Drive::ToTheEnd), None);
    let tally = drive(&grown, folder.path(), Drive::ToTheEnd).unwrap();
    assert_eq!(tally.found as u64, before);
    let shrunk = lost(&context(&catalog, config(3)), &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(shrunk.differences, ["limit 7 -> 3"]);
    assert_eq!(shrunk.parts.iter().map(|p| p.changed).sum::<u64>(), 0);
    assert_eq!(parts(&shrunk), ["specialty-domain", "task-subtopic", "task-topic"]);
}

#[test]
fn another_number_of_variants_changes_what_the_prompts_ask_for() {
    let folder = finished(4);
    for variants in ["variants = 3", "variants = 1"] {
        let other = catalog(&[(PART_3, "variants = 2", variants)]);
        let change = lost(&context(&other, config(4)), &folder, Drive::ToTheEnd).unwrap();
        assert_eq!(parts(&change), ["task-topic"]);
        // The writer of a prompt words what all its conversations ask for.
        let all = answered(&folder, 2);
        assert_eq!((change.parts[0].changed, change.parts[0].dropped), (all, 0), "{variants}");
    }
}

#[test]
fn another_wording_of_a_style_changes_the_rows_that_have_it() {
    let folder = finished(4);
    let known = Catalog::embedded().unwrap();
    let part = known.part("task-topic").unwrap();
    let row = Plan::new(&known, part, config(4).seed, Some(4)).row(0).unwrap();
    let file = &Catalog::embedded_files()["styles.toml"];
    let of = |k| variants(part, &row, k).into_iter().map(move |variant| (k, variant));
    let mut texts = (0..row.frames.len())
        .flat_map(of)
        .flat_map(|(k, v)| situation(&known, part, config(4).seed, &row, k, v).asked_styles)
        .map(|style| style.text);
    let text = texts.find(|text| file.contains(&format!("\"{text}\""))).unwrap();
    let other = catalog(&[("styles.toml", &text, &format!("{text} Please."))]);
    let change = lost(&context(&other, config(4)), &folder, Drive::ToTheEnd).unwrap();
    let changed = change.parts[0].changed;
    assert!(0 < changed && changed < answered(&folder, 2), "{change}: {text}");
    assert_eq!(change.parts[0].dropped, 0);
}

#[test]
fn another_country_changes_the_rows_that_draw_it() {
    let folder = finished(60);
    let all: u64 = (0..3).map(|part| answered(&folder, part)).sum();
    let entry = "[[country]]\ncode = \"xx\"\nname = \"Exland\"\nincome = \"low\"\nregion = \"AFR\"\n\
                 languages = [\"Ex\"]\nemergency = \"112\"\nsettings = [\"low-resource\"]\n\n[[country]]";
    let wider = catalog(&[("countries.toml", "[[country]]", entry)]);
    let change = lost(&context(&wider, config(60)), &folder, Drive::ToTheEnd).unwrap();
    let (changed, dropped) = rows(&change);
    // One more low-income country among some 25, and each row of part 3 has four patients.
    assert!(changed > 0 && changed < all / 3 && dropped == 0, "{changed} of {all}");
    assert_eq!(change.differences, [format!("resources: {changed} rows whose request changes")]);
}

#[test]
fn another_share_of_emergencies_changes_their_rows() {
    let folder = finished(8);
    let share = "[emergency]\nprobability = 0.14";
    let often = catalog(&[(PART_3, share, "[emergency]\nprobability = 0.5")]);
    let change = lost(&context(&often, config(8)), &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(parts(&change), ["task-topic"]);
    let (changed, dropped) = rows(&change);
    assert!(changed > 0 && dropped == 0 && changed <= answered(&folder, 2), "{change}");
}

#[test]
fn a_note_on_failed_answers_changes_the_rows_that_got_one() {
    let folder = finished(30);
    let all: u64 = (0..3).map(|part| answered(&folder, part)).sum();
    let noted = catalog(&[("phrases.toml", "did not pass these checks", "failed these checks")]);
    let change = lost(&context(&noted, config(30)), &folder, Drive::ToTheEnd).unwrap();
    let (changed, dropped) = rows(&change);
    assert!(changed > 0 && changed < all / 2 && dropped == 0, "{changed} of {all}");
    // Fewer attempts: rows with more could not exist.
    let catalog = Catalog::embedded().unwrap();
    let once = RunConfig { attempts: 1, ..config(30) };
    let change = lost(&context(&catalog, once), &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(rows(&change), (changed, 0));
    assert_eq!(change.differences, ["attempts 4 -> 1"]);
    let more = RunConfig { attempts: 6, ..config(30) };
    assert_eq!(lost(&context(&catalog, more), &folder, Drive::ToTheEnd), None);
}

#[test]
fn another_reading_is_for_a_replay_to_apply() {
    let folder = finished(3);
    let catalog = Catalog::embedded().unwrap();
    let context = context(&catalog, config(3));
    let mut store = open(&folder);
    let plan = store.meta("plan").unwrap().unwrap();
    let version = plan.strip_prefix("reading ").unwrap().split(';').next().unwrap();
    let older = plan.replacen(&format!("reading {version}"), "reading 0", 1);
    store.set_meta("plan", &older).unwrap();
    drop(store);
    let change = lost(&context, &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(rows(&change), ((0..3).map(|part| answered(&folder, part)).sum(), 0));
    assert!(change.differences[0].contains(&format!("version 0 -> {version}")), "{change}");
    assert_eq!(lost(&context, &folder, Drive::Replay), None);
    drive(&context, folder.path(), Drive::Replay).unwrap();
    assert_eq!(lost(&context, &folder, Drive::ToTheEnd), None);
}

#[test]
fn a_run_that_was_killed_while_it_was_replayed_is_protected() {
    let folder = finished(3);
    let catalog = Catalog::embedded().unwrap();
    let all: u64 = (0..3).map(|part| answered(&folder, part)).sum();
    clear(&folder, true);
    let other = context(&catalog, RunConfig { seed: 2, ..config(3) });
    let (changed, dropped) = rows(&lost(&other, &folder, Drive::ToTheEnd).unwrap());
    assert!(changed.abs_diff(all) <= 4 && dropped == 0, "{changed} of {all}");
    let same = context(&catalog, config(3));
    let tally = drive(&same, folder.path(), Drive::ToTheEnd).unwrap();
    assert_eq!((tally.requested, tally.found > 0), (0, true));
}

#[test]
fn a_journal_of_an_earlier_version_is_protected_as_far_as_it_knows() {
    let folder = finished(5);
    let catalog = Catalog::embedded().unwrap();
    let forget = || clear(&folder, false);
    forget();
    let other = context(&catalog, RunConfig { seed: 2, ..config(5) });
    let change = lost(&other, &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(rows(&change), (15, 0), "seed rows: {change}");
    let shrunk = context(&catalog, config(2));
    assert_eq!(rows(&lost(&shrunk, &folder, Drive::ToTheEnd).unwrap()).0, 9);
    let left_out = RunConfig { parts: vec!["task-topic".into()], ..config(5) };
    let change = lost(&context(&catalog, left_out), &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(parts(&change), ["specialty-domain", "task-subtopic"]);
    // The same plan, or one that grows, stores what it lacked.
    let same = context(&catalog, config(5));
    drive(&same, folder.path(), Drive::ToTheEnd).unwrap();
    assert!(open(&folder).has_planned().unwrap());
    forget();
    drive(&context(&catalog, config(6)), folder.path(), Drive::ToTheEnd).unwrap();
    assert!(open(&folder).has_planned().unwrap());
    assert_eq!(lost(&same, &folder, Drive::ToTheEnd).unwrap().differences, ["limit 6 -> 5"]);
}

#[test]
fn nothing_answered_is_nothing_lost() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::embedded().unwrap();
    drive(&context(&catalog, config(3)), folder.path(), Drive::SubmitOnly).unwrap();
    let other = context(&catalog, RunConfig { seed: 2, ..config(2) });
    assert_eq!(lost(&other, &folder, Drive::ToTheEnd), None);
}

/// The files that are written, by kind and name.
fn written(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for kind in ["prompts", "situations", "conversations", "rejected"] {
        for file in fs::read_dir(folder.join(kind)).unwrap() {
            let path = file.unwrap().path();
            let name = format!("{kind}/{}", path.file_name().unwrap().to_string_lossy());
            all.insert(name, fs::read(&path).unwrap());
        }
    }
    all
}

/// All tasks of the first parts.
fn tasks(folder: &tempfile::TempDir) -> Vec<TaskRecord> {
    let (from, to) = (TaskKey::seed_row(0, 0).unwrap(), TaskKey::seed_row(9, 0).unwrap());
    open(folder).tasks(from, to).unwrap()
}

/// Edited resources change the rows of the first task: those are written from what is stored, all others from the plan.
#[test]
fn a_replay_of_rows_that_the_plan_does_not_have_writes_them_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let embedded = Catalog::embedded().unwrap();
    let mut before = context(&embedded, config(30));
    let mut rates = Rates::default();
    let faults =
        [("violation", 0.3), ("wrong_count", 0.3), ("malformed_json", 0.2), ("refusal", 0.2)];
    assert!(faults.iter().all(|(fault, rate)| rates.set(fault, *rate)));
    let backend = Arc::new(Rehearsal::new(embedded.instructions(), rates, None));
    let (name, model) = ("rehearsal".into(), "rehearsal".into());
    before.routes = Routes::one(Route { name, backend, model, price: None });
    drive(&before, dir, Drive::ToTheEnd).unwrap();
    let first = write_outputs(&before, &open(&folder), dir, OutputFiles::ALL).unwrap();
    assert!(first.kept.is_none() && first.summary.counts_add_up);
    fs::write(dir.join("summary.json"), serde_json::to_string(&first.summary).unwrap()).unwrap();
    let (files, journal) = (written(dir), tasks(&folder));
    // Of several responses, each has some of the prompts.
    assert!(journal.iter().any(|t| t.key.is_seed_row() && t.steps.len() > 1));
    assert!(files.iter().any(|(name, text)| name.starts_with("rejected") && !text.is_empty()));

    let edited = catalog(&[("tasks.toml", "description = \"", "description = \"Carefully: ")]);
    let after = context(&edited, config(30));
    assert!(lost(&after, &folder, Drive::ToTheEnd).is_some());
    let tally = drive(&after, dir, Drive::Replay).unwrap();
    assert_eq!((tally.requested, tally.found), (0, 0));
    assert_eq!(tasks(&folder), journal);
    check_outputs(&after, &open(&folder), dir).unwrap();
    let again = write_outputs(&after, &open(&folder), dir, OutputFiles::ALL).unwrap();
    assert_eq!(again.summary, first.summary);
    assert!(written(dir) == files);
    let kept = again.kept.unwrap();
    assert!(kept.conversations > 0 && kept.conversations < first.summary.in_dataset());
    assert_eq!((kept.unreadable, kept.findings.len()), (0, 0), "{kept:?}");

    // Which response has a prompt is only in `prompts/`, and what a conversation is about only in `situations/`.
    let lacks = |kind: &str| {
        let stem = "multiturn_task_x_specialties_x_demographic_x_answerstyle.jsonl";
        let path = dir.join(kind).join(stem);
        let text = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let refused = check_outputs(&after, &open(&folder), dir).unwrap_err();
        fs::write(&path, text).unwrap();
        let Error::NoSituations { rows, .. } = refused else { panic!("{refused}") };
        rows as u64
    };
    assert!(lacks("prompts") < lacks("situations"));
    assert!(lacks("situations") < kept.conversations);
    check_outputs(&after, &open(&folder), dir).unwrap();

    // With the resources that it was begun with, it goes on as before.
    assert_eq!(lost(&before, &folder, Drive::ToTheEnd), None);
}

#[test]
fn what_would_be_sent_again_has_a_number_and_a_price() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::embedded().unwrap();
    let paid = |config| {
        let mut context = context(&catalog, config);
        let backend = Arc::new(Rehearsal::new(catalog.instructions(), Rates::none(), None));
        let (name, model) = ("rehearsal".into(), "rehearsal".into());
        let price = Price {
            model: "rehearsal".into(),
            input: 1.0,
            cached_input: 0.5,
            cached_from: None,
            output: 4.0,
            date: String::new(),
            source: String::new(),
        };
        context.routes = Routes::one(Route { name, backend, model, price: Some(price) });
        context
    };
    drive(&paid(config(4)), folder.path(), Drive::ToTheEnd).unwrap();
    let store = open(&folder);
    let (answered, spent) = (store.answered_total().unwrap(), store.money().unwrap().spent);
    drop(store);
    let resent =
        |context: &RunContext<'_>| lost(context, &folder, Drive::ToTheEnd).unwrap().resent.unwrap();
    let all = resent(&paid(RunConfig { seed: 2, ..config(4) }));
    assert_eq!(all.requests, answered);
    // The ledger rounds each row up.
    assert!(spent > 0 && spent.abs_diff(all.micro_usd.unwrap()) <= answered, "{all:?}, {spent}");
    assert_eq!(resent(&context(&catalog, RunConfig { seed: 2, ..config(4) })).micro_usd, None);
    // Rows that disappear are not asked for again.
    assert_eq!(resent(&paid(config(2))).requests, 0);
}

#[test]
fn other_system_prompts_ask_for_turns_and_not_for_prompts() {
    let folder = finished(4);
    let system = "templates/assistant_system.j2";
    let mut files = Catalog::embedded_files();
    files.get_mut(system).unwrap().push_str("\nBe kind.");
    let kind = Catalog::read(files).unwrap();
    let change = lost(&context(&kind, config(4)), &folder, Drive::ToTheEnd).unwrap();
    let of_turns = |(task, _): &&(TaskKey, RequestId)| !task.is_seed_row();
    let sent = open(&folder).answered_requests().unwrap();
    let turns = sent.iter().filter(of_turns).count() as u64;
    assert!(turns > 0 && turns < sent.len() as u64);
    assert_eq!(change.resent.unwrap().requests, turns);
    assert!(change.resources_only);
}
