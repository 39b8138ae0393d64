//! A run gets another plan: what it keeps, what it would lose, and that it reports this before writing.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Error, Event, Outcome, PartChange, PlanChange, Progress, Route, Routes, RunConfig,
    RunContext, StopSignal, Tally, check_plan, run,
};
use clinstruct_promptgen::Plan;
use clinstruct_store::{Durability, Store, TaskKey, Tx};

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
fn a_third_variant_is_a_row_more_and_one_less_is_a_row_less() {
    let folder = finished(4);
    let more = catalog(&[(PART_3, "variants = 2", "variants = 3")]);
    let more = context(&more, config(4));
    assert_eq!(lost(&more, &folder, Drive::ToTheEnd), None);
    let less = catalog(&[(PART_3, "variants = 2", "variants = 1")]);
    let change = lost(&context(&less, config(4)), &folder, Drive::ToTheEnd).unwrap();
    assert_eq!(parts(&change), ["task-topic"]);
    // A prompt with the emergency instruction has one conversation in any case.
    let known = Catalog::embedded().unwrap();
    let plan = Plan::new(&known, known.part("task-topic").unwrap(), config(4).seed, Some(4));
    let single = plan.rows().flat_map(|row| row.frames).filter(|f| f.emergency_instruction).count();
    let twice = (answered(&folder, 2) - single as u64) / 2;
    assert_eq!((change.parts[0].changed, change.parts[0].dropped), (0, twice));
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
