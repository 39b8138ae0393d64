//! A stand-in for a provider, and a run with it, on a clock that nobody waits for.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::{
    BatchBackend, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, Wanted,
};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Event, Outcome, Progress, Route, Routes, RunConfig, RunContext, StopSignal, Tally, run,
};
use clinstruct_schema::{BackendId, RequestId, RowFormat};
use clinstruct_store::{Durability, Store};
use futures::stream::{self, StreamExt as _};

/// How long each row of a job takes.
const A_ROW: Duration = Duration::from_millis(120);

/// Answers as the rehearsal does, and keeps its jobs as long as it lives.
#[derive(Debug)]
pub(crate) struct StandIn {
    rehearsal: Rehearsal,
    capabilities: Capabilities,
    /// Jobs by tag.
    pub(crate) jobs: Mutex<HashMap<String, Shard>>,
    /// Requests of all jobs, in the order in which they came.
    pub(crate) received: Mutex<Vec<RequestId>>,
    /// Requests whose rows were read.
    pub(crate) answered: Arc<Mutex<Vec<RequestId>>>,
    /// The job that does not end for now.
    pub(crate) held: Mutex<Option<String>>,
    /// Whether the first job has an error in front of its rows: no money is left.
    spent: bool,
}

impl StandIn {
    pub(crate) fn new(catalog: &Catalog, capabilities: Capabilities) -> Self {
        Self {
            rehearsal: Rehearsal::new(catalog.instructions(), Rates::none(), None),
            capabilities,
            jobs: Mutex::default(),
            received: Mutex::default(),
            answered: Arc::default(),
            held: Mutex::default(),
            spent: false,
        }
    }

    /// The same, whose first job says that no money is left.
    pub(crate) fn spent(mut self) -> Self {
        self.spent = true;
        self
    }
}

#[async_trait::async_trait]
impl BatchBackend for StandIn {
    fn id(&self) -> BackendId {
        BackendId("stand-in".into())
    }

    fn limits(&self) -> Limits {
        Limits::new(5, 200 << 20, 4)
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn account(&self) -> String {
        "an account".into()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let tag = shard.tag.0.clone();
        let ids = shard.requests().unwrap().map(|r| r.unwrap().id);
        self.received.lock().unwrap().extend(ids);
        let before = self.jobs.lock().unwrap().insert(tag.clone(), shard.clone());
        assert!(before.is_none(), "job {tag} was sent twice");
        Ok(JobRef(tag))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let tag = &wanted.tag.0;
        Ok(self.jobs.lock().unwrap().contains_key(tag).then(|| JobRef(tag.clone())))
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        if self.held.lock().unwrap().as_ref() == Some(&job.0) {
            return Ok(JobState::Running { done: None });
        }
        let known = self.jobs.lock().unwrap().contains_key(&job.0);
        Ok(JobState::Ended(if known { Ended::Completed } else { Ended::Lost }))
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let shard = self.jobs.lock().unwrap()[&job.0].clone();
        let requests: Vec<_> = shard.requests().unwrap().map(|r| r.unwrap()).collect();
        let quota = || Err(Error::new(ErrorKind::QuotaExhausted, "ask", "no money is left"));
        let error = (self.spent && job.0.ends_with("-1")).then(quota);
        let rows: Vec<_> = requests
            .iter()
            .map(|r| (r.id, self.rehearsal.rows_of(&job.0, r).pop().unwrap()))
            .collect();
        let answered = Arc::clone(&self.answered);
        let late = stream::iter(rows).then(move |(id, row)| {
            answered.lock().unwrap().push(id);
            async move {
                tokio::time::sleep(A_ROW).await;
                Ok(row)
            }
        });
        stream::iter(error).chain(late).boxed()
    }

    async fn cancel(&self, _: &JobRef) -> Result<()> {
        Ok(())
    }
}

/// Stops the run as soon as this many answers are stored.
struct StopAtAnswers(StopSignal, u64);

impl Progress for StopAtAnswers {
    fn tally(&mut self, tally: &Tally) {
        if tally.answered as u64 >= self.1 {
            self.0.stop();
        }
    }
    fn event(&mut self, _: Event) {}
}

/// Runs `config` in `folder` until it ends, or until `most` answers are stored.
pub(crate) fn drive(
    catalog: &Catalog,
    backend: &Arc<StandIn>,
    config: RunConfig,
    folder: &Path,
    most: u64,
) -> clinstruct_pipeline::Result<Outcome> {
    let backend = Arc::clone(backend) as Arc<dyn BatchBackend>;
    let route = Route { name: "main".into(), backend, model: "m".into(), price: None };
    let context = RunContext::new(catalog, config, Routes::one(route))?;
    let mut store = Store::open(folder, Durability::Fast)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let stop = StopSignal::default();
    let mut progress = StopAtAnswers(stop.clone(), most);
    let ran = run(&context, &mut store, &mut progress, &stop, || 0, "run", Drive::ToTheEnd);
    Ok(runtime.block_on(ran)?.0)
}

/// How many different requests these are.
pub(crate) fn different(requests: &Mutex<Vec<RequestId>>) -> usize {
    let mut ids = requests.lock().unwrap().clone();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    ids.len()
}
