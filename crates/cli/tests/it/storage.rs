//! Runs in object storage, with folders as `file://`. `crates/objects/python/servers.py` does the same with servers.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{files, json, run};

/// The run of a command that must fail with this code, as a whole.
fn refused(dir: &Path, words: &[&str], code: i32) -> String {
    let out = run(dir, words);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "{words:?}: {said}");
    said
}

fn done(dir: &Path, words: &[&str]) -> String {
    refused(dir, words, 0)
}

/// The address of a folder.
fn address(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// The manifest of a run.
fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("clinstruct.json")).unwrap()).unwrap()
}

#[test]
fn a_run_is_uploaded_read_and_uploaded_again_by_each_command_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let there = dir.join("there/a run");
    let to = address(&dir.join("there/a%20run"));
    let said = done(dir, &["build", "--limit", "4", "--out", &to]);
    assert!(said.contains("sent to file://"), "{said}");
    let here = dir.join("data/remote/file").join(there.strip_prefix("/").unwrap());
    let here = here.with_file_name("a%20run");
    for kind in ["prompts", "situations", "conversations", "rejected", "annotations"] {
        assert_eq!(files(&there, kind), files(&here, kind), "{kind}");
    }
    for absent in ["run.sqlite", "raw", "upload", "lock"] {
        assert!(!there.join(absent).exists(), "{absent}");
    }
    assert_eq!(manifest(&there)["complete"], true);

    // Readers get what the folder has.
    let of = |from: &str| {
        let mut all = json(dir, &["check", from, "--json"]);
        all.as_object_mut().unwrap().remove("files");
        all.to_string().replace(from, "")
    };
    assert_eq!(of(&to), of(here.to_str().unwrap()));
    let own = here.to_str().unwrap();
    done(dir, &["export", &to, "--to", "one", "--format", "messages"]);
    done(dir, &["export", own, "--to", "other", "--format", "messages"]);
    done(dir, &["export", &to, "--to", "dataset"]);
    let stem = "multiturn_specialty_x_domain";
    assert_eq!(files(&dir.join("one"), stem), files(&dir.join("other"), stem));
    let readme = |folder: &Path| fs::read_to_string(folder.join("README.md")).unwrap();
    assert_eq!(readme(&dir.join("dataset")), readme(&here.join("dataset")));

    // The address is kept with the run; nothing is sent that is there.
    let said = done(dir, &["reparse", own]);
    assert!(said.contains("has all of its"), "{said}");
    let said = done(dir, &["conversations", own, "--title", "Another"]);
    assert!(said.contains("the others were there"), "{said}");
    assert!(readme(&there.join("dataset")).contains("Another"));
    let status = json(dir, &["status", &to, "--json"]);
    assert_eq!(status, json(dir, &["status", own, "--json"]));
    // A build defines its run: this one stays local.
    let said = done(dir, &["build", own, "--limit", "4"]);
    assert!(!said.contains("upload"), "{said}");
}

#[test]
fn nothing_is_read_of_a_run_that_is_not_complete_or_not_what_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let there = dir.join("there");
    let to = address(&there);
    done(dir, &["build", "--limit", "3", "--out", &to, "--work", "here"]);
    let file = there.join("conversations/multiturn_specialty_x_domain.jsonl");
    let rows = format!("{to}/conversations/multiturn_specialty_x_domain.jsonl");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    for words in [vec!["check", &to], vec!["check", &rows], vec!["export", &to, "--to", "x"]] {
        let said = refused(dir, &words, 3);
        assert!(said.contains("is not the file that the run's manifest lists"), "{said}");
    }
    let said = done(dir, &["resume", "here"]);
    assert!(said.contains("1 of"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), whole);

    // As a kill in the middle leaves it.
    let mut begun = manifest(&there);
    begun["complete"] = false.into();
    fs::write(there.join("clinstruct.json"), begun.to_string()).unwrap();
    for words in [
        vec!["check", &to],
        vec!["check", &rows],
        vec!["export", &to, "--to", "x"],
        vec!["merge", &to],
    ] {
        let said = refused(dir, &words, 2);
        assert!(said.contains("is not complete: its upload has not finished"), "{said}");
    }
    done(dir, &["resume", "here"]);
    done(dir, &["check", &to]);
    assert!(!dir.join("x").exists());
}

#[test]
fn shards_are_merged_from_their_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let shards: Vec<String> = (1..=2).map(|n| address(&dir.join(format!("there/{n}")))).collect();
    for (number, to) in (1..).zip(&shards) {
        let shard = format!("{number}/2");
        done(dir, &["build", "--limit", "8", "--shard", &shard, "--out", to, "--work", "here"]);
        let said = done(dir, &["resume", "here"]);
        assert!(said.contains("has all of its"), "{said}");
        fs::remove_dir_all(dir.join("here")).unwrap();
    }
    let to = address(&dir.join("there/merged"));
    done(dir, &["merge", &shards[1], &shards[0], "--out", &to, "--work", "merged"]);
    done(dir, &["build", "whole", "--limit", "8"]);
    for kind in ["conversations", "annotations", "rejected"] {
        assert_eq!(files(&dir.join("there/merged"), kind), files(&dir.join("whole"), kind));
    }
    assert!(!dir.join("there/merged/run.sqlite").exists());
}
