//! What leaves a run: training files and the dataset folder.

use std::path::{Path, PathBuf};

use clinstruct_app::Settings;
use clinstruct_export::{About, Encoding, Format, Part, Selection, System};
use clinstruct_schema::Summary;
use clinstruct_store::Store;

use super::reviews::{self, Accepted};
use super::{print, print_json, say};
use crate::args::{EncodingName, ExportArgs, OnlyName, SystemName};
use crate::exit::Code;
use crate::settings;
use crate::summary::summary_of;
use clinstruct_app::Setup;

/// Name of the folder that `build` writes below the run's.
const DATASET: &str = "dataset";
/// Licence that a card names where none is given.
const LICENSE: &str = "other";

fn parts(out: &Path, summary: &Summary) -> Vec<Part> {
    summary.parts.iter().map(|p| Part::of(out, &p.stem)).collect()
}

/// Writes training files, or the dataset folder anew.
pub(crate) fn export(args: ExportArgs) -> anyhow::Result<Code> {
    let run = settings::of_run(args.run.clone())?;
    let setup = Setup::new(run)?;
    let summary = summary_of(&setup.out)?;
    let parts = parts(&setup.out, &summary);
    let (only, reviews) = match args.only {
        None => (None, None),
        Some(OnlyName::Accepted) => {
            let Accepted { ids, counts } = reviews::accepted(&setup.out)?;
            let counts = reviews::counts(&counts, ids.len());
            (Some(ids), Some(counts))
        }
    };
    let some = only.is_some() || !args.only_split.is_empty();
    let selection = Selection { only, splits: args.only_split.iter().map(|s| s.split()).collect() };
    let system = match args.system {
        SystemName::Styles => System::Styles,
        SystemName::Context => System::Context,
        SystemName::None => System::No,
    };
    let format = Format::by_name(&args.format.name());
    let Some(format) = format else {
        // A part of the rows does not take the place of all of them.
        let whole = || setup.out.join(DATASET);
        let part = || setup.out.join("export").join(DATASET);
        let to = args.to.unwrap_or_else(|| if some { part() } else { whole() });
        let about = about(&setup.args, &setup.out, &summary)?;
        let folder = clinstruct_export::dataset(&parts, &selection, system, &about, &to)?;
        let rows: u64 = folder.shards.iter().map(|s| s.rows).sum();
        return told(args.run.json, &to, &[(to.clone(), rows)], reviews);
    };
    let encoding = match args.encoding {
        EncodingName::Jsonl => Encoding::Jsonl,
        EncodingName::Parquet => Encoding::Parquet,
    };
    let to = args.to.unwrap_or_else(|| setup.out.join("export").join(args.format.name()));
    let written = clinstruct_export::export(
        &parts,
        &selection,
        format,
        system,
        encoding,
        setup.args.keep_reasoning,
        &to,
    )?;
    told(args.run.json, &to, &written, reviews)
}

fn told(
    json: bool,
    to: &Path,
    written: &[(PathBuf, u64)],
    reviews: Option<serde_json::Value>,
) -> anyhow::Result<Code> {
    if json {
        let files: Vec<_> = written
            .iter()
            .map(|(path, rows)| serde_json::json!({ "path": path, "rows": rows }))
            .collect();
        let mut value = serde_json::json!({ "to": to, "files": files });
        if let Some(reviews) = reviews {
            value["reviews"] = reviews;
        }
        print_json(&value)?;
    } else {
        for (path, rows) in written {
            print(&format!("{rows:>8}  {}\n", path.display()))?;
        }
    }
    Ok(Code::Done)
}

/// Writes the dataset folder of a run that came to its end.
pub(crate) fn dataset(args: &Settings, out: &Path, summary: &Summary) -> anyhow::Result<()> {
    if summary.in_dataset() == 0 {
        say("the dataset has no rows: no dataset folder is written");
        return Ok(());
    }
    let about = about(args, out, summary)?;
    let to = out.join(DATASET);
    clinstruct_export::dataset(
        &parts(out, summary),
        &Selection::default(),
        System::Styles,
        &about,
        &to,
    )?;
    Ok(())
}

/// What the card says of a run.
fn about(args: &Settings, out: &Path, summary: &Summary) -> anyhow::Result<About> {
    let store = Store::open_read_only(out)?;
    let (money, jobs) = (store.money()?, store.jobs()?);
    // The day on which the last answer came, not today: the same run gives the same card.
    let last = jobs.iter().map(|j| j.updated).max().unwrap_or(0);
    let mut models = vec![format!("all roles: {}", summary.model_and_backend())];
    models.extend(args.role.iter().map(|r| format!("but {}", r.replacen('=', ": ", 1))));
    Ok(About {
        reasoning: args.keep_reasoning,
        title: args.title.clone().unwrap_or_else(|| "Synthetic clinical conversations".to_owned()),
        url: String::new(),
        license: args.license.clone().unwrap_or_else(|| LICENSE.to_owned()),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        date: day(last),
        models,
        tokens: [money.usage.prompt_tokens, money.usage.completion_tokens],
        micro_usd: money.spent,
        summary: summary.clone(),
    })
}

/// The day of a time in seconds since 1970, in UTC.
fn day(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "1970-01-01".to_owned(), |t| t.date().to_string())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::args::FormatName;

    #[test]
    fn every_format_is_a_value_of_the_flag() {
        let values: Vec<String> = FormatName::value_variants()
            .iter()
            .filter(|name| **name != FormatName::Dataset)
            .map(|name| name.name())
            .collect();
        let formats: Vec<&str> = Format::ALL.iter().map(|format| format.name).collect();
        assert_eq!(values, formats);
    }
}
