//! `cargo xtask bench`: duration, memory and processor time of a whole run.
//!
//! By default a rehearsal; `bench provider` runs against the test provider on loopback, in batches and by chat, with
//! processor time per request; `bench scale` measures the passes over runs of several sizes.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, BINARY, cargo};
use crate::temporary::TemporaryFolder;

/// Default number of runs.
const RUNS: usize = 3;
/// GNU time, which reports peak memory.
pub(crate) const TIME: &str = "/usr/bin/time";
/// Seed rows of each part against the provider: some 8,000 requests.
const PROVIDER_LIMIT: &str = "260";
/// Modes of the test provider, with its latency in milliseconds: batches are answered at the first poll.
pub(crate) const MODES: [(&str, &str); 2] = [("openai", "0"), ("chat", "50")];
/// The test provider, an example of its crate.
pub(crate) const SERVER: [&str; 4] = ["--package", "clinstruct-testkit", "--example", "serve"];

/// The passes over a run of so many rows, an example of their crate.
const SCALE: [&str; 4] = ["--package", "clinstruct-curate", "--example", "scale"];
/// Rows of these runs.
const ROWS: [&str; 4] = ["10000", "100000", "300000", "1000000"];

/// Measurements of one run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measure {
    seconds: f64,
    /// User and system time over all processors.
    processor: Option<f64>,
    peak_kib: Option<u64>,
    /// Answered requests, if the run used the provider.
    pub(crate) requests: Option<u64>,
    /// Processor time of rebuilding the same dataset from the stored responses.
    pub(crate) anew: Option<f64>,
}

/// Builds for release, then runs and measures. Each run starts in an empty folder.
pub(crate) fn run(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    if arguments.first().is_some_and(|a| a == "scale") {
        return scale(environment, &arguments[1..]);
    }
    let provider = arguments.first().is_some_and(|a| a == "provider");
    let (runs, flags) = runs_and_flags(&arguments[usize::from(provider)..]);
    let binary = release_of(environment, &BINARY, "clinstruct", &[])?;
    let has_time = process::works(Command::new(TIME).args(["-v", "true"]));
    if !has_time {
        eprintln!("GNU time is not at {TIME}: processor time and peak memory are omitted");
    }
    if !provider {
        let build = |folder: &Path| {
            let mut build = Command::new(&binary);
            build.arg("build").args(flags).arg("--out").arg(folder.join("run"));
            Ok(build)
        };
        return several("rehearsal", runs, has_time, build, None);
    }
    let server = release_of(environment, &SERVER, "examples/serve", &[])?;
    for (backend, latency) in MODES {
        let served = Served::start(&server, latency)?;
        let build = |folder: &Path| Ok(of_a_provider(&binary, backend, &served, flags, folder));
        several(backend, runs, has_time, build, Some(&binary))?;
    }
    Ok(())
}

/// One line for each number of rows.
fn scale(environment: &Environment, rows: &[OsString]) -> Result<()> {
    let example = release_of(environment, &SCALE, "examples/scale", &[])?;
    let sizes = if rows.is_empty() { ROWS.map(OsString::from).to_vec() } else { rows.to_vec() };
    for rows in sizes {
        let mut measure = Command::new(&example);
        measure.arg(rows);
        process::run(measure)?;
    }
    Ok(())
}

/// A run against the test provider.
pub(crate) fn of_a_provider(
    binary: &Path,
    backend: &str,
    served: &Served,
    flags: &[OsString],
    folder: &Path,
) -> Command {
    let mut build = Command::new(binary);
    build.args(["build", "--backend", backend, "--model", "gpt-4o", "--yes", "--max-cost"]);
    build.args(["1000", "--limit", PROVIDER_LIMIT, "--concurrency", "200", "--base-url"]);
    build.arg(format!("{}/v1", served.url)).args(flags);
    build.arg("--out").arg(folder.join("run"));
    build.env("OPENAI_API_KEY", "loopback").env("CLINSTRUCT_API_KEY", "loopback");
    build
}

/// The test provider, until it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(server: &Path, latency: &str) -> Result<Self> {
        let mut command = Command::new(server);
        command.args(["0", "rehearse", latency]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let name = process::name(&command);
        let mut child = command.spawn().map_err(Failure::io(format!("start `{name}`")))?;
        let mut url = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut url)
                .map_err(Failure::io(format!("read `{name}`")))?;
        }
        Ok(Self { child, url: url.trim().to_owned() })
    }
}

impl Drop for Served {
    /// It ends when its stdin is closed.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn several(
    name: &str,
    runs: usize,
    has_time: bool,
    build: impl Fn(&Path) -> Result<Command>,
    reparsing: Option<&Path>,
) -> Result<()> {
    let mut measures = Vec::with_capacity(runs);
    for n in 1..=runs {
        let folder = TemporaryFolder::new("bench")?;
        let mut measure = measured(&build(folder.path())?, folder.path(), has_time)?;
        if let Some(binary) = reparsing {
            measure.anew = again(binary, folder.path(), has_time)?;
        }
        eprintln!("{name}, run {n} of {runs}: {}", line(measure));
        measures.push(measure);
    }
    crate::print(&format!("{name}, median of {runs}: {}\n", line(middle(&measures))));
    Ok(())
}

