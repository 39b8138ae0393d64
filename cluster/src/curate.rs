//! Curates a run: the plan, then the passes that do not run on the engine.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clinstruct_app::{summary_of, write_whole};
use clinstruct_curate::contamination::Contamination;
use clinstruct_curate::metrics::Facts;
use clinstruct_curate::near_duplicates::{FoundPairs, Pair};
use clinstruct_curate::splits::Shares;
use clinstruct_curate::{Settings, Spill, conversations_of, curate_run_with, passes};
use clinstruct_schema::Summary;
use datafusion::arrow::array::{AsArray as _, PrimitiveArray, RecordBatch};
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::engine::Engine;
use crate::plan::{self, Found};
use crate::rows::{Evaluation, Manifest, Place, find_lines};
use crate::{Error, Result};

/// Memory of the passes that do not run on the engine, in bytes, at most: as in a build.
const PASSES: usize = 128 << 20;

/// Where the plan runs, and with what.
#[derive(Debug, Clone)]
pub struct Options {
    /// Host and port of a scheduler; without one, the plan runs in this process.
    pub scheduler: Option<String>,
    /// Memory of queries in this process, or of those on one executor, in bytes.
    pub memory: usize,
    /// Tasks of a query.
    pub partitions: usize,
    /// Bytes of conversations that a query reads.
    pub group: u64,
    /// The most that a query on a cluster may take.
    pub limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let partitions = std::thread::available_parallelism().map_or(1, usize::from);
        let limit = Duration::from_hours(1);
        Self { scheduler: None, memory: 1 << 30, partitions, group: 64 << 20, limit }
    }
}

/// What the passes depend on besides the rows.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Items that must not be in the dataset.
    pub evaluation: Evaluation,
    /// Facts that texts are compared with.
    pub facts: Facts,
    /// Shares of the splits.
    pub shares: Shares,
}

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Its summary, as in `summary.json`.
    pub summary: Summary,
    /// Texts that were compared.
    pub texts: u64,
    /// Pairs that share a bucket, once per query that found them.
    pub candidates: u64,
    /// Bytes that queries in this process wrote to temporary files.
    pub spilled: u64,
}

/// Curates the finished run in `run`: writes `annotations/` and completes `summary.json`, as a build does.
///
/// Intermediate files are in a folder below `run`, which is removed at the end. On a cluster, `run` has the same path on all
/// machines.
///
/// # Errors
/// Rows that cannot be read, and queries that cannot be finished. The annotations are those of before, then.
pub fn curate(run: &Path, inputs: &Inputs, options: &Options) -> Result<Outcome> {
    let mut summary = summary_of(run)?;
    uncurate(&mut summary);
    let run = &fs::canonicalize(run).map_err(Error::file(run))?;
    let folder = tempfile::Builder::new().prefix(".curate-").tempdir_in(run);
    let folder = folder.map_err(Error::file(run))?;

    let paths: Vec<PathBuf> =
        summary.parts.iter().map(|part| conversations_of(run, &part.stem)).collect();
    let (files, starts, groups) = find_lines(&paths, options.group)?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    let manifest = Manifest { files, evaluation: inputs.evaluation.clone() };
    let path = folder.path().join("manifest.json");
    let written = serde_json::to_vec(&manifest).map_err(io::Error::from);
    written.and_then(|text| fs::write(&path, text)).map_err(Error::file(&path))?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Error::file(run))?;
    let memory = options.memory;
    let (found, spilled) = runtime.block_on(async {
        let engine = match &options.scheduler {
            Some(address) => Engine::on_cluster(address, options.partitions, options.limit).await?,
            None => Engine::embedded(memory, options.partitions, folder.path())?,
        };
        let found =
            plan::find(&engine, folder.path(), &path, &groups, bytes, memory as u64).await?;
        Ok::<_, Error>((found, engine.spilled()))
    })?;
    drop(runtime);

    let Found { contaminated, pairs, texts, candidates } = found;
    let rows = Starts(starts);
    let contaminated =
        contaminated.into_iter().filter_map(|(chat, item)| Some((rows.number(chat)?, item)));
    let spill = Spill::to(run).with_budget(PASSES.min(memory));
    passes_left(run, &mut summary, inputs, contaminated.collect(), &rows, &pairs, &spill)?;
    write_whole(
        &run.join("summary.json"),
        &summary.to_json().map_err(clinstruct_app::Error::from)?,
    )?;
    Ok(Outcome { summary, texts, candidates, spilled })
}

