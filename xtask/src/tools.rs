//! Programs that are installed in `target/tools` where they are missing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process;

/// A program that a command needs besides a Rust toolchain.
pub(crate) struct Tool {
    /// Its name in `PATH`.
    pub(crate) name: &'static str,
    /// The commands that install it in `target/tools`, run in the root.
    pub(crate) install: &'static [&'static [&'static str]],
    /// The command for users to install it.
    pub(crate) hint: &'static str,
}

/// Installs llama.cpp's build tools from the system's packages, if they are missing.
const CPP: &str = "{ command -v cmake && command -v clang && command -v c++; } >/dev/null || \
                              { apt-get update -qq && apt-get install -y -qq cmake clang g++; }";

/// Where tools are installed, relative to the root.
pub(crate) const TOOLS: &str = "target/tools";

/// The features of all that is linted and tested. llama.cpp changes those of other crates: everything has it, or nothing.
pub(crate) fn features(environment: &Environment) -> Result<&'static [&'static str]> {
    if !environment.ci {
        return Ok(&[]);
    }
    let mut tools = Command::new("sh");
    tools.args(["-c", CPP]);
    process::run(tools)?;
    Ok(&["--features", "llama"])
}

/// The program, installed first if it is missing and that is allowed.
pub(crate) fn find(environment: &Environment, tool: &Tool) -> Result<OsString> {
    if process::works(Command::new(tool.name).arg("--version")) {
        return Ok(tool.name.into());
    }
    let installed: PathBuf = environment.root.join(TOOLS).join("bin").join(tool.name);
    let works = || process::works(Command::new(&installed).arg("--version"));
    if works() {
        return Ok(installed.clone().into());
    }
    if environment.ci {
        for (program, arguments) in tool.install.iter().filter_map(|line| line.split_first()) {
            eprintln!("\n== {program} {}", arguments.join(" "));
            let mut command = Command::new(program);
            command.args(arguments).current_dir(&environment.root);
            process::run(command)?;
        }
        if works() {
            return Ok(installed.into());
        }
    }
    Err(Failure::Missing {
        what: format!("{} is not installed", tool.name),
        hint: format!("{}; or set CI=true to install it in {TOOLS}", tool.hint),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_missing_is_an_error_with_a_hint() {
        let environment = Environment::of_test(PathBuf::from("/nonexistent"), false);
        let none = Tool { name: "no-such-tool", install: &[], hint: "apt install it" };
        let failure = find(&environment, &none).unwrap_err();
        assert_eq!(failure.to_string(), "no-such-tool is not installed");
        assert_eq!(failure.exit_code(), 3);
        let Failure::Missing { hint, .. } = failure else { panic!("{failure}") };
        assert!(hint.starts_with("apt install it"), "{hint}");
    }

    #[test]
    fn a_tool_that_cannot_be_installed_is_an_error() {
        let environment = Environment::of_test(std::env::temp_dir(), true);
        let broken = Tool { name: "no-such-tool", install: &[&["false"]], hint: "" };
        assert!(matches!(find(&environment, &broken), Err(Failure::Child { .. })));
        let empty = Tool { name: "no-such-tool", install: &[&["true"]], hint: "" };
        assert!(matches!(find(&environment, &empty), Err(Failure::Missing { .. })));
    }
}
