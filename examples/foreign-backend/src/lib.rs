//! Jobs as files in a folder, answered by anything that watches it: a cron job, a colleague's machine, a robot.
//!
//! A job is `FOLDER/TAG/requests.jsonl`, in the format of OpenAI's batch files. Its answers are written to
//! `answers.jsonl` next to it, in the same format, and moved into place once complete.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clinstruct_batch_client::openai::{Dialect, write_line};
use clinstruct_batch_client::{
    BackendSettings, BatchBackend, Capabilities, Descriptor, Ended, Error, ErrorKind, JobRef,
    JobState, Limits, OpenError, Opened, PriceRule, Result, RowStream, Shard, Wanted,
};
use clinstruct_schema::{BackendId, RowFormat};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

/// Everything that the command line needs to know about this backend.
pub const DESCRIPTOR: Descriptor = Descriptor {
    about: "Jobs in a folder, answered by any program that watches it",
    price: PriceRule::ListedOrFree,
    ..Descriptor::new("folder", open)
};

fn open(settings: &BackendSettings) -> std::result::Result<Opened, OpenError> {
    let folder = match settings.options.get("folder") {
        Some(folder) => PathBuf::from(folder),
        None => settings.folder.join("jobs"),
    };
    Ok(Opened::new(Folder { folder }))
}

/// Jobs in a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The folder.
    pub folder: PathBuf,
}

impl Folder {
    fn job(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, shard: &Shard, job: &Path) -> io::Result<()> {
        fs::create_dir_all(job)?;
        let partial = job.join("requests.partial");
        let mut to = BufWriter::new(File::create(&partial)?);
        for request in shard.requests()? {
            let request = request?;
            write_line(&mut to, request.id, &request.request, &Dialect::default())?;
        }
        to.flush()?;
        fs::rename(partial, job.join("requests.jsonl"))
    }
}

/// Converts a row of an OpenAI batch file to the neutral format that every clinstruct can read.
fn neutral(line: &str) -> Vec<u8> {
    let Ok(row) = serde_json::from_str::<Value>(line) else { return line.as_bytes().to_vec() };
    let body = &row["response"]["body"];
    let choice = &body["choices"][0];
    let status = row["response"]["status_code"].as_u64().unwrap_or(200);
    if status != 200 || !row["error"].is_null() {
        let error = if row["error"].is_null() { &body["error"] } else { &row["error"] };
        let error = json!({"custom_id": row["custom_id"], "error": error, "status_code": status});
        return error.to_string().into_bytes();
    }
    json!({
        "custom_id": row["custom_id"],
        "text": choice["message"]["content"],
        "refusal": choice["message"]["refusal"],
        "finish_reason": choice["finish_reason"],
        "model": body["model"],
        "usage": body["usage"],
        // Marks a rehearsal.
        "system_fingerprint": body["system_fingerprint"],
    })
    .to_string()
    .into_bytes()
}

fn failed(what: &'static str, job: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let job = job.display().to_string();
    move |e| Error::new(ErrorKind::Io, what, job.clone()).caused_by(e)
}

#[async_trait::async_trait]
impl BatchBackend for Folder {
    fn id(&self) -> BackendId {
        BackendId(DESCRIPTOR.name.into())
    }

    fn limits(&self) -> Limits {
        Limits::new(10_000, 100_000_000, 100)
    }

    // Jobs are files: another process finds them, and `--price` sets the cost of answers.
    fn capabilities(&self) -> Capabilities {
        Capabilities::batch_api()
    }

    fn row_format(&self) -> RowFormat {
        RowFormat::Neutral
    }

    async fn submit(&self, shard: &Shard) -> Result<JobRef> {
        let job = self.job(&shard.tag.0);
        self.write(shard, &job).map_err(failed("submit job", &job))?;
        Ok(JobRef(shard.tag.0.clone()))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<JobRef>> {
        let name = &wanted.tag.0;
        Ok(self.job(name).join("requests.jsonl").exists().then(|| JobRef(name.clone())))
    }

    async fn poll(&self, job: &JobRef) -> Result<JobState> {
        let job = self.job(&job.0);
        Ok(if job.join("cancelled").exists() {
            JobState::Ended(Ended::Cancelled)
        } else if job.join("answers.jsonl").exists() {
            JobState::Ended(Ended::Completed)
        } else if job.join("requests.jsonl").exists() {
            JobState::Running { done: None }
        } else {
            JobState::Ended(Ended::Lost)
        })
    }

    fn rows(&self, job: &JobRef) -> RowStream {
        let job = self.job(&job.0);
        let lines = match File::open(job.join("answers.jsonl")) {
            Ok(file) => BufReader::new(file).lines(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return stream::empty().boxed(),
            Err(e) => {
                let e = failed("read rows", &job)(e);
                return stream::once(async { Err(e) }).boxed();
            }
        };
        let failed = failed("read rows", &job);
        stream::iter(lines.map(move |line| Ok(neutral(&line.map_err(&failed)?)))).boxed()
    }

    async fn cancel(&self, job: &JobRef) -> Result<()> {
        let job = self.job(&job.0);
        fs::write(job.join("cancelled"), b"").map_err(failed("cancel job", &job))
    }
}
