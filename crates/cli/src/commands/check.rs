//! `clinstruct check`: all metrics of any chat dataset.

mod rows;
mod show;
mod table;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use clinstruct_curate::contamination::{EvalItems, Hit};
use clinstruct_curate::metrics::{Facts, Fault, MetricsAccumulator};
use clinstruct_curate::near_duplicates::{Collected, Collector, Duplicates, collect};
use clinstruct_curate::{Annotations, Row, Spill, Variants};
use clinstruct_records::{BadRow, Record, chats, texts};
use clinstruct_schema::summary::{Measured, MetricId, Metrics, Target, Verdict};
use clinstruct_schema::{SCHEMA_VERSION, counted};
use rayon::prelude::*;
use serde::Serialize;

use self::rows::Rows;
use super::{print, print_err, print_json};
use crate::args::CheckArgs;
use crate::exit::{Code, usage};
use crate::remote::{self, Fetched, Wanted};
use crate::table::missed_targets;
use clinstruct_app::{facts, summary_of};

/// Rows that are processed together.
const ROWS_AT_ONCE: usize = 2048;
/// Bad rows and hits that are listed individually.
const NAMED: usize = 10;

/// Results for one evaluation set.
#[derive(Debug, Default, Clone, Serialize)]
struct Benchmark {
    name: String,
    items: u64,
    /// Items with too few words to be recognized, and unreadable rows.
    left_out: u64,
    rows: u64,
    hits: Vec<Found>,
}

/// A row that contains an evaluation item.
#[derive(Debug, Clone, Serialize)]
struct Found {
    id: String,
    /// Index, from 0; tool messages come after the others.
    message: usize,
    words: usize,
    matched: usize,
    /// The matching blocks, as ranges of words of the message.
    blocks: Vec<std::ops::Range<usize>>,
    /// Its place, if the hits are shown.
    #[serde(skip)]
    fault: Option<Fault>,
}

/// The output of `check`.
#[derive(Debug, Serialize)]
struct Report {
    schema_version: u32,
    files: Vec<PathBuf>,
    metrics: Metrics,
    duplicates: Duplicates,
    contamination: Vec<Benchmark>,
    bad_rows: Vec<String>,
    /// Columns with text outside conversations, by file.
    unread_columns: BTreeMap<String, Vec<String>>,
    /// Rows of a run's file that its dataset leaves out, by file. They are measured where the file was given, and not where
    /// the folder was.
    dropped_rows: BTreeMap<String, u64>,
}

/// Parses `FILE` or `FILE:COLUMN`; a colon in the path of an existing file is kept.
fn evaluation_file(given: &str) -> (PathBuf, Option<String>) {
    if Path::new(given).exists() {
        return (given.into(), None);
    }
    match given.rsplit_once(':') {
        Some((path, column)) if !column.contains(['/', '\\']) => (path.into(), Some(column.into())),
        _ => (given.into(), None),
    }
}

fn evaluation(given: &[String]) -> clinstruct_app::Result<(EvalItems, Vec<Benchmark>)> {
    let mut all = EvalItems::new();
    let mut benchmarks = Vec::new();
    for given in given {
        let (path, column) = evaluation_file(given);
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let set = all.add_set(&name);
        let mut benchmark = Benchmark { name, ..Benchmark::default() };
        let mut bad: Vec<BadRow> = Vec::new();
        texts(&path, column.as_deref(), |text| match text {
            Ok(text) if all.add(set, &text) => benchmark.items += 1,
            Ok(_) => benchmark.left_out += 1,
            Err(row) => {
                benchmark.left_out += 1;
                bad.push(row);
            }
        })?;
        tell_bad(&path.display().to_string(), &bad);
        if benchmark.items == 0 {
            return Err(usage(
                format!("{} has no item of five words or more", path.display()),
                "name the column of the question, as in --eval FILE:COLUMN",
            ));
        }
        benchmarks.push(benchmark);
    }
    Ok((all, benchmarks))
}

/// The items that must not be in the dataset of a run.
pub(crate) fn eval_items(given: &[String]) -> clinstruct_app::Result<EvalItems> {
    Ok(evaluation(given)?.0)
}

