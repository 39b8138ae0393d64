//! Writes training files and the dataset folder.

use std::path::{Path, PathBuf};

use clinstruct_app::remote;
use clinstruct_app::{Card, Context as _, DATASET, parts, summary_of};
use clinstruct_export::{Encoding, Format, Selection, System};

use super::reviews::{self, Accepted};
use super::{print, print_json};
use crate::args::{EncodingName, ExportArgs, OnlyName, RunArgs, SystemName};
use crate::exit::{Code, usage};
use crate::remote::{Fetched, Wanted, fetch};
use crate::settings;
use clinstruct_app::Setup;
use clinstruct_schema::Summary;

/// A run to export, which is in a folder on this machine.
struct Run {
    out: PathBuf,
    summary: Summary,
    card: Card,
}

impl Run {
    fn local(args: RunArgs) -> clinstruct_app::Result<Self> {
        let Setup { settings, out, .. } = Setup::new(settings::of_run(args)?)?;
        let summary = summary_of(&out)?;
        let card = Card::of(&settings, &out, &summary)?;
        Ok(Self { out, summary, card })
    }

    /// The copy of a run in object storage. Its settings are those that its manifest has, under the flags.
    fn fetched(fetched: &Fetched, flags: &RunArgs) -> clinstruct_app::Result<Self> {
        let out = fetched.paths.first().cloned().unwrap_or_default();
        let card = fetched.runs.first().and_then(|run| run.get("card")).cloned();
        let mut card: Card = serde_json::from_value(card.unwrap_or_default())
            .context("cannot read what the manifest of the run says about its dataset")?;
        card.title = flags.title.clone().unwrap_or(card.title);
        card.license = flags.license.clone().unwrap_or(card.license);
        card.keep_reasoning |= flags.keep_reasoning;
        let summary = summary_of(&out)?;
        Ok(Self { out, summary, card })
    }
}

/// Writes training files, or the dataset folder again.
pub(crate) fn export(args: ExportArgs) -> clinstruct_app::Result<Code> {
    let fetched;
    let run = match args.run.out.clone().filter(|out| remote::is_address(out)) {
        None => Run::local(args.run.clone())?,
        Some(address) => {
            if args.to.is_none() {
                return Err(usage(
                    format!(
                        "{} is an address, and nothing says where the export goes",
                        address.display()
                    ),
                    "name a local folder with --to",
                ));
            }
            if args.only.is_some() {
                return Err(usage(
                    format!(
                        "{} has no reviews: they are in the local folder of a run",
                        address.display()
                    ),
                    "export from that folder, or leave out --only",
                ));
            }
            fetched = fetch(&[address], Wanted::Rows)?;
            Run::fetched(&fetched, &args.run)?
        }
    };
    let Run { out, summary, card } = run;
    let parts = parts(&out, &summary);
    let (only, reviews) = match args.only {
        None => (None, None),
        Some(OnlyName::Accepted) => {
            let Accepted { ids, counts } = reviews::accepted(&out)?;
            let counts = reviews::counts(&counts, ids.len());
            (Some(ids), Some(counts))
        }
    };
    let some = only.is_some() || !args.only_split.is_empty();
    let selection = Selection { only, splits: args.only_split.iter().map(|s| s.split()).collect() };
    let system = match args.system {
        SystemName::Full => System::Full,
        SystemName::Styles => System::Styles,
        SystemName::Context => System::Context,
        SystemName::None => System::No,
    };
    let format = Format::by_name(&args.format.name());
    let Some(format) = format else {
        // A selection of rows must not replace the whole dataset.
        let whole = || out.join(DATASET);
        let part = || out.join("export").join(DATASET);
        let to = args.to.unwrap_or_else(|| if some { part() } else { whole() });
        let about = card.about(&summary);
        let folder = clinstruct_export::dataset(&parts, &selection, system, &about, &to)?;
        let rows: u64 = folder.shards.iter().map(|s| s.rows).sum();
        return report(args.run.json, &to, &[(to.clone(), rows)], reviews);
    };
    let encoding = match args.encoding {
        EncodingName::Jsonl => Encoding::Jsonl,
        EncodingName::Parquet => Encoding::Parquet,
    };
    let to = args.to.unwrap_or_else(|| out.join("export").join(args.format.name()));
    let written = clinstruct_export::export(
        &parts,
        &selection,
        format,
        system,
        encoding,
        card.keep_reasoning,
        &to,
    )?;
    report(args.run.json, &to, &written, reviews)
}

fn report(
    json: bool,
    to: &Path,
    written: &[(PathBuf, u64)],
    reviews: Option<serde_json::Value>,
) -> clinstruct_app::Result<Code> {
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

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::args::data::FormatName;

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
