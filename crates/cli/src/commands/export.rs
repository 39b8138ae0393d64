//! Writes training files and the dataset folder.

use std::path::{Path, PathBuf};

use clinstruct_app::{DATASET, about, parts, summary_of};
use clinstruct_export::{Encoding, Format, Selection, System};

use super::reviews::{self, Accepted};
use super::{print, print_json};
use crate::args::{EncodingName, ExportArgs, OnlyName, SystemName};
use crate::exit::Code;
use crate::settings;
use clinstruct_app::Setup;

/// Writes training files, or the dataset folder again.
pub(crate) fn export(args: ExportArgs) -> clinstruct_app::Result<Code> {
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
        SystemName::Full => System::Full,
        SystemName::Styles => System::Styles,
        SystemName::Context => System::Context,
        SystemName::None => System::No,
    };
    let format = Format::by_name(&args.format.name());
    let Some(format) = format else {
        // A selection of rows must not replace the whole dataset.
        let whole = || setup.out.join(DATASET);
        let part = || setup.out.join("export").join(DATASET);
        let to = args.to.unwrap_or_else(|| if some { part() } else { whole() });
        let about = about(&setup.settings, &setup.out, &summary)?;
        let folder = clinstruct_export::dataset(&parts, &selection, system, &about, &to)?;
        let rows: u64 = folder.shards.iter().map(|s| s.rows).sum();
        return report(args.run.json, &to, &[(to.clone(), rows)], reviews);
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
        setup.settings.keep_reasoning,
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
