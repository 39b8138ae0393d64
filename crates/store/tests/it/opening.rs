//! Opening runs, and what is refused.

use std::fs;
use std::path::Path;

use clinstruct_schema::Hint as _;
use clinstruct_store::{Durability, Error, ErrorKind, Store};
use rusqlite::Connection;

use crate::{answered_job, folder, frame, new_job, open, request, row, segment};

fn refused(dir: &Path) -> Error {
    let e = Store::open(dir, Durability::Full).unwrap_err();
    let read_only = Store::open_read_only(dir).unwrap_err();
    assert_eq!((e.kind, &e.message), (read_only.kind, &read_only.message));
    e
}

/// The message, without the folder's name.
fn text(e: &Error, dir: &Path) -> String {
    format!("{e}\n{}", e.hint().unwrap_or_default()).replace(&dir.display().to_string(), "DIR")
}

#[test]
fn a_second_process_is_refused_until_the_first_ends() {
    let dir = folder();
    let mut first = open(dir.path());
    first.set_meta("note", "from the first").unwrap();
    let e = Store::open(dir.path(), Durability::Fast).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Locked);
    insta::assert_snapshot!(text(&e, dir.path()), @r"
    cannot open DIR: another clinstruct process is working on this run
    wait for the other process to end, or name another folder with --out
    ");
    first.set_meta("note", "still works").unwrap();
    drop(first);
    let second = Store::open(dir.path(), Durability::Full).unwrap();
    assert_eq!(second.meta("note").unwrap().as_deref(), Some("still works"));
}

#[test]
fn a_closed_run_is_free_although_other_threads_start_programs() {
    let dir = folder();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    std::process::Command::new("true").status().unwrap();
                }
            });
        }
        let opened: Vec<_> =
            (0..300).map(|_| Store::open(dir.path(), Durability::Fast).map(drop)).collect();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        opened.into_iter().collect::<Result<Vec<()>, _>>().unwrap();
    });
}

#[test]
fn a_missing_folder_is_made() {
    let dir = folder();
    let deep = dir.path().join("a/b c/é");
    let mut store = Store::open(&deep, Durability::Full).unwrap();
    answered_job(&mut store, "a", 1, &[b"one"]);
    assert_eq!(row(&store, request(1)).unwrap(), b"one");
    assert!(segment(&deep).exists());
}

#[test]
fn a_newer_journal_is_refused_and_left_as_it_is() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    drop(store);
    let path = dir.path().join("run.sqlite");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = (fs::read(&path).unwrap(), fs::read(segment(dir.path())).unwrap());
    let e = refused(dir.path());
    assert_eq!(e.kind, ErrorKind::NewerJournal { found: 99, known: 5 });
    insta::assert_snapshot!(text(&e, dir.path()), @r"
    cannot open DIR/run.sqlite: the journal has version 99, this build supports up to 5
    use the newer clinstruct that built this run, or name another folder with --out
    ");
    assert_eq!((fs::read(&path).unwrap(), fs::read(segment(dir.path())).unwrap()), before);
}

#[test]
fn files_of_others_are_refused_and_left_as_they_are() {
    let sqlite = |dir: &Path, sql: &str| {
        let path = dir.join("run.sqlite");
        Connection::open(path).unwrap().execute_batch(sql).unwrap();
    };
    let file = |dir: &Path, bytes: &[u8]| fs::write(dir.join("run.sqlite"), bytes).unwrap();
    let makers: [&dyn Fn(&Path); 7] = [
        &|dir| sqlite(dir, "CREATE TABLE meta (key, value)"),
        &|dir| sqlite(dir, "CREATE TABLE meta (key, value); PRAGMA user_version = 1"),
        &|dir| sqlite(dir, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)"),
        &|dir| sqlite(dir, "PRAGMA application_id = 7; PRAGMA user_version = 99"),
        &|dir| file(dir, b"hello\n"),
        &|dir| file(dir, "a long text\n".repeat(1000).as_bytes()),
        &|dir| file(dir, &[0; 4096]),
    ];
    for (i, make) in makers.iter().enumerate() {
        let dir = folder();
        make(dir.path());
        let path = dir.path().join("run.sqlite");
        let before = fs::read(&path).unwrap();
        let e = refused(dir.path());
        assert_eq!(e.kind, ErrorKind::NotAJournal, "case {i}");
        assert_eq!(
            text(&e, dir.path()),
            "cannot open DIR/run.sqlite: it is not a clinstruct journal\n\
             move the file away, or name another folder with --out",
            "case {i}"
        );
        assert_eq!(fs::read(&path).unwrap(), before, "case {i}");
        assert!(!dir.path().join("raw").exists(), "case {i}");
    }
}

