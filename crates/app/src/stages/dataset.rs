//! The dataset folder of a run, and what its card says.

use std::path::Path;

use clinstruct_export::{About, Part, Selection, System};
use clinstruct_schema::Summary;
use clinstruct_store::Store;
use serde::{Deserialize, Serialize};

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
    Ok(Card::of(args, out, summary)?.about(summary))
}

/// What the card says about a run beside its summary. It goes with a run to where its journal does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Title.
    pub title: String,
    /// Licence, by its hub id.
    pub license: String,
    /// Whether rows have the reasoning of assistant turns.
    pub keep_reasoning: bool,
    /// Version of the program.
    program: String,
    /// Day of the last answer.
    date: String,
    /// Models by role.
    models: Vec<String>,
}

impl Card {
    /// The card of the run in `out`.
    pub fn of(args: &Settings, out: &Path, summary: &Summary) -> crate::Result<Self> {
        let jobs = Store::open_read_only(out)?.jobs()?;
        // The day on which the last answer came, not today: the same run gives the same card.
        let last = jobs.iter().map(|j| j.updated).max().unwrap_or(0);
        let mut models = vec![format!("all roles: {}", summary.model_and_backend())];
        models.extend(args.role.iter().map(|r| format!("but {}", r.replacen('=', ": ", 1))));
        let title = args.title.clone();
        Ok(Self {
            title: title.unwrap_or_else(|| "Synthetic clinical conversations".to_owned()),
            license: args.license.clone().unwrap_or_else(|| LICENSE.to_owned()),
            keep_reasoning: args.keep_reasoning,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            date: day(last),
            models,
        })
    }

    /// The same with the summary.
    pub fn about(self, summary: &Summary) -> About {
        let Self { title, license, keep_reasoning, program, date, models } = self;
        About {
            reasoning: keep_reasoning,
            title,
            url: String::new(),
            license,
            program,
            date,
            models,
            summary: summary.clone(),
        }
    }
}

/// The day of a time in seconds since 1970, in UTC.
fn day(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "1970-01-01".to_owned(), |t| t.date().to_string())
}
