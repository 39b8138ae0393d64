//! `cargo xtask bench peers`: the cost of other tools for as many requests as a run has.
//!
//! All are whole processes and send to the same test provider; they take turns, so that other load affects all of them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use crate::bench::{
    MODES, Measure, SERVER, Served, TIME, again, line, measured, middle, of_a_provider, release_of,
    runs_and_flags,
};
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, BINARY};
use crate::temporary::TemporaryFolder;

/// The alternatives: the [`MODES`] that they compare with, their name, and their Python packages.
const PEERS: [(&str, &str, &str); 4] = [
    ("openai", "sdk-batch", "openai"),
    ("openai", "curator-batch", "bespokelabs.curator"),
    ("chat", "aiohttp-chat", "aiohttp"),
    ("chat", "curator-chat", "bespokelabs.curator"),
];
/// Sends requests with one of them.
const SCRIPT: &str = "xtask/peers/peers.py";
/// Backend and store of this workspace by themselves, an example of the command's crate.
const EXAMPLE: [&str; 4] = ["--package", "clinstruct-cli", "--example", "requests"];
/// Seed rows of each part: some 10,000 requests.
const LIMIT: &str = "3707";

/// A measured program.
#[derive(Clone, Copy)]
enum Contender {
    /// A whole run, with plan, checks and dataset.
    Run,
    /// Backend and store by themselves.
    Requests,
    /// A peer, by name.
    Peer(&'static str),
}

impl Contender {
    fn name(self) -> &'static str {
        match self {
            Self::Run => "clinstruct",
            Self::Requests => "backend and store",
            Self::Peer(name) => name,
        }
    }
}

/// Common settings of all measurements.
struct Bench<'a> {
    python: &'a OsStr,
    script: &'a Path,
    clinstruct: &'a Path,
    example: &'a Path,
    server: &'a Path,
    requests: &'a Path,
}

/// Measures all, and prints the medians.
pub(crate) fn run(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let [python, rest @ ..] = arguments else {
        let what =
            "bench peers needs a Python with openai, aiohttp or bespokelabs-curator: PYTHON [RUNS]";
        return Err(Failure::Usage(what.into()));
    };
    let (runs, _) = runs_and_flags(rest);
    if !process::works(Command::new(TIME).args(["-v", "true"])) {
        return Err(Failure::Usage(format!("bench peers needs GNU time at {TIME}")));
    }
    let clinstruct = release_of(environment, &BINARY, "clinstruct", &[])?;
    let folder = TemporaryFolder::new("peers")?;
    let requests = folder.path().join("requests.jsonl");
    let mut ask = Command::new(&clinstruct);
    ask.args(["requests", "--limit", LIMIT]);
    ask.stdout(File::create(&requests).map_err(Failure::io("write requests"))?);
    process::run(ask)?;
    let bench = Bench {
        python,
        script: &environment.root.join(SCRIPT),
        clinstruct: &clinstruct,
        example: &release_of(environment, &EXAMPLE, "examples/requests", &[])?,
        server: &release_of(environment, &SERVER, "examples/serve", &[])?,
        requests: &requests,
    };
    for (backend, latency) in MODES {
        let mut measures: Vec<(Contender, Vec<Measure>)> =
            bench.contenders(backend).into_iter().map(|who| (who, Vec::new())).collect();
        for n in 1..=runs {
            for (who, of) in &mut measures {
                let measure = bench.measure(*who, backend, latency)?;
                eprintln!("{backend}, run {n} of {runs}: {}: {}", who.name(), line(measure));
                of.push(measure);
            }
        }
        for (who, of) in measures {
            crate::print(&format!("{}, median of {runs}: {}\n", who.name(), line(middle(&of))));
        }
    }
    Ok(())
}

impl Bench<'_> {
    /// Programs that can be measured here; reports the others.
    fn contenders(&self, backend: &str) -> Vec<Contender> {
        let mut all = vec![Contender::Run, Contender::Requests];
        for (_, name, module) in PEERS.into_iter().filter(|(of, ..)| *of == backend) {
            let import = format!("import {module}");
            if process::works(Command::new(self.python).args(["-c", &import])) {
                all.push(Contender::Peer(name));
            } else {
                eprintln!("skipped: {name}, {module} is not installed");
            }
        }
        all
    }

    /// One process with its own provider, so that no program's leftovers burden another.
    fn measure(&self, who: Contender, backend: &str, latency: &str) -> Result<Measure> {
        let served = Served::start(self.server, latency)?;
        let folder = TemporaryFolder::new("bench")?;
        let folder = folder.path();
        let mut command = match who {
            Contender::Run => {
                let build = of_a_provider(self.clinstruct, backend, &served, &[], folder);
                let mut measure = measured(&build, folder, true)?;
                measure.anew = again(self.clinstruct, folder, true)?;
                return Ok(measure);
            }
            Contender::Requests => {
                let mut command = Command::new(self.example);
                command.arg(backend);
                command
            }
            Contender::Peer(name) => {
                let mut command = Command::new(self.python);
                command.arg(self.script).arg(name);
                command
            }
        };
        command.arg(format!("{}/v1", served.url)).arg(self.requests).arg(folder);
        let mut measure = measured(&command, folder, true)?;
        // The example fails unless all are answered; a peer may miss some.
        let answered = match who {
            Contender::Peer(_) => folder.join("answers.jsonl"),
            _ => self.requests.to_owned(),
        };
        let lines = fs::read_to_string(answered).map_err(Failure::io("read answers"))?;
        measure.requests = Some(lines.lines().count() as u64);
        Ok(measure)
    }
}