/// The passes of a build, where the two that the plan has done only apply what it found.
fn passes_left(
    run: &Path,
    summary: &mut Summary,
    inputs: &Inputs,
    contaminated: HashMap<usize, (u32, String)>,
    rows: &Starts,
    pairs: &[PathBuf],
    spill: &Spill,
) -> Result<()> {
    let Inputs { facts, shares, evaluation } = inputs;
    let eval_items = evaluation.items();
    let seed = summary.seed;
    let settings = Settings { eval_items: &eval_items, facts, shares: *shares, seed, spill };
    let mut all = passes(&settings);
    let mut contamination = Some(Contamination::new(&eval_items).with_found(contaminated));
    let found = pairs.iter().flat_map(|path| pairs_of(path, rows));
    let mut near_duplicates = Some(FoundPairs::new(found, spill));
    for pass in &mut all {
        match pass.name() {
            "contamination" => {
                if let Some(found) = contamination.take() {
                    *pass = Box::new(found);
                }
            }
            "near_duplicates" => {
                if let Some(found) = near_duplicates.take() {
                    *pass = Box::new(found);
                }
            }
            _ => {}
        }
    }
    curate_run_with(run, summary, all, spill)?;
    Ok(())
}

/// The summary as it was before the run was curated.
fn uncurate(summary: &mut Summary) {
    for part in &mut summary.parts {
        part.in_dataset += part.dropped();
        part.dropped.clear();
    }
    summary.quality = None;
}

/// Where the line of each row starts.
struct Starts(Vec<u64>);

impl Starts {
    fn number(&self, chat: u64) -> Option<usize> {
        self.0.binary_search(&chat).ok()
    }
}

type Pairs<'a> = Box<dyn Iterator<Item = clinstruct_curate::Result<Pair>> + Send + 'a>;

/// The pairs of a file, one batch at a time.
fn pairs_of<'a>(path: &'a Path, rows: &'a Starts) -> Pairs<'a> {
    let unreadable = |source| clinstruct_curate::Error::Read { path: path.to_owned(), source };
    let batches = File::open(path).and_then(|file| {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build);
        reader.map_err(io::Error::other)
    });
    let batches = match batches {
        Ok(batches) => batches,
        Err(source) => return Box::new(std::iter::once(Err(unreadable(source)))),
    };
    let all = batches.flat_map(move |batch| {
        let pairs = batch.map_err(io::Error::other).and_then(|batch| pairs_in(&batch, rows));
        match pairs {
            Ok(pairs) => pairs.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(source) => vec![Err(unreadable(source))],
        }
    });
    Box::new(all)
}

fn pairs_in(batch: &RecordBatch, rows: &Starts) -> io::Result<Vec<Pair>> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "not a file of pairs of these rows");
    let column = |at: usize| {
        let column = batch.columns().get(at)?;
        column.as_primitive_opt::<UInt64Type>().map(PrimitiveArray::values)
    };
    let (Some(a), Some(b)) = (column(0), column(1)) else { return Err(wrong()) };
    let row = |place: Place| rows.number(place.chat()).and_then(|row| u32::try_from(row).ok());
    let pair = |(a, b): (&u64, &u64)| {
        let (a, b) = (Place(*a), Place(*b));
        let numbers = row(a).zip(row(b)).ok_or_else(wrong)?;
        Ok(Pair { kind: a.kind(), rows: numbers.into() })
    };
    a.iter().zip(b).map(pair).collect()
}
