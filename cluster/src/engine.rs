//! Where queries run: in this process within a memory limit, or on a cluster.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io};

use ballista::prelude::SessionContextExt as _;
use ballista_core::extension::SessionConfigExt as _;
use ballista_core::utils::default_session_builder;
use datafusion::arrow::array::{AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::common::Result as EngineResult;
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{FunctionRegistry as _, SessionState, SessionStateBuilder};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::{Error, Result, functions};

/// How long a scheduler may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a query on a cluster is tried. The scheduler repeats what a lost executor had, so this is for a scheduler that
/// gave up.
const ATTEMPTS: usize = 3;
/// Memory that a sort keeps for merging what it wrote, at most, in bytes; the engine's own default.
const MERGE: usize = 10 << 20;
/// Rows of a row group: what a Parquet writer holds in memory.
const ROW_GROUP: usize = 1 << 16;
/// Memory of a task for each row of a batch, in bytes. What an aggregate wrote is merged a batch of each file at a time, with the
/// engine's 8192 rows a batch that needs more than a small limit.
const ROW: usize = 4096;

/// Runs queries that write files.
pub struct Engine {
    context: SessionContext,
    /// Queries of one task that run at the same time.
    at_once: usize,
    /// Queries of several tasks that do.
    wide_at_once: usize,
    attempts: usize,
    limit: Duration,
    spilled: AtomicU64,
}

/// A query whose result goes to a file.
#[derive(Debug)]
pub struct Query {
    /// What it does, for messages.
    pub doing: String,
    /// The query, without the file.
    pub sql: String,
    /// The Parquet file.
    pub to: PathBuf,
}

/// How many tasks each step of a query has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// One.
    One,
    /// As many as the engine runs.
    All,
}

fn settings(config: SessionConfig, partitions: usize) -> SessionConfig {
    config
        .with_target_partitions(partitions)
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        // Bands are random numbers: compression and dictionaries cost time and save nothing.
        .set_str("datafusion.execution.parquet.compression", "uncompressed")
        .set_bool("datafusion.execution.parquet.dictionary_enabled", false)
        .set_usize("datafusion.execution.parquet.max_row_group_size", ROW_GROUP)
}

/// Adds our functions to a session.
///
/// # Errors
/// None in practice: names that the engine refuses.
pub(crate) fn with_functions(mut state: SessionState) -> EngineResult<SessionState> {
    for function in functions::scalar() {
        state.register_udf(function)?;
    }
    for function in functions::aggregate() {
        state.register_udaf(function)?;
    }
    Ok(state)
}

