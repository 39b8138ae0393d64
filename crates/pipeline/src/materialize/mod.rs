//! Writes the outputs from the store: one JSONL file per part and kind, in the plan's order.
//!
//! Every row is rebuilt from the plan and the raw responses, so the files can be rewritten at any time, for a finished
//! or unfinished run, with the same content. [`OUTPUTS`] lists the kinds; each is one file here.

mod annotations;
mod conversations;
mod counts;
mod file;
mod group;
mod prompts;
mod rejected;
mod situations;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use clinstruct_schema::{PartSummary, RepairCounts, RequestId, SCHEMA_VERSION, Summary};
use clinstruct_store::{RawReader, Store, TaskKey, TaskRecord, TaskState};
use rayon::prelude::*;

use crate::task::{Locate, base_key, retried};
use crate::{Result, RunContext, planned_rows};
pub use annotations::write_annotations;
use file::{Pending, line};
use group::{FailedTexts, Group};

/// Seed rows that are rebuilt together.
const ROWS_AT_ONCE: usize = 128;

/// Which kinds of files to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFiles {
    /// `prompts/`.
    pub prompts: bool,
    /// `situations/`.
    pub situations: bool,
    /// `conversations/` and `rejected/`.
    pub conversations: bool,
}

impl OutputFiles {
    /// All of them.
    pub const ALL: Self = Self { prompts: true, situations: true, conversations: true };
}

/// A kind of file.
struct Output {
    /// Its folder.
    folder: &'static str,
    /// Whether to write it.
    wanted: fn(OutputFiles) -> bool,
    /// Whether it needs the text of a conversation in this state.
    reads: fn(TaskState) -> bool,
    /// Writes the lines of one seed row.
    write: fn(&Group<'_>, &mut Vec<u8>) -> Result<()>,
}

/// All kinds of files, in the order in which they are written.
const OUTPUTS: [Output; 4] =
    [prompts::OUTPUT, situations::OUTPUT, conversations::OUTPUT, rejected::OUTPUT];

/// The lines of one seed row, by kind of file, and their counts.
#[derive(Default)]
struct Lines {
    by_output: [Vec<u8>; OUTPUTS.len()],
    summary: PartSummary,
    /// Whether a rehearsal wrote any of it.
    rehearsal: bool,
}

/// Writes the files below `dir` and counts every row.
pub fn write_outputs(
    context: &RunContext<'_>,
    store: &Store,
    dir: &Path,
    files: OutputFiles,
) -> Result<Summary> {
    let reader = store.reader();
    let mut parts = Vec::new();
    let mut rehearsal = context.rehearsal;
    let mut repairs: BTreeMap<String, RepairCounts> = BTreeMap::new();
    for (part, plan) in &context.plans {
        let stem = &plan.part().stem;
        let mut writers = Writers::open(dir, stem, files)?;
        let mut summary = PartSummary {
            part: plan.part().id.to_string(),
            stem: stem.clone(),
            seed_rows: plan.len() as u64,
            ..PartSummary::default()
        };
        let mut begun = 0;
        let mut made: Vec<Lines> = Vec::new();
        let mut next = 0;
        // Batches are written while the next is built.
        while next < plan.len() || !made.is_empty() {
            let to = (next + ROWS_AT_ONCE).min(plan.len());
            let tasks = if next < to { tasks_of(store, *part, next, to)? } else { Vec::new() };
            let mut failed_texts = FailedTexts::new();
            for record in tasks.iter().flatten() {
                for retries in retried(context, store, &reader, record)? {
                    counts::add_retries(context, &mut repairs, &retries);
                    if !retries.succeeded && files.conversations {
                        let texts = retries.failed.into_iter().flat_map(|failed| failed.texts);
                        failed_texts.entry(record.key).or_default().extend(texts);
                    }
                }
            }
            let mut places = HashMap::new();
            for request in tasks.iter().flatten().flat_map(|t| &t.steps).map(|s| s.request) {
                if let Some(place) = store.locate(request)? {
                    places.insert(request, place);
                }
            }
            let locate = |id: RequestId| Ok(places.get(&id).copied());
            let (written, lines) = rayon::join(
                || made.iter().try_for_each(|line| writers.write(line)),
                || {
                    tasks
                        .into_par_iter()
                        .map(|tasks| {
                            let from = Source { context, locate: &locate, reader: &reader };
                            lines_of(&from, *part, &tasks, &failed_texts, files)
                        })
                        .collect::<Result<Vec<Lines>>>()
                },
            );
            written?;
            made = lines?;
            begun += made.len();
            for line in &made {
                counts::add(&mut summary, &line.summary);
                rehearsal |= line.rehearsal;
            }
            next = to;
        }
        let each = plan.part().prompts_per_request * plan.part().variants();
        // The rows of a seed row that waits, or was not started, are unfinished.
        summary.in_progress += ((plan.len() - begun) * each) as u64;
        let spared = plan.part().variants().saturating_sub(1) as u64;
        summary.planned = (planned_rows(plan) as u64) - summary.emergencies * spared;
        writers.finish()?;
        parts.push(summary);
    }
    Ok(Summary {
        schema_version: SCHEMA_VERSION,
        backend: context.backend.clone(),
        model: context.model.clone(),
        rehearsal,
        seed: context.config.seed,
        resources: context.catalog.fingerprint(),
        counts_add_up: parts.iter().all(PartSummary::adds_up),
        parts,
        requests_answered: store.answered_total()?,
        repairs,
        quality: None,
    })
}

/// The tasks of seed rows `from..to`, grouped by started seed row, the seed row's own task first.
fn tasks_of(store: &Store, part: u8, from: usize, to: usize) -> Result<Vec<Vec<TaskRecord>>> {
    let base_of = |key: TaskKey| key.seed_row_index();
    let mut groups: Vec<Vec<TaskRecord>> = Vec::new();
    for record in store.tasks(base_key(part, from)?, base_key(part, to)?)? {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|g| base_of(g.key) == base_of(record.key)) => {
                group.push(record);
            }
            _ => groups.push(vec![record]),
        }
    }
    Ok(groups)
}

