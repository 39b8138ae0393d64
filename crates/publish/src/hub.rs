//! The client of the hub.

use std::collections::{BTreeMap, BTreeSet};
use std::io::SeekFrom;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clinstruct_batch_client::{Error, ErrorKind, Result};
use clinstruct_provider_http::Client;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::folder::Entry;

/// Attempts of a call before its error is returned.
const TRIES: u32 = 5;
/// Files per query of upload modes; the hub accepts 256.
const AT_ONCE: usize = 256;
/// Most bytes of a part in memory: the hub's part size is of this order.
const LARGEST_PART: u64 = 256 << 20;
/// Media type of Git LFS.
const LFS: &str = "application/vnd.git-lfs+json";

/// Destination of a dataset.
#[derive(Debug, Clone)]
pub struct Target {
    /// `owner/name`.
    pub repository: String,
    /// Branch.
    pub revision: String,
    /// Whether a new repository is private.
    pub private: bool,
    /// First line of the commit.
    pub message: String,
    /// First pause before a retry; later pauses double.
    pub pause: Duration,
}

/// Result of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Files in the commit.
    pub files: usize,
    /// Large files that were uploaded.
    pub sent: usize,
    /// Large files that the hub already had.
    pub there: usize,
    /// Files of an earlier commit that were deleted.
    pub removed: usize,
    /// URL of the commit.
    pub commit: String,
}

#[derive(Debug, Deserialize)]
struct Modes {
    files: Vec<Mode>,
}

#[derive(Debug, Deserialize)]
struct Mode {
    path: String,
    #[serde(rename = "uploadMode")]
    mode: String,
}

#[derive(Debug, Deserialize)]
struct Objects {
    objects: Vec<Object>,
}

#[derive(Debug, Deserialize)]
struct Object {
    oid: String,
    #[serde(default)]
    actions: Actions,
    error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

#[derive(Debug, Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Committed {
    #[serde(rename = "commitUrl", default)]
    url: String,
}

#[derive(Debug, Deserialize)]
struct Item {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Uploads `entries` as one commit, and deletes shards of an earlier one.
///
/// `tell` hears what is being done.
///
/// # Errors
/// The hub refuses, or does not answer after several attempts. Nothing is visible then, and the next call does not
/// upload again what has arrived.
pub async fn publish(
    client: &Client,
    target: &Target,
    entries: &[Entry],
    mut tell: impl FnMut(&str),
) -> Result<Published> {
    let hub = Hub { client, target };
    hub.make_repository().await?;
    let modes = hub.modes(entries).await?;
    let large: Vec<&Entry> =
        entries.iter().filter(|e| e.size > 0 && modes.contains(&e.name)).collect();
    let mut done = Published { files: entries.len(), ..Published::default() };
    for some in large.chunks(AT_ONCE) {
        for (entry, actions) in hub.objects(some).await? {
            match &actions.upload {
                None => done.there += 1,
                Some(upload) => {
                    tell(&format!("sending {} ({} bytes)", entry.name, entry.size));
                    hub.upload(entry, upload, actions.verify.as_ref()).await?;
                    done.sent += 1;
                }
            }
        }
    }
    let old = hub.old(entries).await?;
    done.removed = old.len();
    let large: BTreeSet<&str> = large.iter().map(|e| e.name.as_str()).collect();
    done.commit = hub.commit(entries, &large, &old).await?;
    Ok(done)
}

struct Hub<'a> {
    client: &'a Client,
    target: &'a Target,
}

fn protocol(what: &'static str, seen: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, what, seen)
}

