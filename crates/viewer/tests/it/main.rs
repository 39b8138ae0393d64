//! The application from outside, over a small run.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod database;
mod reviews;

use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use clinstruct_curate::metrics::Facts;
use clinstruct_testkit::conversation as row;
use clinstruct_viewer::{Error, Index, Query, router, serve};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const SCRIPT: &str = "<script>document.title='taken'</script>";

/// A run of three rows, one of them with a script in its answer, and one rejected row.
fn run(dir: &Path) {
    let rows = [
        row("a.s1", &["Chest pain since noon?", "Take an ECG."], &[]),
        row("b", &["Cough, and pain in the chest?", &format!("{SCRIPT} Rest.")], &["Be brief."]),
        row("c", &["Fièvre depuis hier?", "Repos."], &[]),
    ];
    let mut variant = row("a.s2", &["Chest pain since noon?", "Look at the ECG."], &[]);
    variant["attributes"]["base"] = json!("a.s1");
    let lines: Vec<String> = rows.iter().chain([&variant]).map(ToString::to_string).collect();
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
    // Word prefixes, ignoring accents, and characters that are operators in FTS5.
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
async fn a_dropped_row_is_shown_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path());
    let line = |id: &str| {
        let dropped =
            json!({ "pass": "near_duplicates", "reason": "near_duplicate", "detail": "repeats b" });
        let dropped = if id == "c" { dropped } else { json!(null) };
        json!({ "id": id, "dropped": dropped, "schema_version": 2 }).to_string()
    };
    let lines = ["a.s1", "b", "c", "a.s2"].map(line).join("\n");
    fs::create_dir(dir.path().join("annotations")).unwrap();
    let path = dir.path().join("annotations/small.jsonl");
    fs::write(&path, lines).unwrap();
    let app = router(dir.path(), 8080, facts()).unwrap();
    let all = get(&app, "/api/search").await;
    assert_eq!(
        all["facets"]["status"],
        json!([["in dataset", 3], ["dropped: near_duplicate", 1], ["refused", 1]])
    );
    let chosen = get(&app, "/api/search?facets=status%3Adropped%3A%20near_duplicate").await;
    assert_eq!(ids(&chosen), ["c"]);
    let row = get(&app, "/api/row?id=c").await;
    assert_eq!(row["dropped"]["detail"], "repeats b");
    assert_eq!(row["row"]["messages"][1]["content"], "Repos.");
    assert_eq!(get(&app, "/api/row?id=b").await["dropped"], json!(null));
    // Changed annotations are read again.
    fs::remove_file(&path).unwrap();
    assert_eq!(get(&app, "/api/row?id=c").await["dropped"], json!(null));
}

/// The rows reached by stepping from `first`.
async fn steps(app: &Router, query: &str, first: &str, way: &str) -> Vec<String> {
    let (mut all, mut at) = (Vec::new(), first.to_owned());
    loop {
        let near = get(app, &format!("/api/neighbors?id={at}&{query}")).await;
        let Some(next) = near[way].as_str() else { return all };
        at = next.to_owned();
        all.push(at.clone());
    }
}

