//! The routes, and access control.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Query as Params, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clinstruct_curate::metrics::Facts;
use clinstruct_schema::Summary;
use clinstruct_schema::summary::Metrics;
use serde::Deserialize;
use serde_json::json;

use crate::detail;
use crate::index::{Index, Query};
use crate::matching::{MatchedReviews, TextStatus};
use crate::review::Review;
use crate::reviews::Reviews;
use crate::text::{TextHash, Texts};
use crate::{Error, Result, reviews_path};

const PAGE: &str = include_str!("../assets/index.html");
const STYLE: &str = include_str!("../assets/style.css");
/// The script, by module.
const SCRIPTS: [(&str, &str); 5] = [
    ("/app.js", include_str!("../assets/app.js")),
    ("/dom.js", include_str!("../assets/dom.js")),
    ("/drafts.js", include_str!("../assets/drafts.js")),
    ("/place.js", include_str!("../assets/place.js")),
    ("/review.js", include_str!("../assets/review.js")),
];
/// No foreign sources, and no inline script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Maximum size of a review in bytes.
const LARGEST: usize = 64 * 1024;
/// Most rows listed whose reviews do not count.
const MOST_ROWS: usize = 100;

struct Shared {
    run: PathBuf,
    facts: Facts,
    port: u16,
    index: Mutex<Index>,
    reviews: Mutex<Reviews>,
}

type App = Arc<Shared>;

/// The application for the run in `run`, served at `port` of this machine.
///
/// # Errors
/// No rows, or an index or reviews that cannot be written.
pub fn router(run: &Path, port: u16, facts: Facts) -> Result<Router> {
    let home = if run.is_file() { run.parent().unwrap_or(Path::new(".")) } else { run };
    let app = Arc::new(Shared {
        // Canonical, however it was given: the browser stores drafts under it.
        run: home.canonicalize().unwrap_or_else(|_| home.to_owned()),
        facts,
        port,
        index: Mutex::new(Index::open(run)?),
        reviews: Mutex::new(Reviews::open(&reviews_path(home))?),
    });
    let scripts = SCRIPTS.into_iter().fold(Router::new(), |router, (path, text)| {
        router.route(path, get(async || asset(text, "text/javascript; charset=utf-8")))
    });
    Ok(scripts
        .route("/", get(async || asset(PAGE, "text/html; charset=utf-8")))
        .route("/style.css", get(async || asset(STYLE, "text/css; charset=utf-8")))
        .route("/api/summary", get(summary))
        .route("/api/progress", get(progress))
        .route("/api/search", get(search))
        .route("/api/neighbors", get(neighbors))
        .route("/api/row", get(row))
        .route("/api/raw", get(raw))
        .route("/api/review", post(review))
        .route("/api/reviews.jsonl", get(reviews))
        .route("/api/reviews/confirm", post(confirm))
        .route("/api/agreement", get(agreement))
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app))
}

fn asset(text: &'static str, kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Accepts only this machine's own host names, so that a foreign page whose name resolves to it gets nothing; and
/// accepts changes only from its own pages.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{}", app.port));
    let named = |headers: &HeaderMap, name| {
        headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).map(str::to_owned)
    };
    let headers = request.headers();
    let host = named(headers, header::HOST.as_str()).unwrap_or_default();
    if !own.contains(&host) {
        return refused("this application serves localhost only");
    }
    let site = named(headers, "sec-fetch-site");
    let origin = named(headers, header::ORIGIN.as_str());
    let foreign = origin.is_some_and(|o| o != format!("http://{host}"))
        || site.is_some_and(|s| !matches!(s.as_str(), "same-origin" | "none"));
    if foreign && (request.method() != Method::GET || request.uri().path().starts_with("/api/")) {
        return refused("this application accepts requests from its own pages only");
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

/// Runs blocking work on files or databases on another thread.
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
    let (status, code) = match e {
        Error::Review(_) => (StatusCode::BAD_REQUEST, "review"),
        Error::NoRow(_) => (StatusCode::NOT_FOUND, "no_row"),
        Error::TextChanged { .. } => (StatusCode::CONFLICT, "text_changed"),
        Error::Rebuilding(_) => (StatusCode::SERVICE_UNAVAILABLE, "rebuilding"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    };
    let cause = std::error::Error::source(e).map_or_else(String::new, |c| format!(": {c}"));
    (status, axum::Json(json!({ "error": format!("{e}{cause}"), "code": code }))).into_response()
}

/// The index; code that also needs the reviews locks them second.
fn index(app: &Shared) -> MutexGuard<'_, Index> {
    app.index.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The current index of the run.
fn current(app: &Shared) -> Result<MutexGuard<'_, Index>> {
    let mut index = index(app);
    index.refresh()?;
    Ok(index)
}

fn kept(app: &Shared) -> MutexGuard<'_, Reviews> {
    app.reviews.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All reviews, matched with the current texts of their rows, and these texts.
