//! Uploads to a hub on loopback that records its requests.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Part, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use base64::Engine as _;
use clinstruct_batch_client::{Error, ErrorKind};
use clinstruct_provider_http::{Auth, Client, Secret};
use clinstruct_publish::{Published, Target, entries, publish};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const KEY: &str = "hf_secretsecret0123";
/// Files from this size on are large.
const LARGE: u64 = 100;

#[derive(Debug, Default)]
struct Memory {
    address: String,
    made: bool,
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<(String, u64), Vec<u8>>,
    verified: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
    commits: usize,
    puts: usize,
    /// Part size for large files, if set.
    part: Option<u64>,
    /// Calls that fail from now on.
    failing: usize,
    /// Uploads of objects with this suffix always fail.
    broken: Option<String>,
    key_went_to_the_store: bool,
}

type Shared = Arc<Mutex<Memory>>;

fn authorised(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|v| v == format!("Bearer {KEY}").as_str())
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let nibbles = digest.iter().flat_map(|b| [b >> 4, b & 15]);
    nibbles.filter_map(|n| char::from_digit(n.into(), 16)).collect()
}

/// Prefix of every call to the hub itself.
fn gate(memory: &mut Memory, headers: &HeaderMap) -> Option<Response> {
    if memory.failing > 0 {
        memory.failing -= 1;
        return Some((StatusCode::BAD_GATEWAY, "not now").into_response());
    }
    if !authorised(headers) {
        let told = format!("Invalid username or password, {KEY}");
        return Some((StatusCode::UNAUTHORIZED, told).into_response());
    }
    None
}

async fn create(State(hub): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = gate(&mut memory, &headers) {
        return no;
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&asked["type"], &asked["name"]), (&json!("dataset"), &json!("small")));
    assert_eq!(asked["organization"], "us");
    if memory.made {
        return (StatusCode::CONFLICT, "You already created this dataset repo").into_response();
    }
    memory.made = true;
    axum::Json(json!({ "url": "there" })).into_response()
}

async fn preupload(State(hub): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(no) = gate(&mut hub.lock().unwrap(), &headers) {
        return no;
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let files: Vec<Value> = asked["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let large = f["size"].as_u64().unwrap() >= LARGE;
            let mode = if large { "lfs" } else { "regular" };
            json!({ "path": f["path"], "uploadMode": mode, "shouldIgnore": false })
        })
        .collect();
    axum::Json(json!({ "files": files })).into_response()
}

async fn batch(State(hub): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = gate(&mut memory, &headers) {
        return no;
    }
    assert_eq!(headers["accept"], "application/vnd.git-lfs+json");
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let objects: Vec<Value> = asked["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| {
            let (oid, size) = (o["oid"].as_str().unwrap(), o["size"].as_u64().unwrap());
            if memory.objects.contains_key(oid) {
                return json!({ "oid": oid, "size": size });
            }
            let address = &memory.address;
            let upload = match memory.part {
                None => json!({ "href": format!("{address}/store/{oid}") }),
                Some(part) => {
                    let mut header = json!({ "chunk_size": part.to_string() });
                    for n in 1..=size.div_ceil(part) {
                        header[format!("{n:05}")] = json!(format!("{address}/store/{oid}/{n}"));
                    }
                    json!({ "href": format!("{address}/hub/whole/{oid}"), "header": header })
                }
            };
            let verify = json!({ "href": format!("{address}/hub/verify") });
            json!({ "oid": oid, "size": size, "actions": { "upload": upload, "verify": verify } })
        })
        .collect();
    axum::Json(json!({ "objects": objects })).into_response()
}

fn store_gate(memory: &mut Memory, headers: &HeaderMap, oid: &str) -> Option<Response> {
    memory.key_went_to_the_store |= headers.contains_key("authorization");
    memory.puts += 1;
    let broken = memory.broken.as_ref().is_some_and(|b| b == oid);
    broken.then(|| (StatusCode::SERVICE_UNAVAILABLE, "slow down").into_response())
}

async fn store(
    State(hub): State<Shared>,
    Part(oid): Part<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = store_gate(&mut memory, &headers, &oid) {
        return no;
    }
    assert_eq!(hex(&body), oid);
    memory.objects.insert(oid, body.to_vec());
    StatusCode::OK.into_response()
}

async fn store_part(
    State(hub): State<Shared>,
    Part((oid, number)): Part<(String, u64)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = store_gate(&mut memory, &headers, &oid) {
        return no;
    }
    memory.parts.insert((oid, number), body.to_vec());
    ([("etag", format!("\"part {number}\""))], "").into_response()
}

