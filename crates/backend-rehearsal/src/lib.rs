//! The embedded stand-in for a model: offline, deterministic, free, and the default.
//!
//! It writes from a seeded grammar and reads its request as a model would: it recognizes an instruction by the
//! catalog's text in the request, so one that a template omits is not obeyed. It answers in the requested language,
//! structure and length, uses the patient's facts, and injects faults at configurable [`Rates`], so that every run
//! exercises every path behind a backend. The same request gets the same text in any job, order or thread; only
//! delivery (missing and duplicate rows, errors, expiry, order) depends on the job.
//!
//! A request of a stage that the grammar does not know gets a value that fits its JSON schema, so that a new stage can be
//! rehearsed too.
//!
//! It is not a model: what it writes is grammatical and of the right form, and medically meaningless.

mod assistant;
mod descriptor;
mod embedded;
mod extract;
mod foreign;
mod grammar;
mod heads;
mod rates;
mod read;
mod said;
mod schema;
mod worker;
mod write;

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clinstruct_batch_client::{
    BatchBackend, BatchRequest, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits,
    Result, RowStream, Shard, ShardBody, ShardTag, Wanted,
};
use clinstruct_draw::{Draw, number};
use clinstruct_schema::{BackendId, ChatRequest, Instruction, RequestId, RowFormat};
pub use descriptor::DESCRIPTOR;
use futures::StreamExt as _;
use futures::stream;
use rayon::prelude::*;

use crate::rates::InjectedFault;
pub use crate::rates::Rates;
use crate::read::Reader;

/// Rows that are written together.
const ROWS_AT_ONCE: usize = 64;

/// The rehearsal backend.
#[derive(Debug)]
pub struct Rehearsal {
    engine: Arc<Engine>,
    jobs: Mutex<HashMap<JobRef, Job>>,
    spool: Option<PathBuf>,
}

#[derive(Debug)]
struct Engine {
    reader: Reader,
    rates: Rates,
}

#[derive(Debug, Clone)]
struct Job {
    requests: Arc<[BatchRequest]>,
    cancelled: bool,
}

impl Rehearsal {
    /// A backend that knows these instructions. With `spool`, jobs are kept in that folder, so that another process
    /// finds and answers them; without, they end with this process.
    pub fn new(instructions: Vec<Instruction>, rates: Rates, spool: Option<PathBuf>) -> Self {
        let engine = Arc::new(Engine { reader: Reader::new(instructions), rates });
        Self { engine, jobs: Mutex::default(), spool }
    }

    /// The text of a request's answer, injected faults included; blank if there is none.
    pub fn answer(&self, request: &ChatRequest, id: RequestId) -> String {
        write::text(&self.engine.reader, &self.engine.rates, request, id)
    }

    /// The rows of a request in a job: one, none or two.
    pub fn rows_of(&self, job: &str, request: &BatchRequest) -> Vec<Vec<u8>> {
        self.engine.deliver(&JobRef(job.to_owned()), request)
    }

    fn job(&self, job: &JobRef) -> Result<Option<Job>> {
        if let Some(job) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(job) {
            return Ok(Some(job.clone()));
        }
        let Some(spool) = &self.spool else { return Ok(None) };
        let path = spooled(spool, &job.0);
        if !path.exists() {
            return Ok(None);
        }
        let failed = |e: std::io::Error| {
            Error::new(ErrorKind::Io, "read spooled job", path.display().to_string()).caused_by(e)
        };
        let shard =
            Shard { tag: ShardTag(job.0.clone()), rows: 0, body: ShardBody::File(path.clone()) };
        let requests = shard.requests().map_err(failed)?;
        let requests = requests.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
        Ok(Some(Job {
            requests: requests.into(),
            cancelled: path.with_extension("cancelled").exists(),
        }))
    }
}

fn spooled(spool: &Path, tag: &str) -> PathBuf {
    spool.join(format!("{tag}.jsonl"))
}

#[async_trait::async_trait]
impl BatchBackend for Rehearsal {
    fn id(&self) -> BackendId {
        BackendId(DESCRIPTOR.name.into())
    }

    fn limits(&self) -> Limits {
        descriptor::limits()
    }

