//! Writes the outputs from the store: one JSONL file per part and kind, in the plan's order.
//!
//! Every row is rebuilt from the plan and the raw responses, so the files can be rewritten at any time, for a finished
//! or unfinished run, with the same content. [`OUTPUTS`] lists the kinds; each is one file here.

mod annotations;
mod batch;
mod conversations;
mod counts;
mod file;
mod group;
mod kept;
mod kept_frame;
mod old_file;
mod pilot;
mod prompts;
mod rejected;
mod situations;

use std::collections::BTreeMap;
use std::path::Path;

use clinstruct_catalog::Part;
use clinstruct_schema::summary::SeedRowTotals;
use clinstruct_schema::{PartSummary, RepairCounts, SCHEMA_VERSION, Summary};
use clinstruct_store::{RawReader, Store, TaskRecord, TaskState};

use crate::config::PlanFacts;
use crate::task::{Locate, PromptTask};
use crate::{Result, RunContext};
pub use annotations::write_annotations;
use batch::{Batch, Rows};
use file::{Pending, line};
use group::{FailedTexts, Group};
pub use kept::KeptRows;
use kept::{KeptPart, KeptRow};
use pilot::Sampled;

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
    /// What its seed row took, in a sample.
    totals: Option<SeedRowTotals>,
    /// Whether a rehearsal wrote any of it.
    rehearsal: bool,
    /// If another plan made it.
    kept: KeptRows,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The counts of all rows.
    pub summary: Summary,
    /// The rows that another plan than the present one made; `None` for a run with the present plan.
    pub kept: Option<KeptRows>,
}

/// The rows of one part.
struct Section<'a> {
    number: u8,
    part: &'a Part,
    rows: usize,
    /// If the run keeps its own plan.
    kept: Option<KeptPart<'a>>,
}

/// The parts whose rows are written: those of the journal's plan, where the run keeps it.
fn sections<'a>(
    context: &'a RunContext<'a>,
    store: &Store,
    dir: &Path,
) -> Result<Vec<Section<'a>>> {
    Ok(match kept::parts(context, store, dir)? {
        Some(parts) => parts
            .into_iter()
            .map(|(kept, rows)| Section {
                number: kept.number(),
                part: kept.part(),
                rows,
                kept: Some(kept),
            })
            .collect(),
        None => context
            .plans
            .iter()
            .map(|(number, plan)| Section {
                number: *number,
                part: plan.part(),
                rows: plan.len(),
                kept: None,
            })
            .collect(),
    })
}

/// Fails where [`write_outputs`] would lack what it needs: of rows that another plan made, the situations of those that
/// were accepted. Writes nothing.
///
/// # Errors
/// [`Error::NoSituations`](crate::Error::NoSituations), and a journal or a file that cannot be read.
pub fn check_outputs(context: &RunContext<'_>, store: &Store, dir: &Path) -> Result<()> {
    for (kept, rows) in kept::parts(context, store, dir)?.into_iter().flatten() {
        kept.check(store, rows, ROWS_AT_ONCE)?;
    }
    Ok(())
}

