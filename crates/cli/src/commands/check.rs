//! `clinstruct check`: all figures of any chat dataset.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clinstruct_catalog::Catalog;
use clinstruct_pipeline::{Forbidden, facts};
use clinstruct_quality::dataset::contamination::{Evaluation, Hit};
use clinstruct_quality::dataset::duplicates::{Collected, Collector, Duplicates, collect};
use clinstruct_quality::dataset::metrics::{Aim, Chat, Figures, Meter, Twins};
use clinstruct_records::{BadRow, Record, chats, texts};
use clinstruct_schema::SCHEMA_VERSION;
use rayon::prelude::*;
use serde::Serialize;

use super::{print, print_json, say};
use crate::args::CheckArgs;
use crate::exit::{Code, usage};
use crate::table::number;

/// Rows that are looked at together.
const ROWS_AT_ONCE: usize = 2048;
/// Bad rows and hits that are named one by one.
const NAMED: usize = 10;

/// What was found of one evaluation set.
#[derive(Debug, Default, Clone, Serialize)]
struct Benchmark {
    name: String,
    items: u64,
    /// Items with too few words to be told, and rows that could not be read.
    left_out: u64,
    rows: u64,
    hits: Vec<Found>,
}

/// A row that has an evaluation item.
#[derive(Debug, Clone, Serialize)]
struct Found {
    id: String,
    /// From 0; texts of tools come behind the messages.
    message: usize,
    words: usize,
    matched: usize,
    /// The matching blocks, as ranges of words of the message.
    blocks: Vec<std::ops::Range<usize>>,
}

/// All that `check` says.
#[derive(Debug, Serialize)]
struct Report {
    schema_version: u32,
    files: Vec<PathBuf>,
    figures: Figures,
    duplicates: Duplicates,
    contamination: Vec<Benchmark>,
    bad_rows: Vec<String>,
    /// Columns with text that is in no conversation, by file.
    unread_columns: BTreeMap<String, Vec<String>>,
}

/// `FILE` or `FILE:COLUMN`; a colon that belongs to the path of an existing file stays.
fn evaluation_file(given: &str) -> (PathBuf, Option<String>) {
    if Path::new(given).exists() {
        return (given.into(), None);
    }
    match given.rsplit_once(':') {
        Some((path, column)) if !column.contains(['/', '\\']) => (path.into(), Some(column.into())),
        _ => (given.into(), None),
    }
}

fn evaluation(given: &[String]) -> anyhow::Result<(Evaluation, Vec<Benchmark>)> {
    let mut all = Evaluation::new();
    let mut benchmarks = Vec::new();
    for (i, given) in given.iter().enumerate() {
        let (path, column) = evaluation_file(given);
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let mut benchmark = Benchmark { name, ..Benchmark::default() };
        let mut bad: Vec<BadRow> = Vec::new();
        texts(&path, column.as_deref(), |text| match text {
            Ok(text) if all.add(u32::try_from(i).unwrap_or(u32::MAX), &text) => {
                benchmark.items += 1;
            }
            Ok(_) => benchmark.left_out += 1,
            Err(row) => {
                benchmark.left_out += 1;
                bad.push(row);
            }
        })
        .map_err(|e| wrong(&e))?;
        tell_bad(&path, &bad);
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

/// The items that a run must not have.
pub(crate) fn forbidden(given: &[String]) -> anyhow::Result<Forbidden> {
    if given.is_empty() {
        return Ok(Forbidden::default());
    }
    let (items, benchmarks) = evaluation(given)?;
    Ok(Forbidden { items, names: benchmarks.into_iter().map(|b| b.name).collect() })
}

fn wrong(e: &clinstruct_records::Error) -> anyhow::Error {
    let mut told = e.to_string();
    if let Some(cause) = std::error::Error::source(e) {
        let _ = write!(told, ": {cause}");
    }
    usage(told, e.hint())
}

fn tell_bad(path: &Path, bad: &[BadRow]) {
    for row in bad.iter().take(NAMED) {
        say(&format!("{}, row {}: {}", path.display(), row.row, row.why));
    }
    if bad.len() > NAMED {
        say(&format!("{}: {} more rows cannot be read", path.display(), bad.len() - NAMED));
    }
}

fn unread_warning(path: &Path, columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|c| format!("`{c}`")).collect();
    let (column, is) = if columns.len() == 1 { ("column", "is") } else { ("columns", "are") };
    format!("{}: {column} {} {is} not read", path.display(), names.join(", "))
}

/// What one thread finds out about a record.
struct Seen {
    collected: Collected,
    hits: Vec<(usize, Hit)>,
}

fn look(record: &Record, twin: bool, evaluation: &Evaluation) -> Seen {
    let chat = chat(record, twin);
    let hits = if evaluation.is_empty() {
        Vec::new()
    } else {
        let messages = record.messages.iter().map(|m| &m.content);
        let all = messages.chain(&record.aside).enumerate();
        all.flat_map(|(i, text)| evaluation.find(text).into_iter().map(move |h| (i, h))).collect()
    };
    Seen { collected: collect(&chat), hits }
}

fn chat(record: &Record, twin: bool) -> Chat<'_> {
    Chat {
        id: &record.id,
        messages: &record.messages,
        attributes: record.attributes.as_ref(),
        twin,
    }
}

