//! Requests only: sends a file of them through a backend into a store, without plan, checks or dataset.
//!
//! `requests openai|chat BASE_URL REQUESTS FOLDER`, where REQUESTS is the output of `clinstruct requests`. It shows
//! what the two crates do by themselves, and `cargo xtask bench peers` compares it with programs that do no more: each
//! job and each answer is in the journal, and each raw response on disk, before it is processed.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clinstruct_allocator as _;
use clinstruct_backend_chat::{Chat, Options};
use clinstruct_batch_client::{
    BackendSettings, BatchBackend, BatchRequest, JobState, Shard, ShardTag,
};
use clinstruct_parser::decode;
use clinstruct_provider_http::Secret;
use clinstruct_schema::RowOutcome;
use clinstruct_store::{Durability, JobSums, NewJob, Store, TaskKey, encode_frame};
use futures::StreamExt as _;
use tokio::time::{Instant, timeout_at};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Most requests per job.
const ROWS_PER_JOB: usize = 10_000;
/// Most rows saved in one transaction, and how long they wait for each other.
const TOGETHER: (usize, Duration) = (512, Duration::from_millis(50));
/// Polling interval.
const PAUSE: Duration = Duration::from_millis(50);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, base, requests, folder] = &arguments[..] else {
        return Err("usage: requests openai|chat BASE_URL REQUESTS FOLDER".into());
    };
    let key = Some(Secret::new("loopback"));
    let backend: Arc<dyn BatchBackend> = match name.as_str() {
        "openai" => {
            let mut settings = BackendSettings::default();
            (settings.base_urls, settings.key) = (vec![base.clone()], key);
            (clinstruct_backend_openai::DESCRIPTOR.open)(&settings)?.backend
        }
        "chat" => {
            let mut options = Options::new(base, key);
            options.pace.most = 200;
            Arc::new(Chat::new(options)?)
        }
        _ => return Err(format!("{name} is neither openai nor chat").into()),
    };
    let mut store = Store::open(Path::new(folder), Durability::Full)?;
    let mut asked = 0;
    let mut lines = BufReader::new(File::open(requests)?).lines();
    loop {
        let some: Vec<BatchRequest> = lines
            .by_ref()
            .take(ROWS_PER_JOB)
            .map(|line| Ok(serde_json::from_str(&line?)?))
            .collect::<Result<_>>()?;
        if some.is_empty() {
            break;
        }
        asked += some.len() as u64;
        ask(&*backend, &mut store, some).await?;
    }
    match store.answered_total()? {
        answered if answered == asked => Ok(()),
        answered => Err(format!("{answered} of {asked} requests were answered").into()),
    }
}

/// A job from intent to end.
async fn ask(
    backend: &dyn BatchBackend,
    store: &mut Store,
    requests: Vec<BatchRequest>,
) -> Result<()> {
    let (job, tag) = store.write(|tx| {
        let tag = format!("requests-{}", tx.next_job()?);
        let rows = requests.len();
        let new = NewJob { tag: &tag, rows, route: "main", queued_tokens: 0, reserved: 0 };
        let job = tx.new_job(&new, 0)?;
        for (n, request) in (0..).zip(&requests) {
            if let Some(task) = TaskKey::seed_row(0, n) {
                tx.send_request(request.id, task, job)?;
            }
        }
        Ok((job, tag))
    })?;
    let reference = backend.submit(&Shard::in_memory(ShardTag(tag), requests)).await?;
    store.write(|tx| tx.job_sent(job, &reference.0, 0))?;
    while !matches!(backend.poll(&reference).await?, JobState::Ended(_)) {
        tokio::time::sleep(PAUSE).await;
    }
    let format = backend.row_format();
    let mut rows = backend.rows(&reference).fuse();
    while let Some(first) = rows.next().await {
        let (until, mut some) = (Instant::now() + TOGETHER.1, vec![first?]);
        while some.len() < TOGETHER.0
            && let Ok(Some(row)) = timeout_at(until, rows.next()).await
        {
            some.push(row?);
        }
        let frame = encode_frame(job, format, &some)?;
        let decoded: Vec<_> = some.iter().map(|raw| decode(format, raw)).collect();
        store.write(|tx| {
            let frame = tx.append(&frame)?;
            let mut sums = JobSums::default();
            for (row, decoded) in decoded.iter().enumerate() {
                let failed = matches!(decoded.outcome, RowOutcome::Failed { .. });
                sums.usage += decoded.outcome.usage().unwrap_or_default();
                match decoded.id {
                    Some(id) if !failed => {
                        sums.counts.answered += 1;
                        tx.set_response(id, frame, row)?;
                    }
                    Some(_) => sums.counts.errors += 1,
                    None => sums.counts.unknown += 1,
                }
            }
            tx.add_to_job(job, &sums)
        })?;
    }
    store.write(|tx| tx.job_ended(job, "completed", 0))?;
    Ok(())
}