fn tell_bad(name: &str, bad: &[BadRow]) {
    for row in bad.iter().take(NAMED) {
        print_err(&format!("{name}, row {}: {}", row.row, row.why));
    }
    if bad.len() > NAMED {
        let more = counted((bad.len() - NAMED) as u64, "more row");
        print_err(&format!("{name}: {more} cannot be read"));
    }
}

fn unread_warning(name: &str, columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|c| format!("`{c}`")).collect();
    let (column, is) = if columns.len() == 1 { ("column", "is") } else { ("columns", "are") };
    format!("{name}: {column} {} {is} not read", names.join(", "))
}

/// The rows that a run dropped from its file of conversations; none for any other file.
fn dropped_of(path: &Path) -> clinstruct_curate::Result<HashSet<String>> {
    let nothing = Ok(HashSet::new());
    let Ok(path) = path.canonicalize() else { return nothing };
    let (Some(stem), Some(folder)) = (path.file_stem(), path.parent()) else { return nothing };
    let Some(run) = folder.parent().filter(|_| folder.ends_with("conversations")) else {
        return nothing;
    };
    let annotations = match Annotations::open(run, &stem.to_string_lossy()) {
        Err(clinstruct_curate::Error::NotCurated { .. }) => return nothing,
        opened => opened?,
    };
    let dropped = annotations.filter_map(|annotation| {
        annotation.map(|a| a.dropped.is_some().then_some(a.id)).transpose()
    });
    dropped.collect()
}

/// A file to check.
struct Input {
    path: PathBuf,
    /// The file as the user named it: its address, or its path.
    name: String,
    /// The folder of the run that it was given by: then its rows are those of the dataset.
    run: Option<PathBuf>,
}

/// The files that were given, and those of the runs whose folders were given.
fn inputs(given: &[PathBuf], fetched: &Fetched) -> clinstruct_app::Result<Vec<Input>> {
    let mut all = Vec::new();
    for (given, path) in given.iter().zip(&fetched.paths) {
        if !path.is_dir() {
            let name = given.display().to_string();
            all.push(Input { path: path.clone(), name, run: None });
            continue;
        }
        all.extend(summary_of(path)?.parts.iter().map(|part| {
            let file = Path::new("conversations").join(format!("{}.jsonl", part.stem));
            let name = given.join(&file).display().to_string();
            Input { path: path.join(&file), name, run: Some(path.clone()) }
        }));
    }
    Ok(all)
}

/// Whether a file is one of a run whose text a grammar wrote.
fn is_of_rehearsal(input: &Input) -> bool {
    let folder = || {
        let path = input.path.canonicalize().ok()?;
        let folder = path.parent().filter(|folder| folder.ends_with("conversations"))?;
        folder.parent().map(Path::to_owned)
    };
    let run = input.run.clone().or_else(folder);
    run.is_some_and(|run| summary_of(&run).is_ok_and(|summary| summary.rehearsal))
}

fn dropped_note(input: &Input, dropped: u64) -> String {
    let (name, dropped) = (&input.name, counted(dropped, "dropped row"));
    match &input.run {
        Some(_) => format!("{name}: measured without {dropped}"),
        None => format!(
            "{name}: measured with {dropped} of the run; check the run's folder to leave them out"
        ),
    }
}

/// What one thread finds out about a record.
struct Seen {
    collected: Collected,
    hits: Vec<(usize, Hit)>,
}

fn look(record: &Record, row: &Row<'_>, evaluation: &EvalItems) -> Seen {
    let messages = record.messages.iter().map(|m| &m.content);
    let all = messages.chain(&record.aside).enumerate();
    let hits =
        all.flat_map(|(i, text)| evaluation.find(text).into_iter().map(move |h| (i, h))).collect();
    Seen { collected: collect(row), hits }
}

fn row(record: &Record, number: usize, variant: bool) -> Row<'_> {
    let row = Row { number, variant, ..Row::new(&record.id, &record.messages) };
    match &record.attributes {
        Some(attributes) => row.with_attributes(attributes),
        None => row,
    }
}

