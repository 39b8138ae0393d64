//! A backend that lives in this process says in mid-run that it will answer no more.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::{
    BatchBackend, Capabilities, Cost, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, Wanted,
};
use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{
    Drive, Event, Outcome, Progress, Route, Routes, RunConfig, RunContext, StopSignal, Tally, run,
};
use clinstruct_schema::{BackendId, RequestId, RowFormat};
use clinstruct_store::{Durability, Store};
use futures::stream::{self, StreamExt as _};

/// Answers as the rehearsal does; where it is spent, its first job has an error in front of its rows, and all
/// rows come late.
#[derive(Debug)]
struct Engine {
    rehearsal: Rehearsal,
    spent: bool,
    jobs: Mutex<HashMap<JobRef, Shard>>,
    answered: Arc<Mutex<Vec<RequestId>>>,
}

#[async_trait::async_trait]
impl BatchBackend for Engine {
    fn id(&self) -> BackendId {
        BackendId("engine".into())
    }

    fn limits(&self) -> Limits {
        Limits::new(5, 200 << 20, 4)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::in_process(Cost::Compute)
    }

    fn account(&self) -> String {
        "nobody's".into()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let reference = JobRef(shard.tag.0.clone());
        self.jobs.lock().unwrap().insert(reference.clone(), shard.clone());
        Ok(reference)
    }

    async fn find(&self, _: &Wanted) -> Result<Option<JobRef>> {
        Ok(None)
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let known = self.jobs.lock().unwrap().contains_key(job);
        Ok(JobState::Ended(if known { Ended::Completed } else { Ended::Lost }))
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let shard = self.jobs.lock().unwrap().remove(job).unwrap();
        let requests: Vec<_> = shard.requests().unwrap().map(|r| r.unwrap()).collect();
        let spent = self.spent && job.0.ends_with("-1");
        let quota = || Err(Error::new(ErrorKind::QuotaExhausted, "ask", "no money is left"));
        let error = stream::iter(spent.then(quota));
        let (pause, answered) = (Duration::from_millis(120), Arc::clone(&self.answered));
        let rows: Vec<_> = requests
            .iter()
            .map(|r| (r.id, self.rehearsal.rows_of(&job.0, r).pop().unwrap()))
            .collect();
        let late = stream::iter(rows).then(move |(id, row)| {
            answered.lock().unwrap().push(id);
            async move {
                tokio::time::sleep(pause).await;
                Ok(row)
            }
        });
        error.chain(late).boxed()
    }

    async fn cancel(&self, _: &JobRef) -> Result<()> {
        Ok(())
    }
}

struct Silent;

impl Progress for Silent {
    fn tally(&mut self, _: &Tally) {}
    fn event(&mut self, _: Event) {}
}

#[test]
fn what_is_under_way_when_money_ends_is_taken() {
    let catalog = Catalog::embedded().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let answered = Arc::new(Mutex::new(Vec::new()));
    let drive = |spent: bool| {
        let engine = Engine {
            rehearsal: Rehearsal::new(catalog.instructions(), Rates::none(), None),
            spent,
            jobs: Mutex::default(),
            answered: Arc::clone(&answered),
        };
        let backend = Arc::new(engine);
        let route = Route { name: "engine".into(), backend, model: "m".into(), price: None };
        let config = RunConfig { limit: Some(10), ..RunConfig::default() };
        let context = RunContext::new(&catalog, config, Routes::one(route)).unwrap();
        let mut store = Store::open(folder.path(), Durability::Fast).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let stop = StopSignal::default();
        let ended = runtime.block_on(run(
            &context,
            &mut store,
            &mut Silent,
            &stop,
            || 0,
            "engine",
            Drive::ToTheEnd,
        ));
        (ended.map(|(outcome, _)| outcome), store.answered_total().unwrap())
    };
    let (ended, saved) = drive(true);
    let told = ended.unwrap_err();
    let cause = std::error::Error::source(&told).unwrap().to_string();
    assert!(cause.contains("no money is left"), "{cause}");
    // Those of the job that broke, and those of the others.
    assert!(saved > 5, "{saved}");
    assert_eq!(saved as usize, answered.lock().unwrap().len());
    let (ended, saved) = drive(false);
    assert_eq!(ended.unwrap(), Outcome::Finished);
    let mut ids = answered.lock().unwrap().clone();
    assert_eq!(saved as usize, ids.len());
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    assert_eq!(saved as usize, ids.len(), "a request was answered twice");
}
