//! `cargo xtask bench compile`: what the first `cargo xtask build-dataset` costs before it can run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bench::TIME;
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, BINARY, cargo};

/// Target folder that is emptied first. The wheel is then compiled in it too, and reuses what is there.
pub(crate) const FOLDER: &str = "target/dist/build";

/// Compiles from an empty folder, with the features of a rehearsal, and prints processor time and crates.
pub(crate) fn run(environment: &Environment) -> Result<()> {
    let folder = environment.root.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::io(format!("empty {}", folder.display())))?;
    }
    let mut build = cargo(environment, &["build", "--release", "--no-default-features"]);
    build.arg("--target-dir").arg(&folder).args(BINARY);
    let cost = measured(environment, build)?;
    crate::print(&format!("compile: {cost}\n"));
    Ok(())
}

/// Runs a command that compiles, and says what that cost: number of crates, processor time and time.
pub(crate) fn measured(environment: &Environment, build: Command) -> Result<String> {
    let folder = environment.root.join(FOLDER);
    fs::create_dir_all(&folder).map_err(Failure::io(format!("make {}", folder.display())))?;
    let report = folder.join("time.txt");
    let _ = fs::remove_file(&report);
    let name = process::name(&build);
    let mut build = if process::works(Command::new(TIME).arg("true")) {
        let mut time = Command::new(TIME);
        time.args(["-f", "%U %S", "-o"]).arg(&report);
        time.arg(build.get_program()).args(build.get_args()).current_dir(&environment.root);
        for (name, value) in build.get_envs() {
            if let Some(value) = value {
                time.env(name, value);
            }
        }
        time
    } else {
        build
    };
    let start = Instant::now();
    let mut child =
        build.stderr(Stdio::piped()).spawn().map_err(Failure::io(format!("start `{name}`")))?;
    let mut crates = 0;
    if let Some(lines) = child.stderr.take() {
        for line in BufReader::new(lines).lines().map_while(std::result::Result::ok) {
            crates += usize::from(line.trim_start().starts_with("Compiling "));
            eprintln!("{line}");
        }
    }
    let status = child.wait().map_err(Failure::io(format!("wait for `{name}`")))?;
    if !status.success() {
        return Err(Failure::Child { command: name, code: status.code() });
    }
    let seconds = start.elapsed().as_secs_f64();
    let processor = processor(&fs::read_to_string(&report).unwrap_or_default());
    let processor = processor.map_or_else(
        || format!("unknown processor time, since GNU time is not at {TIME}"),
        |seconds| format!("{seconds:.0} s of processor"),
    );
    Ok(format!("{crates} crates compiled, {processor}, {seconds:.0} s"))
}

/// User and system time, as GNU time writes them by `%U %S`.
fn processor(report: &str) -> Option<f64> {
    let (user, system) = report.lines().last()?.split_once(' ')?;
    Some(user.parse::<f64>().ok()? + system.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_of_gnu_time() {
        assert_eq!(processor("401.5 22.25\n"), Some(423.75));
        assert_eq!(processor("Command exited with non-zero status 101\n1.0 2.0\n"), Some(3.0));
        assert_eq!(processor(""), None);
    }
}