/// Runs all checks on files.
pub(crate) fn check(args: &CheckArgs) -> clinstruct_app::Result<Code> {
    let catalog = clinstruct_app::read_catalog(args.resources.as_deref())?;
    if !(0.0..=1.0).contains(&args.similar) {
        return Err(usage(
            format!("--similar {} is no share", args.similar),
            "give 0.5 to 1, such as 0.7",
        ));
    }
    let (evaluation, mut benchmarks) = evaluation(&args.eval)?;
    let facts = facts(&catalog);
    let threads = rayon::current_num_threads().max(1);
    let spill = Spill::to_temporary();
    let new = |_| accumulator(&facts, args.show).with_spill(&spill, threads);
    let mut accumulators: Vec<MetricsAccumulator> = (0..threads).map(new).collect();
    let mut collector = Collector::new(&spill);
    let mut rows = Rows::new(&spill);
    let mut bad_rows = Vec::new();
    let mut unread_columns = BTreeMap::new();
    let mut dropped_rows = BTreeMap::new();
    let mut known = Variants::new(&spill);
    let mut take = |first: usize, some: &[Record], accumulators: &mut Vec<MetricsAccumulator>| {
        let mut is_variant =
            |r: &Record| r.attributes.as_ref().map_or(Ok(false), |a| known.is_variant(&a.base));
        let numbered = some.iter().enumerate().map(|(i, r)| Ok((first + i, is_variant(r)?)));
        let numbered: Vec<(usize, bool)> = numbered.collect::<clinstruct_curate::Result<_>>()?;
        let share = some.len().div_ceil(accumulators.len()).max(1);
        let seen: Vec<Vec<Seen>> = some
            .par_chunks(share)
            .zip(numbered.par_chunks(share))
            .zip(accumulators.par_iter_mut())
            .map(|((some, numbered), own)| {
                some.iter()
                    .zip(numbered)
                    .map(|(record, (number, variant))| {
                        let row = row(record, *number, *variant);
                        own.add(&row)?;
                        Ok(look(record, &row, &evaluation))
                    })
                    .collect()
            })
            .collect::<clinstruct_curate::Result<_>>()?;
        for (record, seen) in some.iter().zip(seen.into_iter().flatten()) {
            collector.add(&seen.collected)?;
            rows.push(record)?;
            let mut counted: Vec<u32> = Vec::new();
            for (message, hit) in seen.hits {
                let Some(benchmark) = benchmarks.get_mut(hit.set as usize) else { continue };
                if !counted.contains(&hit.set) {
                    counted.push(hit.set);
                    benchmark.rows += 1;
                }
                let is_shown = args.show == Some(MetricId::EvalItems);
                let fault = is_shown.then(|| {
                    let detail = show::eval_item(hit.matched, hit.words, &benchmark.name);
                    show::whole(&record.messages, &record.id, message, detail)
                });
                benchmark.hits.push(Found {
                    id: record.id.clone(),
                    message,
                    words: hit.words,
                    matched: hit.matched,
                    blocks: hit.blocks,
                    fault,
                });
            }
        }
        Ok(())
    };
    let fetched = remote::fetch(&args.files, Wanted::RowsOrFile)?;
    let inputs = inputs(&args.files, &fetched)?;
    let (mut is_read, mut read) = (false, 0);
    for (number, input) in inputs.iter().enumerate() {
        let (path, name) = (&input.path, &input.name);
        let from = read;
        let mut some: Vec<Record> = Vec::with_capacity(ROWS_AT_ONCE);
        let mut bad = Vec::new();
        let mut result: clinstruct_curate::Result<()> = Ok(());
        let of_run = dropped_of(path)?;
        let mut dropped = 0;
        let unread = chats(path, |record| match record {
            // Nothing more is measured once a temporary file failed.
            Ok(_) if result.is_err() => {}
            Ok(mut record) => {
                if of_run.contains(&record.id) {
                    dropped += 1;
                    if input.run.is_some() {
                        return;
                    }
                }
                if !record.has_id {
                    record.id = format!("{name}:{}", record.row);
                }
                some.push(record);
                if some.len() >= ROWS_AT_ONCE {
                    result = take(read, &some, &mut accumulators);
                    read += some.len();
                    some.clear();
                }
            }
            Err(row) => bad.push(row),
        })?;
        result.and_then(|()| take(read, &some, &mut accumulators))?;
        read += some.len();
        tell_bad(name, &bad);
        if !unread.is_empty() {
            print_err(&unread_warning(name, &unread));
            unread_columns.insert(name.clone(), unread);
        }
        if dropped > 0 {
            print_err(&dropped_note(input, dropped));
            dropped_rows.insert(name.clone(), dropped);
        }
        bad_rows.extend(bad.iter().map(|b| format!("{name}:{}: {}", b.row, b.why)));
        is_read |= read > from || dropped > 0;
        // A run has an empty file for a part whose rows were all rejected.
        let may_be_empty = input.run.is_some() && bad.is_empty();
        let is_last = number + 1 == inputs.len();
        if read == from && dropped == 0 && !(may_be_empty && (is_read || !is_last)) {
            return Err(usage(
                format!("{name} has no row that can be read"),
                "`clinstruct check --help` says which rows are known",
            ));
        }
    }
    let duplicates = collector.find(args.similar, &|row, message| rows.message(row, message))?;
    let mut metrics = Metrics::default();
    let mut faults = None;
    if let Some(mut all) = accumulators.into_iter().reduce(MetricsAccumulator::and) {
        faults = all.faults()?;
        all.finish(&mut metrics)?;
    }
    whole(&mut metrics, &duplicates, &benchmarks, &bad_rows);
    let report = Report {
        schema_version: SCHEMA_VERSION,
        files: args.files.clone(),
        metrics,
        duplicates,
        contamination: benchmarks,
        bad_rows,
        unread_columns,
        dropped_rows,
    };
    match args.show {
        Some(id) => show::show(&report, &rows, id, faults.as_ref(), args.json)?,
        None if args.json => print_json(&report)?,
        None => print(&table::table(&report, inputs.iter().any(is_of_rehearsal)))?,
    }
    let missed = report.metrics.missed().count();
    if !report.bad_rows.is_empty() || (args.gate && missed > 0) {
        if args.gate && missed > 0 {
            let few = report.metrics.with(Verdict::TooFew).count();
            let few =
                if few > 0 { format!("; too few texts to tell: {few}") } else { String::new() };
            print_err(&format!("{}{few}", missed_targets(missed)));
        }
        return Ok(Code::Failures);
    }
    Ok(Code::Done)
}

