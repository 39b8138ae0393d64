//! Any program that turns an OpenAI batch input file into an output file: `vllm run-batch`, `srun`,
//! `sbatch --wait`, a container.
//!
//! Each job has a folder with `input.jsonl`, `output.jsonl`, `log.txt`, the program's `pid` and, after its end, its
//! `exit` code. The program is detached: it continues when this process ends, and the next process finds it by its
//! folder. Needs `sh` and `kill`, as on every Unix.
//!
//! Source of the formats: <https://platform.openai.com/docs/api-reference/batch/request-input>,
//! <https://docs.vllm.ai/en/latest/examples/offline_inference/openai_batch.html>.

mod descriptor;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use clinstruct_batch_client::openai::{Dialect, write_line};
use clinstruct_batch_client::{
    BatchBackend, Capabilities, Ended, Error, ErrorKind, JobRef, JobState, Limits, Result,
    RowStream, Shard, Wanted,
};
use clinstruct_schema::{BackendId, RowFormat};
pub use descriptor::DESCRIPTOR;
use futures::stream::{self, StreamExt as _};

/// Runs `"$@"` and records its pid and exit code; the code is written atomically.
const WRAPPER: &str = r#"cd "$CLINSTRUCT_JOB" && echo $$ > pid && cd "$CLINSTRUCT_FROM" || exit 1
"$@" > "$CLINSTRUCT_JOB/log.txt" 2>&1 < /dev/null
echo $? > "$CLINSTRUCT_JOB/exit.partial" && mv "$CLINSTRUCT_JOB/exit.partial" "$CLINSTRUCT_JOB/exit""#;

/// Default maximum of rows per job: OpenAI's limit, since the format is OpenAI's.
pub(crate) const ROWS_PER_JOB: usize = 50_000;

/// Settings of the backend.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program and its arguments; `{input}` and `{output}` stand for the files.
    pub command: Vec<String>,
    /// Folder of the jobs.
    pub folder: PathBuf,
    /// Request dialect of the program.
    pub dialect: Dialect,
    /// Most rows per job.
    pub rows_per_job: usize,
    /// Most programs at once.
    pub jobs_at_once: usize,
}

impl Options {
    /// One program at a time, up to 50,000 rows, in the dialect of vLLM.
    pub fn new(command: Vec<String>, folder: PathBuf) -> Self {
        Self {
            command,
            folder,
            dialect: Dialect { max_completion_tokens: false, ..Dialect::default() },
            rows_per_job: ROWS_PER_JOB,
            jobs_at_once: 1,
        }
    }
}

/// A program that answers batch files.
#[derive(Debug, Clone)]
pub struct Command {
    options: Options,
}

impl Command {
    /// A backend that runs this program.
    pub fn new(mut options: Options) -> Result<Self> {
        let bad = |text: String| Error::new(ErrorKind::Refused, "configure the command", text);
        if options.command.first().is_none_or(String::is_empty) {
            return Err(bad("no command is given".into()));
        }
        for name in ["{input}", "{output}"] {
            if !options.command.iter().skip(1).any(|a| a.contains(name)) {
                return Err(bad(format!("the command's arguments lack {name}")));
            }
        }
        options.folder = std::path::absolute(&options.folder)
            .map_err(|e| bad(options.folder.display().to_string()).caused_by(e))?;
        Ok(Self { options })
    }

    fn folder(&self, job: &str) -> PathBuf {
        self.options.folder.join(job)
    }

    fn start(&self, folder: &Path) -> io::Result<()> {
        let fill = |argument: &String| {
            argument
                .replace("{input}", &folder.join("input.jsonl").display().to_string())
                .replace("{output}", &folder.join("output.jsonl").display().to_string())
        };
        let mut process = Process::new("sh");
        process
            .args(["-c", WRAPPER, "sh"])
            .args(self.options.command.iter().map(fill))
            .env("CLINSTRUCT_JOB", folder)
            .env("CLINSTRUCT_FROM", std::path::absolute(".")?)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // A process group of its own, so that Ctrl-C here does not end it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut process, 0);
        let mut child = process.spawn()?;
        // A program cannot be found before its pid is recorded.
        let began = folder.join("pid");
        for _ in 0..1000 {
            if began.exists() || child.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // The exit code must be collected, or the process remains as a zombie that looks alive.
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    fn write_input(&self, shard: &Shard, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let partial = folder.join("input.partial");
        let mut to = BufWriter::new(File::create(&partial)?);
        for request in shard.requests()? {
            let request = request?;
            write_line(&mut to, request.id, &request.request, &self.options.dialect)?;
        }
        to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(partial, folder.join("input.jsonl"))
    }
}

/// The last non-blank line of a job's log, and the path of the log.
fn last_words(folder: &Path) -> String {
    let path = folder.join("log.txt");
    let log = fs::read(&path).unwrap_or_default();
    let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(2000)..]).into_owned();
    let last = tail.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no output");
    let last: String = last.trim().chars().take(300).collect();
    format!("{last} (log: {})", path.display())
}

