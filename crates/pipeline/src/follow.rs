//! Looks at a job until it ends, and reads its rows.

use std::sync::OnceLock;
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, Ended, Error as BackendError, JobRef, JobState, RowStream,
};
use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{ErrorClass, RowFormat};
use clinstruct_store::{EncodedFrame, JobId, encode_frame};
use futures::StreamExt as _;
use rayon::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::Result;

/// Raw rows that are saved, read and stepped together, where so many are there.
pub(crate) const ROWS_AT_ONCE: usize = 512;
/// Longest that a row waits for others to be saved with: one write to the disk serves all of them.
const TOGETHER: Duration = Duration::from_millis(50);
/// Rows from which on it pays to spread their reading over threads: to wake those costs as much as some tens
/// of rows do.
pub(crate) const WORTH_SPREADING: usize = 200;
/// Pauses between looks at a job and after trouble, from the first one on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    pub(crate) first: Duration,
}

impl Pauses {
    /// The longest pause.
    pub(crate) fn longest(self) -> Duration {
        self.first * 60
    }

    /// The pause after this one.
    pub(crate) fn after(self, pause: Duration) -> Duration {
        (pause * 2).min(self.longest())
    }

    /// How long to wait after trouble: what the provider asks for, or as long as it is due.
    pub(crate) fn for_trouble(self, e: &BackendError, pause: Duration) -> Duration {
        e.retry_after.unwrap_or(pause).min(self.longest())
    }
}

/// What the driver is told.
pub(crate) enum Message {
    /// Rows of a job.
    Rows(JobId, EncodedFrame, Vec<DecodedRow>),
    /// A job ended, and its rows were told.
    Ended(JobId, Ended, JobRef),
    /// A job cannot be followed.
    Failed(JobId, crate::Error),
    /// Something is in the way; it is tried again.
    Trouble(String, Duration),
}

/// Follows a job to its end. Trouble that may pass is waited for, however long it takes.
pub(crate) async fn follow(
    backend: &dyn BatchBackend,
    reference: &JobRef,
    job: JobId,
    pauses: Pauses,
    sender: &mpsc::Sender<Message>,
) -> Result<Ended> {
    let mut pause = pauses.first / 20;
    let how = loop {
        match backend.poll(reference).await {
            Ok(JobState::Ended(how)) => break how,
            Ok(JobState::Running { .. }) => {}
            Err(e) if e.class() == ErrorClass::RetryLater => {
                pause = pauses.for_trouble(&e, pause.max(pauses.first / 2));
                let _ = sender.send(Message::Trouble(told(&e), pause)).await;
            }
            Err(e) => return Err(e.into()),
        }
        tokio::time::sleep(pause).await;
        pause = pauses.after(pause);
    };
    if how == Ended::Lost {
        return Ok(how);
    }
    let format = backend.row_format();
    let again = backend.limits().finds_jobs;
    let mut pause = pauses.first / 2;
    loop {
        let rows = backend.rows(reference);
        let Some(e) = read(rows, again, job, format, sender).await? else { return Ok(how) };
        if e.class() != ErrorClass::RetryLater {
            return Err(e.into());
        }
        if !again {
            // Its rows are given once: what is missing is asked for again.
            return Ok(Ended::Failed(told(&e)));
        }
        // Rows that come a second time are known by their ids.
        let wait = pauses.for_trouble(&e, pause);
        let _ = sender.send(Message::Trouble(told(&e), wait)).await;
        tokio::time::sleep(wait).await;
        pause = pauses.after(pause);
    }
}

/// When the rows at hand are handed on: at the same instant for all jobs, so that theirs are saved together.
fn next_beat() -> Instant {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let (now, together) = (Instant::now(), TOGETHER.as_millis());
    let since = now.duration_since(*FIRST.get_or_init(|| now)).as_millis();
    let rest = u64::try_from(together - since % together).unwrap_or_default();
    now + Duration::from_millis(rest)
}

/// Hands a job's rows on; the trouble that broke them off, if any did. Where they can be had `again`, that ends
/// them; where not, those that still come are paid for and taken.
async fn read(
    rows: RowStream,
    again: bool,
    job: JobId,
    format: RowFormat,
    sender: &mpsc::Sender<Message>,
) -> Result<Option<BackendError>> {
    let mut rows = rows.fuse();
    let mut broken = None;
    while let Some(first) = rows.next().await {
        let mut good = Vec::new();
        let mut row = Some(first);
        let beat = next_beat();
        while let Some(some) = row {
            match some {
                Ok(row) => good.push(row),
                Err(e) => broken = broken.or(Some(e)),
            }
            let full = good.len() >= ROWS_AT_ONCE || (again && broken.is_some());
            row = if full { None } else { timeout_at(beat, rows.next()).await.ok().flatten() };
        }
        if !good.is_empty() {
            let (frame, decoded) = if good.len() < WORTH_SPREADING {
                let decoded = good.iter().map(|raw| decode(format, raw)).collect();
                (encode_frame(job, format, &good), decoded)
            } else {
                rayon::join(
                    || encode_frame(job, format, &good),
                    || good.par_iter().map(|raw| decode(format, raw)).collect::<Vec<_>>(),
                )
            };
            // The driver is gone when nobody listens: what is not taken in is fetched again.
            if sender.send(Message::Rows(job, frame?, decoded)).await.is_err() {
                return Ok(None);
            }
        }
        if again && broken.is_some() {
            break;
        }
    }
    Ok(broken)
}

/// An error with its causes, in one line.
pub(crate) fn told(e: &BackendError) -> String {
    let mut text = e.to_string();
    let mut cause = std::error::Error::source(e);
    while let Some(e) = cause {
        text = format!("{text}: {e}");
        cause = e.source();
    }
    text
}
