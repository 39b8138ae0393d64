//! The repository's tasks, as `cargo xtask COMMAND`.
//!
//! Thin on purpose: it runs other programs and passes on their exit codes. The `clinstruct` binary alone knows how to
//! build a dataset and what its flags mean; nothing here parses its flags. The environment is read only in
//! [`environment`]. Nothing here is needed to use the product.

mod bench;
mod bench_llama;
mod bench_peers;
mod compile;
mod dist;
mod environment;
mod failure;
mod features;
mod lint;
mod notices;
mod outside;
mod process;
mod temporary;
mod test;
mod tidy;
mod tools;

use std::io::{self, Write};
use std::process::ExitCode;

use environment::Environment;
use failure::{Failure, Result};

const HELP: &str = "\
Chores of this repository.

Usage: cargo xtask COMMAND

Commands:
  build-dataset [FLAGS]  make the dataset: `clinstruct build FLAGS`, compiled for release with what FLAGS need
  test [ARGS]            tidy, documentation tests, a small run, a project with a backend of its own, all tests;
                         ARGS go to the test runner
  lint                   format, clippy, documentation, spelling, licences and the guide
  tidy                   check manifests, edges between crates, and conventions of the sources
  audit [CASES] [SEED]   draw CASES patients (20,000 unless told) and print their sizes, vital signs, allergies and
                         regimens beside references; fails if one violates a rule
  bench [RUNS] [FLAGS]   time whole rehearsal runs (3 unless told) and print the medians
  bench provider [RUNS]  the same against the test provider on loopback, in batches and by chat
  bench scale [ROWS..]   time and memory of the passes over runs of several sizes
  bench peers PYTHON [RUNS]
                         the same in turns with curator, a plain script and a bare loop, where PYTHON has them
  bench llama SERVER FILE.gguf [RUNS]
                         tokens a second of a model in this process and of llama.cpp's own server
  bench compile          processor time of compiling what `build-dataset` needs, from an empty folder
  dist wheel             a Python wheel of the program in target/dist, for Linux on x86-64 with glibc 2.28
  dist try               install that wheel in a clean environment, run it, and test its Python module
  dist archive           the wheel's program with manual pages and completions, as .tar.gz
  dist checksums         SHA256SUMS of the wheels and archives in target/dist
  dist wheel --target T  the wheel of another platform, such as aarch64-unknown-linux-gnu (not yet run)
  dist container         an image with the archive's files, by docker or podman (not yet run)
  simulate [LIMIT]       a run with jobs of 1 to 24 h on a clock of its own: going on at once, and in rounds
  crash-test [RUNS] [FIRST]
                         kill RUNS runs (default: 1000) at random moments, then count every row
  help                   print this

With CI=true in the environment, `lint` and `test` install what they need beyond Rust, and `test` also runs the
tests that need it.
`cargo xtask build-dataset --help` lists the flags of a build.
";

fn main() -> ExitCode {
    let environment = Environment::read();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, rest)) => match command.to_str() {
            Some("build-dataset") => process::build_dataset(&environment, rest),
            Some("test") => test::run(&environment, rest),
            Some("lint") => none_left(rest).and_then(|()| lint::run(&environment)),
            Some("tidy") => none_left(rest).and_then(|()| tidy::run(&environment)),
            Some("audit") => process::audit(&environment, rest),
            Some("bench") if rest.first().is_some_and(|a| a == "llama") => {
                bench_llama::run(&environment, &rest[1..])
            }
            Some("bench") if rest.first().is_some_and(|a| a == "peers") => {
                bench_peers::run(&environment, &rest[1..])
            }
            Some("bench") if rest.first().is_some_and(|a| a == "compile") => {
                none_left(&rest[1..]).and_then(|()| compile::run(&environment))
            }
            Some("dist") => dist::run(&environment, rest),
            Some("bench") => bench::run(&environment, rest),
            Some("simulate") => test::simulate(&environment, rest),
            Some("crash-test") => test::crash_test(&environment, rest),
            Some("help" | "--help" | "-h") => {
                print(HELP);
                Ok(())
            }
            _ => Err(Failure::Usage(format!("unknown command \"{}\"", command.to_string_lossy()))),
        },
        None => Err(Failure::Usage("a command is missing".into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.show();
            ExitCode::from(failure.exit_code())
        }
    }
}

fn none_left(rest: &[std::ffi::OsString]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(Failure::Usage(format!("unexpected \"{}\"", extra.to_string_lossy()))),
    }
}

/// Prints to stdout. A closed reader is not an error.
fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}