fn accumulator(facts: &Facts, show: Option<MetricId>) -> MetricsAccumulator {
    let new = MetricsAccumulator::new(facts.clone());
    match show {
        Some(id) => new.with_every_fault_of(id),
        None => new,
    }
}

/// Adds the metrics of all rows together.
fn whole(metrics: &mut Metrics, duplicates: &Duplicates, benchmarks: &[Benchmark], bad: &[String]) {
    let (rows, none) = (metrics.conversations, Target::AtMost(0.0));
    let count = |count: usize, of| Measured::Counted { count: count as u64, of };
    let first = |ids: &mut dyn Iterator<Item = &str>| ids.take(5).map(str::to_owned).collect();
    let unreadable = count(bad.len(), rows + bad.len() as u64);
    let places =
        first(&mut bad.iter().map(|b| b.split_once(": ").map_or(b.as_str(), |(at, _)| at)));
    metrics.push_with_rows(MetricId::UnreadableRows, None, unreadable, none, places);
    let near = &duplicates.duplicates;
    let ids = first(&mut near.iter().map(|d| d.id.as_str()));
    metrics.push_with_rows(MetricId::NearDuplicates, None, count(near.len(), rows), none, ids);
    for b in benchmarks {
        let mut ids: Vec<&str> = b.hits.iter().map(|h| h.id.as_str()).collect();
        ids.dedup();
        let (ids, found) = (first(&mut ids.into_iter()), count(b.rows as usize, rows));
        metrics.push_with_rows(MetricId::EvalItems, Some(&b.name), found, none, ids);
    }
}
