//! The file of reviews, as written by older and newer programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clinstruct_viewer::{Decision, Error, Review, Reviews, TextHash, Texts, reviews_path};
use rusqlite::Connection;

/// The statements of a program without versions when it opened a file, verbatim.
const VERSION_0: &str = "PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS review (
        n INTEGER PRIMARY KEY, id TEXT NOT NULL, reviewer TEXT NOT NULL, decision TEXT NOT NULL,
        comment TEXT NOT NULL, scores TEXT NOT NULL, at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS review_of ON review (id, reviewer);";

/// Adds reviews as such a program did, creating the file if needed.
pub(crate) fn of_version_0(path: &Path, reviews: &[(&str, &str, &str)]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(VERSION_0).unwrap();
    for (id, reviewer, decision) in reviews {
        connection
            .execute(
                "INSERT INTO review (id, reviewer, decision, comment, scores, at)
                 VALUES (?1, ?2, ?3, 'as it was', '{\"safe\":4}', 1700000001)",
                [id, reviewer, decision],
            )
            .unwrap();
    }
}

fn accept(id: &str, who: &str) -> Review {
    Review {
        id: id.into(),
        reviewer: who.into(),
        decision: Decision::Accept,
        comment: String::new(),
        scores: BTreeMap::new(),
        text_hash: None,
        at: 0,
        confirmed_at: None,
    }
}

fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |r| r.get(0)).unwrap()
}

#[test]
fn two_reviewers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A file that is created, and one that all find in the older version.
    for older in [false, true] {
        let path = dir.path().join(older.to_string()).join("reviews.sqlite");
        if older {
            of_version_0(&path, &[]);
        }
        let each = 60;
        // All create the file at the same instant.
        let begin = std::sync::Barrier::new(3);
        std::thread::scope(|scope| {
            for who in ["Ann", "Bo", "Cy"] {
                let (path, begin) = (path.clone(), &begin);
                scope.spawn(move || {
                    begin.wait();
                    let reviews = Reviews::open(&path).unwrap();
                    for n in 0..each {
                        reviews.add(&accept(&n.to_string(), who)).unwrap();
                    }
                });
            }
        });
        let all = Reviews::open(&path).unwrap().all(None).unwrap();
        assert_eq!(all.len(), 3 * each);
        assert!(all.iter().all(|r| r.at > 1_700_000_000));
    }
}

