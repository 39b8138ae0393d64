//! Polls a job until it ends, and reads its rows.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, Ended, Error as BackendError, ErrorKind, JobRef, JobState, RowStream, Wanted,
};
use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{RequestId, RowFormat};
use clinstruct_store::{EncodedFrame, JobId, encode_frame};
use futures::StreamExt as _;
use rayon::prelude::*;
use serde::de::IgnoredAny;
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
/// Times in a row that a job or its rows are not found before it counts as lost: with pauses that double, about two
/// minutes. Replicas of a provider may not know yet what another made, and a file is written after its batch ends.
const NOT_FOUND: u32 = 8;
/// Answers in a row that are no answer (malformed, or an error that waiting does not cure) before the run stops.
const ODD_ANSWERS: u32 = 4;

/// Pauses between polls of a job and after trouble, from the first one on.
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

    /// How long to wait after trouble: what the provider asks for, however long, or as long as it is due.
    pub(crate) fn for_trouble(self, e: &BackendError, pause: Duration) -> Duration {
        e.retry_after.unwrap_or_else(|| pause.min(self.longest()))
    }
}

/// What the driver is sent.
pub(crate) enum Message {
    /// Rows of a job.
    Rows(JobId, EncodedFrame, Vec<DecodedRow>),
    /// A job ended, and its rows were sent; with the trouble that ended it, where that was one.
    Ended(JobId, Ended, JobRef, Option<String>),
    /// A job cannot be polled or read.
    Failed(JobId, crate::Error),
    /// Something is in the way; it is tried again.
    Trouble(String, Duration),
}

/// Trouble in a row: how often, and how long to wait for the next try.
struct Patience<'a> {
    pauses: Pauses,
    pause: Duration,
    not_found: u32,
    odd: u32,
    sender: &'a mpsc::Sender<Message>,
}

/// What trouble means.
enum Verdict {
    /// It is tried again; the pause is over.
    Again,
    /// What is asked for is not there, after many looks.
    Absent(String),
    /// The run cannot go on.
    Fatal(BackendError),
}

impl<'a> Patience<'a> {
    fn new(pauses: Pauses, sender: &'a mpsc::Sender<Message>) -> Self {
        Self { pauses, pause: pauses.first / 2, not_found: 0, odd: 0, sender }
    }

    /// Nothing was in the way.
    fn reset(&mut self) {
        (self.not_found, self.odd, self.pause) = (0, 0, self.pauses.first / 2);
    }

    /// Reports trouble, and waits where that may help.
    async fn meet(&mut self, e: BackendError) -> Verdict {
        if e.kind == ErrorKind::NotFound {
            if self.not_found == 0 {
                // An outage before it made the pauses long: that the provider is back is news.
                self.pause = self.pauses.first / 2;
            }
            self.not_found += 1;
            if self.not_found >= NOT_FOUND {
                return Verdict::Absent(e.with_causes());
            }
        } else if !e.is_transient() {
            self.odd += 1;
            let hopeless = matches!(
                e.kind,
                ErrorKind::Unauthorised
                    | ErrorKind::UnknownModel
                    | ErrorKind::QuotaExhausted
                    | ErrorKind::Io
            );
            if self.odd >= ODD_ANSWERS || (hopeless && self.odd > 1) {
                return Verdict::Fatal(e);
            }
        }
        let wait = self.pauses.for_trouble(&e, self.pause);
        let _ = self.sender.send(Message::Trouble(e.with_causes(), wait)).await;
        tokio::time::sleep(wait).await;
        if e.retry_after.is_none() {
            self.pause = self.pauses.after(self.pause);
        }
        Verdict::Again
    }
}

/// A job that is polled.
pub(crate) struct Polled<'a> {
    pub(crate) backend: &'a dyn BatchBackend,
    pub(crate) job: JobId,
    /// What it is looked for by, where it is not found any more.
    pub(crate) wanted: Wanted,
    /// Its requests that have no response yet.
    pub(crate) requests: HashSet<RequestId>,
    /// Rows that were read, and those of them that answer one of its requests.
    pub(crate) seen: (u64, u64),
    /// The beginning of the first row that names none, and whether it is JSON.
    pub(crate) first: String,
    pub(crate) first_is_json: bool,
    pub(crate) pauses: Pauses,
    pub(crate) sender: &'a mpsc::Sender<Message>,
}

/// How a job ended, under which name, and the trouble that ended it.
pub(crate) type End = (Ended, JobRef, Option<String>);