    fn capabilities(&self) -> Capabilities {
        descriptor::capabilities(self.spool.is_some())
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let reference = JobRef(shard.tag.0.clone());
        let failed = |e: std::io::Error| {
            Error::new(ErrorKind::Io, "take a job", shard.tag.to_string()).caused_by(e)
        };
        if let Some(spool) = &self.spool {
            fs::create_dir_all(spool).map_err(failed)?;
            let path = spooled(spool, &shard.tag.0);
            let partial = path.with_extension("partial");
            let mut file = BufWriter::new(fs::File::create(&partial).map_err(failed)?);
            for request in shard.requests().map_err(failed)? {
                let line =
                    serde_json::to_vec(&request.map_err(failed)?).map_err(|e| failed(e.into()))?;
                file.write_all(&line).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
            }
            file.flush().and_then(|()| fs::rename(&partial, &path)).map_err(failed)?;
            return Ok(reference);
        }
        let requests = match &shard.body {
            ShardBody::Memory(requests) => Arc::clone(requests),
            ShardBody::File(_) => shard
                .requests()
                .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
                .map_err(failed)?
                .into(),
        };
        let job = Job { requests, cancelled: false };
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.clone(), job);
        Ok(reference)
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let reference = JobRef(wanted.tag.0.clone());
        Ok(self.job(&reference)?.map(|_| reference))
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        Ok(JobState::Ended(match self.job(job)? {
            None => Ended::Lost,
            Some(Job { cancelled: true, .. }) => Ended::Cancelled,
            Some(_) if self.engine.expires(job) => Ended::Expired,
            Some(_) => Ended::Completed,
        }))
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let found = match self.job(job) {
            Ok(found) => found,
            Err(e) => return stream::once(async { Err(e) }).boxed(),
        };
        let Some(found) = found else {
            let e = Error::new(ErrorKind::NotFound, "fetch rows", format!("no job {job:?}"));
            return stream::once(async { Err(e) }).boxed();
        };
        // Rows are yielded once: a job in memory is dropped with them.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
        let engine = Arc::clone(&self.engine);
        let job = job.clone();
        let total = found.requests.len();
        let mut order: Vec<usize> = (0..total).collect();
        let mut draw = Draw::from_u64(number(0, &job.0, "order"));
        draw.shuffle(&mut order);
        if found.cancelled {
            order.truncate(total / 2);
        } else if engine.expires(&job) {
            order.truncate(total - total.div_ceil(10));
        }
        let requests = found.requests;
        let chunks: Vec<Vec<usize>> = order.chunks(ROWS_AT_ONCE).map(<[usize]>::to_vec).collect();
        stream::iter(chunks)
            .flat_map(move |chunk| {
                let rows: Vec<Vec<u8>> = chunk
                    .into_par_iter()
                    .filter_map(|i| requests.get(i))
                    .flat_map_iter(|request| engine.deliver(&job, request))
                    .collect();
                stream::iter(rows.into_iter().map(Ok))
            })
            .boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = jobs.get_mut(job) {
            job.cancelled = true;
        }
        drop(jobs);
        if let Some(spool) = &self.spool {
            let marker = spooled(spool, &job.0).with_extension("cancelled");
            fs::write(&marker, b"").map_err(|e| {
                Error::new(ErrorKind::Io, "cancel a job", marker.display().to_string()).caused_by(e)
            })?;
        }
        Ok(())
    }
}

impl Engine {
    fn expires(&self, job: &JobRef) -> bool {
        Draw::from_u64(number(0, &job.0, "expiry")).chance(self.rates.of(InjectedFault::ExpiredJob))
    }

    /// The rows of a request: one, none or two.
    fn deliver(&self, job: &JobRef, request: &BatchRequest) -> Vec<Vec<u8>> {
        let key = number(0, &job.0, "delivery");
        let mut half = [0; 8];
        half.copy_from_slice(&request.id.0[8..]);
        let mut draw = Draw::from_u64(key ^ u64::from_le_bytes(half));
        let missing = draw.chance(self.rates.of(InjectedFault::Missing));
        let error = draw.chance(self.rates.of(InjectedFault::RowError));
        let bad = draw.chance(self.rates.of(InjectedFault::BadRow));
        let twice = draw.chance(self.rates.of(InjectedFault::Duplicated));
        if missing {
            return Vec::new();
        }
        if error {
            return vec![write::error_row(request.id)];
        }
        let mut row = write::row(&self.reader, &self.rates, &request.request, request.id);
        if bad {
            row.truncate(row.len() / 2);
            return vec![row];
        }
        if twice { vec![row.clone(), row] } else { vec![row] }
    }
}