fn number(path: &Path) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Sends a signal with `kill`; returns whether that worked.
fn kill(signal: &str, whom: &str) -> bool {
    Process::new("kill")
        .args([signal, "--", whom])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

#[async_trait::async_trait]
impl BatchBackend for Command {
    fn id(&self) -> BackendId {
        BackendId(DESCRIPTOR.name.into())
    }

    fn limits(&self) -> Limits {
        let jobs_at_once = self.options.jobs_at_once.max(1);
        Limits::new(self.options.rows_per_job, u64::MAX, jobs_at_once)
    }

    fn capabilities(&self) -> Capabilities {
        descriptor::CAPABILITIES.with_structured_output(self.options.dialect.structured_output)
    }

    fn account(&self) -> String {
        self.options.command.join(" ")
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::OpenaiBatch
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let folder = self.folder(&shard.tag.0);
        let what = "start job";
        self.write_input(shard, &folder).map_err(|e| {
            Error::new(ErrorKind::Io, what, folder.display().to_string()).caused_by(e)
        })?;
        self.start(&folder).map_err(|e| {
            let program = self.options.command.first().cloned().unwrap_or_default();
            Error::new(ErrorKind::Io, what, format!("cannot start {program}")).caused_by(e)
        })?;
        Ok(JobRef(shard.tag.0.clone()))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let tag = &wanted.tag.0;
        Ok(self.folder(tag).join("pid").exists().then(|| JobRef(tag.clone())))
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let folder = self.folder(&job.0);
        if !folder.join("input.jsonl").exists() {
            return Ok(JobState::Ended(Ended::Lost));
        }
        for _ in 0..2 {
            if let Some(code) = number(&folder.join("exit")) {
                return Ok(JobState::Ended(match code {
                    _ if folder.join("cancelled").exists() => Ended::Cancelled,
                    0 => Ended::Completed,
                    code => {
                        let words = last_words(&folder);
                        Ended::Failed(format!("the command ended with code {code}: {words}").into())
                    }
                }));
            }
            let Some(pid) = number(&folder.join("pid")) else {
                // It is starting, or never started.
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                continue;
            };
            if kill("-0", &pid.to_string()) {
                return Ok(JobState::Running { done: None });
            }
        }
        if folder.join("cancelled").exists() {
            return Ok(JobState::Ended(Ended::Cancelled));
        }
        Ok(JobState::Ended(match number(&folder.join("pid")) {
            Some(_) => {
                Ended::Failed(format!("the command was stopped: {}", last_words(&folder)).into())
            }
            None => Ended::Lost,
        }))
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let path = self.folder(&job.0).join("output.jsonl");
        let file = match File::open(&path) {
            Ok(file) => file,
            // A program that failed at once has no output file.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return stream::empty().boxed(),
            Err(e) => {
                let e =
                    Error::new(ErrorKind::Io, "read rows", path.display().to_string()).caused_by(e);
                return stream::once(async { Err(e) }).boxed();
            }
        };
        let lines = BufReader::new(file).split(b'\n').filter_map(move |line| match line {
            Ok(line) if line.iter().all(u8::is_ascii_whitespace) => None,
            Ok(line) => Some(Ok(line)),
            Err(e) => Some(Err(
                Error::new(ErrorKind::Io, "read rows", path.display().to_string()).caused_by(e)
            )),
        });
        stream::iter(lines).boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let folder = self.folder(&job.0);
        let failed = |e: io::Error| {
            Error::new(ErrorKind::Io, "cancel job", folder.display().to_string()).caused_by(e)
        };
        if !folder.exists() {
            return Err(Error::new(ErrorKind::NotFound, "cancel job", job.0.clone()));
        }
        fs::write(folder.join("cancelled"), b"").map_err(failed)?;
        if let Some(pid) = number(&folder.join("pid"))
            && !folder.join("exit").exists()
        {
            kill("-TERM", &format!("-{pid}"));
        }
        Ok(())
    }
}