/// Where the texts of rows come from.
struct Source<'a> {
    context: &'a RunContext<'a>,
    locate: Locate<'a>,
    reader: &'a RawReader,
}

/// The lines of one seed row and its conversations.
fn lines_of(
    from: &Source<'_>,
    part: u8,
    tasks: &[TaskRecord],
    failed_texts: &FailedTexts,
    files: OutputFiles,
) -> Result<Lines> {
    let mut lines = Lines::default();
    let reads = |state| OUTPUTS.iter().any(|o| (o.wanted)(files) && (o.reads)(state));
    let Some(group) = Group::new(from, part, tasks, failed_texts, &reads)? else {
        return Ok(lines);
    };
    lines.summary = counts::of(&group);
    let rows = group.conversations.iter().filter_map(|c| c.row.as_ref());
    lines.rehearsal = group.rehearsal || rows.map(|row| &row.provenance).any(|p| p.rehearsal);
    for (output, text) in OUTPUTS.iter().zip(&mut lines.by_output) {
        if (output.wanted)(files) {
            (output.write)(&group, text)?;
        }
    }
    Ok(lines)
}

/// The files of one part, in the order of [`OUTPUTS`].
struct Writers([Option<Pending>; OUTPUTS.len()]);

impl Writers {
    fn open(dir: &Path, stem: &str, files: OutputFiles) -> Result<Self> {
        let mut all = [const { None }; OUTPUTS.len()];
        for (output, file) in OUTPUTS.iter().zip(&mut all) {
            if (output.wanted)(files) {
                *file = Some(Pending::open(dir, output.folder, stem)?);
            }
        }
        Ok(Self(all))
    }

    fn write(&mut self, lines: &Lines) -> Result<()> {
        for (file, bytes) in self.0.iter_mut().zip(&lines.by_output) {
            if let Some(file) = file {
                file.write(bytes)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        self.0.into_iter().flatten().try_for_each(Pending::finish)
    }
}