/// Runs all checks on files.
pub(crate) fn check(args: &CheckArgs) -> anyhow::Result<Code> {
    let catalog = match &args.resources {
        None => Catalog::embedded()?,
        Some(dir) => Catalog::read(crate::setup::read_resources(dir)?)?,
    };
    if !(0.0..=1.0).contains(&args.similar) {
        return Err(usage(
            format!("--similar {} is no share", args.similar),
            "give 0.5 to 1, such as 0.7",
        ));
    }
    let (evaluation, mut benchmarks) = evaluation(&args.eval)?;
    let facts = facts(&catalog);
    let mut meters: Vec<Meter> =
        (0..rayon::current_num_threads().max(1)).map(|_| Meter::new(facts.clone())).collect();
    let mut collector = Collector::default();
    let mut kept: Vec<Record> = Vec::new();
    let mut bad_rows = Vec::new();
    let mut unread_columns = BTreeMap::new();
    let mut known = Twins::default();
    let mut take = |kept: &[Record], meters: &mut Vec<Meter>| {
        let is_twin = |r: &Record| r.attributes.as_ref().is_some_and(|a| known.is_twin(&a.base));
        let twins: Vec<bool> = kept.iter().map(is_twin).collect();
        let share = kept.len().div_ceil(meters.len()).max(1);
        let seen: Vec<Vec<Seen>> = kept
            .par_chunks(share)
            .zip(twins.par_chunks(share))
            .zip(meters.par_iter_mut())
            .map(|((some, twins), meter)| {
                some.iter()
                    .zip(twins)
                    .map(|(record, twin)| {
                        meter.add(&chat(record, *twin));
                        look(record, *twin, &evaluation)
                    })
                    .collect()
            })
            .collect();
        for (record, seen) in kept.iter().zip(seen.into_iter().flatten()) {
            collector.add(seen.collected);
            let mut counted: Vec<u32> = Vec::new();
            for (message, hit) in seen.hits {
                let Some(benchmark) = benchmarks.get_mut(hit.benchmark as usize) else { continue };
                if !counted.contains(&hit.benchmark) {
                    counted.push(hit.benchmark);
                    benchmark.rows += 1;
                }
                benchmark.hits.push(Found {
                    id: record.id.clone(),
                    message,
                    words: hit.words,
                    matched: hit.matched,
                    blocks: hit.blocks,
                });
            }
        }
    };
    for path in &args.files {
        let from = kept.len();
        let mut done = from;
        let mut bad = Vec::new();
        let unread = chats(path, |record| match record {
            Ok(mut record) => {
                if !record.has_id {
                    record.id = format!("{}:{}", path.display(), record.row);
                }
                kept.push(record);
                if kept.len() - done >= ROWS_AT_ONCE {
                    take(&kept[done..], &mut meters);
                    done = kept.len();
                }
            }
            Err(row) => bad.push(row),
        })
        .map_err(|e| wrong(&e))?;
        take(&kept[done..], &mut meters);
        tell_bad(path, &bad);
        if !unread.is_empty() {
            say(&unread_warning(path, &unread));
            unread_columns.insert(path.display().to_string(), unread);
        }
        bad_rows.extend(bad.iter().map(|b| format!("{}:{}: {}", path.display(), b.row, b.why)));
        if kept.len() == from {
            return Err(usage(
                format!("{} has no row that can be read", path.display()),
                "`clinstruct check --help` says which rows are known",
            ));
        }
    }
    let text = |row: usize, message: usize| kept[row].messages[message].content.clone();
    let duplicates = collector.find(args.similar, &text);
    let mut figures = meters.into_iter().reduce(Meter::and).map(Meter::finish).unwrap_or_default();
    whole(&mut figures, &duplicates, &benchmarks, bad_rows.len() as u64);
    let report = Report {
        schema_version: SCHEMA_VERSION,
        files: args.files.clone(),
        figures,
        duplicates,
        contamination: benchmarks,
        bad_rows,
        unread_columns,
    };
    if args.json {
        print_json(&report)?;
    } else {
        print(&table(&report))?;
    }
    let missed = report.figures.missed().count();
    if !report.bad_rows.is_empty() || (args.gate && missed > 0) {
        if args.gate && missed > 0 {
            say(&format!("{missed} figures miss their target"));
        }
        return Ok(Code::Failures);
    }
    Ok(Code::Done)
}

