//! `cargo xtask lint`: format, lints, documentation, spelling, licences and the guide.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, cargo};

/// A program that the lints need besides a Rust toolchain.
struct Tool {
    /// Its name in `PATH`.
    name: &'static str,
    /// The commands that install it in `target/tools`, run in the root.
    install: &'static [&'static [&'static str]],
    /// The command for users to install it.
    hint: &'static str,
}

/// Where tools are installed, relative to the root.
const TOOLS: &str = "target/tools";

// Debug builds: they compile in half the time, and their input is small.
const TYPOS: Tool = Tool {
    name: "typos",
    install: &[
        &["python3", "-m", "venv", TOOLS],
        &[
            "target/tools/bin/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "typos==1.52.0",
        ],
    ],
    hint: "cargo install --locked typos-cli",
};
const DENY: Tool = Tool {
    name: "cargo-deny",
    install: &[&[
        "cargo",
        "install",
        "--quiet",
        "--debug",
        "--locked",
        "--no-default-features",
        "--root",
        TOOLS,
        "cargo-deny@0.20.2",
    ]],
    hint: "cargo install --locked cargo-deny",
};
const MDBOOK: Tool = Tool {
    name: "mdbook",
    install: &[&[
        "cargo",
        "install",
        "--quiet",
        "--debug",
        "--locked",
        "--no-default-features",
        "--features",
        "search",
        "--root",
        TOOLS,
        "mdbook@0.5.4",
    ]],
    hint: "cargo install --locked mdbook",
};

/// Runs all lints, quick ones first.
pub(crate) fn run(environment: &Environment) -> Result<()> {
    let step = |arguments: &[&str]| {
        eprintln!("\n== cargo {}", arguments.join(" "));
        cargo(environment, arguments)
    };
    process::run(step(&["fmt", "--all", "--check"]))?;
    tool(environment, &TYPOS, &[])?;
    process::run(step(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut documentation = step(&["doc", "--workspace", "--no-deps", "--quiet"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    process::run(documentation)?;
    // Without the advisories: their database is not in a package registry.
    tool(environment, &DENY, &["check", "bans", "licenses", "sources"])?;
    let guide = environment.root.join("target/guide");
    let guide = guide.to_string_lossy();
    tool(environment, &MDBOOK, &["build", "docs/guide", "--dest-dir", &guide])
}

/// Runs a tool in the root; installs it first if it is missing and that is allowed.
fn tool(environment: &Environment, tool: &Tool, arguments: &[&str]) -> Result<()> {
    let program = find(environment, tool)?;
    eprintln!("\n== {} {}", tool.name, arguments.join(" "));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&environment.root);
    process::run(command)
}

fn find(environment: &Environment, tool: &Tool) -> Result<OsString> {
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
        let environment = Environment {
            cargo: "cargo".into(),
            root: PathBuf::from("/nonexistent"),
            ci: false,
            backend: None,
        };
        let none = Tool { name: "no-such-tool", install: &[], hint: "apt install it" };
        let failure = find(&environment, &none).unwrap_err();
        assert_eq!(failure.to_string(), "no-such-tool is not installed");
        assert_eq!(failure.exit_code(), 3);
        let Failure::Missing { hint, .. } = failure else { panic!("{failure}") };
        assert!(hint.starts_with("apt install it"), "{hint}");
    }

    #[test]
    fn a_tool_that_cannot_be_installed_is_an_error() {
        let environment = Environment {
            cargo: "cargo".into(),
            root: std::env::temp_dir(),
            ci: true,
            backend: None,
        };
        let broken = Tool { name: "no-such-tool", install: &[&["false"]], hint: "" };
        assert!(matches!(find(&environment, &broken), Err(Failure::Child { .. })));
        let empty = Tool { name: "no-such-tool", install: &[&["true"]], hint: "" };
        assert!(matches!(find(&environment, &empty), Err(Failure::Missing { .. })));
    }
}
