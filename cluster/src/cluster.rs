//! The processes of a cluster.

use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;

use crate::engine::with_functions;
use crate::{Error, Result, functions};

/// How long an executor tries to reach its scheduler, in seconds.
const CONNECT: u16 = 30;

/// A scheduler.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// Address to listen at.
    pub bind: String,
    /// Port.
    pub port: u16,
    /// Seconds without a sign of life after which an executor is lost, and others do its work.
    pub lost_after: u64,
}

/// An executor.
#[derive(Debug, Clone)]
pub struct Executor {
    /// Host of the scheduler.
    pub scheduler: String,
    /// Port of the scheduler.
    pub scheduler_port: u16,
    /// Address to listen at.
    pub bind: String,
    /// Name or address by which other executors reach this one.
    pub host: String,
    /// Port at which other executors read its intermediate data.
    pub port: u16,
    /// Memory of all its tasks, in bytes; beyond it, they write temporary files.
    pub memory: u64,
    /// Tasks at the same time.
    pub tasks: usize,
    /// Folder for intermediate data and temporary files.
    pub folder: String,
}

fn ended(role: &'static str) -> impl Fn(ballista_core::error::BallistaError) -> Error {
    move |source| Error::Process { role, source: Box::new(source) }
}

impl Scheduler {
    /// Runs it until the process ends.
    ///
    /// # Errors
    /// A port that is taken.
    pub async fn run(self) -> Result<()> {
        let Self { bind, port, lost_after } = self;
        let address = format!("{bind}:{port}").parse().map_err(|source| Error::Process {
            role: "scheduler",
            source: Box::<std::net::AddrParseError>::new(source),
        })?;
        let config = SchedulerConfig {
            bind_host: bind,
            bind_port: port,
            // Executors ask for work. With tasks that are pushed, jobs of several stages hang when an executor dies.
            scheduling_policy: TaskSchedulingPolicy::PullStaged,
            executor_timeout_seconds: lost_after,
            expire_dead_executor_interval_seconds: lost_after.div_ceil(4).max(1),
            no_executors_grace_period_seconds: lost_after,
            override_session_builder: Some(Arc::new(|config| {
                default_session_builder(config).and_then(with_functions)
            })),
            ..SchedulerConfig::default()
        };
        let failed = ended("scheduler");
        let cluster = BallistaCluster::new_from_config(&config).await.map_err(&failed)?;
        start_server(cluster, address, Arc::new(config)).await.map_err(failed)
    }
}

impl Executor {
    /// Runs it until the process is asked to end.
    ///
    /// # Errors
    /// A scheduler that cannot be reached, and a port that is taken.
    pub async fn run(self) -> Result<()> {
        let mut registry = BallistaFunctionRegistry::default();
        for function in functions::scalar() {
            registry.scalar_functions.insert(function.name().to_owned(), function);
        }
        for function in functions::aggregate() {
            registry.aggregate_functions.insert(function.name().to_owned(), function);
        }
        let config = ExecutorProcessConfig {
            scheduler_host: self.scheduler,
            scheduler_port: self.scheduler_port,
            scheduler_connect_timeout_seconds: CONNECT,
            bind_host: self.bind,
            external_host: Some(self.host),
            port: self.port,
            vcores: self.tasks,
            task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
            memory_pool_size: Some(self.memory),
            work_dir: Some(self.folder),
            override_function_registry: Some(Arc::new(registry)),
            ..ExecutorProcessConfig::default()
        };
        start_executor_process(Arc::new(config)).await.map_err(ended("executor"))
    }
}
