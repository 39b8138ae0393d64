//! The backend.

use std::collections::HashMap;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits,
    Result, RowStream, Shard, ShardTag, Wanted,
};
use clinstruct_provider_http::fields::Page;
use clinstruct_provider_http::{Auth, Client, Secret, file_body, lines};
use clinstruct_schema::{BackendId, Message, Role, RowFormat};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::NAME;
use crate::facts;
use crate::wire::Batch;

/// API version in use. Source: <https://docs.anthropic.com/en/api/versioning>.
const VERSION: &str = "2023-06-01";
/// Maximum length of a `custom_id`. Source: <https://docs.anthropic.com/en/api/creating-message-batches>.
const CUSTOM_ID: usize = 64;
/// Batches per page of the listing; the maximum is 1000.
const PAGE: usize = 100;
/// Pages searched for a tag: results are kept for 29 days, and ours is among the latest.
const PAGES: usize = 20;

/// Anthropic.
#[derive(Debug, Clone)]
pub struct Anthropic {
    client: Client,
    /// Tags of the ended batches that were inspected; they never change.
    tags: Arc<Mutex<HashMap<String, Option<String>>>>,
}

impl Anthropic {
    /// A backend at `base_url` (version included) with this key.
    pub fn new(base_url: &str, key: Option<Secret>) -> Result<Self> {
        Self::with_timeout(base_url, key, None)
    }

    /// Sets the longest wait for more of a response.
    pub fn with_timeout(
        base_url: &str,
        key: Option<Secret>,
        timeout: Option<Duration>,
    ) -> Result<Self> {
        let version = [("anthropic-version", VERSION)];
        let client = Client::with_timeout(base_url, key, Auth::XApiKey, &version, timeout)?;
        Ok(Self { client, tags: Arc::default() })
    }

    async fn batch(&self, id: &str) -> Result<Batch> {
        let request = self.client.request(Method::GET, &format!("/messages/batches/{id}"));
        self.client.object("poll job", request, |batch| Batch::of(id, batch)).await
    }

    async fn results(&self, id: &str) -> Result<RowStream> {
        let what = "fetch rows";
        let path = format!("/messages/batches/{id}/results");
        let response = self.client.send(what, self.client.request(Method::GET, &path)).await?;
        let client = self.client.clone();
        let bytes = response.bytes_stream().map_err(move |e| client.broken(what, e)).boxed();
        Ok(lines(bytes, None))
    }

    /// The tag of an ended batch, from its first row; `None` if it is not one of our jobs.
    async fn tag_of(&self, id: &str) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Row {
            custom_id: String,
        }
        if let Some(known) = self.tags.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(known.clone());
        }
        let mut rows = self.results(id).await?;
        let tag = match rows.next().await {
            None => None,
            Some(first) => serde_json::from_slice::<Row>(&first?)
                .ok()
                .and_then(|row| row.custom_id.get(33..).map(str::to_owned)),
        };
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.insert(id.to_owned(), tag.clone());
        Ok(tag)
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    custom_id: String,
    params: Params<'a>,
}

#[derive(Serialize)]
struct Params<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Vec<System<'a>>>,
    messages: Vec<&'a Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

/// A system prompt as a block, so that it can be cached: it repeats within a conversation. Source:
/// <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>.
#[derive(Serialize)]
struct System<'a> {
    r#type: &'static str,
    text: &'a str,
    cache_control: CacheControl,
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

fn entry<'a>(request: &'a BatchRequest, tag: &ShardTag) -> Entry<'a> {
    let r = &request.request;
    let system: Vec<System<'_>> = r
        .messages
        .iter()
        .filter(|m| m.role == Role::System)
        .map(|m| System {
            r#type: "text",
            text: &m.content,
            cache_control: CacheControl { r#type: "ephemeral" },
        })
        .collect();
    Entry {
        custom_id: format!("{}-{tag}", request.id),
        params: Params {
            model: &r.model,
            max_tokens: r.max_tokens,
            system: (!system.is_empty()).then_some(system),
            messages: r.messages.iter().filter(|m| m.role != Role::System).collect(),
            // The API's maximum temperature is 1.
            temperature: r.temperature.map(|t| t.min(1.0)),
        },
    }
}

