//! The dataset folder of a run, and what its card says.

use std::path::Path;

use clinstruct_export::{About, Part, Selection, System};
use clinstruct_schema::Summary;
use clinstruct_store::Store;

use crate::Settings;

/// Name of the folder that `build` writes below the run's.
pub const DATASET: &str = "dataset";
/// Licence that a card names where none is given.
const LICENSE: &str = "other";

/// The files of each part of a run.
pub fn parts(out: &Path, summary: &Summary) -> Vec<Part> {
    summary.parts.iter().map(|p| Part::of(out, &p.stem)).collect()
}

/// Writes the dataset folder of a finished run.
pub(super) fn dataset(args: &Settings, out: &Path, summary: &Summary) -> crate::Result<()> {
    if summary.in_dataset() == 0 {
        (args.host.notify)("the dataset has no rows: no dataset folder is written");
        return Ok(());
    }
    let about = about(args, out, summary)?;
    let to = out.join(DATASET);
    clinstruct_export::dataset(
        &parts(out, summary),
        &Selection::default(),
        System::Full,
        &about,
        &to,
    )?;
    Ok(())
}

/// What the card says about a run.
pub fn about(args: &Settings, out: &Path, summary: &Summary) -> crate::Result<About> {
    let jobs = Store::open_read_only(out)?.jobs()?;
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
        summary: summary.clone(),
    })
}

/// The day of a time in seconds since 1970, in UTC.
fn day(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "1970-01-01".to_owned(), |t| t.date().to_string())
}