#[test]
fn an_empty_file_becomes_a_journal() {
    let dir = folder();
    fs::write(dir.path().join("run.sqlite"), b"").unwrap();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    assert_eq!(row(&store, request(1)).unwrap(), b"one");
}

/// Leaves in `dir` what a kill in the middle of `change` leaves: a half-written file, and its rollback journal.
fn cut_off(dir: &Path, change: &str) {
    let away = folder();
    let (file, beside) = ("run.sqlite", "run.sqlite-journal");
    if dir.join(file).exists() {
        fs::copy(dir.join(file), away.path().join(file)).unwrap();
    }
    let sql = Connection::open(away.path().join(file)).unwrap();
    // With a cache of one page, changed pages go to the file before the commit.
    sql.execute_batch(&format!("PRAGMA cache_size = 1; BEGIN; {change}")).unwrap();
    for name in [file, beside] {
        fs::copy(away.path().join(name), dir.join(name)).unwrap();
    }
    assert!(fs::metadata(dir.join(file)).unwrap().len() > 0);
}

const MANY_PAGES: &str = "CREATE TABLE many (a);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
    INSERT INTO many SELECT zeroblob(4000) FROM n";

/// All files of a folder except the lock.
fn files(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let items = fs::read_dir(dir).unwrap().map(|i| i.unwrap());
    let mut all: Vec<_> = items
        .filter(|i| i.file_name() != ".lock")
        .map(|i| (i.file_name(), fs::read(i.path()).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_kill_while_the_journal_is_made_leaves_a_folder_that_opens() {
    let makers: [&dyn Fn(&Path); 3] = [
        // The switch to write-ahead logging, the very first write: as a real kill left it.
        &|dir| {
            let path = dir.join("run.sqlite");
            Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = WAL").unwrap();
            let mut rollback = vec![0; 512];
            rollback[..8].copy_from_slice(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7");
            rollback[22] = 2; // a sector of 512 bytes
            rollback[26] = 16; // a page of 4096 bytes
            fs::write(dir.join("run.sqlite-journal"), rollback).unwrap();
        },
        &|dir| cut_off(dir, MANY_PAGES),
        &|dir| cut_off(dir, &format!("PRAGMA application_id = 1668049262; {MANY_PAGES}")),
    ];
    for (i, make) in makers.iter().enumerate() {
        let dir = folder();
        make(dir.path());
        let before = files(dir.path());
        let e = Store::open_read_only(dir.path()).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unfinished, "case {i}");
        assert_eq!(
            text(&e, dir.path()),
            "cannot open DIR/run.sqlite: the run was stopped before its journal existed\n\
             rerun the command that started the run to resume it",
            "case {i}"
        );
        assert_eq!(files(dir.path()), before, "case {i}");
        let mut store = open(dir.path());
        answered_job(&mut store, "a", 1, &[b"one"]);
        assert_eq!(row(&store, request(1)).unwrap(), b"one", "case {i}");
        drop(store);
        assert!(!dir.path().join("run.sqlite-journal").exists(), "case {i}");
    }
}

#[test]
fn a_change_that_was_cut_off_is_rolled_back() {
    let dir = folder();
    answered_job(&mut open(dir.path()), "a", 1, &[b"one"]);
    let path = dir.path().join("run.sqlite");
    // A file system without shared memory supports no write-ahead log.
    Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    cut_off(dir.path(), &format!("DELETE FROM request; {MANY_PAGES}"));
    let store = open(dir.path());
    assert_eq!(row(&store, request(1)).unwrap(), b"one");
}

#[test]
fn a_change_of_others_that_was_cut_off_stays_as_it_is() {
    let newer = ErrorKind::NewerJournal { found: 99, known: 5 };
    let cases = [
        ("PRAGMA application_id = 1668049262; PRAGMA user_version = 99; CREATE TABLE t (a)", newer),
        ("CREATE TABLE t (a)", ErrorKind::NotAJournal),
        ("PRAGMA application_id = 7; PRAGMA user_version = 1", ErrorKind::NotAJournal),
    ];
    for (made, kind) in cases {
        let dir = folder();
        Connection::open(dir.path().join("run.sqlite")).unwrap().execute_batch(made).unwrap();
        cut_off(dir.path(), MANY_PAGES);
        let before = files(dir.path());
        assert_eq!(before.len(), 2, "{made}");
        assert_eq!(refused(dir.path()).kind, kind, "{made}");
        assert_eq!(files(dir.path()), before, "{made}");
    }
}

#[test]
fn who_looks_at_an_empty_file_hears_what_to_do() {
    let dir = folder();
    fs::write(dir.path().join("run.sqlite"), b"").unwrap();
    let e = Store::open_read_only(dir.path()).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unfinished);
}

#[test]
fn a_refused_opening_does_not_keep_the_lock() {
    let dir = folder();
    let path = dir.path().join("run.sqlite");
    fs::write(&path, b"hello").unwrap();
    refused(dir.path());
    fs::remove_file(&path).unwrap();
    open(dir.path());
}

#[test]
fn who_only_looks_sees_all_and_writes_nothing() {
    let dir = folder();
    let mut writer = open(dir.path());
    answered_job(&mut writer, "a", 1, &[b"one"]);
    // While another process works on it, and afterwards.
    let mut looker = Store::open_read_only(dir.path()).unwrap();
    assert_eq!(row(&looker, request(1)).unwrap(), b"one");
    answered_job(&mut writer, "b", 2, &[b"two"]);
    assert_eq!(row(&looker, request(2)).unwrap(), b"two");
    let before = fs::read(segment(dir.path())).unwrap();
    let e = looker
        .write(|tx| {
            let job = tx.new_job(&new_job("c", 1), 1)?;
            tx.append(&frame(job, &[b"three"]))
        })
        .unwrap_err();
    assert_eq!(e.kind, ErrorKind::ReadOnly);
    insta::assert_snapshot!(text(&e, dir.path()), @r"
    cannot write DIR/run.sqlite: the run was opened read-only
    use --out to name a folder that you can write to
    ");
    assert_eq!(looker.set_meta("a", "b").unwrap_err().kind, ErrorKind::ReadOnly);
    assert_eq!(looker.unindexed().unwrap(), []);
    assert_eq!(fs::read(segment(dir.path())).unwrap(), before);
    assert_eq!(writer.meta("a").unwrap(), None);
    drop(writer);
    let looker = Store::open_read_only(dir.path()).unwrap();
    assert_eq!(looker.jobs().unwrap().len(), 2);
    assert_eq!(row(&looker, request(2)).unwrap(), b"two");
}

#[test]
fn looking_where_no_run_is_makes_nothing() {
    let dir = folder();
    Store::open_read_only(dir.path()).unwrap_err();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn rows_that_are_gone_are_seen_at_the_opening() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    let at = store.locate(request(1)).unwrap().unwrap();
    drop(store);
    let path = segment(dir.path());
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[..10]).unwrap();
    let short = Store::open(dir.path(), Durability::Fast).unwrap_err();
    assert_eq!(short.kind, ErrorKind::Corrupt);
    assert_eq!(fs::read(&path).unwrap(), good[..10]);
    fs::remove_file(&path).unwrap();
    let gone = Store::open(dir.path(), Durability::Fast).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Corrupt);
    insta::assert_snapshot!(text(&gone, dir.path()), @r"
    cannot read DIR/raw/segment-000001.zst: the journal refers to rows in it, but the file is missing
    restore the folder from a backup; `zstdcat` prints the rows in raw/
    ");
    fs::write(&path, vec![0; good.len()]).unwrap();
    let store = open(dir.path());
    assert_eq!(store.reader().read(&at).unwrap_err().kind, ErrorKind::Corrupt);
}