impl Hub<'_> {
    /// Retries a call until it succeeds, its error is permanent, or the attempts are used up.
    async fn call<T, F: Future<Output = Result<T>>>(&self, make: impl Fn() -> F) -> Result<T> {
        let mut pause = self.target.pause;
        for _ in 1..TRIES {
            match make().await {
                Err(e) if e.is_transient() => {
                    tokio::time::sleep(e.retry_after.unwrap_or(pause)).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
        make().await
    }

    async fn make_repository(&self) -> Result<()> {
        let what = "create the repository";
        let name = &self.target.repository;
        let (owner, short) = name.split_once('/').unwrap_or(("", name));
        let mut body = json!({ "type": "dataset", "name": short, "private": self.target.private });
        if !owner.is_empty() {
            body["organization"] = json!(owner);
        }
        self.call(async || {
            let request = self.client.request(Method::POST, "/api/repos/create").json(&body);
            let response = request.send().await.map_err(|e| self.client.broken(what, e))?;
            // An existing repository is fine.
            if response.status().as_u16() == 409 {
                return Ok(());
            }
            accepted(self.client, what, response).await.map(drop)
        })
        .await
    }

    /// Names of the files that use Git LFS.
    async fn modes(&self, entries: &[Entry]) -> Result<BTreeSet<String>> {
        let what = "query upload modes";
        let (repository, revision) = (&self.target.repository, &self.target.revision);
        let path = format!("/api/datasets/{repository}/preupload/{revision}");
        let mut large = BTreeSet::new();
        for some in entries.chunks(AT_ONCE) {
            let files: Vec<Value> = some
                .iter()
                .map(|e| {
                    json!({ "path": e.name, "size": e.size, "sample": STANDARD.encode(&e.sample) })
                })
                .collect();
            let body = json!({ "files": files });
            let modes: Modes = self
                .call(async || {
                    self.client
                        .json(what, self.client.request(Method::POST, &path).json(&body))
                        .await
                })
                .await?;
            large.extend(modes.files.into_iter().filter(|f| f.mode == "lfs").map(|f| f.path));
        }
        Ok(large)
    }

    /// The required action for each large file.
    async fn objects<'e>(&self, entries: &[&'e Entry]) -> Result<Vec<(&'e Entry, Actions)>> {
        let what = "request upload URLs";
        let path = format!("/datasets/{}.git/info/lfs/objects/batch", self.target.repository);
        let objects: Vec<Value> =
            entries.iter().map(|e| json!({ "oid": e.sha256, "size": e.size })).collect();
        let body = json!({
            "operation": "upload", "transfers": ["basic", "multipart"], "objects": objects,
            "hash_algo": "sha256", "ref": { "name": self.target.revision },
        });
        let told: Objects = self
            .call(async || {
                let request = self.client.request(Method::POST, &path);
                let request = request.header("accept", LFS).header("content-type", LFS);
                self.client.json(what, request.body(body.to_string())).await
            })
            .await?;
        let mut by_oid: BTreeMap<String, Object> =
            told.objects.into_iter().map(|o| (o.oid.clone(), o)).collect();
        let mut all = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for entry in entries {
            if !seen.insert(&entry.sha256) {
                // Two files with the same bytes are one object.
                continue;
            }
            let object = by_oid
                .remove(&entry.sha256)
                .ok_or_else(|| protocol(what, format!("no entry for {}", entry.name)))?;
            if let Some(error) = object.error {
                let seen = self.client.shown(&error.to_string());
                return Err(Error::new(
                    ErrorKind::Refused,
                    what,
                    format!("{}: {seen}", entry.name),
                ));
            }
            all.push((*entry, object.actions));
        }
        Ok(all)
    }

    async fn upload(&self, entry: &Entry, to: &Action, verify: Option<&Action>) -> Result<()> {
        match to.header.get("chunk_size") {
            None => self.whole(entry, to).await?,
            Some(size) => self.in_parts(entry, to, size).await?,
        }
        let Some(verify) = verify else { return Ok(()) };
        let what = "verify a large file";
        let body = json!({ "oid": entry.sha256, "size": entry.size });
        self.call(async || {
            let path = self.own(what, &verify.href)?;
            let request = self.client.request(Method::POST, path).json(&body);
            self.client.send(what, request).await.map(drop)
        })
        .await
    }

    /// The path of a URL at the hub itself: the key is sent nowhere else.
    fn own<'h>(&self, what: &'static str, href: &'h str) -> Result<&'h str> {
        let path = href.strip_prefix(self.client.base()).filter(|p| p.starts_with('/'));
        path.ok_or_else(|| protocol(what, "the hub returned a foreign address"))
    }

    async fn whole(&self, entry: &Entry, to: &Action) -> Result<()> {
        let what = "upload a large file";
        self.call(async || {
            let file = std::fs::File::open(&entry.path).map_err(|e| no_file(what, entry, e))?;
            let body = clinstruct_provider_http::file_body(file);
            let mut request = stranger()?.put(&to.href).header("content-length", entry.size);
            for (name, value) in &to.header {
                if let Some(value) = value.as_str() {
                    request = request.header(name, value);
                }
            }
            let response =
                request.body(body).send().await.map_err(|e| self.client.broken(what, e))?;
            accepted(self.client, what, response).await.map(drop)
        })
        .await
    }

    async fn in_parts(&self, entry: &Entry, to: &Action, size: &Value) -> Result<()> {
        let what = "upload a part of a large file";
        let text = size.as_str().map_or_else(|| size.to_string(), str::to_owned);
        let size: u64 = text.parse().unwrap_or(0);
        let mut parts: Vec<(u64, &str)> = to
            .header
            .iter()
            .filter_map(|(number, url)| Some((number.parse().ok()?, url.as_str()?)))
            .collect();
        parts.sort_unstable();
        if size == 0 || size > LARGEST_PART || parts.len() as u64 != entry.size.div_ceil(size) {
            let seen = format!("{} parts of {size} bytes for {} bytes", parts.len(), entry.size);
            return Err(protocol(what, seen));
        }
        let mut sent = Vec::new();
        for (place, (number, url)) in (0_u64..).zip(parts) {
            let from = place * size;
            let long = size.min(entry.size - from);
            let etag = self
                .call(async || {
                    let bytes =
                        piece(entry, from, long).await.map_err(|e| no_file(what, entry, e))?;
                    let response = stranger()?.put(url).body(bytes).send().await;
                    let response = response.map_err(|e| self.client.broken(what, e))?;
                    let response = accepted(self.client, what, response).await?;
                    let etag = response.headers().get("etag").and_then(|e| e.to_str().ok());
                    etag.map(str::to_owned)
                        .ok_or_else(|| protocol(what, "the response to a part has no ETag"))
                })
                .await?;
            sent.push(json!({ "partNumber": number, "etag": etag }));
        }
        let what = "complete a multipart upload";
        let body = json!({ "oid": entry.sha256, "parts": sent });
        self.call(async || {
            let path = self.own(what, &to.href)?;
            let request = self.client.request(Method::POST, path);
            let request = request.header("accept", LFS).header("content-type", LFS);
            self.client.send(what, request.body(body.to_string())).await.map(drop)
        })
        .await
    }

    /// Data files of an earlier commit that are not in this one.
    async fn old(&self, entries: &[Entry]) -> Result<Vec<String>> {
        let what = "list the repository";
        let (repository, revision) = (&self.target.repository, &self.target.revision);
        let mut path = format!("/api/datasets/{repository}/tree/{revision}?recursive=true");
        let mut old = Vec::new();
        loop {
            let answered = self
                .call(async || {
                    self.client.send(what, self.client.request(Method::GET, &path)).await
                })
                .await;
            let response = match answered {
                // A repository without a commit has no tree.
                Err(e) if e.kind == ErrorKind::NotFound => return Ok(old),
                other => other?,
            };
            let next = next_page(&response);
            let bytes = response.bytes().await.map_err(|e| self.client.broken(what, e))?;
            let items: Vec<Item> =
                serde_json::from_slice(&bytes).map_err(|e| protocol(what, e.to_string()))?;
            let gone = |i: &Item| {
                i.kind == "file"
                    && i.path.starts_with("data/")
                    && !entries.iter().any(|e| e.name == i.path)
            };
            old.extend(items.into_iter().filter(gone).map(|i| i.path));
            match next {
                None => return Ok(old),
                Some(next) => path = self.own(what, &next)?.to_owned(),
            }
        }
    }

    /// The commit: one JSON value per line.
    async fn commit(
        &self,
        entries: &[Entry],
        large: &BTreeSet<&str>,
        old: &[String],
    ) -> Result<String> {
        let what = "commit";
        let summary = &self.target.message;
        let mut lines =
            vec![json!({ "key": "header", "value": { "summary": summary, "description": "" } })];
        for entry in entries {
            if large.contains(entry.name.as_str()) {
                lines.push(json!({ "key": "lfsFile", "value": {
                    "path": entry.name, "algo": "sha256", "oid": entry.sha256, "size": entry.size,
                } }));
            } else {
                let bytes = std::fs::read(&entry.path).map_err(|e| no_file(what, entry, e))?;
                lines.push(json!({ "key": "file", "value": {
                    "path": entry.name, "content": STANDARD.encode(bytes), "encoding": "base64",
                } }));
            }
        }
        lines.extend(old.iter().map(|p| json!({ "key": "deletedFile", "value": { "path": p } })));
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let body = lines.join("\n") + "\n";
        let (repository, revision) = (&self.target.repository, &self.target.revision);
        let path = format!("/api/datasets/{repository}/commit/{revision}");
        let committed: Committed = self
            .call(async || {
                let request = self.client.request(Method::POST, &path);
                let request = request.header("content-type", "application/x-ndjson");
                self.client.json(what, request.body(body.clone())).await
            })
            .await?;
        Ok(committed.url)
    }
}

/// The next page of a list, from the `Link` header.
fn next_page(response: &Response) -> Option<String> {
    let link = response.headers().get("link")?.to_str().ok()?;
    let one = link.split(',').find(|l| l.contains("rel=\"next\""))?;
    Some(one.split_once('<')?.1.split_once('>')?.0.to_owned())
}

fn no_file(what: &'static str, entry: &Entry, e: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, what, format!("{} cannot be read", entry.path.display())).caused_by(e)
}

/// A client without a key: large files go to a store other than the hub, at pre-signed URLs.
fn stranger() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .build()
        .map_err(|e| Error::new(ErrorKind::Refused, "make a client", e.to_string()))
}

async fn piece(entry: &Entry, from: u64, long: u64) -> std::io::Result<Vec<u8>> {
    let mut file = tokio::fs::File::open(&entry.path).await?;
    file.seek(SeekFrom::Start(from)).await?;
    let mut bytes = Vec::new();
    file.take(long).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// A successful response; any other becomes an error.
async fn accepted(client: &Client, what: &'static str, response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let headers = response.headers().clone();
    let body = response.bytes().await.unwrap_or_default();
    Err(client.refusal(what, status, &headers, &body))
}
