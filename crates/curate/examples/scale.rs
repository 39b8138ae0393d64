//! Curates a run of many rows, and prints what that takes: processor time per row, peak memory, bytes in temporary files.
//!
//! Arguments, all optional: the number of rows (10,000), a folder for the run (a temporary one), and the memory in bytes
//! beyond which data of all rows goes to temporary files (as in a build). One row in three is a
//! variant of the row before it, and one row in fifty nearly repeats an earlier one. Processor time and memory are those
//! that Linux reports; elsewhere they are blank.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::metrics::Facts;
use clinstruct_curate::splits::Shares;
use clinstruct_curate::{Settings, Spill, curate_run};
use clinstruct_draw::Draw;
use clinstruct_schema::{BackendId, PartSummary, SCHEMA_VERSION, Summary};
use clinstruct_testkit::conversation;
use serde_json::json;

const STEM: &str = "scale";

/// Words, of which small numbers are common ones, as in a language.
fn words(draw: &mut Draw, count: usize) -> String {
    let mut text = String::with_capacity(count * 6);
    for i in 0..count {
        let share = draw.below(1000) as f64 / 1000.0;
        let mut number = (share.powi(3) * 20_000.0) as u64 + 11;
        while number > 0 {
            text.push((b'a' + (number % 26) as u8) as char);
            number /= 26;
        }
        text.push_str(if i % 12 == 11 { ". " } else { " " });
    }
    text
}

/// The texts of a row: a prompt, an answer, a follow-up, an answer.
fn texts(row: u64) -> [String; 4] {
    let of = |row: u64, kind: u64, count| words(&mut Draw::from_u64(row * 4 + kind), count);
    // A variant has the prompt of its base, a copy the answer of an earlier row with another end.
    let base = if row % 3 == 2 { row - 1 } else { row };
    let copied = if row % 50 == 49 { row / 2 } else { row };
    let answer = of(copied, 1, 150) + &of(row, 1, 5);
    [of(base, 0, 60), answer, of(row, 2, 25), of(row, 3, 150)]
}

fn line(row: u64) -> String {
    let texts = texts(row);
    let mut value =
        conversation(&format!("scale.{row:09}.s1"), &texts.each_ref().map(String::as_str), &[]);
    let base = if row % 3 == 2 { row - 1 } else { row };
    value["attributes"]["base"] = json!(format!("scale.{base:09}"));
    value["attributes"]["card"]["social"] = json!(format!("Lives in house {base}."));
    value.to_string()
}

fn write(dir: &Path, rows: u64) -> io::Result<()> {
    for kind in ["conversations", "situations"] {
        fs::create_dir_all(dir.join(kind))?;
    }
    let file = |kind: &str| fs::File::create(dir.join(kind).join(format!("{STEM}.jsonl")));
    let mut conversations = BufWriter::new(file("conversations")?);
    let mut situations = BufWriter::new(file("situations")?);
    for row in 0..rows {
        let line = line(row);
        writeln!(situations, "{line}")?;
        // One planned row in a hundred was rejected.
        if row % 100 != 42 {
            writeln!(conversations, "{line}")?;
        }
    }
    conversations.flush()?;
    situations.flush()
}

fn summary(rows: u64) -> Summary {
    let part = PartSummary {
        part: "task-topic".to_owned(),
        stem: STEM.to_owned(),
        planned: rows,
        in_dataset: rows - (rows + 57) / 100,
        ..PartSummary::default()
    };
    Summary {
        schema_version: SCHEMA_VERSION,
        backend: BackendId("rehearsal".into()),
        model: "rehearsal".into(),
        rehearsal: true,
        seed: 1,
        shard: None,
        resources: String::new(),
        parts: vec![part],
        requests_answered: 0,
        counts_add_up: true,
        repairs: [].into(),
        pilot: None,
        quality: None,
    }
}

/// User and system time of this process, in seconds.
fn processor() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// The most memory that this process had, in megabytes.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0 / 1e6)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(Ok(10_000), |a| a.parse())?;
    let temporary = tempfile::tempdir()?;
    let dir = arguments.next().map_or_else(|| temporary.path().to_owned(), Into::into);
    write(&dir, rows)?;

    let (eval_items, facts) = (EvalItems::default(), Facts::default());
    let spill = Spill::to(&dir);
    let spill = match arguments.next() {
        Some(budget) => spill.with_budget(budget.parse()?),
        None => spill,
    };
    let shares = Shares::default();
    let settings =
        Settings { eval_items: &eval_items, facts: &facts, shares, seed: 1, spill: &spill };
    let mut summary = summary(rows);
    let before = processor();
    curate_run(&dir, &mut summary, &settings)?;
    let used = before.zip(processor()).map(|(before, after)| after - before);
    fs::write(dir.join("summary.json"), serde_json::to_vec_pretty(&summary)?)?;

    let shown = |value: Option<f64>, unit: &str| {
        value.map_or_else(String::new, |v| format!("{v:.0} {unit}"))
    };
    let dropped: u64 = summary.parts.iter().map(PartSummary::dropped).sum();
    writeln!(
        io::stdout(),
        "{rows} rows, {dropped} dropped: {} per row, peak {}, {} in temporary files",
        shown(used.map(|s| s * 1e6 / rows as f64), "us"),
        shown(peak(), "MB"),
        shown(Some(spill.written() as f64 / 1e6), "MB"),
    )?;
    Ok(())
}
