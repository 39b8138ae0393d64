//! Runs that are copied into one.

use std::fs;
use std::path::Path;

use clinstruct_store::{ErrorKind, GivenUp, JobSums, MergedRun, Store, TaskKey, merge};
use tempfile::TempDir;

use crate::{answered_job, base, folder, frame, killed_job, new_job, open, request, row, segment};

fn same(key: TaskKey) -> TaskKey {
    key
}

fn merged(runs: &[&TempDir], out: &Path) -> clinstruct_store::Result<bool> {
    let runs: Vec<MergedRun<'_>> =
        runs.iter().map(|run| MergedRun { dir: run.path(), task: &same }).collect();
    merge(&runs, out, &[("merged", "yes")])
}

/// A run with one job that has ended, its answers to requests `first` and the next, and one request that was given up.
fn run(name: &str, first: u8) -> TempDir {
    let dir = folder();
    let mut store = open(dir.path());
    let text = name.as_bytes();
    let job =
        answered_job(&mut store, &format!("{name}-1"), first, &[text, &[text, text].concat()]);
    let why = GivenUp {
        request: request(first + 100),
        task: base(u32::from(first)),
        refused: true,
        reason: "refused".into(),
        detail: name.into(),
    };
    store
        .write(|tx| {
            tx.add_to_job(job, &JobSums { cost: 7, ..JobSums::default() })?;
            tx.job_ended(job, "completed", 9)?;
            tx.give_up(&why)
        })
        .unwrap();
    dir
}

#[test]
fn answers_and_costs_of_all_runs_are_in_the_new_one() {
    let (one, two, dir) = (run("one", 1), run("two", 11), folder());
    let out = dir.path().join("all");
    assert!(merged(&[&one, &two], &out).unwrap());
    let store = Store::open_read_only(&out).unwrap();
    for (n, text) in [(1, "one"), (2, "oneone"), (11, "two"), (12, "twotwo")] {
        assert_eq!(row(&store, request(n)).unwrap(), text.as_bytes());
    }
    assert_eq!(store.money().unwrap().spent, 14);
    assert_eq!(store.answered_total().unwrap(), 4);
    let tags: Vec<String> = store.jobs().unwrap().into_iter().map(|job| job.tag).collect();
    assert_eq!(tags, ["one-1", "two-1"]);
    let why = store.given_up(request(111)).unwrap().unwrap();
    assert_eq!((why.detail.as_str(), why.task), ("two", base(11)));
    assert_eq!(store.meta("merged").unwrap().as_deref(), Some("yes"));
    drop(store);
    assert!(!out.join(".merging").exists());

    // It goes on like any other run, behind what was copied.
    let mut store = open(&out);
    assert!(store.unindexed().unwrap().is_empty());
    answered_job(&mut store, "later", 60, &[b"new"]);
    assert_eq!(row(&store, request(60)).unwrap(), b"new");
    assert_eq!(row(&store, request(12)).unwrap(), b"twotwo");
    // A second merge leaves it as it is.
    drop(store);
    assert!(!merged(&[&one], &out).unwrap());
    assert_eq!(Store::open_read_only(&out).unwrap().answered_total().unwrap(), 5);
}

#[test]
fn a_copied_journal_is_one_file_with_the_same_bytes_each_time_and_can_be_merged() {
    let (one, copy, dir) = (run("one", 1), folder(), folder());
    let to = copy.path().join("run.sqlite");
    // Open for writing, and with a log that is not in the file yet.
    open(one.path()).copy_journal(&to).unwrap();
    let first = std::fs::read(&to).unwrap();
    Store::open_read_only(one.path()).unwrap().copy_journal(&to).unwrap();
    assert!(std::fs::read(&to).unwrap() == first);
    let names = std::fs::read_dir(copy.path()).unwrap().map(|e| e.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["run.sqlite"]);

    std::fs::rename(one.path().join("raw"), copy.path().join("raw")).unwrap();
    assert!(merged(&[&copy], dir.path()).unwrap());
    assert_eq!(Store::open_read_only(dir.path()).unwrap().answered_total().unwrap(), 2);
}