/// Polls a job to its end and sends its rows. Trouble that may pass is waited for, however long it takes.
pub(crate) async fn poll_job(polled: &mut Polled<'_>, reference: JobRef) -> Result<End> {
    let (backend, pauses, sender) = (polled.backend, polled.pauses, polled.sender);
    let mut reference = reference;
    let mut pause = pauses.first / 20;
    let mut patience = Patience::new(pauses, sender);
    let mut listed_only = 0;
    let how = loop {
        match backend.poll(&reference).await {
            Ok(JobState::Ended(how)) => break how,
            Ok(JobState::Running { .. }) => patience.reset(),
            Err(e) => match patience.meet(e).await {
                Verdict::Again => continue,
                Verdict::Fatal(e) => return Err(e.into()),
                Verdict::Absent(words) => match listed(polled, &mut patience).await? {
                    // The list has it: it is there, and one place of the provider does not know it yet.
                    Some(found) => {
                        listed_only += 1;
                        if found == reference && listed_only >= ODD_ANSWERS / 2 {
                            let message = format!("{words}, although the list of jobs has it");
                            let kind = ErrorKind::Protocol;
                            return Err(BackendError::new(kind, "look at job", message).into());
                        }
                        reference = found;
                        patience.not_found = 0;
                        continue;
                    }
                    None => return Ok((Ended::Lost, reference, Some(words))),
                },
            },
        }
        tokio::time::sleep(pause).await;
        pause = pauses.after(pause);
    };
    if how == Ended::Lost {
        return Ok((how, reference, None));
    }
    read_rows(polled, reference, how).await
}

/// Whether the list of jobs has one by its tag.
async fn listed(polled: &Polled<'_>, patience: &mut Patience<'_>) -> Result<Option<JobRef>> {
    loop {
        match polled.backend.find(&polled.wanted).await {
            Ok(found) => return Ok(found),
            Err(e) if e.kind == ErrorKind::NotFound => return Ok(None),
            Err(e) => match patience.meet(e).await {
                Verdict::Again => {}
                Verdict::Absent(_) => return Ok(None),
                Verdict::Fatal(e) => return Err(e.into()),
            },
        }
    }
}

/// Reads the rows of a job that ended.
async fn read_rows(polled: &mut Polled<'_>, reference: JobRef, how: Ended) -> Result<End> {
    let backend = polled.backend;
    let again = backend.limits().finds_jobs;
    let mut patience = Patience::new(polled.pauses, polled.sender);
    let mut cut: Option<String> = None;
    let mut pages = 0;
    loop {
        let rows = backend.rows(&reference);
        polled.seen = (0, 0);
        let e = match read(rows, again, polled).await? {
            // A page of a gateway, say: the rows are elsewhere, and paid for.
            None if again && polled.seen.0 > 0 && polled.seen.1 == 0 && pages < ODD_ANSWERS - 1 => {
                pages += 1;
                no_rows(polled)
            }
            trouble => trouble,
        };
        let Some(e) = e else {
            // Where rows come while they are made, a job may have been cancelled meanwhile.
            let cancelled = !again
                && matches!(backend.poll(&reference).await, Ok(JobState::Ended(Ended::Cancelled)));
            return Ok((if cancelled { Ended::Cancelled } else { how }, reference, None));
        };
        if !again {
            // Its rows are given once: what is missing is requested again. Who answers nothing but errors is not
            // waited for: a backend that waits by itself has done so.
            if e.is_transient() && e.kind != ErrorKind::Server {
                let words = e.with_causes();
                return Ok((Ended::Failed(words.clone()), reference, Some(words)));
            }
            return Err(e.into());
        }
        if polled.requests.is_empty() {
            // Every row is here, whatever the length of the file should have been.
            return Ok((how, reference, None));
        }
        if e.kind == ErrorKind::Truncated {
            // The same twice is how long it is, and not a connection that broke.
            if cut.as_ref() == Some(&e.message) {
                return Ok((how, reference, None));
            }
            cut = Some(e.message.clone());
        }
        // Rows that come a second time are known by their ids.
        match patience.meet(e).await {
            Verdict::Again => {}
            Verdict::Absent(words) => return Ok((Ended::Lost, reference, Some(words))),
            Verdict::Fatal(e) => return Err(e.into()),
        }
    }
}

/// The error of results that are no rows at all, such as a gateway's page. Rows that name no request are rows.
fn no_rows(polled: &Polled<'_>) -> Option<BackendError> {
    (!polled.requests.is_empty() && !polled.first_is_json).then(|| {
        let message = format!("the results are no rows: {}", polled.first);
        BackendError::new(ErrorKind::Protocol, "fetch rows", message)
    })
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
    polled: &mut Polled<'_>,
) -> Result<Option<BackendError>> {
    let (job, sender) = (polled.job, polled.sender);
    let format: RowFormat = polled.backend.row_format();
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
            if again {
                polled.seen.0 += decoded.len() as u64;
                for id in decoded.iter().filter_map(|d: &DecodedRow| d.id) {
                    polled.seen.1 += 1;
                    polled.requests.remove(&id);
                }
                if let Some(first) = good.first().filter(|_| polled.seen.1 == 0) {
                    polled.first = String::from_utf8_lossy(first).chars().take(200).collect();
                    polled.first_is_json = serde_json::from_slice::<IgnoredAny>(first).is_ok();
                }
            }
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
