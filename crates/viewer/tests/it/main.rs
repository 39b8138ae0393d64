//! The application from outside, over a small run.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use clinstruct_quality::dataset::metrics::Facts;
use clinstruct_viewer::{
    Decision, Error, Index, Query, Review, Reviews, reviews_path, router, serve,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A row with the texts given, user first.
fn row(id: &str, texts: &[&str], styles: &[&str]) -> Value {
    let role = |i: usize| if i.is_multiple_of(2) { "user" } else { "assistant" };
    let messages: Vec<Value> =
        texts.iter().enumerate().map(|(i, t)| json!({ "role": role(i), "content": t })).collect();
    let turns: Vec<Value> = (0..texts.len())
        .map(|i| {
            let speaker = ["prompt_writer", "assistant", "user", "assistant"][i.min(3)];
            json!({
                "speaker": speaker, "request": format!("{i:032x}"), "tries": 1,
                "usage": { "prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 0 },
            })
        })
        .collect();
    let styles: Vec<Value> = styles
        .iter()
        .map(|text| {
            json!({ "id": "bullets", "group": "form", "text": text, "claims": [], "constraints": [] })
        })
        .collect();
    json!({
        "id": id, "part": "task-topic", "messages": messages,
        "attributes": {
            "base": id,
            "subjects": [{ "axis": "task", "slugs": ["referral"], "name": "Referral" }],
            "card": {
                "patient": {
                    "age_band": "adults", "age": { "years": 38 }, "sex": "male", "country_code": "bf",
                    "country": "Burkina Faso", "income": "low", "region": "AFR", "setting": "low-resource",
                },
                "conditions": [], "medicines": [], "allergies": "", "past": [], "family": "",
                "vitals": {
                    "heart_rate": 80, "respiratory_rate": 14, "systolic": 120, "diastolic": 80,
                    "temperature": 37.0, "saturation": 98, "weight": 60.0, "height": 170,
                },
                "social": "", "presenting": "",
            },
            "situation": {
                "mode": "normal", "turns": texts.len() / 2, "assistant_register": "standard",
                "user_register": "standard", "asked_styles": [], "system_styles": styles,
                "user_styles": [], "emergency_instruction": false, "profession": "Nurse",
                "specialty": null,
            },
        },
        "provenance": {
            "backend": "rehearsal", "model": "rehearsal", "rehearsal": true, "seed": 1, "turns": turns,
        },
        "schema_version": 1,
    })
}

const SCRIPT: &str = "<script>document.title='taken'</script>";

/// A run of three rows, one of them with a script in its answer, and one rejected row.
fn run(dir: &Path) {
    let rows = [
        row("a.s1", &["Chest pain since noon?", "Take an ECG."], &[]),
        row("b", &["Cough, and pain in the chest?", &format!("{SCRIPT} Rest.")], &["Be brief."]),
        row("c", &["Fièvre depuis hier?", "Repos."], &[]),
    ];
    let mut twin = row("a.s2", &["Chest pain since noon?", "Look at the ECG."], &[]);
    twin["attributes"]["base"] = json!("a.s1");
    let lines: Vec<String> = rows.iter().chain([&twin]).map(ToString::to_string).collect();
    let rejected = json!({
        "id": "d", "part": "task-topic", "stage": "turn", "failed": false, "reason": "refused",
        "detail": "it would not say", "schema_version": 1,
    });
    for (kind, text) in [("conversations", lines.join("\n")), ("rejected", rejected.to_string())] {
        fs::create_dir_all(dir.join(kind)).unwrap();
        fs::write(dir.join(kind).join("small.jsonl"), text + "\n").unwrap();
    }
}

/// The emergency number of the rows' country.
fn facts() -> Facts {
    Facts { emergency: [("bf".into(), "112".into())].into(), ..Facts::default() }
}

fn app(dir: &Path) -> Router {
    run(dir);
    router(dir, 8080, facts()).unwrap()
}

async fn call(
    app: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, Vec<(String, String)>, String) {
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(n, _)| *n != "host") {
        request = request.header("host", "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, all) = (response.status(), response.headers().clone());
    let all = all.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, all, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get(app: &Router, path: &str) -> Value {
    let (status, _, body) = call(app, "GET", path, &[], "").await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn ids(found: &Value) -> Vec<&str> {
    found["rows"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn texts_are_held_against_the_facts() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path());
    let rows = [
        row("other", &["What if it gets worse?", "Call 911 now."], &[]),
        row("own", &["What if it gets worse?", "Call 112 now."], &[]),
    ];
    let lines = rows.map(|r| r.to_string()).join("\n");
    fs::write(dir.path().join("conversations/small.jsonl"), lines).unwrap();
    let app = router(dir.path(), 8080, facts()).unwrap();
    for (id, there) in [("other", true), ("own", false)] {
        let told = get(&app, &format!("/api/row?id={id}")).await;
        let found = told["turns"][1]["found"].to_string();
        assert_eq!(found.contains("911"), there, "{id}: {found}");
    }
}

#[tokio::test]
async fn rows_are_found_by_words_phrases_and_facets() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let all = get(&app, "/api/search").await;
    assert_eq!((all["total"].as_u64(), ids(&all)), (Some(5), vec!["a.s1", "b", "c", "a.s2", "d"]));
    assert_eq!(all["facets"]["status"], json!([["in dataset", 4], ["refused", 1]]));
    assert_eq!(ids(&get(&app, "/api/search?q=chest%20pain").await), ["a.s1", "b", "a.s2"]);
    assert_eq!(ids(&get(&app, "/api/search?q=%22chest%20pain%22").await), ["a.s1", "a.s2"]);
    // Beginnings of words, accents left out, and what would be an operator elsewhere.
    assert_eq!(ids(&get(&app, "/api/search?q=fiev").await), ["c"]);
    assert_eq!(ids(&get(&app, "/api/search?q=NOT%20(%20*%20%22").await), ["d"]);
    let chosen = get(&app, "/api/search?facets=status%3Arefused").await;
    assert_eq!(ids(&chosen), ["d"]);
    assert_eq!(chosen["facets"]["status"].as_array().unwrap().len(), 2);
    assert_eq!(ids(&get(&app, "/api/search?order=trouble").await)[0], "d");
    let random = get(&app, "/api/search?order=random&seed=4").await;
    assert_eq!(ids(&random), ids(&get(&app, "/api/search?order=random&seed=4").await));
    assert_eq!(random["total"], 5);
    assert!(get(&app, "/api/search?page=9").await["rows"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_row_comes_with_all_that_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let row = get(&app, "/api/row?id=a.s1").await;
    assert_eq!(row["twins"], json!(["a.s2"]));
    assert_eq!(row["row"]["messages"][1]["content"], "Take an ECG.");
    assert_eq!(row["turns"].as_array().unwrap().len(), 2);
    let rejected = get(&app, "/api/row?id=d").await;
    assert_eq!(
        (&rejected["rejected"], &rejected["row"]["reason"]),
        (&json!(true), &json!("refused"))
    );
    let (status, _, body) = call(&app, "GET", "/api/row?id=nobody", &[], "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("there is no row nobody"));
    // A run without a journal has no raw responses, and says so.
    assert_eq!(get(&app, "/api/raw?id=00").await, json!({ "raw": null }));
    assert_eq!(get(&app, "/api/progress").await["journal"], false);
}

#[tokio::test]
async fn others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let review = json!({ "id": "b", "reviewer": "x", "decision": "accept" }).to_string();
    let kind = ("content-type", "application/json");
    for host in ["evil.example:8080", "localhost", "localhost:81", "10.0.0.1:8080", ""] {
        let (status, _, _) = call(&app, "GET", "/", &[("host", host)], "").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{host}");
    }
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:81"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let (status, _, _) =
            call(&app, "POST", "/api/review", &[kind, (name, value)], &review).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {value}");
        let (status, _, _) = call(&app, "GET", "/api/search", &[(name, value)], "").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(get(&app, "/api/agreement").await["reviewers"], json!({}));
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        let origin = format!("http://{host}");
        let own = [("host", host), ("origin", &origin), ("sec-fetch-site", "same-origin"), kind];
        let (status, headers, _) = call(&app, "POST", "/api/review", &own, &review).await;
        assert_eq!(status, StatusCode::OK, "{host}");
        let policy = headers.iter().find(|(n, _)| n == "content-security-policy").unwrap();
        assert!(policy.1.contains("default-src 'none'") && !policy.1.contains("unsafe"));
    }
    let address = "0.0.0.0:0".parse().unwrap();
    let refused = serve(dir.path(), address, facts(), |_| {}, async {}).await;
    assert!(matches!(refused, Err(Error::NotLoopback(_))));
}

#[tokio::test]
async fn reviews_are_kept_and_feed_back() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let add = async |id: &str, who: &str, what: &str, scores: Value| {
        let body = json!({ "id": id, "reviewer": who, "decision": what, "comment": "c", "scores": scores });
        call(
            &app,
            "POST",
            "/api/review",
            &[("content-type", "application/json")],
            &body.to_string(),
        )
        .await
    };
    for (id, who, what) in [
        ("a.s1", "Ann", "accept"),
        ("a.s1", "Bo", "accept"),
        ("b", "Ann", "accept"),
        ("b", "Bo", "reject"),
        ("c", "Ann", "reject"),
        ("c", "Ann", "accept"),
        ("c", "Bo", "unsure"),
    ] {
        assert_eq!(add(id, who, what, json!({ "safe": 4 })).await.0, StatusCode::OK);
    }
    for (id, who, what, scores) in [
        ("a.s1", " ", "accept", json!({})),
        ("nobody", "Ann", "accept", json!({})),
        ("a.s1", "Ann", "accept", json!({ "safe": 6 })),
    ] {
        assert_eq!(add(id, who, what, scores).await.0, StatusCode::BAD_REQUEST, "{id} {who}");
    }
    assert!(add("a.s1", "Ann", "maybe", json!({})).await.0.is_client_error());
    // What was decided last counts; one rejection is enough.
    let mut accepted: Vec<String> =
        Reviews::open(&reviews_path(dir.path())).unwrap().accepted().unwrap().into_iter().collect();
    accepted.sort();
    assert_eq!(accepted, ["a.s1", "c"]);
    let agreement = get(&app, "/api/agreement").await;
    assert_eq!(agreement["reviewers"], json!({ "Ann": 3, "Bo": 3 }));
    assert_eq!(agreement["pairs"][0][2], 3);
    // Ann accepts always, so that chance agrees as often as they do.
    assert_eq!(agreement["pairs"][0][3], 0.0);
    let (_, _, lines) = call(&app, "GET", "/api/reviews.jsonl", &[], "").await;
    assert_eq!(lines.lines().count(), 7);
    assert_eq!(ids(&get(&app, "/api/search?reviewer=Ann").await), ["a.s2", "d"]);
}

#[test]
fn two_reviewers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = reviews_path(dir.path());
    let each = 60;
    // All begin the file at the same instant.
    let begin = std::sync::Barrier::new(3);
    std::thread::scope(|scope| {
        for who in ["Ann", "Bo", "Cy"] {
            let (path, begin) = (path.clone(), &begin);
            scope.spawn(move || {
                begin.wait();
                let reviews = Reviews::open(&path).unwrap();
                for n in 0..each {
                    let review = Review {
                        id: format!("{n}"),
                        reviewer: who.into(),
                        decision: Decision::Accept,
                        comment: String::new(),
                        scores: BTreeMap::new(),
                        at: 0,
                    };
                    reviews.add(&review).unwrap();
                }
            });
        }
    });
    let all = Reviews::open(&path).unwrap().all(None).unwrap();
    assert_eq!(all.len(), 3 * each);
    assert!(all.iter().all(|r| r.at > 1_700_000_000));
}

#[test]
fn an_index_is_made_anew_where_files_changed_or_it_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path());
    let total = || Index::open(dir.path()).unwrap().search(&Query::default()).unwrap().total;
    assert_eq!(total(), 5);
    std::thread::sleep(Duration::from_millis(20));
    let file = dir.path().join("conversations/small.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.lines().next().unwrap()).unwrap();
    assert_eq!(total(), 2);
    fs::write(dir.path().join("viewer/index.sqlite"), "no data base").unwrap();
    assert_eq!(total(), 2);
    fs::write(&file, "{}\n").unwrap();
    let told = Index::open(dir.path()).unwrap_err().to_string();
    assert!(told.contains("small.jsonl, line 1"), "{told}");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Index::open(empty.path()), Err(Error::Nothing(_))));
}