/// Processor time of everything except requests; the rest of a run's time is due to requests.
pub(crate) fn again(binary: &Path, folder: &Path, has_time: bool) -> Result<Option<f64>> {
    let mut reparse = Command::new(binary);
    reparse.arg("reparse").arg("--out").arg(folder.join("run"));
    Ok(measured(&reparse, folder, has_time)?.processor)
}

/// The medians of several runs.
pub(crate) fn middle(measures: &[Measure]) -> Measure {
    let peak = median(measures.iter().filter_map(|m| m.peak_kib).map(|kib| kib as f64));
    Measure {
        seconds: median(measures.iter().map(|m| m.seconds)).unwrap_or_default(),
        processor: median(measures.iter().filter_map(|m| m.processor)),
        peak_kib: peak.map(|kib| kib as u64),
        requests: measures.first().and_then(|m| m.requests),
        anew: median(measures.iter().filter_map(|m| m.anew)),
    }
}

/// A leading number is the count of runs; the rest are flags of the build.
pub(crate) fn runs_and_flags(arguments: &[OsString]) -> (usize, &[OsString]) {
    let first = arguments.split_first();
    let count = first.and_then(|(f, rest)| Some((f.to_str()?.parse().ok()?, rest)));
    count.map_or((RUNS, arguments), |(runs, rest): (usize, _)| (runs.max(1), rest))
}

/// Builds a program for release.
pub(crate) fn release_of(
    environment: &Environment,
    package: &[&str],
    name: &str,
    settings: &[(&str, &str)],
) -> Result<PathBuf> {
    let mut build = cargo(environment, &["build", "--release"]);
    build.args(package).envs(settings.iter().copied());
    process::run(build)?;
    process::built("release", name)
}

pub(crate) fn measured(build: &Command, folder: &Path, time: bool) -> Result<Measure> {
    let report = folder.join("time.txt");
    let mut command = if time {
        let mut command = Command::new(TIME);
        command.arg("-v").arg("-o").arg(&report).arg(build.get_program());
        command
    } else {
        Command::new(build.get_program())
    };
    command.args(build.get_args()).stdin(Stdio::null());
    command.envs(build.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let name = process::name(&command);
    let start = Instant::now();
    let output = command.output().map_err(Failure::io(format!("start `{name}`")))?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(Failure::Child { command: name, code: output.status.code() });
    }
    let report = fs::read_to_string(&report).unwrap_or_default();
    let reported = |what: &str| reported(&report, what);
    let user = reported("User time (seconds):");
    Ok(Measure {
        seconds,
        processor: user.zip(reported("System time (seconds):")).map(|(user, system)| user + system),
        peak_kib: reported("Maximum resident set size (kbytes):").map(|kib| kib as u64),
        requests: fs::read_to_string(folder.join("run/summary.json"))
            .ok()
            .and_then(|s| answered(&s)),
        anew: None,
    })
}

/// A number in the output of `time -v`.
fn reported(report: &str, what: &str) -> Option<f64> {
    report
        .lines()
        .find_map(|line| line.trim().strip_prefix(what))
        .and_then(|number| number.trim().parse().ok())
}

/// The answered requests of a run from its summary, unless it was a rehearsal.
fn answered(summary: &str) -> Option<u64> {
    let number = |key: &str| {
        let (_, rest) = summary.split_once(&format!("\"{key}\":"))?;
        rest.split([',', '\n', '}']).next()?.trim().parse::<u64>().ok()
    };
    if summary.contains("\"rehearsal\": true") { None } else { number("requests_answered") }
}

pub(crate) fn line(measure: Measure) -> String {
    let mut line = format!("{:.2} s", measure.seconds);
    if let Some(processor) = measure.processor {
        let _ = write!(line, ", {processor:.2} s of processor");
        if let Some(requests) = measure.requests.filter(|r| *r > 0) {
            let each = processor * 1e6 / requests as f64;
            let _ = write!(line, ", {each:.0} us for each of {requests} requests");
            if let Some(anew) = measure.anew {
                let own = (processor - anew).max(0.0) * 1e6 / requests as f64;
                let _ =
                    write!(line, " ({own:.0} us beyond making the dataset from stored responses)");
            }
        }
    }
    if let Some(kib) = measure.peak_kib {
        let _ = write!(line, ", {} MiB at the peak", kib.div_ceil(1024));
    }
    line
}

/// The middle value, or the mean of the middle two; `None` if there is none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
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
    fn reads_what_was_measured() {
        let report = "\tUser time (seconds): 1.25\n\tMaximum resident set size (kbytes): 123456\n";
        assert_eq!(reported(report, "Maximum resident set size (kbytes):"), Some(123_456.0));
        assert_eq!(reported(report, "User time (seconds):"), Some(1.25));
        assert_eq!(reported("time: no such option", "User time (seconds):"), None);
        let summary = "{\n \"rehearsal\": false,\n \"requests_answered\": 8273\n}";
        assert_eq!(answered(summary), Some(8273));
        assert_eq!(answered(&summary.replace("false", "true")), None);
        let measure = Measure {
            seconds: 7.456,
            processor: Some(2.0),
            peak_kib: Some(2049),
            requests: Some(20_000),
            anew: None,
        };
        let shown =
            "7.46 s, 2.00 s of processor, 100 us for each of 20000 requests, 3 MiB at the peak";
        assert_eq!(line(measure), shown);
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
