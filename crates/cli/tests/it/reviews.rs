//! Reviews belong to a text: which ones count after a rebuild.

use std::fs;
use std::path::Path;

use clinstruct_viewer::{Review, Reviews, Texts};
use serde_json::{Value, json as value};

use super::{STEMS, json, rows, run};

const EXPORT: [&str; 8] =
    ["export", "--out", "run", "--only", "accepted", "--format", "messages", "--json"];

fn build(dir: &Path, seed: &str) {
    let args =
        ["build", "--limit", "4", "--out", "run", "--seed", seed, "--yes", "--accept-change"];
    let out = run(dir, &args);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// Ids of conversations with their current texts.
fn texts(dir: &Path) -> Vec<(String, Value)> {
    let all = rows(&dir.join("run"), "conversations", STEMS[0]);
    all.iter().map(|r| (r["id"].as_str().unwrap().to_owned(), r["messages"].clone())).collect()
}

/// Saves a review of a row's current text, or one without a text as earlier versions did.
fn review(dir: &Path, id: &str, who: &str, decision: &str, with_text: bool) {
    let run = dir.join("run");
    let reviews = Reviews::open(&run.join("viewer/reviews.sqlite")).unwrap();
    let review = value!({ "id": id, "reviewer": who, "decision": decision });
    let mut review: Review = serde_json::from_value(review).unwrap();
    review.text_hash = with_text.then(|| Texts::read(&run).unwrap().get(id).unwrap().clone());
    reviews.add(&review).unwrap();
}

/// Exit code and stderr.
fn failed(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let out = run(dir, args);
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// Current, earlier, unknown, absent, accepted.
fn counts(value: &Value) -> [u64; 5] {
    ["current", "earlier", "unknown", "absent", "accepted"]
        .map(|name| value["reviews"][name].as_u64().unwrap())
}

#[test]
fn only_texts_that_reviewers_accepted_are_exported() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    build(dir, "1");
    let (code, err) = failed(dir, &EXPORT);
    assert_eq!(code, Some(2));
    assert!(err.contains("nobody has reviewed") && err.contains("clinstruct serve"), "{err}");
    let first = texts(dir);
    for (n, who, decision) in
        [(0, "Ann", "accept"), (0, "Ben", "accept"), (1, "Ann", "reject"), (2, "Ann", "unsure")]
    {
        review(dir, &first[n].0, who, decision, true);
    }
    let exported = || {
        let told = json(dir, &EXPORT);
        assert_eq!(told["files"].as_array().unwrap().len(), 1);
        let file = told["files"][0]["path"].as_str().unwrap();
        (told.clone(), fs::read_to_string(dir.join(file)).unwrap())
    };
    let (told, text) = exported();
    assert_eq!((told["files"][0]["rows"].as_u64(), counts(&told)), (Some(1), [4, 0, 0, 0, 1]));
    assert!(text.contains(&first[0].0) && text.lines().count() == 1);

    // Another seed: the same ids with unread texts.
    build(dir, "2");
    let second = texts(dir);
    let same = |n: usize| second.iter().find(|(id, _)| *id == first[n].0);
    assert!((0..3).all(|n| same(n).is_some_and(|(_, text)| *text != first[n].1)));
    let (code, err) = failed(dir, &EXPORT);
    assert_eq!(code, Some(2));
    assert!(err.contains("no conversation is accepted"), "{err}");
    assert!(err.contains("0 of current texts, 4 of earlier texts, 0 of unknown texts"), "{err}");
    assert!(err.contains("hint: review the current texts: clinstruct serve run"), "{err}");
    review(dir, &second[1].0, "Ann", "accept", true);
    let (told, text) = exported();
    assert_eq!(counts(&told), [1, 4, 0, 0, 1]);
    assert!(text.contains(&second[1].0) && text.lines().count() == 1);
    let summary = json(dir, &["reviews", "run", "--json"]);
    assert_eq!(counts(&summary), [1, 4, 0, 0, 1]);
    // Only one of the two has reviewed a current text: there is nothing to compare.
    assert_eq!(summary["agreement"]["pairs"], value!([]));

    // The old seed brings back the old texts and their reviews.
    build(dir, "1");
    let (told, text) = exported();
    assert_eq!(counts(&told), [4, 1, 0, 0, 1]);
    assert!(text.contains(&first[0].0) && text.lines().count() == 1);
    assert_eq!(json(dir, &["reviews", "run", "--json"])["agreement"]["pairs"][0][2], 1);
    let out = run(dir, &EXPORT[..7]);
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        err.contains(
            "accepted conversations: 1 (reviews: 4 of current texts, 1 of earlier texts, \
             0 of unknown texts, 0 of rows that are not in the run)"
        ),
        "{err}"
    );
    // The dataset folder follows the same rule.
    let args = ["export", "--out", "run", "--only", "accepted", "--json"];
    let told = json(dir, &args);
    assert_eq!((told["files"][0]["rows"].as_u64(), counts(&told)), (Some(1), [4, 1, 0, 0, 1]));
    // An export of everything ignores reviews.
    assert!(
        json(dir, &["export", "--out", "run", "--format", "seed", "--json"])["reviews"].is_null()
    );
}

#[test]
fn reviews_of_earlier_versions_count_once_they_are_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    build(dir, "1");
    let rows = texts(dir);
    for (id, who) in [(rows[0].0.as_str(), "Ann"), (&rows[1].0, "Ben"), ("gone", "Ann")] {
        review(dir, id, who, "accept", false);
    }
    let (code, err) = failed(dir, &EXPORT);
    assert_eq!(code, Some(2));
    assert!(err.contains("2 of unknown texts, 1 of rows that are not in the run"), "{err}");
    assert!(err.contains("`clinstruct reviews run --confirm`"), "{err}");
    let out = run(dir, &["reviews", "run"]);
    let (text, err) =
        (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(text.contains("       2  reviews of unknown texts\n"), "{text}");
    assert!(err.contains("--confirm"), "{err}");
    let confirmed = json(dir, &["reviews", "--out", "run", "--confirm", "--json"]);
    assert_eq!((confirmed["confirmed"].as_u64(), counts(&confirmed)), (Some(2), [2, 0, 0, 1, 2]));
    let told = json(dir, &EXPORT);
    assert_eq!((told["files"][0]["rows"].as_u64(), counts(&told)), (Some(2), [2, 0, 0, 1, 2]));
    // They are confirmed for these texts only.
    build(dir, "2");
    assert_eq!(failed(dir, &EXPORT).0, Some(2));
    let again = json(dir, &["reviews", "run", "--confirm", "--json"]);
    assert_eq!((again["confirmed"].as_u64(), counts(&again)), (Some(0), [0, 2, 0, 1, 0]));
}

#[test]
fn reviews_of_a_newer_version_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    build(dir, "1");
    review(dir, &texts(dir)[0].0, "Ann", "accept", true);
    let file = dir.join("run/viewer/reviews.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    // The version, as in SQLite's file format.
    bytes[60..64].copy_from_slice(&9_u32.to_be_bytes());
    fs::write(&file, &bytes).unwrap();
    for args in [&EXPORT[..], &["reviews", "run", "--confirm"], &["serve", "run", "--port", "0"]] {
        let (code, err) = failed(dir, args);
        assert_eq!(code, Some(2), "{args:?}: {err}");
        assert!(err.contains("has version 9") && err.contains("newer clinstruct"), "{err}");
    }
    assert_eq!(fs::read(&file).unwrap(), bytes);
}
