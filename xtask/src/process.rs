//! Starting other programs.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Arguments of cargo for the `clinstruct` binary, up to its own.
pub(crate) const BINARY: [&str; 4] = ["--package", "clinstruct-cli", "--bin", "clinstruct"];

/// Becomes `clinstruct build FLAGS`, so that its signals and exit code are this program's.
pub(crate) fn build_dataset(environment: &Environment, flags: &[OsString]) -> Result<()> {
    let mut command = Command::new(&environment.cargo);
    command.args(["run", "--release"]);
    // Who sits at a terminal sees the compilation; a log does not need it.
    if !std::io::stderr().is_terminal() {
        command.arg("--quiet");
    }
    command.arg("--manifest-path").arg(environment.root.join("Cargo.toml"));
    command.args(BINARY).args(["--", "build"]).args(flags);
    become_it(command)
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let operation = format!("start {}", command.get_program().to_string_lossy());
    Err(Failure::Io { operation, source: command.exec() })
}

#[cfg(not(unix))]
fn become_it(command: Command) -> Result<()> {
    run(command)
}

/// Runs a program to its end; its failure is ours.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let name = name(&command);
    let status = command.status().map_err(Failure::io(format!("start `{name}`")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Child { command: name, code: status.code() })
    }
}

/// Whether a program can be started and says that all is well. Prints nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program and its arguments, as a person would type them.
pub(crate) fn name(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut name =
        program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        name.push(' ');
        name.push_str(&argument.to_string_lossy());
    }
    name
}

/// Cargo in the root of the repository.
pub(crate) fn cargo(environment: &Environment, arguments: &[&str]) -> Command {
    let mut command = Command::new(&environment.cargo);
    command.args(arguments).current_dir(&environment.root);
    command
}
