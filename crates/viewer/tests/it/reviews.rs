//! Reviews belong to the text that was read.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::http::StatusCode;
use clinstruct_viewer::{MatchedReviews, Reviews, Texts, reviews_path};
use serde_json::{Value, json};

use super::{app, call, get, ids, row};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(app: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    let (status, _, body) = call(app, "POST", path, &[JSON], &body.to_string()).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// The hash of the text that the page displays.
async fn displayed(app: &Router, id: &str) -> Value {
    get(app, &format!("/api/row?id={id}")).await["text_hash"].clone()
}

/// Reviews a row as displayed on the page.
async fn review(app: &Router, id: &str, who: &str, what: &str) {
    let text = displayed(app, id).await;
    let body = json!({ "id": id, "reviewer": who, "decision": what, "text_hash": text });
    let (status, answer) = post(app, "/api/review", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// The output of a build whose answers end with `end`.
fn rebuild(dir: &Path, end: &str) {
    let rows = ["a.s1", "b", "c"].map(|id| {
        row(id, &["Chest pain since noon?", &format!("Take an ECG.{end}")], &[]).to_string()
    });
    let file = dir.join("conversations/small.jsonl");
    let partial = file.with_extension("partial");
    fs::write(&partial, rows.join("\n") + "\n").unwrap();
    fs::rename(partial, file).unwrap();
}

fn matched(dir: &Path) -> MatchedReviews {
    Reviews::read(&reviews_path(dir)).unwrap().matched(&Texts::read(dir).unwrap()).unwrap()
}

fn accepted(dir: &Path) -> Vec<String> {
    let mut accepted: Vec<String> = matched(dir).accepted().into_iter().collect();
    accepted.sort();
    accepted
}

/// Current, earlier, unknown and absent.
fn counts(dir: &Path) -> [u64; 4] {
    let counts = matched(dir).counts();
    [counts.current, counts.earlier, counts.unknown, counts.absent]
}

#[tokio::test]
async fn reviews_are_kept_and_feed_back() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    for (id, who, what) in [
        ("a.s1", "Ann", "accept"),
        ("a.s1", "Bo", "accept"),
        ("b", "Ann", "accept"),
        ("b", "Bo", "reject"),
        ("c", "Ann", "reject"),
        ("c", "Ann", "accept"),
        ("c", "Bo", "unsure"),
    ] {
        review(&app, id, who, what).await;
    }
    let text = displayed(&app, "a.s1").await;
    for (id, who, what, scores, status) in [
        ("a.s1", " ", "accept", json!({}), StatusCode::BAD_REQUEST),
        ("a.s1", "Ann", "accept", json!({ "safe": 6 }), StatusCode::BAD_REQUEST),
        ("nobody", "Ann", "accept", json!({}), StatusCode::NOT_FOUND),
        ("a.s1", "Ann", "maybe", json!({}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let body = json!({
            "id": id, "reviewer": who, "decision": what, "scores": scores, "text_hash": text,
        });
        assert_eq!(post(&app, "/api/review", body).await.0, status, "{id} {who}");
    }
    // The last decision counts; one rejection is enough.
    assert_eq!(accepted(dir.path()), ["a.s1", "c"]);
    // The first of the two reviews of c is superseded.
    assert_eq!(counts(dir.path()), [6, 0, 0, 0]);
    let agreement = get(&app, "/api/agreement").await;
    assert_eq!(agreement["reviewers"], json!({ "Ann": 3, "Bo": 3 }));
    assert_eq!(agreement["accepted"], 2);
    assert_eq!(agreement["pairs"][0][2], 3);
    // Ann always accepts, so that chance agrees as often as they do.
    assert_eq!(agreement["pairs"][0][3], 0.0);
    let (_, _, lines) = call(&app, "GET", "/api/reviews.jsonl", &[], "").await;
    let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|l| l["text_status"] == "current"));
    assert_eq!(lines.iter().filter(|l| l["superseded"] == true).count(), 1);
    assert_eq!(lines[0]["text_hash"], text);
    assert_eq!(ids(&get(&app, "/api/search?reviewer=Ann").await), ["a.s2", "d"]);
}

#[tokio::test]
async fn a_review_counts_for_the_text_that_was_read_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    rebuild(dir.path(), "");
    for id in ["a.s1", "b"] {
        review(&app, id, "Ann", "accept").await;
        review(&app, id, "Bo", "accept").await;
    }
    assert_eq!(accepted(dir.path()), ["a.s1", "b"]);
    // Another seed: nobody has read these texts.
    rebuild(dir.path(), " Now.");
    assert_eq!((accepted(dir.path()), counts(dir.path())), (vec![], [0, 4, 0, 0]));
    let shown = get(&app, "/api/row?id=a.s1").await;
    assert_eq!(shown["reviews"][0]["text_status"], "earlier");
    let agreement = get(&app, "/api/agreement").await;
    assert_eq!(
        agreement["texts"],
        json!({ "current": 0, "earlier": 4, "unknown": 0, "absent": 0 })
    );
    assert_eq!(agreement["earlier_rows"], json!(["a.s1", "b"]));
    assert_eq!((&agreement["reviewers"], &agreement["pairs"]), (&json!({}), &json!([])));
    assert_eq!(agreement["fleiss_rows"], 0);
    // They need another review.
    assert_eq!(ids(&get(&app, "/api/search?reviewer=Ann").await), ["a.s1", "b", "c", "d"]);
    review(&app, "a.s1", "Ann", "reject").await;
    assert_eq!((accepted(dir.path()), counts(dir.path())), (vec![], [1, 4, 0, 0]));
    // The old seed: decisions about that text count again, and those about the other do not.
    rebuild(dir.path(), "");
    assert_eq!(
        (accepted(dir.path()), counts(dir.path())),
        (vec!["a.s1".into(), "b".into()], [4, 1, 0, 0])
    );
    assert_eq!(get(&app, "/api/agreement").await["pairs"][0][2], 2);
    assert_eq!(ids(&get(&app, "/api/search?reviewer=Ann").await), ["c", "d"]);
    // A row that is gone.
    let file = dir.path().join("conversations/small.jsonl");
    fs::write(&file, row("a.s1", &["Chest pain since noon?", "Take an ECG."], &[]).to_string())
        .unwrap();
    assert_eq!((accepted(dir.path()), counts(dir.path())), (vec!["a.s1".into()], [2, 1, 0, 2]));
}

#[tokio::test]
async fn a_rebuild_between_reading_and_saving_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    rebuild(dir.path(), "");
    let text = displayed(&app, "a.s1").await;
    let body = |text: &Value| json!({ "id": "a.s1", "reviewer": "Ann", "decision": "accept", "text_hash": text });
    rebuild(dir.path(), " Now.");
    let (status, answer) = post(&app, "/api/review", body(&text)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("text_changed")));
    let told = answer["error"].as_str().unwrap();
    assert!(
        told.contains("the text of a.s1 changed") && told.contains("nothing was saved"),
        "{told}"
    );
    // A page of an earlier version does not send the hash of its text.
    let (status, answer) = post(&app, "/api/review", body(&Value::Null)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["error"].as_str().unwrap().contains("reload the page"), "{answer}");
    assert_eq!(counts(dir.path()), [0, 0, 0, 0]);
    let (status, _) = post(&app, "/api/review", body(&displayed(&app, "a.s1").await)).await;
    assert_eq!(status, StatusCode::OK);
    // A rejected row that is a conversation now, or vice versa, has another text.
    let text = displayed(&app, "d").await;
    fs::write(
        dir.path().join("conversations/more.jsonl"),
        row("d", &["it would not say", "refused"], &[]).to_string() + "\n",
    )
    .unwrap();
    fs::write(dir.path().join("rejected/small.jsonl"), "").unwrap();
    let body = json!({ "id": "d", "reviewer": "Ann", "decision": "accept", "text_hash": text });
    assert_eq!(post(&app, "/api/review", body.clone()).await.0, StatusCode::CONFLICT);
    fs::remove_file(dir.path().join("conversations/more.jsonl")).unwrap();
    assert_eq!(post(&app, "/api/review", body).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_same_review_sent_twice_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    for what in ["accept", "accept", "reject", "accept"] {
        review(&app, "b", "Ann", what).await;
    }
    let all = get(&app, "/api/row?id=b").await["reviews"].clone();
    let all: Vec<&Value> = all.as_array().unwrap().iter().map(|r| &r["decision"]).collect();
    assert_eq!(all, ["accept", "reject", "accept"]);
}

