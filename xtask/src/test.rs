//! `cargo xtask test`: all checks and tests.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::dist;
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::outside::{self, counts_add_up};
use crate::process::{self, cargo};
use crate::temporary::TemporaryFolder;
use crate::tidy;
use crate::tools;

/// Seed rows of each part in the small run.
const SMOKE_LIMIT: &str = "3";

/// Tests that need more than a Rust toolchain. They run with `CI=true` only.
struct Suite {
    /// Name, for the message that it was skipped.
    name: &'static str,
    /// Commands that install what it needs. They run in the root while the tests are compiled, one after another.
    installs: &'static [&'static [&'static str]],
    /// Commands that are the tests; run in the root.
    commands: &'static [&'static [&'static str]],
}

/// The program of the tests.
const PROGRAM: &str = "target/debug/clinstruct";

/// Installs Python packages into a separate folder.
const PIP: [&str; 4] =
    ["target/python/bin/pip", "install", "--quiet", "--disable-pip-version-check"];

/// A browser from the system's packages, if there is none in `PATH`.
const CHROMIUM: &str = "command -v chromium || command -v chromium-browser || command -v google-chrome || \
                        { apt-get update -qq && apt-get install -y -qq chromium; }";
/// The accessibility checks that the browser runs.
const AXE: &str = "cd target/python && npm pack --silent axe-core@4 && tar -xzf axe-core-4*.tgz package/axe.min.js";

/// Fetches and runs the smallest model: its own tests, and a dataset of one row by all stages.
const FETCH: &str =
    "CLINSTRUCT_MODELS=target/models target/debug/clinstruct model fetch smollm2-135m";
const MODEL_TESTS: &str = "CLINSTRUCT_TEST_MODEL=$PWD/target/models/SmolLM2-135M-Instruct.Q4_1.gguf \
                           OMP_WAIT_POLICY=passive \
                           cargo test --quiet --workspace --features llama --test llama -- --include-ignored \
                           --test-threads 1";
/// A model of this size fails most checks, so that a run may end without a row: exit code 1 is a result too. Every answer
/// ends at its first full stop: left alone, the model writes until it has used up its tokens, for minutes.
const MODEL_RUN: &str = "rm -rf target/llama-run && { CLINSTRUCT_MODELS=target/models target/debug/clinstruct build \
                         --backend llama --model smollm2-135m --part specialty-domain --limit 1 --stop . \
                         --out target/llama-run; test $? -le 1; } && \
                         grep -q '\"counts_add_up\": true' target/llama-run/summary.json";

/// A server for S3 and one for Azure. Both keep their state in a folder.
const SERVERS: &str = "test -x target/tools/bin/s3s-fs || cargo install --quiet --debug --config profile.dev.debug=false \
                       --target-dir target/tools/build --locked --features binary --root target/tools s3s-fs@0.14.1 && \
                       { test -x target/azurite/node_modules/.bin/azurite-blob || \
                       npm install --silent --no-audit --no-fund --prefix target/azurite azurite@3; }";

/// All suites that need more than Rust.
fn optional_suites() -> &'static [Suite] {
    &[
        Suite {
            name: "the official openai client against the test provider",
            installs: &[
                &["python3", "-m", "venv", "target/python"],
                &[PIP[0], PIP[1], PIP[2], PIP[3], "openai"],
            ],
            commands: &[&["target/python/bin/python", "crates/testkit/python/openai_client.py"]],
        },
        Suite {
            name: "the dataset folder by datasets, pandas, Polars, DuckDB and mlcroissant",
            installs: &[&[
                PIP[0],
                PIP[1],
                PIP[2],
                PIP[3],
                "datasets",
                "pandas",
                "polars",
                "duckdb",
                "mlcroissant",
                "huggingface_hub",
            ]],
            commands: &[
                // One of an earlier version has other rows, and a cache of them.
                &["rm", "-rf", "target/python-run"],
                &[PROGRAM, "build", "--limit", "60", "--out", "target/python-run"],
                &[
                    "target/python/bin/python",
                    "crates/export/python/read_dataset.py",
                    "target/python-run",
                ],
            ],
        },
        Suite {
            name: "Parquet files of pyarrow, Polars and DuckDB, whole and damaged",
            installs: &[&[PIP[0], PIP[1], PIP[2], PIP[3], "pyarrow", "polars", "duckdb"]],
            commands: &[
                &[
                    "target/python/bin/python",
                    "crates/records/python/write_parquet.py",
                    "target/written-parquet",
                ],
                &[
                    "cargo",
                    "test",
                    "--quiet",
                    "--workspace",
                    "--features",
                    "llama",
                    "--test",
                    "it",
                    "--",
                    "--include-ignored",
                    "pyarrow",
                ],
            ],
        },
        Suite {
            name: "the dataset folder by TRL's and axolotl's own code",
            installs: &[
                &[
                    PIP[0],
                    PIP[1],
                    PIP[2],
                    PIP[3],
                    "transformers",
                    "pillow",
                    "colorama",
                    "addict",
                    "pydantic",
                ],
                // Without the training dependencies, which are gigabytes.
                &[PIP[0], PIP[1], PIP[2], PIP[3], "--no-deps", "trl==1.16.0", "axolotl==0.19.0"],
            ],
            commands: &[&[
                "target/python/bin/python",
                "crates/export/python/trainers.py",
                "target/python-run/dataset",
            ]],
        },
        Suite {
            name: "the wheel in a clean environment",
            installs: dist::MATURIN.install,
            commands: &[
                &["cargo", "xtask", "dist", "wheel"],
                &["cargo", "xtask", "dist", "try"],
                &["cargo", "xtask", "dist", "checksums"],
            ],
        },
        Suite {
            name: "a model in this process",
            installs: &[],
            commands: &[&["sh", "-c", FETCH], &["sh", "-c", MODEL_TESTS], &["sh", "-c", MODEL_RUN]],
        },
        Suite {
            name: "object storage, with servers for S3 and Azure that are killed",
            installs: &[&["sh", "-c", SERVERS]],
            commands: &[&[
                "python3",
                "crates/objects/python/servers.py",
                PROGRAM,
                "target/tools/bin/s3s-fs",
                "target/azurite/node_modules/.bin/azurite-blob",
            ]],
        },
        Suite {
            name: "the viewer in a browser",
            installs: &[
                &["sh", "-c", CHROMIUM],
                &["sh", "-c", AXE],
                &[PIP[0], PIP[1], PIP[2], PIP[3], "playwright"],
            ],
            commands: &[&[
                "target/python/bin/python",
                "crates/viewer/python/browser.py",
                "target/debug/examples/view",
                "target/python-run",
                "target/python/package/axe.min.js",
                "target/pictures",
            ]],
        },
    ]
}

/// Quick checks first, the test runner with its summary last.
pub(crate) fn run(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    tidy::run(environment)?;
    let features = tools::features(environment)?;
    let suites = optional_suites();
    std::thread::scope(|scope| {
        let installed = environment.ci.then(|| {
            scope.spawn(|| timed(environment, suites.iter().flat_map(|suite| suite.installs)))
        });
        compiled(environment, features)?;
        let installed = installed.map(std::thread::ScopedJoinHandle::join);
        installed.unwrap_or(Ok(Ok(()))).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    smoke()?;
    outside::foreign(environment, features)?;
    optional(environment, suites)?;
    outside::swapped(environment, features)?;

    let nextest = process::works(&mut cargo(environment, &["nextest", "--version"]));
    let runner: &[&str] = if nextest { &["nextest", "run"] } else { &["test", "--all-targets"] };
    let mut tests = cargo(environment, runner);
    tests.arg("--workspace").args(features).args(arguments);
    process::run(tests)
}

/// Compiles everything at once: a part of it would have fewer features, and would be compiled again after that.
fn compiled(environment: &Environment, features: &[&str]) -> Result<()> {
    for kind in ["--no-run", "--doc"] {
        let mut tests = cargo(environment, &["test", "--workspace", "--quiet", kind]);
        tests.args(features);
        process::run(tests)?;
    }
    Ok(())
}

/// The crash test with a given number of runs. Reports a failing run, so that it can be repeated alone.
pub(crate) fn crash_test(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let number = |at: usize, otherwise: &str| {
        arguments.get(at).cloned().unwrap_or_else(|| OsString::from(otherwise))
    };
    let mut tests = cargo(environment, &["test", "--package", "clinstruct-cli", "--test", "it"]);
    tests
        .args(["--", "--nocapture", "crash_test"])
        .env("CLINSTRUCT_CRASH_TEST_RUNS", number(0, "1000"))
        .env("CLINSTRUCT_CRASH_TEST_FIRST", number(1, "0"));
    process::run(tests)
}

/// Duration of a run whose jobs take 1 to 24 h, on a simulated clock.
pub(crate) fn simulate(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let mut simulation = cargo(environment, &["run", "--release", "--package"]);
    simulation.args(["clinstruct-pipeline", "--example", "latencies", "--"]).args(arguments);
    process::run(simulation)
}

fn optional(environment: &Environment, suites: &[Suite]) -> Result<()> {
    if let Some(line) = left_out(environment.ci, suites) {
        eprintln!("{line}");
        return Ok(());
    }
    timed(environment, suites.iter().flat_map(|suite| suite.commands))
}

/// Runs commands one after another, and says how long each took.
fn timed<'a>(
    environment: &Environment,
    commands: impl Iterator<Item = &'a &'static [&'static str]>,
) -> Result<()> {
    for command in commands {
        if let Some((program, arguments)) = command.split_first() {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(&environment.root);
            let (name, start) = (process::name(&command), Instant::now());
            process::run(command)?;
            eprintln!("{:.0} s: {name}", start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

/// The message about skipped tests; `None` if everything runs.
fn left_out(ci: bool, suites: &[Suite]) -> Option<String> {
    if ci || suites.is_empty() {
        return None;
    }
    let names: Vec<&str> = suites.iter().map(|suite| suite.name).collect();
    Some(format!("skipped without CI=true: {}", names.join(", ")))
}

/// The README's main command on a few rows, with the binary of the tests.
fn smoke() -> Result<()> {
    let folder = TemporaryFolder::new("smoke")?;
    let mut build = Command::new(process::built("debug", "clinstruct")?);
    build.args(["build", "--limit", SMOKE_LIMIT, "--out"]).arg(folder.path());
    process::run(build)?;
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(Failure::io(format!("read {}", path.display())))
    };
    let mut findings = Vec::new();
    if !counts_add_up(&read(&folder.path().join("summary.json"))?) {
        findings.push("small run: the counts of summary.json do not add up".to_owned());
    }
    let conversations = folder.path().join("conversations");
    let entries = fs::read_dir(&conversations)
        .map_err(Failure::io(format!("read {}", conversations.display())))?;
    let mut files = 0;
    for entry in entries.flatten() {
        files += 1;
        if read(&entry.path())?.is_empty() {
            let name = entry.file_name();
            findings.push(format!("small run: no conversations in {}", name.to_string_lossy()));
        }
    }
    if files == 0 {
        findings.push("small run: no file of conversations".to_owned());
    }
    if findings.is_empty() { Ok(()) } else { Err(Failure::Findings(findings)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_left_out_only_where_something_is() {
        let suites = [
            Suite { name: "viewer in a browser", installs: &[], commands: &[] },
            Suite { name: "Python readers", installs: &[], commands: &[] },
        ];
        assert_eq!(
            left_out(false, &suites).as_deref(),
            Some("skipped without CI=true: viewer in a browser, Python readers")
        );
        assert_eq!(left_out(true, &suites), None);
        assert_eq!(left_out(false, &[]), None);
    }
}
