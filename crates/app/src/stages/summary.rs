//! The summary of a run.

use std::path::Path;
use std::{fs, io};

use clinstruct_schema::Summary;

use super::Inputs;
use super::stale::set_aside;
use crate::{Context as _, usage};

/// Reads the summary of a finished run, also one of the previous version.
pub fn summary_of(out: &Path) -> crate::Result<Summary> {
    let path = out.join("summary.json");
    let reading = || format!("cannot read {}", path.display());
    let text = match fs::read_to_string(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(usage(
                format!("there is no finished run in {}", out.display()),
                "use --out to name the folder of a finished run, or make one with `clinstruct build`",
            ));
        }
        read => read.with_context(reading)?,
    };
    Summary::read(&text).with_context(reading)
}

/// Writes the summary.
fn write_summary(out: &Path, summary: &Summary) -> crate::Result<()> {
    write_whole(&out.join("summary.json"), &summary.to_json()?)
}

/// Writes a file that is there whole or not at all.
pub fn write_whole(path: &Path, text: &str) -> crate::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.partial"));
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes `summary.json`, and moves aside what belongs to parts that the run no longer has.
pub(super) fn summary(inputs: &Inputs<'_>, summary: &mut Summary) -> crate::Result<()> {
    let before = summary_of(&inputs.setup.out).ok();
    write_summary(&inputs.setup.out, summary)?;
    // As somebody has accepted.
    let parts = before.iter().flat_map(|summary| &summary.parts);
    let left_out = parts.filter(|old| summary.parts.iter().all(|new| new.stem != old.stem));
    let files = left_out.flat_map(|part| {
        let kinds = ["prompts", "situations", "conversations", "rejected"];
        kinds.map(|kind| format!("{kind}/{}.jsonl", part.stem))
    });
    let setup = inputs.setup;
    let why = "of parts that the run no longer has";
    set_aside(&setup.out, &files.collect::<Vec<_>>(), why, &setup.settings.host)
}
