//! The report of a run.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::Context as _;
use clinstruct_curate::Mix;
use clinstruct_report::{Counts, JobCost, Report};
use clinstruct_schema::{Json, SituationRow};
use clinstruct_store::Store;
use rayon::prelude::*;

use super::summary::{summary_of, write_whole};

/// Name of the page below the run's folder.
const PAGE: &str = "report.html";

/// Writes the report of the run in `out`.
pub fn write_report(out: &Path) -> crate::Result<PathBuf> {
    let path = out.join(PAGE);
    write_whole(&path, &clinstruct_report::page(&read_report(out)?))?;
    Ok(path)
}

/// Reads what the report of the run in `out` shows.
pub fn read_report(out: &Path) -> crate::Result<Report> {
    let summary = summary_of(out)?;
    let files: Vec<(bool, &str)> = summary
        .parts
        .iter()
        .flat_map(|p| [true, false].map(|planned| (planned, &*p.stem)))
        .collect();
    let one = |(planned, stem): &(bool, &str)| -> crate::Result<Counts> {
        let mut counts = Counts::default();
        if *planned {
            let path = out.join("situations").join(format!("{stem}.jsonl"));
            each(&path, |row: SituationRow| {
                counts.add_planned(row.part.as_str(), &row.attributes);
            })?;
            return Ok(counts);
        }
        let mut mix = Mix::open(out, stem)?;
        while let Some((annotation, _)) = mix.advance()? {
            if annotation.dropped.is_none() {
                counts.add(&mix.parse()?);
            }
        }
        Ok(counts)
    };
    let all: Vec<Counts> = files.par_iter().map(one).collect::<crate::Result<_>>()?;
    let counts = all.into_iter().fold(Counts::default(), Counts::and);
    let mut jobs: Vec<JobCost> = Store::open_read_only(out)?
        .jobs()?
        .iter()
        .map(|j| JobCost {
            ended: j.updated,
            tokens: j.usage.prompt_tokens + j.usage.completion_tokens,
            micro_usd: j.cost,
        })
        .collect();
    jobs.sort_by_key(|j| j.ended);
    let name = out.file_name().unwrap_or(out.as_os_str()).to_string_lossy().into_owned();
    Ok(Report { name, summary, counts, jobs })
}

fn each<T: Json>(path: &Path, mut take: impl FnMut(T)) -> crate::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (line, text) in (1..).zip(BufReader::with_capacity(1 << 20, file).lines()) {
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let row = T::of_json(&text)
            .with_context(|| format!("{}, line {line}: no row of this program", path.display()))?;
        take(row);
    }
    Ok(())
}