#[tokio::test]
async fn steps_lead_through_the_whole_list() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path());
    // More than two pages, some of them with many attempts.
    let rows = (0..130).map(|n| {
        let word = if n % 3 == 0 { "fever" } else { "cough" };
        let mut row = row(&format!("r{n}"), &[word, "Rest."], &[]);
        row["provenance"]["turns"][1]["attempts"] = json!(1 + n % 4);
        row.to_string() + "\n"
    });
    fs::write(dir.path().join("conversations/many.jsonl"), rows.collect::<String>()).unwrap();
    let app = router(dir.path(), 8080, facts()).unwrap();
    for query in [
        "order=plan",
        "order=random&seed=1",
        "order=random&seed=18446744073709551615",
        "order=trouble",
        "order=random&seed=2&q=fever",
        "order=trouble&facets=status%3Arefused%0Astatus%3Ain%20dataset",
    ] {
        let mut listed = Vec::new();
        for page in 0.. {
            let found = get(&app, &format!("/api/search?page={page}&{query}")).await;
            if ids(&found).is_empty() {
                assert_eq!(found["total"], listed.len(), "{query}");
                break;
            }
            listed.extend(ids(&found).into_iter().map(str::to_owned));
        }
        let (first, last) = (&listed[0], &listed[listed.len() - 1]);
        assert_eq!(steps(&app, query, first, "next").await, listed[1..], "{query}");
        let back: Vec<String> = listed.iter().rev().skip(1).cloned().collect();
        assert_eq!(steps(&app, query, last, "previous").await, back, "{query}");
        let at = listed.len() - 2;
        let near = get(&app, &format!("/api/neighbors?id={}&{query}", listed[at])).await;
        assert_eq!((&near["position"], &near["page"]), (&json!(at), &json!(at / 50)), "{query}");
    }
    // A row that the search excludes still has its place in the order.
    let near = get(&app, "/api/neighbors?id=r1&q=fever").await;
    assert_eq!((&near["previous"], &near["next"]), (&json!("r0"), &json!("r3")));
    let (status, _, _) = call(&app, "GET", "/api/neighbors?id=nobody", &[], "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rows_of_a_grammar_are_marked_without_a_summary_too() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    assert_eq!(get(&app, "/api/summary").await["rehearsal"], true);
    let file = dir.path().join("conversations/small.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"rehearsal\":true", "\"rehearsal\":false")).unwrap();
    assert_eq!(get(&app, "/api/summary").await["rehearsal"], false);
    let summary = json!({
        "schema_version": 2, "backend": "rehearsal", "model": "rehearsal", "rehearsal": true, "seed": 1,
        "resources": "", "parts": [], "requests_answered": 0, "counts_add_up": true,
    });
    fs::write(dir.path().join("summary.json"), summary.to_string()).unwrap();
    assert_eq!(get(&app, "/api/summary").await["rehearsal"], true);
}

#[tokio::test]
async fn a_row_comes_with_all_that_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let row = get(&app, "/api/row?id=a.s1").await;
    assert_eq!(row["variants"], json!(["a.s2"]));
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
    let (_, _, page) = call(&app, "GET", "/", &[], "").await;
    assert!(page.contains("src=\"/app.js\""));
    for script in ["app", "dom", "drafts", "place", "review"] {
        let (status, headers, text) = call(&app, "GET", &format!("/{script}.js"), &[], "").await;
        assert!(status == StatusCode::OK && !text.is_empty(), "{script}");
        assert!(
            headers.contains(&("content-type".into(), "text/javascript; charset=utf-8".into()))
        );
    }
    // A run without a journal has no raw responses, and says so.
    assert_eq!(get(&app, "/api/raw?id=00").await, json!({ "raw": null }));
    assert_eq!(get(&app, "/api/progress").await["journal"], false);
}

#[tokio::test]
async fn others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let text = get(&app, "/api/row?id=b").await["text_hash"].clone();
    let review =
        json!({ "id": "b", "reviewer": "x", "decision": "accept", "text_hash": text }).to_string();
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
    // A running viewer notices it too, and keeps its index if it cannot read the new rows.
    let mut open = Index::open(dir.path()).unwrap();
    fs::write(&file, &text).unwrap();
    open.refresh().unwrap();
    assert_eq!(open.search(&Query::default()).unwrap().total, 5);
    fs::write(&file, "{}\n").unwrap();
    let told = Index::open(dir.path()).unwrap_err().to_string();
    assert!(told.contains("small.jsonl, line 1"), "{told}");
    assert!(open.refresh().is_err());
    assert_eq!(open.search(&Query::default()).unwrap().total, 5);
    // A failed build leaves no files.
    let left = fs::read_dir(dir.path().join("viewer")).unwrap();
    let left: Vec<_> = left.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| name == "index.sqlite"), "{left:?}");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Index::open(empty.path()), Err(Error::Nothing(_))));
}
