//! The backend.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clinstruct_batch_client::openai::Dialect;
use clinstruct_batch_client::{
    BatchBackend, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, Waiting, Wanted,
};
use clinstruct_provider_http::{Auth, Client, Secret};
use clinstruct_schema::{BackendId, RowFormat};
use futures::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::ask::{Shared, Start};
use crate::notice::Notice;
use crate::pace::{Pace, Paces};
use crate::{NAME, facts};

/// Default timeout for an answer: a large model on a small machine is slow.
const ANSWER: Duration = Duration::from_hours(1);

/// Settings of the backend.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base URLs with version: `http://127.0.0.1:8000/v1`.
    pub base_urls: Vec<String>,
    /// Key, if needed.
    pub key: Option<Secret>,
    /// Request dialect of the endpoints.
    pub dialect: Dialect,
    /// Pacing.
    pub pace: Pace,
    /// Timeout for an answer or the rest of it; an hour if `None`: an abandoned request may still be answered and
    /// billed.
    pub timeout: Option<Duration>,
    /// Price relative to the price table.
    pub price_factor: f64,
}

impl Options {
    /// One endpoint with defaults: `max_tokens`, seeds and schemas as in vLLM.
    pub fn new(base_url: &str, key: Option<Secret>) -> Self {
        Self {
            base_urls: vec![base_url.into()],
            key,
            dialect: Dialect { max_completion_tokens: false, ..Dialect::default() },
            pace: Pace::default(),
            timeout: None,
            price_factor: 1.0,
        }
    }
}

/// A backend over chat endpoints that answer one request at a time.
#[derive(Debug)]
pub struct Chat {
    shared: Arc<Shared>,
    jobs: Mutex<HashMap<JobRef, Job>>,
}

#[derive(Debug, Clone)]
struct Job {
    /// Jobs whose rows have not been requested yet.
    shard: Option<Shard>,
    cancelled: CancellationToken,
}

impl Chat {
    /// A backend over these endpoints.
    pub fn new(options: Options) -> Result<Self> {
        if options.base_urls.is_empty() {
            return Err(Error::new(ErrorKind::Refused, "make a client", "no endpoint is given"));
        }
        let clients = options
            .base_urls
            .iter()
            .map(|base| {
                let (key, timeout) = (options.key.clone(), options.timeout.unwrap_or(ANSWER));
                Client::with_timeout(base, key, Auth::Bearer, &[], Some(timeout))
            })
            .collect::<Result<Vec<_>>>()?;
        let paces = Paces::new(options.pace, clients.len());
        let shared = Shared {
            clients,
            dialect: options.dialect,
            paces,
            price_factor: options.price_factor,
            start: Start::default(),
            notice: Notice::default(),
        };
        Ok(Self { shared: Arc::new(shared), jobs: Mutex::default() })
    }
}

#[async_trait::async_trait]
impl BatchBackend for Chat {
    fn id(&self) -> BackendId {
        BackendId(NAME.into())
    }

    fn limits(&self) -> Limits {
        let mut limits = facts::limits();
        limits.price_factor = self.shared.price_factor;
        limits
    }

    fn capabilities(&self) -> Capabilities {
        facts::capabilities(self.shared.dialect.structured_output)
    }

    fn account(&self) -> String {
        let all: Vec<String> = self.shared.clients.iter().map(Client::account).collect();
        all.join("; ")
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let reference = JobRef(shard.tag.0.clone());
        let job = Job { shard: Some(shard.clone()), cancelled: CancellationToken::new() };
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.clone(), job);
        Ok(reference)
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let reference = JobRef(wanted.tag.0.clone());
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(jobs.contains_key(&reference).then_some(reference))
    }

    /// A job counts as ended once submitted: its rows are produced while they are read.
    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(JobState::Ended(match jobs.get(job) {
            None => Ended::Lost,
            Some(job) if job.cancelled.is_cancelled() => Ended::Cancelled,
            Some(_) => Ended::Completed,
        }))
    }

    /// Sends the requests, and yields each row as it arrives. A job's rows are yielded once.
    fn rows(&self, job: &JobRef) -> RowStream {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let found = jobs.get_mut(job).and_then(|j| Some((j.shard.take()?, j.cancelled.clone())));
        drop(jobs);
        let Some((shard, cancelled)) = found else {
            let e = Error::new(ErrorKind::NotFound, "fetch rows", format!("no job {}", job.0));
            return stream::once(async { Err(e) }).boxed();
        };
        let requests = match shard.requests() {
            Ok(requests) => requests,
            Err(e) => {
                let e = Error::new(ErrorKind::Io, "read job", shard.tag.0).caused_by(e);
                return stream::once(async { Err(e) }).boxed();
            }
        };
        let shared = Arc::clone(&self.shared);
        let (sender, receiver) = mpsc::channel(256);
        let many = shared.paces.most();
        tokio::spawn(async move {
            let cancelled = &cancelled;
            let asked = stream::iter(requests)
                .take_while(|_| std::future::ready(!cancelled.is_cancelled()))
                .map(|request| {
                    let shared = Arc::clone(&shared);
                    async move {
                        let request = request.map_err(|e| {
                            Error::new(ErrorKind::Io, "read job", "its file is broken").caused_by(e)
                        })?;
                        shared.ask(&request, cancelled).await
                    }
                })
                .buffer_unordered(many);
            let mut asked = std::pin::pin!(asked);
            while let Some(row) = asked.next().await {
                // An error ends the job; requests in flight are still collected, since they are billed.
                if row.is_err() {
                    cancelled.cancel();
                }
                let Some(row) = row.transpose() else { continue };
                if sender.send(row).await.is_err() {
                    return;
                }
            }
        });
        stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|row| (row, receiver))
        })
        .boxed()
    }

    fn waiting(&self) -> Option<Waiting> {
        self.shared.notice.last()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = jobs.get(job) {
            job.cancelled.cancel();
        }
        Ok(())
    }
}
