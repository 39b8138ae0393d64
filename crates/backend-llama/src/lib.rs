//! A GGUF model in this process, through llama.cpp.
//!
//! Many conversations share one context: new ones join as others end, and prefixes that several have in
//! common, as system prompts and earlier turns, are decoded once ([`Scheduler`]). Each row has its own seeded
//! sampling, so that its text does not depend on what runs beside it, as far as floating point lets it. A row
//! is given on as soon as it ends.
//!
//! llama.cpp itself is behind the feature `llama`; all else here is built and tested without it, over an
//! [`Engine`] that a test writes in a few lines.

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

/// Temperature where a request has none: llama.cpp's own default.
const TEMPERATURE: f32 = 0.8;
/// Requests that are handed to the model's thread ahead of their turn.
const AHEAD: usize = 1024;

/// How rows are asked for.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Texts that end an answer, and do not belong to it.
    pub stop: Vec<String>,
    /// Whether each prompt is computed whole, for measurements.
    pub without_sharing: bool,
    /// What tells this model from another, without secrets.
    pub account: String,
}

/// A request on its way to the model's thread.
struct Message {
    request: BatchRequest,
    reply: mpsc::UnboundedSender<Result<Vec<u8>>>,
    cancelled: Arc<AtomicBool>,
}

/// Makes an engine, on the thread where it will live.
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
    /// Until its rows are asked for.
    shard: Option<Shard>,
    cancelled: Arc<AtomicBool>,
}

impl Llama {
    /// A backend over an engine that `open` makes when the first request comes, on a thread of its own.
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

/// The model's thread: until nobody can send any more.
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
        // As many as are there; the next step is not kept waiting for more.
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
    // Its stream ends only when nobody can send to it any more.
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

/// How a request is sampled. Its seed is drawn from its own and its address: two requests that differ in
/// anything draw differently.
fn sampling(request: &ChatRequest, id: RequestId) -> Sampling {
    let mut part = [0; 4];
    part.copy_from_slice(&id.0[..4]);
    let seed = (request.seed >> 32) as u32 ^ request.seed as u32 ^ u32::from_le_bytes(part);
    Sampling {
        temperature: request.temperature.unwrap_or(TEMPERATURE),
        // llama.cpp reads the largest number as "draw one".
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

    /// Ended as soon as it is sent: its rows come as they are made.
    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        Ok(JobState::Ended(match self.jobs().get(job) {
            None => Ended::Lost,
            Some(job) if job.cancelled.load(Ordering::Relaxed) => Ended::Cancelled,
            Some(_) => Ended::Completed,
        }))
    }

    /// Asks for the rows, and gives each as it comes. A job's rows are given once.
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