impl Engine {
    /// An engine in this process with `memory` bytes for data of queries; what does not fit goes to files in `folder`.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn embedded(memory: usize, partitions: usize, folder: &Path) -> Result<Self> {
        let failed = Error::engine("the start of the engine");
        let files = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![folder.to_owned()]))
            .with_max_temp_directory_size(u64::MAX);
        let runtime = RuntimeEnvBuilder::new()
            // A fair pool keeps a share for each operator, also for those that are idle: with the eight of a query, a hash table
            // that grows has too little to spill and read again.
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory)))
            .with_disk_manager_builder(files)
            .build_arc()
            .map_err(&failed)?;
        let merge = MERGE.min(memory / (8 * partitions.max(1)));
        let config = settings(SessionConfig::new(), partitions)
            .with_batch_size((memory / (ROW * partitions.max(1))).clamp(256, 8192))
            .with_sort_spill_reservation_bytes(merge)
            .with_sort_in_place_threshold_bytes(merge / 10);
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(with_functions(state).map_err(&failed)?);
        let limit = Duration::MAX;
        let spilled = AtomicU64::new(0);
        // Queries of several tasks use all processors, and share the memory if they run together.
        Ok(Self { context, at_once: partitions, wide_at_once: 1, attempts: 1, limit, spilled })
    }

    /// An engine on the cluster of the scheduler at `address`, a host and port. A query may take `limit`.
    ///
    /// # Errors
    /// A scheduler that cannot be reached.
    pub async fn on_cluster(address: &str, partitions: usize, limit: Duration) -> Result<Self> {
        reach(address)
            .map_err(|source| Error::Unreachable { address: address.to_owned(), source })?;
        let failed = Error::engine("the connection to the scheduler");
        let config = settings(SessionConfig::new_with_ballista(), partitions)
            // The adaptive planner loses jobs of several stages when an executor dies.
            .set_bool("ballista.planner.adaptive.enabled", false);
        let state = default_session_builder(config).map_err(&failed)?;
        let url = format!("df://{address}");
        let context = SessionContext::remote_with_state(&url, state).await.map_err(&failed)?;
        // Only now: the session would forget them.
        for function in functions::scalar() {
            context.register_udf(function.as_ref().clone());
        }
        for function in functions::aggregate() {
            context.register_udaf(function.as_ref().clone());
        }
        let at_once = 2 * partitions;
        let attempts = ATTEMPTS;
        let spilled = AtomicU64::new(0);
        Ok(Self { context, at_once, wide_at_once: partitions, attempts, limit, spilled })
    }

    /// Bytes that queries in this process wrote to temporary files.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Names the rows of some Parquet files.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub async fn name(&self, table: &str, files: &[PathBuf]) -> Result<()> {
        let failed = Error::engine("the reading of intermediate files");
        let paths: Vec<String> = files.iter().map(|path| url(path)).collect();
        let frame = self.context.read_parquet(paths, ParquetReadOptions::default()).await;
        let view = frame.map_err(&failed)?.into_view();
        self.context.register_table(table, view).map_err(&failed)?;
        Ok(())
    }

    /// Runs queries, some of them at the same time: the files that have rows, in the order of the queries, and the number of
    /// rows in all.
    ///
    /// The last step of a query is one task, so several queries are what uses a cluster. A file appears when it is complete, and
    /// a query that is tried again replaces it.
    ///
    /// # Errors
    /// A query that fails, or takes longer than the limit.
    pub async fn run(&self, width: Width, queries: Vec<Query>) -> Result<(Vec<PathBuf>, u64)> {
        let at_once = match width {
            Width::One => self.at_once,
            Width::All => self.wide_at_once,
        };
        let running = futures::stream::iter(queries).map(|query| async move {
            let rows = self.attempts(&query).await?;
            Ok::<_, Error>((query.to, rows))
        });
        let done: Vec<(PathBuf, u64)> = running.buffered(at_once).try_collect().await?;
        let rows = done.iter().map(|(_, rows)| rows).sum();
        Ok((done.into_iter().filter(|(_, rows)| *rows > 0).map(|(path, _)| path).collect(), rows))
    }

    async fn attempts(&self, query: &Query) -> Result<u64> {
        let mut attempt = 1;
        loop {
            let failed = match tokio::time::timeout(self.limit, self.once(query)).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(source)) => Error::engine(&query.doing)(source),
                Err(_) => Error::Slow { doing: query.doing.clone(), limit: self.limit },
            };
            if attempt == self.attempts {
                return Err(failed);
            }
            attempt += 1;
            log::warn!("{failed}: trying again");
        }
    }

    /// Runs a query; the number of its rows.
    async fn once(&self, query: &Query) -> EngineResult<u64> {
        let Query { sql, to, .. } = query;
        let sql = format!("COPY ({sql}) TO {} STORED AS PARQUET", quoted(&url(to)));
        let plan = self.context.sql(&sql).await?.create_physical_plan().await?;
        let result = collect(Arc::clone(&plan), self.context.task_ctx()).await?;
        self.spilled.fetch_add(spilled(plan.as_ref()), Ordering::Relaxed);
        count(&result)
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// A query that fails.
    pub async fn rows(&self, doing: &str, sql: &str) -> Result<Vec<RecordBatch>> {
        let frame = self.context.sql(sql).await.map_err(Error::engine(doing))?;
        frame.collect().await.map_err(Error::engine(doing))
    }
}

/// The number of rows that a query wrote.
fn count(result: &[RecordBatch]) -> EngineResult<u64> {
    let counts = result.iter().filter_map(|batch| batch.column_by_name("count"));
    let counts: Option<u64> = counts
        .map(|c| Some(c.as_primitive_opt::<UInt64Type>()?.iter().flatten().sum::<u64>()))
        .sum();
    counts.ok_or_else(|| DataFusionError::Internal("COPY returned no count".to_owned()))
}

fn spilled(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan.metrics().and_then(|m| m.spilled_bytes()).unwrap_or(0) as u64;
    own + plan.children().into_iter().map(|child| spilled(child.as_ref())).sum::<u64>()
}

fn reach(address: &str) -> io::Result<()> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A path as the engine wants it: other characters than those of a URL would be a pattern of several files.
fn url(path: &Path) -> String {
    let path = fs::canonicalize(path.parent().unwrap_or(path)).map_or_else(
        |_| path.to_owned(),
        |folder| folder.join(path.file_name().unwrap_or_default()),
    );
    url::Url::from_file_path(&path).map_or_else(|()| path.display().to_string(), String::from)
}

/// A text as a literal of a query.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