#[test]
fn tasks_are_those_of_the_new_run() {
    let (one, dir) = (run("one", 1), folder());
    let task = |key: TaskKey| key.with_seed_row(key.seed_row_index() * 4).unwrap();
    assert!(merge(&[MergedRun { dir: one.path(), task: &task }], dir.path(), &[]).unwrap());
    let store = open(dir.path());
    let tasks: Vec<TaskKey> =
        store.answered_requests().unwrap().into_iter().map(|(task, _)| task).collect();
    assert_eq!(tasks, [base(4), base(8)]);
    let key = TaskKey::conversation(3, 70_000, 2, 5).unwrap().annotation(9).unwrap();
    let moved = key.with_seed_row(1).unwrap();
    assert_eq!(
        (moved.part(), moved.seed_row_index(), moved.prompt(), moved.variant(), moved.annotator()),
        (3, 1, 2, 5, 9)
    );
    assert_eq!(key.with_seed_row(1 << 24), None);
}

#[test]
fn the_first_answer_to_a_request_counts() {
    let (one, two, dir) = (run("one", 1), run("two", 1), folder());
    merged(&[&one, &two], dir.path()).unwrap();
    let store = open(dir.path());
    assert_eq!(row(&store, request(1)).unwrap(), b"one");
    // Both were paid for.
    assert_eq!((store.money().unwrap().spent, store.answered_total().unwrap()), (14, 2));
}

#[test]
fn what_no_journal_has_is_not_copied() {
    let one = run("one", 1);
    let mut store = open(one.path());
    killed_job(&mut store, "killed", &[50], &[b"not noted"]);
    drop(store);
    let dir = folder();
    merged(&[&one, &run("two", 11)], dir.path()).unwrap();
    let mut store = open(dir.path());
    assert!(store.unindexed().unwrap().is_empty());
    assert_eq!(row(&store, request(50)), None);
    assert_eq!(row(&store, request(12)).unwrap(), b"twotwo");
    assert_eq!(store.jobs().unwrap().len(), 2);
}

#[test]
fn a_merge_that_was_killed_begins_again() {
    let (one, two, dir) = (run("one", 1), run("two", 11), folder());
    let out = dir.path().join("all");
    // As it is left before the new journal is committed, and between the two renames.
    for with_raw in [false, true] {
        fs::create_dir_all(out.join(".merging/raw")).unwrap();
        fs::write(out.join(".merging/raw/segment-000001.zst"), "half").unwrap();
        fs::write(out.join(".merging/run.sqlite"), "half").unwrap();
        if with_raw {
            fs::rename(out.join(".merging/raw"), out.join("raw")).unwrap();
        }
        assert!(merged(&[&one, &two], &out).unwrap());
        assert_eq!(Store::open_read_only(&out).unwrap().answered_total().unwrap(), 4);
        fs::remove_dir_all(&out).unwrap();
    }
    // Raw responses of somebody else are left alone.
    fs::create_dir_all(out.join("raw")).unwrap();
    assert_eq!(merged(&[&one], &out).unwrap_err().kind, ErrorKind::NotAJournal);
    assert!(out.join("raw").exists());
}

#[test]
fn a_run_that_lacks_its_responses_is_an_error() {
    let (one, dir) = (run("one", 1), folder());
    let file = segment(one.path());
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let out = dir.path().join("all");
    assert_eq!(merged(&[&one], &out).unwrap_err().kind, ErrorKind::Corrupt);
    assert!(!out.join("run.sqlite").exists());
    fs::write(&file, bytes).unwrap();
    assert!(merged(&[&one], &out).unwrap());
}

#[test]
fn runs_of_several_segments_and_of_none_keep_their_rows() {
    let (many, none, dir) = (folder(), folder(), folder());
    let mut store = open(many.path());
    answered_job(&mut store, "a", 1, &[b"first"]);
    drop(store);
    // The next frame goes to a second segment.
    fs::write(many.path().join("raw/segment-000002.zst"), "").unwrap();
    let mut store = open(many.path());
    store
        .write(|tx| {
            let job = tx.new_job(&new_job("b", 1), 1)?;
            let id = tx.append(&frame(job, &[b"second"]))?;
            tx.send_request(request(2), base(2), job)?;
            tx.set_response(request(2), id, 0)?;
            Ok(())
        })
        .unwrap();
    drop(store);
    drop(open(none.path()));
    let out = dir.path().join("all");
    merged(&[&none, &many, &run("two", 11)], &out).unwrap();
    let store = open(&out);
    for (n, text) in [(1, "first"), (2, "second"), (11, "two")] {
        assert_eq!(row(&store, request(n)).unwrap(), text.as_bytes());
    }
}
