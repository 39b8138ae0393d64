//! `cargo xtask bench compile`: what the first `cargo xtask build-dataset` costs before it can run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bench::TIME;
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, BINARY};

/// Target folder that is emptied first. The wheel is then compiled in it too, and reuses what is there.
pub(crate) const FOLDER: &str = "target/dist/build";

/// Compiles from an empty folder, with the features of a rehearsal, and prints processor time and crates.
pub(crate) fn run(environment: &Environment) -> Result<()> {
    let folder = environment.root.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::io(format!("empty {}", folder.display())))?;
    }
    fs::create_dir_all(&folder).map_err(Failure::io(format!("make {}", folder.display())))?;
    let report = folder.join("time.txt");
    let has_time = process::works(Command::new(TIME).arg("true"));
    let mut build = if has_time {
        let mut time = Command::new(TIME);
        time.args(["-f", "%U %S", "-o"]).arg(&report).arg(&environment.cargo);
        time
    } else {
        Command::new(&environment.cargo)
    };
    build.args(["build", "--release", "--no-default-features", "--target-dir"]).arg(&folder);
    build.args(BINARY).current_dir(&environment.root).stderr(Stdio::piped());
    let name = process::name(&build);
    let start = Instant::now();
    let mut child = build.spawn().map_err(Failure::io(format!("start `{name}`")))?;
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
    crate::print(&format!("compile: {crates} crates, {processor}, {seconds:.0} s\n"));
    Ok(())
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
