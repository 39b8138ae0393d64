use std::fs;

use clinstruct_store::{Durability, Store};

use crate::{append, json, resources, run};

/// Runs a command that must fail, and returns its exit code and stderr.
fn fails(dir: &std::path::Path, args: &[&str]) -> (i32, String) {
    let out = run(dir, args);
    (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn wrong_use_is_said_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["build", "--part", "nonsense"][..],
        &["build", "--backend", "openai"],
        &["build", "--misbehave", "sulk=0.1"],
        &["build", "--misbehave", "cut=7"],
        &["show", "--out", "nowhere"],
        &["status", "--out", "nowhere"],
        &["requests", "--row", "nothing"],
        &["plan", "nowhere"],
        &["estimate", "nowhere"],
        &["try", "nowhere"],
        &["publish", "nowhere"],
        &["show", "nothing"],
        &["cancel", "nothing"],
        &["rehearse", "nothing", "out"],
        &["build", "--backend", "chat", "--model", "m", "--base-url", "localhost:8000"],
        &["build", "--max-cost", "-1"],
    ] {
        let (code, stderr) = fails(dir.path(), args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert!(stderr.contains("error: ") && stderr.contains("hint: "), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
    for args in
        [&["build", "--nonsense"][..], &["build", "--jobs", "0"], &["build", "--window", "0"]]
    {
        assert_eq!(fails(dir.path(), args).0, 2);
    }
    // Where it is not a flag, the settings are checked.
    fs::write(dir.path().join("clinstruct.toml"), "window = 0\n").unwrap();
    let (code, stderr) = fails(dir.path(), &["build"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("invalid value 0 for --window: it must be at least 1"), "{stderr}");
}

#[test]
fn broken_resources_are_shown_all_at_once_with_carets() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    resources(&mine);
    append(&mine.join("tasks.toml"), "\n[[task]]\nid = \"half\"\nname = \"Half\"\n");
    let part = mine.join("parts/1-specialty-x-domain.toml");
    let text = fs::read_to_string(&part).unwrap();
    fs::write(&part, text.replace("chat = 0.35", "chat = 0.25")).unwrap();
    let (code, stderr) = fails(dir.path(), &["build", "--resources", "mine", "--out", "o"]);
    assert_eq!(code, 2);
    for expected in [
        "missing field `description`",
        "tasks.toml",
        "the weights sum to 0.9, not to 1",
        "parts/1-specialty-x-domain.toml",
        "hint: ",
    ] {
        assert!(stderr.contains(expected), "{expected} in {stderr}");
    }
    assert!(!dir.path().join("o").exists(), "nothing is begun");
    assert_eq!(fails(dir.path(), &["build", "--resources", "absent"]).0, 2);
}

#[test]
fn a_template_that_cannot_be_filled_in_is_said_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    resources(&mine);
    let template = mine.join("templates/user_system.j2");
    append(&template, "{{ phrases[\"no-such-phrase\"] }}");
    let (code, stderr) = fails(dir.path(), &["build", "--resources", "mine", "--out", "o"]);
    assert_eq!(code, 2);
    for expected in ["no-such-phrase", "user_system.j2", "hint: fix templates/user_system.j2"] {
        assert!(stderr.contains(expected), "{expected} in {stderr}");
    }
    assert!(!dir.path().join("o/run.sqlite").exists(), "nothing is begun");
}

#[test]
fn a_folder_that_cannot_be_is_said() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "text").unwrap();
    let (code, stderr) = fails(dir.path(), &["build", "--limit", "1", "--out", "file/o"]);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("hint: "), "{stderr}");
}

#[test]
fn a_journal_of_a_newer_version_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path(), &["build", "--limit", "1", "--out", "o", "--json"]);
    let journal = dir.path().join("o/run.sqlite");
    let mut bytes = fs::read(&journal).unwrap();
    // Offset 60 of an SQLite file holds the user version: https://www.sqlite.org/fileformat.html.
    bytes[60..64].copy_from_slice(&77_u32.to_be_bytes());
    fs::write(&journal, &bytes).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(dir.path().join(format!("o/run.sqlite{suffix}")));
    }
    let (code, stderr) = fails(dir.path(), &["build", "--limit", "1", "--out", "o"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("version 77") && stderr.contains("hint: "), "{stderr}");
    assert!(fs::read(&journal).unwrap() == bytes, "not a byte has changed");
}

#[test]
fn a_file_that_is_no_journal_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("o")).unwrap();
    let journal = dir.path().join("o/run.sqlite");
    fs::write(&journal, "no journal at all, but a text that is long enough").unwrap();
    let (code, stderr) = fails(dir.path(), &["build", "--limit", "1", "--out", "o"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("not a clinstruct journal"), "{stderr}");
    assert!(fs::read_to_string(&journal).unwrap().starts_with("no journal"));
}

#[test]
fn two_processes_on_one_run_are_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(&dir.path().join("o"), Durability::Fast).unwrap();
    let (code, stderr) = fails(dir.path(), &["build", "--limit", "1", "--out", "o"]);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("another clinstruct process"), "{stderr}");
}
