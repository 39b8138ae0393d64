//! `cargo xtask bench`: how long a whole rehearsal run takes, and how much memory.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, BINARY, cargo};
use crate::temporary::TemporaryFolder;

/// Runs, where the command does not say.
const RUNS: usize = 3;
/// GNU time, which tells the peak memory of what it ran.
const TIME: &str = "/usr/bin/time";

/// One run, measured.
#[derive(Debug, Clone, Copy)]
struct Measure {
    seconds: f64,
    peak_kib: Option<u64>,
}

/// Builds for release, then runs and measures. Each run starts in an empty folder.
pub(crate) fn run(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let (runs, flags) = runs_and_flags(arguments);
    let mut build = cargo(environment, &["build", "--release"]);
    build.args(BINARY);
    process::run(build)?;
    let binary = release_binary()?;
    let has_time = process::works(Command::new(TIME).args(["-v", "true"]));
    if !has_time {
        eprintln!("GNU time is not at {TIME}: peak memory is left out");
    }
    let mut measures = Vec::with_capacity(runs);
    for n in 1..=runs {
        let folder = TemporaryFolder::new("bench")?;
        let measure = measure(&binary, flags, folder.path(), has_time)?;
        eprintln!("run {n} of {runs}: {}", line(measure));
        measures.push(measure);
    }
    let seconds = median(measures.iter().map(|m| m.seconds));
    let peak = median(measures.iter().filter_map(|m| m.peak_kib).map(|kib| kib as f64));
    let median =
        Measure { seconds: seconds.unwrap_or_default(), peak_kib: peak.map(|kib| kib as u64) };
    crate::print(&format!("median of {runs}: {}\n", line(median)));
    Ok(())
}

/// A number in front is the count of runs; the rest are flags of the build.
fn runs_and_flags(arguments: &[OsString]) -> (usize, &[OsString]) {
    let first = arguments.split_first();
    let count = first.and_then(|(f, rest)| Some((f.to_str()?.parse().ok()?, rest)));
    count.map_or((RUNS, arguments), |(runs, rest): (usize, _)| (runs.max(1), rest))
}

/// The binary that cargo has just built: beside the folder in which this program lies, whatever the
/// target folder is.
fn release_binary() -> Result<PathBuf> {
    let here = std::env::current_exe().map_err(Failure::io("find this program"))?;
    let target = here.parent().and_then(Path::parent).unwrap_or(&here);
    let name = format!("clinstruct{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(name))
}

fn measure(binary: &Path, flags: &[OsString], folder: &Path, time: bool) -> Result<Measure> {
    let report = folder.join("time.txt");
    let mut command = if time {
        let mut command = Command::new(TIME);
        command.arg("-v").arg("-o").arg(&report).arg(binary);
        command
    } else {
        Command::new(binary)
    };
    command.arg("build").args(flags).arg("--out").arg(folder.join("run")).stdin(Stdio::null());
    let name = process::name(&command);
    let start = Instant::now();
    let output = command.output().map_err(Failure::io(format!("start `{name}`")))?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(Failure::Child { command: name, code: output.status.code() });
    }
    let peak_kib = fs::read_to_string(&report).ok().and_then(|text| peak_kib(&text));
    Ok(Measure { seconds, peak_kib })
}

/// The peak memory in what `time -v` reports, in KiB.
fn peak_kib(report: &str) -> Option<u64> {
    report
        .lines()
        .find_map(|line| line.trim().strip_prefix("Maximum resident set size (kbytes):"))
        .and_then(|number| number.trim().parse().ok())
}

fn line(measure: Measure) -> String {
    let peak = measure.peak_kib.map(|kib| format!(", {} MiB at the peak", kib.div_ceil(1024)));
    format!("{:.2} s{}", measure.seconds, peak.unwrap_or_default())
}

/// The middle value, or the mean of the middle two; `None` where there is none.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let high = sorted.get(sorted.len() / 2)?;
    let low = sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(*low, *high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn reads_the_peak() {
        let report = "\tPage size (bytes): 4096\n\tMaximum resident set size (kbytes): 123456\n";
        assert_eq!(peak_kib(report), Some(123_456));
        assert_eq!(peak_kib("time: no such option"), None);
        assert_eq!(
            line(Measure { seconds: 7.456, peak_kib: Some(2049) }),
            "7.46 s, 3 MiB at the peak"
        );
    }

    #[test]
    fn a_number_in_front_is_the_count() {
        let words = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            runs_and_flags(&words(&["5", "--seed", "1"])),
            (5, &words(&["--seed", "1"])[..])
        );
        assert_eq!(runs_and_flags(&words(&["--seed", "1"])), (3, &words(&["--seed", "1"])[..]));
        assert_eq!(runs_and_flags(&[]), (3, &[][..]));
    }
}
