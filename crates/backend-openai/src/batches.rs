//! The backend.

use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};

use clinstruct_batch_client::openai::write_line;
use clinstruct_batch_client::{
    BatchBackend, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, Wanted,
};
use clinstruct_provider_http::fields::Page;
use clinstruct_provider_http::{Client, Secret, file_body, lines};
use clinstruct_schema::{BackendId, RowFormat};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

use crate::wire::{Batch, File, TAG};
use crate::{NAME, Profile};

/// Batches per page of the listing; the maximum is 100.
const PAGE: usize = 100;
/// Most pages searched for a tag.
const PAGES: usize = 200;

/// A provider with the Files and Batches API.
#[derive(Debug, Clone)]
pub struct OpenAi {
    client: Client,
    profile: Profile,
    queued_tokens: Option<u64>,
}

impl OpenAi {
    /// A backend at the address of `profile`, with this key.
    ///
    /// `queued_tokens` is the maximum of prompt tokens enqueued in batches, if known: see [`queued_tokens`](crate::queued_tokens).
    pub fn new(profile: Profile, key: Option<Secret>, queued_tokens: Option<u64>) -> Result<Self> {
        let (base, timeout) = (&profile.base_url, profile.timeout);
        let client = Client::with_timeout(base, key, profile.auth(), &[], timeout)?;
        Ok(Self { client, profile, queued_tokens })
    }

    async fn upload(&self, shard: &Shard) -> Result<String> {
        let what = "upload job";
        let failed = |e: std::io::Error| {
            Error::new(ErrorKind::Io, what, "the job's file could not be written").caused_by(e)
        };
        let dialect = self.profile.dialect.clone();
        let shard_copy = shard.clone();
        let (file, bytes) = tokio::task::spawn_blocking(move || {
            let mut to = BufWriter::new(tempfile::tempfile()?);
            let mut bytes = 0;
            for request in shard_copy.requests()? {
                let request = request?;
                bytes += write_line(&mut to, request.id, &request.request, &dialect)?;
            }
            to.flush()?;
            let mut file = to.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            Ok((file, bytes))
        })
        .await
        .map_err(|e| failed(std::io::Error::other(e)))?
        .map_err(failed)?;
        let part = Part::stream_with_length(file_body(file), bytes)
            .file_name(format!("{}.jsonl", shard.tag));
        let form = Form::new().text("purpose", "batch").part("file", part);
        let request = self.client.request(Method::POST, "/files").multipart(form);
        let file = self.client.object(what, request, File::read).await.map_err(|mut e| {
            // An uploaded file is not a job: if its response was lost, there is nothing to search for.
            e.may_have_acted = false;
            e
        })?;
        Ok(file.id)
    }

    async fn batch(&self, job: &JobRef) -> Result<Batch> {
        let request = self.client.request(Method::GET, &format!("/batches/{}", job.0));
        self.client.object("poll job", request, |batch| Batch::of(job, batch)).await
    }

    /// The rows of one file.
    async fn file_rows(&self, id: String) -> Result<RowStream> {
        let what = "fetch rows";
        let about = self.client.request(Method::GET, &format!("/files/{id}"));
        // The length helps to detect truncation; without it, the last line still does.
        let bytes = match self.client.object(what, about, File::read).await {
            Ok(about) => about.bytes,
            Err(e) if e.is_transient() => return Err(e),
            Err(_) => None,
        };
        let request = self.client.request(Method::GET, &format!("/files/{id}/content"));
        let response = self.client.send(what, request).await?;
        let client = self.client.clone();
        let content = response.bytes_stream().map_err(move |e| client.broken(what, e)).boxed();
        Ok(lines(content, bytes.filter(|b| *b > 0)))
    }
}

#[async_trait::async_trait]
impl BatchBackend for OpenAi {
    fn id(&self) -> BackendId {
        BackendId(NAME.into())
    }

    fn limits(&self) -> Limits {
        let mut limits = self.profile.limits();
        limits.queued_tokens = self.queued_tokens;
        limits
    }

    fn capabilities(&self) -> Capabilities {
        self.profile.capabilities()
    }

    fn account(&self) -> String {
        self.client.account()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let input = self.upload(shard).await?;
        let body = serde_json::json!({
            "input_file_id": input,
            "endpoint": self.profile.dialect.url,
            "completion_window": self.profile.completion_window,
            "metadata": { TAG: shard.tag.0 },
        });
        let request = self.client.request(Method::POST, "/batches").json(&body);
        let batch =
            self.client.object("submit job", request, Batch::read).await.map_err(|mut e| {
                // The upload succeeded, so the file is not visible everywhere yet; the address is right.
                if e.kind == ErrorKind::NotFound {
                    e.kind = ErrorKind::Protocol;
                    e.may_have_acted = true;
                }
                e
            })?;
        Ok(JobRef(batch.id))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let cursor = after.as_ref().map(|a| format!("&after={a}")).unwrap_or_default();
            let path = format!("/batches?limit={PAGE}{cursor}");
            let request = self.client.request(Method::GET, &path);
            let page = self
                .client
                .object("find job", request, |value| Page::read(value, Batch::read))
                .await?;
            let ours = |b: &&Batch| b.tag.as_deref() == Some(&wanted.tag.0);
            if let Some(found) = page.entries.iter().find(ours) {
                return Ok(Some(JobRef(found.id.clone())));
            }
            let last = page.entries.last().map(|b| b.id.clone());
            if !page.has_more || last.is_none() || last == after {
                return Ok(None);
            }
            after = last;
        }
        Ok(None)
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let batch = self.batch(job).await?;
        Ok(match batch.status.as_str() {
            "completed" | "complete" | "succeeded" | "ended" => JobState::Ended(Ended::Completed),
            "expired" => JobState::Ended(Ended::Expired),
            "cancelled" | "canceled" => JobState::Ended(Ended::Cancelled),
            "failed" | "error" | "errored" => {
                JobState::Ended(Ended::Failed(self.client.shown(&batch.why()).into()))
            }
            // validating, in_progress, finalizing, cancelling, and future additions.
            _ => JobState::Running { done: batch.done },
        })
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let this = self.clone();
        let job = job.clone();
        stream::once(async move {
            let batch = this.batch(&job).await?;
            if batch.output_file.is_none()
                && batch.error_file.is_none()
                && batch.completed > Some(0)
            {
                let message = format!("batch {} has completed rows but no output file", batch.id);
                return Err(Error::new(ErrorKind::NotFound, "fetch rows", message));
            }
            // One after the other: an error in the second takes no row of the first.
            let files = [batch.output_file, batch.error_file].into_iter().flatten();
            let rows = stream::iter(files).then(move |id| {
                let this = this.clone();
                async move { this.file_rows(id).await }
            });
            Ok::<_, Error>(rows.try_flatten())
        })
        .try_flatten()
        .boxed()
    }

    /// Deletes the input file, which counts against the project's storage. The rows remain.
    async fn release(&self, job: &JobRef) -> Result<()> {
        let batch = self.batch(job).await?;
        let Some(input) = batch.input_file else { return Ok(()) };
        let request = self.client.request(Method::DELETE, &format!("/files/{input}"));
        self.client.send("delete the input of a job", request).await.map(drop)
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let request = self.client.request(Method::POST, &format!("/batches/{}/cancel", job.0));
        self.client.send("cancel job", request).await.map(drop)
    }
}
