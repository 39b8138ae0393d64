//! The command `clinstruct-cluster`.

mod args;

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use clinstruct_app::{facts, read_catalog, usage};
use clinstruct_cluster::{Error, Evaluation, Executor, Inputs, Options, Result, Scheduler, curate};
use clinstruct_schema::PartSummary;

use crate::args::{Args, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tasks of a query on a cluster.
const TASKS: usize = 8;

/// Writes what the engine logs to standard error.
struct StandardError;

impl log::Log for StandardError {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}: {}\n", record.level(), record.target(), record.args());
        // Nobody is left to tell where standard error is closed.
        io::stderr().write_all(line.as_bytes()).ok();
    }

    fn flush(&self) {}
}

fn main() -> ExitCode {
    let Args { command } = Args::parse();
    // The engine logs a line per task.
    let curates = matches!(command, Command::Curate { .. });
    let level = if curates { log::LevelFilter::Warn } else { log::LevelFilter::Info };
    if log::set_logger(&StandardError).is_ok() {
        log::set_max_level(level);
    }
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = format!("error: {error}\n");
            let mut cause = error.source();
            while let Some(error) = cause {
                let _ = writeln!(message, "caused by: {error}");
                cause = error.source();
            }
            if let Some(hint) = error.hint() {
                let _ = writeln!(message, "hint: {hint}");
            }
            // Nobody is left to tell where standard error is closed.
            io::stderr().write_all(message.as_bytes()).ok();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Curate { run, scheduler, memory, tasks, eval, split, timeout } => {
            let catalog = read_catalog(None)?;
            let evaluation = evaluation(&eval)?;
            let inputs = Inputs { evaluation, facts: facts(&catalog), shares: split };
            let default = Options::default();
            let all = if scheduler.is_some() { TASKS } else { default.partitions };
            let partitions = tasks.unwrap_or(all).max(1);
            let options = Options { scheduler, memory, partitions, limit: timeout, ..default };
            let outcome = curate(&run, &inputs, &options)?;
            let dropped: u64 = outcome.summary.parts.iter().map(PartSummary::dropped).sum();
            let kept = outcome.summary.in_dataset();
            let line = format!(
                "{} rows, {dropped} dropped; {} texts, {} candidates, {} bytes in temporary files\n",
                kept + dropped,
                outcome.texts,
                outcome.candidates,
                outcome.spilled
            );
            io::stdout()
                .write_all(line.as_bytes())
                .map_err(|source| Error::File { path: "standard output".into(), source })
        }
        Command::Scheduler { bind, port, lost_after } => {
            started(Scheduler { bind, port, lost_after }.run())
        }
        Command::Executor { scheduler, bind, host, port, memory, tasks, folder } => {
            // Removed where the process is asked to end.
            let temporary = tempfile::tempdir()
                .map_err(|source| Error::File { path: std::env::temp_dir(), source })?;
            let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
            let (scheduler, scheduler_port) = scheduler;
            let executor = Executor {
                scheduler,
                scheduler_port,
                host: host.unwrap_or_else(|| bind.clone()),
                bind,
                port,
                memory: memory as u64,
                tasks: tasks.unwrap_or_else(|| Options::default().partitions).max(1),
                folder: folder.display().to_string(),
            };
            started(executor.run())
        }
    }
}

fn started(process: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|source| Error::Process { role: "process", source: Box::new(source) })?;
    runtime.block_on(process)
}

/// The items of some files, as `build --eval` reads them.
fn evaluation(given: &[String]) -> Result<Evaluation> {
    let mut all = Evaluation::default();
    for given in given {
        let (path, column) = evaluation_file(given);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let set = all.sets.len();
        all.sets.push(name.unwrap_or_default());
        let mut bad = 0_u64;
        let read = clinstruct_records::texts(&path, column.as_deref(), |text| match text {
            Ok(text) => all.items.push((set, text)),
            Err(_) => bad += 1,
        });
        read.map_err(clinstruct_app::Error::from)?;
        if bad > 0 {
            log::warn!("{}: {bad} rows without a question are left out", path.display());
        }
        if all.items.iter().all(|(of, _)| *of != set) {
            let hint = "name the column of the question, as in --eval FILE:COLUMN";
            return Err(usage(format!("{} has no items", path.display()), hint).into());
        }
    }
    Ok(all)
}

/// Parses `FILE` or `FILE:COLUMN`; a colon in the path of an existing file is kept.
fn evaluation_file(given: &str) -> (PathBuf, Option<String>) {
    match given.rsplit_once(':') {
        Some((path, column)) if !Path::new(given).exists() && !column.contains(['/', '\\']) => {
            (path.into(), Some(column.into()))
        }
        _ => (given.into(), None),
    }
}