/// Writes the files below `dir` and counts every row.
pub fn write_outputs(
    context: &RunContext<'_>,
    store: &Store,
    dir: &Path,
    files: OutputFiles,
) -> Result<Written> {
    let reader = store.reader();
    let mut parts = Vec::new();
    let mut rehearsal = context.rehearsal;
    let mut repairs: BTreeMap<String, RepairCounts> = BTreeMap::new();
    let mut kept_rows = KeptRows::default();
    let mut sampled = Sampled::of(context);
    for Section { number, part, rows, kept } in sections(context, store, dir)? {
        let mut writers = Writers::open(dir, &part.stem, files)?;
        let mut summary = PartSummary {
            part: part.id.to_string(),
            stem: part.stem.clone(),
            seed_rows: rows as u64,
            ..PartSummary::default()
        };
        if let Some(sampled) = &mut sampled {
            sampled.begin(context, number);
        }
        let from = Rows { context, reader: &reader, number, kept: kept.as_ref() };
        let (mut begun, mut next) = (0, 0);
        let mut made: Vec<Lines> = Vec::new();
        let mut waiting: Option<Batch> = None;
        while next < rows || waiting.is_some() || !made.is_empty() {
            let to = (next + ROWS_AT_ONCE).min(rows);
            let (mut written, mut lines, mut read) = (Ok(()), Ok(Vec::new()), Ok(None));
            // A batch is read by this thread, which has the store, while the one before is built and the one before that
            // is written.
            rayon::in_place_scope(|scope| {
                if !made.is_empty() {
                    scope.spawn(|_| written = made.iter().try_for_each(|line| writers.write(line)));
                }
                if let Some(batch) = waiting.take() {
                    scope.spawn(|_| lines = batch.lines(&from, part, files));
                }
                if next < to {
                    let counted = (&mut summary, &mut repairs);
                    read =
                        from.read(store, (next, to), files, sampled.is_some(), counted).map(Some);
                }
            });
            written?;
            made = lines?;
            waiting = read?;
            begun += made.len();
            for line in &made {
                counts::add(&mut summary, &line.summary);
                rehearsal |= line.rehearsal;
                kept_rows.add(&line.kept);
                if let Some((sampled, totals)) = sampled.as_mut().zip(line.totals) {
                    sampled.add(&totals);
                }
            }
            next = to;
        }
        if kept.is_none() {
            let each = part.prompts_per_request * part.variants();
            // The rows of a seed row that waits, or was not started, are unfinished.
            summary.in_progress += ((rows - begun) * each) as u64;
            let spared = part.variants().saturating_sub(1) as u64;
            summary.planned = (rows * each) as u64 - summary.emergencies * spared;
        }
        // The files that are read must not be open when they are replaced.
        drop(kept);
        writers.finish()?;
        parts.push(summary);
    }
    let own_plan = context.kept.get();
    if own_plan.is_some() {
        // What failed, and was repaired, was counted when it could be read with its request.
        let before = std::fs::read_to_string(dir.join("summary.json")).ok();
        let before = before.and_then(|text| Summary::read(&text).ok());
        repairs = before.map_or(repairs, |summary| summary.repairs);
    }
    let resources = || context.catalog.fingerprint();
    let summary = Summary {
        schema_version: SCHEMA_VERSION,
        backend: context.backend.clone(),
        model: context.model.clone(),
        rehearsal,
        seed: context.config.seed,
        shard: own_plan.map_or(context.config.shard, PlanFacts::shard),
        resources: own_plan.map_or_else(resources, |facts| facts.catalog.clone()),
        counts_add_up: parts.iter().all(PartSummary::adds_up),
        pilot: sampled.and_then(|sampled| sampled.done(&parts)),
        parts,
        requests_answered: store.answered_total()?,
        repairs,
        quality: None,
    };
    Ok(Written { summary, kept: own_plan.map(|_| kept_rows) })
}

/// Where the texts of rows come from.
struct Source<'a> {
    context: &'a RunContext<'a>,
    locate: Locate<'a>,
    reader: &'a RawReader,
}

/// The lines of one seed row and its conversations, from its tasks, and its prompts where they are read already. `own` is the row of the run's own plan, where it keeps that.
fn lines_of<'a>(
    from: &Source<'a>,
    part: u8,
    own: Option<(&KeptPart<'a>, &KeptRow)>,
    (tasks, read): (&'a [TaskRecord], Option<PromptTask>),
    failed_texts: &'a FailedTexts,
    files: OutputFiles,
) -> Result<Lines> {
    let mut lines = Lines::default();
    let reads = |state| OUTPUTS.iter().any(|o| (o.wanted)(files) && (o.reads)(state));
    let group = match own {
        Some((kept, row)) if !row.is_current => kept.group(from, row, tasks, &mut lines.kept)?,
        _ => Group::new(from, part, (tasks, read), failed_texts, &reads)?,
    };
    let Some(mut group) = group else { return Ok(lines) };
    if let Some((_, row)) = own {
        group.not_begun = row.planned.saturating_sub(group.conversations.len() as u64);
    }
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