/// Writes the request body of a batch; returns the file, rewound, and its length.
fn body(shard: &Shard) -> io::Result<(std::fs::File, u64)> {
    let mut to = BufWriter::new(tempfile::tempfile()?);
    to.write_all(b"{\"requests\":[")?;
    for (i, request) in shard.requests()?.enumerate() {
        if i > 0 {
            to.write_all(b",")?;
        }
        serde_json::to_writer(&mut to, &entry(&request?, &shard.tag))?;
    }
    to.write_all(b"]}")?;
    let mut file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
    let bytes = file.stream_position()?;
    file.seek(SeekFrom::Start(0))?;
    Ok((file, bytes))
}

#[async_trait::async_trait]
impl BatchBackend for Anthropic {
    fn id(&self) -> BackendId {
        BackendId(NAME.into())
    }

    fn limits(&self) -> Limits {
        facts::limits()
    }

    fn capabilities(&self) -> Capabilities {
        facts::CAPABILITIES
    }

    fn account(&self) -> String {
        self.client.account()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::AnthropicBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let what = "submit job";
        let longest = CUSTOM_ID - 33;
        if shard.tag.0.len() > longest {
            let message = format!("the tag {} is longer than {longest} characters", shard.tag);
            return Err(Error::new(ErrorKind::Refused, what, message));
        }
        let failed = |e: io::Error| {
            Error::new(ErrorKind::Io, what, "the job's file could not be written").caused_by(e)
        };
        let shard = shard.clone();
        let (file, bytes) = tokio::task::spawn_blocking(move || body(&shard))
            .await
            .map_err(|e| failed(io::Error::other(e)))?
            .map_err(failed)?;
        let request = self
            .client
            .request(Method::POST, "/messages/batches")
            .header("content-type", "application/json")
            .header("content-length", bytes)
            .body(file_body(file));
        let batch = self.client.object(what, request, Batch::read).await?;
        Ok(JobRef(batch.id))
    }

    /// The batch whose rows carry the tag.
    ///
    /// A batch shows its rows only once it has ended. A running batch is skipped if it cannot match: it is another job
    /// of this run, or was created before a job that was sent earlier. While one remains that may be ours, the result
    /// is unknown: an error of the kind [`ErrorKind::Unavailable`].
    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let what = "find job";
        let tag = &wanted.tag;
        let mut after: Option<String> = None;
        let mut running: Vec<Batch> = Vec::new();
        // Compare times of the provider's clock only; ours may differ.
        let mut after_job = None;
        for _ in 0..PAGES {
            let cursor = after.as_ref().map(|a| format!("&after_id={a}")).unwrap_or_default();
            let path = format!("/messages/batches?limit={PAGE}{cursor}");
            let request = self.client.request(Method::GET, &path);
            let page =
                self.client.object(what, request, |value| Page::read(value, Batch::read)).await?;
            for batch in &page.entries {
                if let Some(place) = wanted.known.iter().position(|k| k.0 == batch.id) {
                    if place < wanted.earlier {
                        after_job = after_job.max(batch.created);
                    }
                    continue;
                }
                if !batch.ended() {
                    running.push(batch.clone());
                } else if batch.has_results
                    && self.tag_of(&batch.id).await?.as_deref() == Some(&tag.0)
                {
                    return Ok(Some(JobRef(batch.id.clone())));
                }
            }
            let last = page.entries.last().map(|b| b.id.clone());
            if !page.has_more || last.is_none() || last == after {
                break;
            }
            after = last;
        }
        running.retain(|batch| batch.may_be(after_job));
        if let Some(first) = running.first().map(|batch| &batch.id) {
            let more = match running.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let message = format!(
                "batch {first}{more} is still running and may be job {tag}; only its rows can tell, once it has ended"
            );
            return Err(Error::new(ErrorKind::Unavailable, what, message));
        }
        Ok(None)
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let batch = self.batch(&job.0).await?;
        Ok(match batch.status.as_str() {
            "ended" if batch.cancelled => JobState::Ended(Ended::Cancelled),
            "ended" if batch.expired > 0 => JobState::Ended(Ended::Expired),
            "ended" => JobState::Ended(Ended::Completed),
            _ => JobState::Running { done: batch.done },
        })
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let this = self.clone();
        let job = job.clone();
        stream::once(async move { this.results(&job.0).await }).try_flatten().boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let path = format!("/messages/batches/{}/cancel", job.0);
        self.client.send("cancel job", self.client.request(Method::POST, &path)).await.map(drop)
    }
}