async fn put_together(
    State(hub): State<Shared>,
    Part(oid): Part<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = gate(&mut memory, &headers) {
        return no;
    }
    let told: Value = serde_json::from_slice(&body).unwrap();
    let mut all = Vec::new();
    for part in told["parts"].as_array().unwrap() {
        let number = part["partNumber"].as_u64().unwrap();
        assert_eq!(part["etag"], format!("\"part {number}\""));
        all.extend(&memory.parts[&(oid.clone(), number)]);
    }
    assert_eq!(hex(&all), oid);
    memory.objects.insert(oid, all);
    axum::Json(json!({})).into_response()
}

async fn verify(State(hub): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = gate(&mut memory, &headers) {
        return no;
    }
    let told: Value = serde_json::from_slice(&body).unwrap();
    let oid = told["oid"].as_str().unwrap();
    assert_eq!(memory.objects[oid].len() as u64, told["size"].as_u64().unwrap());
    memory.verified.push(oid.to_owned());
    StatusCode::OK.into_response()
}

async fn tree(State(hub): State<Shared>, headers: HeaderMap) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = gate(&mut memory, &headers) {
        return no;
    }
    if memory.commits == 0 {
        return StatusCode::NOT_FOUND.into_response();
    }
    let items: Vec<Value> =
        memory.files.keys().map(|p| json!({ "type": "file", "path": p, "size": 1 })).collect();
    axum::Json(items).into_response()
}

async fn commit(State(hub): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let mut memory = hub.lock().unwrap();
    if let Some(no) = gate(&mut memory, &headers) {
        return no;
    }
    for line in body.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (key, value) = (line["key"].as_str().unwrap(), &line["value"]);
        let path = || value["path"].as_str().unwrap().to_owned();
        match key {
            "header" => assert_eq!(value["summary"], "a commit"),
            "file" => {
                let content = value["content"].as_str().unwrap();
                let bytes = base64::engine::general_purpose::STANDARD.decode(content).unwrap();
                memory.files.insert(path(), bytes);
            }
            "lfsFile" => {
                let bytes = memory.objects[value["oid"].as_str().unwrap()].clone();
                memory.files.insert(path(), bytes);
            }
            "deletedFile" => drop(memory.files.remove(&path()).unwrap()),
            other => unreachable!("{other}"),
        }
    }
    memory.commits += 1;
    axum::Json(json!({ "commitUrl": "https://hub/commit/1" })).into_response()
}

async fn serve() -> Shared {
    let hub = Shared::default();
    let app = Router::new()
        .route("/api/repos/create", post(create))
        .route("/api/datasets/us/small/preupload/main", post(preupload))
        .route("/datasets/us/small.git/info/lfs/objects/batch", post(batch))
        .route("/store/{oid}", put(store))
        .route("/store/{oid}/{number}", put(store_part))
        .route("/hub/whole/{oid}", post(put_together))
        .route("/hub/verify", post(verify))
        .route("/api/datasets/us/small/tree/main", get(tree))
        .route("/api/datasets/us/small/commit/main", post(commit))
        .with_state(Arc::clone(&hub));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    hub.lock().unwrap().address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    hub
}

fn file(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A folder of a small file and large ones, with its checksums.
fn folder(dir: &Path, shards: &[(&str, usize)]) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    all.insert("README.md".to_owned(), b"# small".to_vec());
    for (name, size) in shards {
        let bytes: Vec<u8> = (0..*size).map(|i| (i * 7 + size) as u8).collect();
        all.insert(format!("data/part/{name}"), bytes);
    }
    let sums: Vec<String> = all.iter().map(|(n, b)| format!("{}  {n}\n", hex(b))).collect();
    all.insert("SHA256SUMS".to_owned(), sums.concat().into_bytes());
    let _ = fs::remove_dir_all(dir.join("data"));
    for (name, bytes) in &all {
        file(dir, name, bytes);
    }
    all
}

async fn upload(hub: &Shared, dir: &Path, key: &str) -> Result<Published, Error> {
    let address = hub.lock().unwrap().address.clone();
    let client = Client::new(&address, Some(Secret::new(key)), Auth::Bearer, &[]).unwrap();
    let target = Target {
        repository: "us/small".into(),
        revision: "main".into(),
        private: true,
        message: "a commit".into(),
        pause: Duration::from_millis(1),
    };
    publish(&client, &target, &entries(dir)?, |_| {}).await
}