#[tokio::test]
async fn reviews_of_unknown_texts_count_once_they_are_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let path = reviews_path(dir.path());
    super::database::of_version_0(
        &path,
        &[
            ("a.s1", "Ann", "accept"),
            ("b", "Ann", "accept"),
            ("c", "Ann", "reject"),
            ("c", "Ann", "accept"),
            ("c", "Bo", "accept"),
            ("gone", "Ann", "accept"),
        ],
    );
    let app = app(dir.path());
    rebuild(dir.path(), "");
    assert_eq!((accepted(dir.path()), counts(dir.path())), (vec![], [0, 0, 4, 1]));
    assert_eq!(get(&app, "/api/row?id=b").await["reviews"][0]["text_status"], "unknown");
    // Ann has read the current text of b since: her earlier review needs no confirmation.
    review(&app, "b", "Ann", "reject").await;
    let agreement = get(&app, "/api/agreement").await;
    assert_eq!(
        agreement["texts"],
        json!({ "current": 1, "earlier": 0, "unknown": 3, "absent": 1 })
    );
    assert_eq!(agreement["unknown_rows"], json!(["a.s1", "c"]));
    // The run was rebuilt after the page was displayed.
    rebuild(dir.path(), " Now.");
    let body = json!({ "unknown_texts": agreement["unknown_texts"] });
    let (status, answer) = post(&app, "/api/reviews/confirm", body.clone()).await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("text_changed")));
    assert_eq!(counts(dir.path()), [0, 1, 3, 1]);
    rebuild(dir.path(), "");
    let (status, answer) = post(&app, "/api/reviews/confirm", body).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({ "confirmed": 3 })));
    assert_eq!(counts(dir.path()), [4, 0, 0, 1]);
    assert_eq!(accepted(dir.path()), ["a.s1", "c"]);
    assert!(get(&app, "/api/row?id=a.s1").await["reviews"][0]["confirmed_at"].is_number());
    assert!(get(&app, "/api/row?id=b").await["reviews"][1]["confirmed_at"].is_null());
    // Confirmed for this text, not for the next.
    rebuild(dir.path(), " Now.");
    assert_eq!((accepted(dir.path()), counts(dir.path())), (vec![], [0, 4, 0, 1]));
}

