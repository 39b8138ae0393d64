//! What shells and the manual know of the command line, made from the command line itself.

use std::fs;
use std::path::Path;

use clinstruct_app::Context as _;
use clinstruct_app::Registry;

use super::{print, say};
use crate::args::Cli;
use crate::exit::Code;

/// Prints a shell's script.
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
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    clap_mangen::generate_to(Cli::with(backends), to)
        .with_context(|| format!("write manual pages to {}", to.display()))?;
    say(&format!("written to {}; read with: man {}/clinstruct.1", to.display(), to.display()));
    Ok(Code::Done)
}
