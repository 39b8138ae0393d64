//! A backend in the place of `clinstruct-backend-openai`: the built-in grammar answers, so that it can be tried offline.
//!
//! What takes the place of a shipped backend exports `DESCRIPTOR`; nothing else of it is named anywhere.

use std::sync::Arc;

use clinstruct_batch_client::{
    BackendSettings, BatchBackend, Capabilities, Descriptor, JobRef, JobState, Limits, ModelRule,
    OpenError, Opened, PriceRule, Result, RowStream, Shard, Wanted,
};
use clinstruct_schema::{BackendId, RowFormat};

/// What `--backend openai` opens.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Not OpenAI: the embedded grammar in its place",
    model: ModelRule::Default("gpt-4o"),
    price: PriceRule::Free,
    ..Descriptor::new("openai", open)
};

fn open(settings: &BackendSettings) -> std::result::Result<Opened, OpenError> {
    let grammar = (clinstruct_backend_rehearsal::DESCRIPTOR.open)(settings)?;
    Ok(Opened::new(MyOpenAi(grammar.backend)))
}

/// Answers as another backend does, under its own name. Yours asks a provider: see `examples/foreign-backend`.
#[derive(Debug)]
struct MyOpenAi(Arc<dyn BatchBackend>);

#[async_trait::async_trait]
impl BatchBackend for MyOpenAi {
    fn id(&self) -> BackendId {
        BackendId(DESCRIPTOR.name.into())
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn row_format(&self) -> RowFormat {
        self.0.row_format()
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        self.0.submit(shard).await
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        self.0.find(wanted).await
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        self.0.poll(job).await
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        self.0.rows(job)
    }

    async fn release(&self, job: &JobRef) -> Result<()> {
        self.0.release(job).await
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        self.0.cancel(job).await
    }
}
