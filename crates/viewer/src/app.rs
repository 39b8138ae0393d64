//! The routes, and who may use them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query as Params, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clinstruct_quality::dataset::metrics::Facts;
use serde::Deserialize;
use serde_json::json;

use crate::detail;
use crate::index::{Index, Query};
use crate::reviews::{Review, Reviews};
use crate::{Error, Result, reviews_path};

const PAGE: &str = include_str!("../assets/index.html");
const SCRIPT: &str = include_str!("../assets/app.js");
const STYLE: &str = include_str!("../assets/style.css");
/// Nothing from anywhere else, and no script in the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Most bytes of a review.
const LARGEST: usize = 64 * 1024;

struct Shared {
    run: PathBuf,
    facts: Facts,
    port: u16,
    index: Mutex<Index>,
    reviews: Mutex<Reviews>,
}

type App = Arc<Shared>;

/// The application for the run in `run`, that is reached at `port` of this machine.
///
/// # Errors
/// No rows, or an index or reviews that cannot be written.
pub fn router(run: &Path, port: u16, facts: Facts) -> Result<Router> {
    let home = if run.is_file() { run.parent().unwrap_or(Path::new(".")) } else { run };
    let app = Arc::new(Shared {
        run: home.to_owned(),
        facts,
        port,
        index: Mutex::new(Index::open(run)?),
        reviews: Mutex::new(Reviews::open(&reviews_path(home))?),
    });
    Ok(Router::new()
        .route("/", get(async || asset(PAGE, "text/html; charset=utf-8")))
        .route("/app.js", get(async || asset(SCRIPT, "text/javascript; charset=utf-8")))
        .route("/style.css", get(async || asset(STYLE, "text/css; charset=utf-8")))
        .route("/api/summary", get(summary))
        .route("/api/progress", get(progress))
        .route("/api/search", get(search))
        .route("/api/row", get(row))
        .route("/api/raw", get(raw))
        .route("/api/review", post(review))
        .route("/api/reviews.jsonl", get(reviews))
        .route("/api/agreement", get(agreement))
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app))
}

fn asset(text: &'static str, kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Answers only to this machine's own names, so that a page elsewhere that makes a name lead here gets nothing;
/// and takes what changes something only from its own pages.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{}", app.port));
    let named = |headers: &HeaderMap, name| {
        headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).map(str::to_owned)
    };
    let headers = request.headers();
    let host = named(headers, header::HOST.as_str()).unwrap_or_default();
    if !own.contains(&host) {
        return refused("this application answers to localhost only");
    }
    let site = named(headers, "sec-fetch-site");
    let origin = named(headers, header::ORIGIN.as_str());
    let foreign = origin.is_some_and(|o| o != format!("http://{host}"))
        || site.is_some_and(|s| !matches!(s.as_str(), "same-origin" | "none"));
    if foreign && (request.method() != Method::GET || request.uri().path().starts_with("/api/")) {
        return refused("this application answers to its own pages only");
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refused(why: &'static str) -> Response {
    (StatusCode::FORBIDDEN, why).into_response()
}

/// Runs what reads files or data bases where it holds up nobody.
async fn blocking<T: IntoResponse + Send + 'static>(
    app: App,
    make: impl FnOnce(&Shared) -> Result<T> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(move || make(&app)).await {
        Ok(Ok(response)) => response.into_response(),
        Ok(Err(e)) => problem(&e),
        Err(e) => {
            let told = json!({ "error": e.to_string() });
            (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(told)).into_response()
        }
    }
}

fn problem(e: &Error) -> Response {
    let status = match e {
        Error::Review(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let cause = std::error::Error::source(e).map_or_else(String::new, |c| format!(": {c}"));
    (status, axum::Json(json!({ "error": format!("{e}{cause}") }))).into_response()
}

fn index(app: &Shared) -> std::sync::MutexGuard<'_, Index> {
    app.index.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kept(app: &Shared) -> std::sync::MutexGuard<'_, Reviews> {
    app.reviews.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn summary(State(app): State<App>) -> Response {
    blocking(app, |app| {
        let text = std::fs::read_to_string(app.run.join("summary.json")).unwrap_or_default();
        let summary: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(axum::Json(json!({ "run": app.run.display().to_string(), "summary": summary })))
    })
    .await
}

async fn progress(State(app): State<App>) -> Response {
    blocking(app, |app| Ok(axum::Json(detail::progress(&app.run)))).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    /// `facet:value`, one a line.
    facets: String,
    order: String,
    seed: u64,
    page: usize,
    /// Leaves out what this reviewer has seen.
    reviewer: String,
}

async fn search(State(app): State<App>, Params(asked): Params<Search>) -> Response {
    blocking(app, move |app| {
        let facets = asked.facets.lines().filter_map(|l| l.split_once(':'));
        let facets = facets.map(|(f, v)| (f.to_owned(), v.to_owned())).collect();
        let mut without = Vec::new();
        if !asked.reviewer.is_empty() {
            let all = kept(app).decisions()?;
            let seen = all.into_iter().filter(|(_, by)| by.contains_key(&asked.reviewer));
            without = seen.map(|(id, _)| id).collect();
        }
        let (text, order, seed, page) = (asked.q, asked.order, asked.seed, asked.page);
        let query = Query { text, facets, order, seed, page, without };
        Ok(axum::Json(index(app).search(&query)?))
    })
    .await
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

async fn row(State(app): State<App>, Params(asked): Params<Id>) -> Response {
    blocking(app, move |app| {
        let row = detail::row(&index(app), &kept(app), &app.facts, &asked.id)?;
        Ok(match row {
            Some(row) => axum::Json(row).into_response(),
            None => {
                let told = json!({ "error": format!("there is no row {}", asked.id) });
                (StatusCode::NOT_FOUND, axum::Json(told)).into_response()
            }
        })
    })
    .await
}

async fn raw(State(app): State<App>, Params(asked): Params<Id>) -> Response {
    blocking(app, move |app| {
        let raw = detail::raw(&app.run, &asked.id);
        Ok(axum::Json(json!({ "raw": raw })))
    })
    .await
}

async fn review(State(app): State<App>, axum::Json(review): axum::Json<Review>) -> Response {
    blocking(app, move |app| {
        if index(app).place(&review.id)?.is_none() {
            return Err(Error::Review(format!("there is no row {}", review.id)));
        }
        let reviews = kept(app);
        reviews.add(&review)?;
        Ok(axum::Json(json!({ "reviews": reviews.all(Some(&review.id))? })))
    })
    .await
}

async fn reviews(State(app): State<App>) -> Response {
    blocking(app, |app| {
        let lines: Vec<String> = kept(app)
            .all(None)?
            .iter()
            .map(|r| serde_json::to_string(r).unwrap_or_default() + "\n")
            .collect();
        let kind = [(header::CONTENT_TYPE, "application/jsonl; charset=utf-8")];
        Ok((kind, lines.concat()))
    })
    .await
}

async fn agreement(State(app): State<App>) -> Response {
    blocking(app, |app| Ok(axum::Json(json!(kept(app).agreement()?)))).await
}
