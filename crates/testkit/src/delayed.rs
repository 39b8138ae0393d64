use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, Capabilities, JobRef, JobState, Limits, Result, RowStream, Shard, Wanted,
};
use clinstruct_draw::{Draw, number};
use clinstruct_schema::{BackendId, RowFormat};
use tokio::time::Instant;

/// A backend with a provider's latencies: drawn for each job, on tokio's clock.
///
/// On a paused runtime a day passes as soon as everything else is idle.
#[derive(Debug)]
pub struct Delayed {
    inner: Arc<dyn BatchBackend>,
    shortest: Duration,
    longest: Duration,
    rounds: bool,
    seed: u64,
    jobs: Mutex<Jobs>,
}

#[derive(Debug, Default)]
struct Jobs {
    ends: HashMap<JobRef, (usize, Instant)>,
    /// End of the last job of each round.
    rounds: Vec<Instant>,
}

impl Delayed {
    /// `inner` with jobs that take between `shortest` and `longest`, log-uniformly; the same for the same tag and seed.
    pub fn new(
        inner: Arc<dyn BatchBackend>,
        shortest: Duration,
        longest: Duration,
        seed: u64,
    ) -> Self {
        Self { inner, shortest, longest, rounds: false, seed, jobs: Mutex::default() }
    }

    /// The same with a barrier after each round: no job ends before all jobs of its round, as in a program that waits
    /// for all answers to a turn before it sends the next.
    #[must_use]
    pub fn in_rounds(mut self) -> Self {
        self.rounds = true;
        self
    }

    /// Duration of the job with this tag.
    pub fn latency(&self, tag: &str) -> Duration {
        let mut draw = Draw::from_u64(number(self.seed, tag, "latency"));
        let (low, high) = (self.shortest.as_secs_f64().ln(), self.longest.as_secs_f64().ln());
        Duration::from_secs_f64((low + draw.unit() * (high - low)).exp())
    }
}

#[async_trait::async_trait]
impl BatchBackend for Delayed {
    fn id(&self) -> BackendId {
        self.inner.id()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn capabilities(&self) -> Capabilities {
        let inner = self.inner.capabilities();
        Capabilities::batch_api().with_structured_output(inner.structured_output)
    }

    fn row_format(&self) -> RowFormat {
        self.inner.row_format()
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let job = self.inner.submit(shard).await?;
        let now = Instant::now();
        let end = now + self.latency(&shard.tag.0);
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        // A round is open until its last job has ended.
        if jobs.rounds.last().is_none_or(|last| *last <= now) {
            jobs.rounds.push(end);
        }
        let round = jobs.rounds.len() - 1;
        if let Some(last) = jobs.rounds.last_mut() {
            *last = end.max(*last);
        }
        jobs.ends.insert(job.clone(), (round, end));
        Ok(job)
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        self.inner.find(wanted).await
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let due = {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.ends.get(job).and_then(|(round, end)| {
                if self.rounds { jobs.rounds.get(*round).copied() } else { Some(*end) }
            })
        };
        if due.is_some_and(|due| due > Instant::now()) {
            return Ok(JobState::Running { done: None });
        }
        self.inner.poll(job).await
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        self.inner.rows(job)
    }

    async fn release(&self, job: &JobRef) -> Result<()> {
        self.inner.release(job).await
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        self.inner.cancel(job).await
    }
}
