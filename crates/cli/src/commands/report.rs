//! Writes the report of a run, and compares two runs.

use std::path::Path;

use clinstruct_app::{read_report, write_report, write_whole};

use super::print_err;
use crate::args::RunArgs;
use crate::exit::Code;
use crate::settings;

/// Writes the report again.
pub(crate) fn report(args: RunArgs) -> clinstruct_app::Result<Code> {
    let path = write_report(&settings::of_run_or_own(args)?.out.unwrap_or_default())?;
    print_err(&format!("written to {}", path.display()));
    Ok(Code::Done)
}

/// Writes two runs side by side.
pub(crate) fn compare(first: &Path, second: &Path, to: &Path) -> clinstruct_app::Result<Code> {
    let mut runs = [read_report(first)?, read_report(second)?];
    if runs[0].name == runs[1].name {
        // Folders with the same name in different places.
        runs[0].name = first.display().to_string();
        runs[1].name = second.display().to_string();
    }
    write_whole(to, &clinstruct_report::compare(&runs))?;
    print_err(&format!("written to {}", to.display()));
    Ok(Code::Done)
}
