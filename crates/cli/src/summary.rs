//! The summary of a run.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clinstruct_schema::Summary;
use clinstruct_schema::summary::SummaryError;

use crate::exit::usage;

/// Reads the summary of a finished run, also one of the previous version.
pub(crate) fn summary_of(out: &Path) -> anyhow::Result<Summary> {
    let path = out.join("summary.json");
    let text = fs::read_to_string(&path).map_err(|e| {
        let hint = "give the folder of a finished run with --out, or make one: clinstruct build";
        if e.kind() == std::io::ErrorKind::NotFound {
            usage(format!("there is no finished run in {}", out.display()), hint)
        } else {
            anyhow::Error::new(e).context(format!("read {}", path.display()))
        }
    })?;
    Summary::read(&text).map_err(|e| match e {
        SummaryError::Newer { .. } => usage(
            format!("{}: {e}", path.display()),
            "read the run with the version of clinstruct that built it",
        ),
        SummaryError::Json(_) => anyhow::Error::new(e).context(format!(
            "cannot read {}; `clinstruct reparse` writes it again",
            path.display()
        )),
    })
}

/// Writes the summary.
pub(crate) fn write_summary(out: &Path, summary: &Summary) -> anyhow::Result<()> {
    let text = format!("{}\n", serde_json::to_string_pretty(summary)?);
    write_whole(&out.join("summary.json"), &text)
}

/// Writes a file that is there whole or not at all.
pub(crate) fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.partial"));
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("write {}", path.display()))
}