/// Adds what is told by looking at all rows together.
fn whole(figures: &mut Figures, duplicates: &Duplicates, benchmarks: &[Benchmark], bad: u64) {
    let rows = figures.conversations;
    figures.push(1, "rows that cannot be read", bad as f64, rows + bad, Aim::AtMost, 0.0);
    let go = duplicates.duplicates.len() as f64;
    figures.push(3, "near duplicates", go, rows, Aim::AtMost, 0.0);
    for b in benchmarks {
        figures.push(
            21,
            &format!("rows with items of {}", b.name),
            b.rows as f64,
            rows,
            Aim::AtMost,
            0.0,
        );
    }
    figures.metrics.sort_by_key(|m| m.row);
}

/// The figures as a table for people.
pub(crate) fn figures(figures: &Figures) -> String {
    let mut out = String::new();
    for m in &figures.metrics {
        // A share as the texts that it is of, so that 1 of 4 and 4 of 4 are told apart.
        let (value, percent) = match m.row {
            1..=3 | 21 => (number(m.value as u64), String::new()),
            5 => (format!("{:.2}", m.value), String::new()),
            _ => (
                number((m.value * m.of as f64).round() as u64),
                format!("{:.2} %", m.value * 100.0),
            ),
        };
        let aim = match m.aim {
            Aim::AtMost if matches!(m.row, 1..=3 | 5 | 21) => format!("at most {}", m.target),
            Aim::AtMost => format!("at most {} %", m.target * 100.0),
            Aim::AtLeast => format!("at least {}", m.target),
            Aim::Told => String::new(),
        };
        let mark = if m.met { "" } else { "  MISSED" };
        let line = format!(
            "  {:>2}  {:<58} {value:>9} of {:>9}  {percent:>8}  {aim}{mark}",
            m.row,
            m.name,
            number(m.of)
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn table(report: &Report) -> String {
    let mut out = String::new();
    let f = &report.figures;
    let _ = writeln!(
        out,
        "{} conversations: {} prompts, {} answers, {} follow-ups",
        number(f.conversations),
        number(f.texts[0]),
        number(f.texts[1]),
        number(f.texts[2])
    );
    out.push_str(&figures(f));
    for (name, openings) in ["prompts", "answers", "follow-ups"].iter().zip(&f.openings) {
        if !openings.is_empty() {
            let _ = writeln!(out, "openings of {name}");
        }
        for (opening, count) in openings.iter().take(5) {
            let _ = writeln!(out, "  {:>9}  {opening}", number(*count));
        }
    }
    if !f.instructions.is_empty() {
        let _ = writeln!(out, "instructions obeyed");
        let mut sorted: BTreeMap<&str, _> =
            f.instructions.iter().map(|(n, c)| (n.as_str(), c)).collect();
        while let Some((name, c)) = sorted.pop_first() {
            let share = |n: u64| 100.0 * n as f64 / c.checked.max(1) as f64;
            let _ = writeln!(
                out,
                "  {name:<22} {:>9}  strictly {:>6.2} %  loosely {:>6.2} %",
                number(c.checked),
                share(c.strict),
                share(c.loose)
            );
        }
    }
    let d = &report.duplicates;
    if !d.duplicates.is_empty() {
        let _ = writeln!(
            out,
            "near duplicates: {} conversations go, {} stay; pairs of prompts {}, answers {}, follow-ups {}",
            number(d.duplicates.len() as u64),
            number(d.clusters),
            number(d.pairs[0]),
            number(d.pairs[1]),
            number(d.pairs[2])
        );
        for duplicate in d.duplicates.iter().take(NAMED) {
            let _ = writeln!(out, "  {} repeats {}", duplicate.goes, duplicate.stays);
        }
    }
    for b in &report.contamination {
        let _ = writeln!(
            out,
            "{}: {} items, {} left out; found in {} rows",
            b.name,
            number(b.items),
            number(b.left_out),
            number(b.rows)
        );
        for hit in b.hits.iter().take(NAMED) {
            let _ = writeln!(
                out,
                "  {}, message {}: {} of {} words",
                hit.id,
                hit.message + 1,
                hit.matched,
                hit.words
            );
        }
    }
    out
}
