//! A GGUF model in this process, through llama.cpp.
//!
//! Many conversations share one context: new ones join as others end, and shared prefixes, such as system prompts and
//! earlier turns, are decoded once ([`Scheduler`]). Each row has its own seeded sampler, so that its text does not
//! depend on concurrent rows, within the limits of floating point. Rows are returned as they end.
//!
//! llama.cpp itself is behind the feature `llama`; everything else is built and tested without it, over an [`Engine`]
//! that a test implements in a few lines.

mod descriptor;
mod engine;
#[cfg(feature = "llama")]
mod llama_cpp;
#[cfg(feature = "llama")]
mod processor;
mod row;
mod schedule;
mod template;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits,
    Result, RowStream, Shard, Wanted,
};
use clinstruct_schema::{BackendId, ChatRequest, RequestId, RowFormat};
use futures::stream::{self, StreamExt as _};
use tokio::sync::mpsc;

pub use descriptor::DESCRIPTOR;
pub use engine::{Broken, Engine, Fed, Sampling, TemplateSource, Token};
#[cfg(feature = "llama")]
pub use llama_cpp::{LlamaCpp, Options, Plan, waiting};
pub use schedule::{Ask, Counts, Scheduler};
pub use template::Template;

/// Default temperature: that of llama.cpp.
const TEMPERATURE: f32 = 0.8;
/// Requests that are queued ahead to the model's thread.
const AHEAD: usize = 1024;

/// Request options.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Stop sequences; they are not part of the answer.
    pub stop: Vec<String>,
    /// Whether every prompt is computed in full, for measurements.
    pub without_sharing: bool,
    /// Identifies the model, without secrets.
    pub account: String,
}

/// A request for the model's thread.
struct Message {
    request: BatchRequest,
    reply: mpsc::UnboundedSender<Result<Vec<u8>>>,
    cancelled: Arc<AtomicBool>,
}

/// Creates an engine on the thread that will own it.
type Open<E> = Box<dyn FnOnce() -> std::result::Result<E, Broken> + Send>;

/// A model in this process.
pub struct Llama {
    inbox: mpsc::Sender<Message>,
    jobs: Mutex<HashMap<JobRef, Job>>,
    account: String,
}

impl std::fmt::Debug for Llama {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Llama").field("account", &self.account).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Job {
    /// Jobs whose rows have not been requested yet.
    shard: Option<Shard>,
    cancelled: Arc<AtomicBool>,
}

