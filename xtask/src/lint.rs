//! `cargo xtask lint`: format, lints, documentation, spelling, licences and the guide.

use std::process::Command;

use crate::environment::Environment;
use crate::failure::Result;
use crate::process::{self, cargo};
use crate::tools::{self, TOOLS, Tool, find};

// Debug builds, in one folder: they compile in half the time, and their input is small.
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
        "--config",
        "profile.dev.debug=false",
        "--target-dir",
        "target/tools/build",
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
        "--config",
        "profile.dev.debug=false",
        "--target-dir",
        "target/tools/build",
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
    let features = tools::features(environment)?;
    let mut clippy = step(&["clippy", "--workspace", "--all-targets"]);
    clippy.args(features).args(["--", "-D", "warnings"]);
    process::run(clippy)?;
    let mut documentation = step(&["doc", "--workspace", "--no-deps", "--quiet"]);
    documentation.args(features);
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
