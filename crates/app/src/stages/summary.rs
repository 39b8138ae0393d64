//! The summary of a run.

use std::path::Path;
use std::{fs, io};

use anyhow::Context as _;
use clinstruct_schema::Summary;
use clinstruct_schema::summary::SummaryError;

use super::Inputs;
use crate::usage;

/// Reads the summary of a finished run, also one of the previous version.
pub fn summary_of(out: &Path) -> anyhow::Result<Summary> {
    let path = out.join("summary.json");
    let text = fs::read_to_string(&path).map_err(|e| {
        let hint = "give the folder of a finished run with --out, or make one: clinstruct build";
        if e.kind() == io::ErrorKind::NotFound {
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
fn write_summary(out: &Path, summary: &Summary) -> anyhow::Result<()> {
    let text = format!("{}\n", serde_json::to_string_pretty(summary)?);
    write_whole(&out.join("summary.json"), &text)
}

/// Writes a file that is there whole or not at all.
pub fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    clinstruct_whole_file::write(path, text).with_context(|| format!("write {}", path.display()))
}

/// Writes `summary.json`, and removes what belongs to parts that the run no longer has.
pub(super) fn summary(inputs: &Inputs<'_>, summary: &mut Summary) -> anyhow::Result<()> {
    let before = summary_of(&inputs.setup.out).ok();
    write_summary(&inputs.setup.out, summary)?;
    remove_left_out(&inputs.setup.out, before.as_ref(), summary)
}

/// Removes the files of parts that the run had and that were left out of it, as somebody has accepted.
fn remove_left_out(out: &Path, before: Option<&Summary>, now: &Summary) -> anyhow::Result<()> {
    let parts = before.into_iter().flat_map(|summary| &summary.parts);
    for part in parts.filter(|old| now.parts.iter().all(|new| new.stem != old.stem)) {
        for kind in ["prompts", "situations", "conversations", "rejected"] {
            let path = out.join(kind).join(format!("{}.jsonl", part.stem));
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(e).with_context(|| format!("remove {}", path.display()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
