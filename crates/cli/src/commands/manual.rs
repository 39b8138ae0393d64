//! Completion scripts and manual pages, generated from the command line definition.

use std::fs;
use std::path::Path;

use clinstruct_app::Context as _;
use clinstruct_app::Registry;

use super::{print, print_err};
use crate::args::Cli;
use crate::exit::Code;

/// Prints a completion script.
pub(crate) fn completions(
    shell: clap_complete::Shell,
    backends: &Registry,
) -> clinstruct_app::Result<Code> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::with(backends), "clinstruct", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Code::Done)
}

/// Writes a manual page for the command and each of its commands.
pub(crate) fn pages(to: &Path, backends: &Registry) -> clinstruct_app::Result<Code> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    clap_mangen::generate_to(Cli::with(backends), to)
        .with_context(|| format!("cannot write manual pages to {}", to.display()))?;
    print_err(&format!(
        "written to {}; read with: man {}/clinstruct.1",
        to.display(),
        to.display()
    ));
    Ok(Code::Done)
}