#[tokio::test]
async fn a_folder_comes_to_the_hub_as_it_is_and_is_not_sent_twice() {
    let (hub, dir) = (serve().await, tempfile::tempdir().unwrap());
    let all = folder(dir.path(), &[("a.parquet", 500), ("b.parquet", 900), ("same.parquet", 500)]);
    let done = upload(&hub, dir.path(), KEY).await.unwrap();
    assert_eq!((done.files, done.there, done.removed), (5, 0, 0));
    assert_eq!(done.commit, "https://hub/commit/1");
    {
        let memory = hub.lock().unwrap();
        assert_eq!(memory.files, all);
        // Two files with the same bytes are one object.
        assert_eq!(
            (done.sent, memory.objects.len()),
            (memory.verified.len(), memory.verified.len())
        );
        assert!(!memory.key_went_to_the_store);
    }
    // A removed shard is deleted from the hub; existing files are not sent again.
    let puts = hub.lock().unwrap().puts;
    let all = folder(dir.path(), &[("a.parquet", 500)]);
    let done = upload(&hub, dir.path(), KEY).await.unwrap();
    let memory = hub.lock().unwrap();
    assert_eq!(memory.files, all);
    // Only the checksum list differs.
    assert_eq!((done.removed, done.sent, memory.puts - puts), (2, 1, 1));
}

#[tokio::test]
async fn parts_are_put_together() {
    let (hub, dir) = (serve().await, tempfile::tempdir().unwrap());
    hub.lock().unwrap().part = Some(300);
    let all = folder(dir.path(), &[("a.parquet", 1000), ("b.parquet", 600)]);
    upload(&hub, dir.path(), KEY).await.unwrap();
    let memory = hub.lock().unwrap();
    assert_eq!(memory.files, all);
    assert_eq!(memory.puts, 4 + 2 + usize::from(all["SHA256SUMS"].len() as u64 >= LARGE));
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on() {
    let (hub, dir) = (serve().await, tempfile::tempdir().unwrap());
    let all = folder(dir.path(), &[("a.parquet", 500), ("b.parquet", 900)]);
    let last = hex(&all["data/part/b.parquet"]);
    hub.lock().unwrap().broken = Some(last);
    let e = upload(&hub, dir.path(), KEY).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unavailable);
    assert_eq!(hub.lock().unwrap().commits, 0, "half an upload is to be seen");
    // The hub recovers after some calls.
    hub.lock().unwrap().broken = None;
    hub.lock().unwrap().failing = 3;
    let puts = hub.lock().unwrap().puts;
    let done = upload(&hub, dir.path(), KEY).await.unwrap();
    assert!(done.there >= 1);
    let memory = hub.lock().unwrap();
    assert_eq!((memory.files.clone(), memory.puts - puts), (all, done.sent));
}

#[tokio::test]
async fn a_wrong_key_is_one_error_that_does_not_tell_it() {
    let (hub, dir) = (serve().await, tempfile::tempdir().unwrap());
    folder(dir.path(), &[("a.parquet", 500)]);
    let e = upload(&hub, dir.path(), "hf_wrong").await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unauthorised);
    assert!(!format!("{e} {e:?}").contains("hf_wrong"));
    assert!(!hub.lock().unwrap().made);
}

#[tokio::test]
async fn a_folder_that_was_changed_is_not_sent() {
    let (hub, dir) = (serve().await, tempfile::tempdir().unwrap());
    folder(dir.path(), &[("a.parquet", 500)]);
    file(dir.path(), "data/part/a.parquet", b"other");
    let changed = upload(&hub, dir.path(), KEY).await.unwrap_err().to_string();
    assert!(changed.contains("data/part/a.parquet has changed"), "{changed}");
    folder(dir.path(), &[("a.parquet", 500)]);
    file(dir.path(), "data/part/old.parquet", b"old");
    let stray = upload(&hub, dir.path(), KEY).await.unwrap_err().to_string();
    assert!(stray.contains("old.parquet is not in the list"), "{stray}");
    fs::remove_file(dir.path().join("data/part/old.parquet")).unwrap();
    fs::remove_file(dir.path().join("README.md")).unwrap();
    let missing = upload(&hub, dir.path(), KEY).await.unwrap_err().to_string();
    assert!(missing.contains("README.md is missing"), "{missing}");
    assert!(!hub.lock().unwrap().made);
}
