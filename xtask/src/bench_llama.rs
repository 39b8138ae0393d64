//! `cargo xtask bench llama`: tokens per second of a model in this process and of llama.cpp's own server.
//!
//! Both have the same weights, threads, requests and context, and sample greedily; they take turns, so that other load
//! affects both.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{median, release_of};
use crate::environment::Environment;
use crate::failure::{Failure, Result};
use crate::process::{self, BINARY, needs_of_llama, of_this_processor};
use crate::temporary::TemporaryFolder;

/// Concurrent conversations, with their number of rows.
const SIZES: [(usize, usize); 3] = [(1, 12), (8, 32), (32, 96)];
/// Default runs per size.
const RUNS: usize = 3;
/// Tokens per answer.
const TOKENS: &str = "64";
/// Context per conversation, the same as in the measuring example.
const CONTEXT: usize = 2048;
/// Time limit for a server to load a model.
const LOADING: Duration = Duration::from_mins(2);
/// The measuring program, an example of its crate.
const EXAMPLE: [&str; 6] =
    ["--package", "clinstruct-backend-llama", "--features", "llama", "--example", "throughput"];

/// Measures both, and prints the medians.
pub(crate) fn run(environment: &Environment, arguments: &[OsString]) -> Result<()> {
    let [server, model, rest @ ..] = arguments else {
        let what =
            "bench llama needs a llama.cpp server and a model: llama-server FILE.gguf [RUNS]";
        return Err(Failure::Usage(what.into()));
    };
    let runs = rest.first().and_then(|r| r.to_str()?.parse().ok()).unwrap_or(RUNS).max(1);
    needs_of_llama()?;
    let ours = release_of(environment, &EXAMPLE, "examples/throughput", &of_this_processor())?;
    let clinstruct = release_of(environment, &BINARY, "clinstruct", &[])?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let folder = TemporaryFolder::new("bench")?;
    let requests = folder.path().join("requests.jsonl");
    let file = File::create(&requests).map_err(Failure::io("write requests"))?;
    let mut ask = Command::new(clinstruct);
    // In the order of a whole run.
    ask.arg("requests").stdout(file);
    process::run(ask)?;

    for (at_once, rows) in SIZES {
        let speed = |of: &std::ffi::OsStr| -> Result<f64> {
            let mut measure = Command::new(&ours);
            measure.arg(of).arg(&requests).args([rows.to_string(), at_once.to_string()]);
            measure.args([TOKENS, &threads]);
            let name = process::name(&measure);
            let output = measure.output().map_err(Failure::io(format!("start `{name}`")))?;
            tokens_per_second(&String::from_utf8_lossy(&output.stdout))
                .ok_or(Failure::Child { command: name, code: output.status.code() })
        };
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for run in 1..=runs {
            let served = Served::start(Path::new(server), model, at_once, &threads, folder.path())?;
            theirs.push(speed(served.url.as_ref())?);
            drop(served);
            own.push(speed(model)?);
            eprintln!(
                "{at_once} at once, run {run} of {runs}: server {:.1}, in this process {:.1} tokens per second",
                theirs[run - 1],
                own[run - 1]
            );
        }
        let ratio = median(own.iter().zip(&theirs).map(|(own, theirs)| own / theirs));
        let shown = |speeds: Vec<f64>| median(speeds.into_iter()).unwrap_or_default();
        crate::print(&format!(
            "{at_once:>2} at once: server {:.1}, in this process {:.1} tokens per second; {:.2} times as fast \
             (medians of {runs})\n",
            shown(theirs),
            shown(own),
            ratio.unwrap_or_default()
        ));
    }
    Ok(())
}

/// A number in a line of JSON.
fn tokens_per_second(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once("\"tokens_per_second\":")?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

/// A llama.cpp server, until it is dropped.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(
        server: &Path,
        model: &OsString,
        at_once: usize,
        threads: &str,
        folder: &Path,
    ) -> Result<Self> {
        let free =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("find a port"))?;
        let port = free.local_addr().map_err(Failure::io("find a port"))?.port();
        drop(free);
        let log = folder.join("server.log");
        let file = File::create(&log).map_err(Failure::io("write a log"))?;
        let mut command = Command::new(server);
        command.arg("-m").arg(model).args(["-np", &at_once.to_string()]);
        command.args(["-c", &(CONTEXT * at_once).to_string(), "-t", threads]);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let name = process::name(&command);
        let child = command.spawn().map_err(Failure::io(format!("start `{name}`")))?;
        let mut served = Self { child, url: format!("http://127.0.0.1:{port}/v1") };
        let start = Instant::now();
        while !is_ready(port) {
            let ended = served.child.try_wait().ok().flatten();
            if ended.is_some() || start.elapsed() > LOADING {
                let told = fs::read_to_string(&log).unwrap_or_default();
                eprintln!("{}", told.lines().rev().take(5).collect::<Vec<_>>().join("\n"));
                return Err(Failure::Child { command: name, code: ended.and_then(|e| e.code()) });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(served)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a server on this machine reports that its model is loaded.
fn is_ready(port: u16) -> bool {
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    asked().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_speed() {
        let line = "{\"generated\":512,\"rows\":8,\"tokens_per_second\":98.25,\"texts\":{}}";
        assert_eq!(tokens_per_second(line), Some(98.25));
        assert_eq!(tokens_per_second("killed"), None);
    }
}