#[tokio::test]
async fn the_next_row_is_the_next_however_many_were_reviewed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    super::run(dir.path());
    let rows =
        (0..120).map(|n| row(&format!("r{n}"), &["Cough?", "Rest."], &[]).to_string() + "\n");
    fs::write(dir.path().join("conversations/many.jsonl"), rows.collect::<String>()).unwrap();
    let app = clinstruct_viewer::router(dir.path(), 8080, super::facts()).unwrap();
    let query = "order=random&seed=5&reviewer=Ann";
    let mut queue = Vec::new();
    for page in 0..3 {
        let found = get(&app, &format!("/api/search?page={page}&{query}")).await;
        queue.extend(ids(&found).into_iter().map(str::to_owned));
    }
    assert_eq!(queue.len(), 125);
    for (n, id) in queue.iter().enumerate() {
        review(&app, id, "Ann", "accept").await;
        let near = get(&app, &format!("/api/neighbors?id={id}&{query}")).await;
        assert_eq!(near["next"].as_str(), queue.get(n + 1).map(String::as_str), "after {n}");
        // Back leads to the last reviewed row.
        let before = n.checked_sub(1).map(|n| queue[n].as_str());
        assert_eq!(near["previous"].as_str(), before, "before {n}");
        assert_eq!(near["page"], 0);
    }
}
