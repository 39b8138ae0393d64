use clinstruct_schema::{BackendId, RowFormat};
use futures::stream::{self, StreamExt as _};

use crate::{
    BatchBackend, Capabilities, Error, ErrorKind, JobRef, JobState, Limits, Result, RowStream,
    Shard, Wanted,
};

/// The facts of a backend without the backend, for commands that send nothing: needs no key, address, program or
/// weights. Every operation is an error.
#[derive(Debug, Clone)]
pub struct Unopened {
    /// Name of the backend.
    pub name: String,
    /// Its limits.
    pub limits: Limits,
    /// Its capabilities.
    pub capabilities: Capabilities,
}

impl Unopened {
    fn refused(&self, operation: &'static str) -> Error {
        let message = format!("the backend {} was not opened", self.name);
        Error::new(ErrorKind::Refused, operation, message)
    }
}

#[async_trait::async_trait]
impl BatchBackend for Unopened {
    fn id(&self) -> BackendId {
        BackendId(self.name.clone())
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::Neutral
    }

    async fn submit(&self, _: &Shard) -> Result<JobRef> {
        Err(self.refused("submit job"))
    }

    async fn find(&self, _: &Wanted) -> Result<Option<JobRef>> {
        Err(self.refused("find job"))
    }

    async fn poll(&self, _: &JobRef) -> Result<JobState> {
        Err(self.refused("poll job"))
    }

    fn rows(&self, _: &JobRef) -> RowStream {
        let e = self.refused("fetch rows");
        stream::once(async { Err(e) }).boxed()
    }

    async fn cancel(&self, _: &JobRef) -> Result<()> {
        Err(self.refused("cancel job"))
    }
}