fn matched(index: &Index, reviews: &Reviews) -> Result<(MatchedReviews, Texts)> {
    let all = reviews.all(None)?;
    let mut ids: Vec<&str> = all.iter().map(|r| r.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let texts = index.texts(&ids)?;
    Ok((MatchedReviews::new(all, &texts), texts))
}

async fn summary(State(app): State<App>) -> Response {
    blocking(app, |app| {
        let text = std::fs::read_to_string(app.run.join("summary.json")).unwrap_or_default();
        let summary = Summary::read(&text).ok();
        // A file of rows has no summary next to it, but its rows have their provenance.
        let rehearsal = summary.as_ref().is_some_and(|s| s.rehearsal) || current(app)?.rehearsal();
        let quality = summary.as_ref().and_then(|s| s.quality.as_ref());
        let metrics = quality.map(|q| &q.metrics);
        let missed = metrics.into_iter().flat_map(Metrics::missed);
        let missed: Vec<String> =
            missed.map(|m| format!("{m}: {}", m.result(|n| n.to_string()))).collect();
        Ok(axum::Json(json!({
            "run": app.run.display().to_string(), "summary": summary, "rehearsal": rehearsal,
            "missed": missed, "verdicts": metrics.map(Metrics::verdicts),
            "not_measured": metrics.map(Metrics::not_measured).unwrap_or_default(),
        })))
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
    /// `facet:value`, one per line.
    facets: String,
    order: String,
    seed: u64,
    page: usize,
    /// Excludes rows whose current text this reviewer has reviewed.
    reviewer: String,
    /// The row whose neighbours are requested.
    id: String,
}

impl Search {
    fn query(self, index: &Index, app: &Shared) -> Result<Query> {
        let facets = self.facets.lines().filter_map(|l| l.split_once(':'));
        let facets = facets.map(|(f, v)| (f.to_owned(), v.to_owned())).collect();
        let without = if self.reviewer.is_empty() {
            Vec::new()
        } else {
            matched(index, &kept(app))?.0.reviewed_by(&self.reviewer)
        };
        let (text, order, seed, page) = (self.q, self.order, self.seed, self.page);
        Ok(Query { text, facets, order, seed, page, without })
    }
}

async fn search(State(app): State<App>, Params(asked): Params<Search>) -> Response {
    blocking(app, move |app| {
        let index = current(app)?;
        let query = asked.query(&index, app)?;
        Ok(axum::Json(index.search(&query)?))
    })
    .await
}

async fn neighbors(State(app): State<App>, Params(asked): Params<Search>) -> Response {
    blocking(app, move |app| {
        let index = current(app)?;
        let id = asked.id.clone();
        let query = asked.query(&index, app)?;
        let found = index.neighbors(&query, &id)?;
        Ok(axum::Json(found.ok_or(Error::NoRow(id))?))
    })
    .await
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

async fn row(State(app): State<App>, Params(asked): Params<Id>) -> Response {
    blocking(app, move |app| {
        let row = detail::row(&mut index(app), &kept(app), &app.facts, &asked.id)?;
        Ok(axum::Json(row.ok_or(Error::NoRow(asked.id))?))
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

/// Saves a review of the displayed text, if the row still has it.
async fn review(State(app): State<App>, axum::Json(review): axum::Json<Review>) -> Response {
    blocking(app, move |app| {
        let Some(reviewed) = &review.text_hash else {
            let why = "the review does not identify its text: reload the page";
            return Err(Error::Review(why.to_owned()));
        };
        let row = index(app).row(&review.id)?.ok_or_else(|| Error::NoRow(review.id.clone()))?;
        let text = row.text_hash();
        if text != *reviewed {
            let what = format!("the text of {}", review.id);
            return Err(Error::TextChanged { what });
        }
        let reviews = kept(app);
        reviews.add(&review)?;
        Ok(axum::Json(json!({ "reviews": detail::matched(&reviews, &review.id, &text)? })))
    })
    .await
}

async fn reviews(State(app): State<App>) -> Response {
    blocking(app, |app| {
        let index = current(app)?;
        let (matched, _) = matched(&index, &kept(app))?;
        let line = |r| serde_json::to_string(r).unwrap_or_default() + "\n";
        let lines: Vec<String> = matched.all().iter().map(line).collect();
        let kind = [(header::CONTENT_TYPE, "application/jsonl; charset=utf-8")];
        Ok((kind, lines.concat()))
    })
    .await
}

/// The texts that reviews of unknown texts would be confirmed for.
fn unknown_texts(matched: &MatchedReviews, texts: &Texts) -> String {
    let mut hasher = blake3::Hasher::new();
    for id in matched.rows(TextStatus::Unknown) {
        // Neither contains a line break.
        let text = texts.get(id).map_or("", TextHash::as_str);
        hasher.update(format!("{id}\n{text}\n").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

async fn agreement(State(app): State<App>) -> Response {
    blocking(app, |app| {
        let index = current(app)?;
        let (matched, texts) = matched(&index, &kept(app))?;
        let rows = |status| {
            let rows = matched.rows(status).into_iter().take(MOST_ROWS);
            rows.map(str::to_owned).collect::<Vec<String>>()
        };
        let mut all = json!(matched.agreement());
        all["texts"] = json!(matched.counts());
        all["accepted"] = json!(matched.accepted().len());
        all["earlier_rows"] = json!(rows(TextStatus::Earlier));
        all["unknown_rows"] = json!(rows(TextStatus::Unknown));
        all["unknown_texts"] = json!(unknown_texts(&matched, &texts));
        Ok(axum::Json(all))
    })
    .await
}

#[derive(Debug, Deserialize)]
struct Confirm {
    /// The `unknown_texts` from [`agreement`].
    unknown_texts: String,
}

/// Confirms that the reviews of unknown texts are of the current ones, if these have not changed.
async fn confirm(State(app): State<App>, axum::Json(asked): axum::Json<Confirm>) -> Response {
    blocking(app, move |app| {
        let index = current(app)?;
        let mut reviews = kept(app);
        let (matched, texts) = matched(&index, &reviews)?;
        if unknown_texts(&matched, &texts) != asked.unknown_texts {
            let what = "the texts or the reviews of unknown texts".to_owned();
            return Err(Error::TextChanged { what });
        }
        Ok(axum::Json(json!({ "confirmed": reviews.confirm(&texts)? })))
    })
    .await
}