impl Llama {
    /// A backend over an engine that `open` creates on its own thread when the first request arrives.
    pub fn new<E: Engine + 'static>(
        settings: Settings,
        open: impl FnOnce() -> std::result::Result<E, Broken> + Send + 'static,
    ) -> Self {
        let (inbox, messages) = mpsc::channel(AHEAD);
        let account = settings.account.clone();
        let open: Open<E> = Box::new(open);
        std::thread::spawn(move || serve(messages, &settings, open));
        Self { inbox, jobs: Mutex::default(), account }
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<JobRef, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The model's thread: runs until all senders are gone.
fn serve<E: Engine>(mut messages: mpsc::Receiver<Message>, settings: &Settings, open: Open<E>) {
    let Some(first) = messages.blocking_recv() else { return };
    let made = open().and_then(|engine| {
        let template = Template::new(engine.template()).map_err(Broken::refused)?;
        Ok((engine, template))
    });
    let (engine, template) = match made {
        Ok(made) => made,
        Err(broken) => return refuse_all(messages, first, &broken),
    };
    let mut scheduler = Scheduler::new(
        engine,
        settings.stop.clone(),
        !settings.without_sharing,
        settings.account.clone(),
    );
    let mut next = Some(first);
    loop {
        if let Some(message) = next.take() {
            take(&mut scheduler, &template, message);
        }
        // Takes what is queued; the next step does not wait for more.
        if let Ok(message) = messages.try_recv() {
            next = Some(message);
            continue;
        }
        if scheduler.is_idle() {
            match messages.blocking_recv() {
                Some(message) => next = Some(message),
                None => return,
            }
            continue;
        }
        if let Err(broken) = scheduler.advance() {
            scheduler.fail(&broken);
            return refuse_rest(messages, &broken);
        }
    }
}

fn error(broken: &Broken) -> Error {
    Error::new(broken.kind, "run the model", broken.message.clone())
}

fn refuse_all(messages: mpsc::Receiver<Message>, first: Message, broken: &Broken) {
    let _ = first.reply.send(Err(error(broken)));
    // The stream ends when all senders are gone.
    drop(first);
    refuse_rest(messages, broken);
}

fn refuse_rest(mut messages: mpsc::Receiver<Message>, broken: &Broken) {
    while let Some(message) = messages.blocking_recv() {
        let _ = message.reply.send(Err(error(broken)));
    }
}

fn take<E: Engine>(scheduler: &mut Scheduler<E>, template: &Template, message: Message) {
    let BatchRequest { id, request } = message.request;
    match template.render(&request.messages) {
        Err(e) => {
            let _ = message.reply.send(Ok(row::refusal(id, "template", &e)));
        }
        Ok((text, begin)) => scheduler.take(Ask {
            id,
            prompt: scheduler.engine().tokenize(&text, begin),
            max_tokens: (request.max_tokens as usize).max(1),
            sampling: sampling(&request, id),
            model: request.model,
            reply: message.reply,
            cancelled: message.cancelled,
        }),
    }
}

/// Sampling of a request. The seed combines the request's seed and its address: requests that differ in anything sample
/// differently.
fn sampling(request: &ChatRequest, id: RequestId) -> Sampling {
    let mut part = [0; 4];
    part.copy_from_slice(&id.0[..4]);
    let seed = (request.seed >> 32) as u32 ^ request.seed as u32 ^ u32::from_le_bytes(part);
    Sampling {
        temperature: request.temperature.unwrap_or(TEMPERATURE),
        // llama.cpp reads the largest number as "draw a seed".
        seed: seed.min(u32::MAX - 1),
        json_schema: request.json_schema.as_ref().map(|s| s.schema.clone()),
    }
}

#[async_trait::async_trait]
impl BatchBackend for Llama {
    fn id(&self) -> BackendId {
        BackendId(DESCRIPTOR.name.into())
    }

    fn limits(&self) -> Limits {
        descriptor::limits()
    }

    fn capabilities(&self) -> Capabilities {
        descriptor::CAPABILITIES
    }

    fn account(&self) -> String {
        self.account.clone()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let reference = JobRef(shard.tag.0.clone());
        let job = Job { shard: Some(shard.clone()), cancelled: Arc::default() };
        self.jobs().insert(reference.clone(), job);
        Ok(reference)
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let reference = JobRef(wanted.tag.0.clone());
        Ok(self.jobs().contains_key(&reference).then_some(reference))
    }

    /// A job counts as ended once submitted: its rows are produced while they are read.
    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        Ok(JobState::Ended(match self.jobs().get(job) {
            None => Ended::Lost,
            Some(job) if job.cancelled.load(Ordering::Relaxed) => Ended::Cancelled,
            Some(_) => Ended::Completed,
        }))
    }

    /// Queues the requests, and yields each row as it ends. A job's rows are yielded once.
    fn rows(&self, job: &JobRef) -> RowStream {
        let found = self
            .jobs()
            .get_mut(job)
            .and_then(|j| Some((j.shard.take()?, Arc::clone(&j.cancelled))));
        let failed = |e: Error| stream::once(async { Err(e) }).boxed();
        let Some((shard, cancelled)) = found else {
            return failed(Error::new(
                ErrorKind::NotFound,
                "fetch rows",
                format!("no job {}", job.0),
            ));
        };
        let requests = match shard.requests() {
            Ok(requests) => requests,
            Err(e) => {
                return failed(Error::new(ErrorKind::Io, "read job", shard.tag.0).caused_by(e));
            }
        };
        let inbox = self.inbox.clone();
        let (reply, rows) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for request in requests {
                let request = match request {
                    Ok(request) => request,
                    Err(e) => {
                        let e = Error::new(ErrorKind::Io, "read job", "its file is broken")
                            .caused_by(e);
                        let _ = reply.send(Err(e));
                        return;
                    }
                };
                let message =
                    Message { request, reply: reply.clone(), cancelled: Arc::clone(&cancelled) };
                if reply.is_closed() || inbox.send(message).await.is_err() {
                    return;
                }
            }
        });
        stream::unfold(rows, |mut rows| async move { rows.recv().await.map(|row| (row, rows)) })
            .boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        if let Some(job) = self.jobs().get(job) {
            job.cancelled.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
