//! Some seed rows that are read from the store, built and written together.

use std::collections::{BTreeMap, HashMap};

use clinstruct_catalog::Part;
use clinstruct_schema::{PartSummary, RepairCounts, RequestId};
use clinstruct_store::{RawReader, RowLocation, Store, TaskKey, TaskRecord};
use rayon::prelude::*;

use super::group::{FailedTexts, tasks_of};
use super::kept::{KeptPart, KeptRow};
use super::pilot::Answered;
use super::{Lines, OutputFiles, Source, counts, lines_of};
use crate::task::{PromptTask, SeedRow, retried};
use crate::{Result, RunContext};

/// Where the rows of a part are read from.
pub(super) struct Rows<'a> {
    pub(super) context: &'a RunContext<'a>,
    pub(super) reader: &'a RawReader,
    pub(super) number: u8,
    /// If the run keeps its own plan.
    pub(super) kept: Option<&'a KeptPart<'a>>,
}

/// What the store has of some seed rows.
pub(super) struct Batch {
    /// Their tasks, by started seed row, the seed row's own task first.
    tasks: Vec<Vec<TaskRecord>>,
    /// The rows of the run's own plan, where it keeps that.
    own: HashMap<TaskKey, KeptRow>,
    /// For each of `tasks`: its prompts where the retries needed them, and its requests in a sample.
    read: Vec<(Option<PromptTask>, Option<Answered>)>,
    failed_texts: FailedTexts,
    /// Where the accepted responses lie.
    places: HashMap<RequestId, RowLocation>,
}

impl Rows<'_> {
    /// Reads seed rows `from..to`, and counts their retries and, where the run keeps its own plan, what that planned.
    pub(super) fn read(
        &self,
        store: &Store,
        (from, to): (usize, usize),
        files: OutputFiles,
        is_sample: bool,
        (summary, repairs): (&mut PartSummary, &mut BTreeMap<String, RepairCounts>),
    ) -> Result<Batch> {
        let Self { context, reader, number, kept } = *self;
        let tasks = tasks_of(store, number, from, to)?;
        let own: HashMap<TaskKey, KeptRow> = match kept {
            Some(kept) => {
                let rows = kept.rows(store, from, to, &tasks)?;
                rows.into_iter().map(|row| (row.row.task, row)).collect()
            }
            None => HashMap::new(),
        };
        for KeptRow { row, planned, .. } in own.values() {
            summary.planned += planned;
            if tasks.iter().flatten().all(|task| task.key != row.task) {
                summary.in_progress += planned;
            }
        }
        let mut failed_texts = FailedTexts::new();
        // Prompts that the retries need are not read again for the lines of their seed row.
        let mut read = Vec::with_capacity(tasks.len());
        for group in &tasks {
            let Some(base) = group.first() else { continue };
            let mut seed_row = SeedRow::new(base);
            let mut answered = is_sample.then(Answered::default);
            for record in group {
                if own.get(&record.key.seed_row_of()).is_some_and(|row| !row.is_current) {
                    continue;
                }
                for retries in retried(context, store, reader, record, &mut seed_row)? {
                    counts::add_retries(context, repairs, &retries);
                    if let Some(answered) = &mut answered {
                        answered.add_failed(&retries);
                    }
                    if !retries.succeeded && files.conversations {
                        let texts = retries.failed.into_iter().flat_map(|failed| failed.texts);
                        failed_texts.entry(record.key).or_default().extend(texts);
                    }
                }
            }
            read.push((seed_row.into_prompts(), answered));
        }
        let mut places = HashMap::new();
        for request in tasks.iter().flatten().flat_map(|t| &t.steps).map(|s| s.request) {
            if let Some(place) = store.locate(request)? {
                places.insert(request, place);
            }
        }
        Ok(Batch { tasks, own, read, failed_texts, places })
    }
}

impl Batch {
    /// The lines of its seed rows.
    pub(super) fn lines(
        self,
        from: &Rows<'_>,
        part: &Part,
        files: OutputFiles,
    ) -> Result<Vec<Lines>> {
        let Self { tasks, own, read, failed_texts, places } = self;
        let locate = |id: RequestId| Ok(places.get(&id).copied());
        let Rows { context, reader, number, kept, .. } = *from;
        let one = |(tasks, (read, answered)): (Vec<TaskRecord>, (_, Option<Answered>))| {
            let source = Source { context, locate: &locate, reader };
            let own = kept.zip(tasks.first().and_then(|task| own.get(&task.key)));
            let mut lines = lines_of(&source, number, own, (&tasks, read), &failed_texts, files)?;
            let totals = answered.map(|answered| {
                answered.totals(context, (part, &tasks), &lines.summary, &locate, reader)
            });
            lines.totals = totals.transpose()?;
            Ok(lines)
        };
        tasks.into_par_iter().zip(read).map(one).collect()
    }
}