#[test]
fn an_older_file_is_upgraded_with_all_its_reviews() {
    let dir = tempfile::tempdir().unwrap();
    let path = reviews_path(dir.path());
    of_version_0(&path, &[("a", "Ann", "accept"), ("a", "Bo", "reject"), ("b", "Ann", "unsure")]);
    let before = fs::read(&path).unwrap();
    // A read-only opener leaves it unchanged.
    let read = Reviews::read(&path).unwrap().all(None).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    let upgraded = Reviews::open(&path).unwrap().all(None).unwrap();
    assert_eq!(upgraded, read);
    assert_eq!(read.len(), 3);
    assert_eq!((read[1].reviewer.as_str(), read[1].decision), ("Bo", Decision::Reject));
    let first = &read[0];
    assert_eq!(
        (first.comment.as_str(), first.scores["safe"], first.at),
        ("as it was", 4, 1_700_000_001)
    );
    assert!(read.iter().all(|r| r.text_hash.is_none() && r.confirmed_at.is_none()));
    assert_eq!(number(&path, "PRAGMA user_version"), 2);
    // The older program still adds to it; its reviews are of unknown texts.
    of_version_0(&path, &[("c", "Ann", "accept")]);
    let all = Reviews::open(&path).unwrap().all(None).unwrap();
    assert_eq!((all.len(), &all[3].id, &all[3].text_hash), (4, &"c".to_owned(), &None));
    // In the journal mode that earlier versions switched to as well.
    let wal = dir.path().join("wal/reviews.sqlite");
    of_version_0(&wal, &[("a", "Ann", "accept")]);
    let connection = Connection::open(&wal).unwrap();
    connection.query_row("PRAGMA journal_mode = WAL", [], |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(Reviews::open(&wal).unwrap().all(None).unwrap().len(), 1);
    drop(connection);
    assert_eq!(Reviews::read(&wal).unwrap().all(None).unwrap().len(), 1);
}

#[test]
fn a_newer_file_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = reviews_path(dir.path());
    Reviews::open(&path).unwrap().add(&accept("a", "Ann")).unwrap();
    let open = Reviews::open(&path).unwrap();
    let newer = Connection::open(&path).unwrap();
    newer
        .execute_batch("PRAGMA user_version = 3; ALTER TABLE review ADD COLUMN more TEXT")
        .unwrap();
    drop(newer);
    let before = fs::read(&path).unwrap();
    for refused in [Reviews::open(&path), Reviews::read(&path)] {
        let e = refused.unwrap_err();
        assert!(matches!(e, Error::NewerReviews { found: 3, known: 2, .. }), "{e}");
        assert!(
            e.to_string().contains("has version 3, this build supports versions up to 2"),
            "{e}"
        );
    }
    // A program that already had it open notices too.
    assert!(matches!(open.add(&accept("b", "Ann")), Err(Error::NewerReviews { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1);
}

/// A file as a kill in the middle of a change leaves it: modified, with its rollback journal.
fn killed(dir: &Path, version: u32) -> [std::path::PathBuf; 2] {
    let path = dir.join("reviews.sqlite");
    Reviews::open(&path).unwrap().add(&accept("a", "Ann")).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA user_version = {version}; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO review (id, reviewer, decision, comment, scores, at)
             SELECT i, 'Cy', 'accept', hex(randomblob(200)), '{{}}', 1 FROM n;"
        ))
        .unwrap();
    let names = ["reviews.sqlite", "reviews.sqlite-journal"];
    fs::create_dir(dir.join("killed")).unwrap();
    names.map(|name| {
        let copy = dir.join("killed").join(name);
        assert!(fs::copy(dir.join(name), &copy).unwrap() > 0, "{name}");
        copy
    })
}

#[test]
fn a_newer_file_whose_last_change_was_cut_off_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let files = killed(dir.path(), 3);
    let before = files.clone().map(|f| fs::read(f).unwrap());
    for refused in [Reviews::open(&files[0]), Reviews::read(&files[0])] {
        assert!(matches!(refused, Err(Error::NewerReviews { .. })), "{refused:?}");
    }
    assert_eq!(files.map(|f| fs::read(f).unwrap()), before);
}

#[test]
fn a_change_that_was_cut_off_is_rolled_back() {
    for only_read in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let files = killed(dir.path(), 2);
        let open = if only_read { Reviews::read } else { Reviews::open };
        let all = open(&files[0]).unwrap().all(None).unwrap();
        assert_eq!(all.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["a"]);
    }
}

#[test]
fn what_is_none_of_ours_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("text"), "These are my notes.").unwrap();
    fs::write(path("short"), "SQLite format 3\0").unwrap();
    let other = |name: &str, sql: &str| {
        Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
    };
    other("marked", "PRAGMA application_id = 7; CREATE TABLE review (n)");
    other("numbered", "PRAGMA user_version = 1; CREATE TABLE review (n)");
    other("other", "CREATE TABLE song (n)");
    for name in ["text", "short", "marked", "numbered", "other"] {
        let before = fs::read(path(name)).unwrap();
        for refused in [Reviews::open(&path(name)), Reviews::read(&path(name))] {
            assert!(matches!(refused, Err(Error::NotReviews(_))), "{name}: {refused:?}");
        }
        assert_eq!(fs::read(path(name)).unwrap(), before, "{name}");
    }
    // One that was created and never written is created again.
    fs::write(path("empty"), "").unwrap();
    assert_eq!(Reviews::read(&path("empty")).unwrap().all(None).unwrap(), []);
    Reviews::open(&path("empty")).unwrap().add(&accept("a", "Ann")).unwrap();
    assert!(Reviews::read(&path("none")).is_err());
    assert!(!path("none").exists());
}

#[test]
fn reviews_that_are_only_read_are_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = reviews_path(dir.path());
    of_version_0(&path, &[("a", "Ann", "accept")]);
    let before = fs::read(&path).unwrap();
    let mut reviews = Reviews::read(&path).unwrap();
    assert!(reviews.add(&accept("b", "Ann")).is_err());
    let texts = Texts::from_iter([("a".to_owned(), TextHash::of(&[]))]);
    assert!(reviews.confirm(&texts).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}
