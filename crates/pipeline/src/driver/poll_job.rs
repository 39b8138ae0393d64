//! Polls a job until it ends, and reads its rows.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clinstruct_batch_client::{
    BatchBackend, Ended, Error as BackendError, ErrorKind, JobRef, JobState, RowStream, Wanted,
};
use clinstruct_parser::{DecodedRow, decode};
use clinstruct_schema::{RequestId, RowFormat};
use clinstruct_store::{JobId, encode_frame};
use futures::StreamExt as _;
use rayon::prelude::*;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::backoff::Pauses;
use super::job_end::JobEnd;
use super::message::Message;
use super::state::Driver;
use crate::Result;

/// Raw responses that are saved, read and stepped together, if there are as many.
pub(super) const ROWS_AT_ONCE: usize = 512;
/// Interval at which rows are passed on to be saved: one disk write serves all rows of the interval.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);
/// Number of rows from which reading in parallel pays off: waking threads costs as much as some tens of rows.
pub(super) const WORTH_SPREADING: usize = 200;
/// Consecutive polls in which a job or its rows are not found before it counts as lost: with doubling pauses, about two
/// minutes. Replicas of a provider may not know yet what another created, and a file is written after its batch ends.
const NOT_FOUND: u32 = 8;
/// Consecutive replies that are malformed, or errors that waiting does not cure, before the run stops.
const MALFORMED_REPLIES: u32 = 4;

/// Consecutive errors: their number, and the pause before the next attempt.
struct Retry<'a> {
    pauses: Pauses,
    pause: Duration,
    not_found: u32,
    malformed: u32,
    sender: &'a mpsc::Sender<Message>,
}

/// Consequence of an error.
enum Verdict {
    /// The call is retried; the pause is over.
    Again,
    /// Not found, after many attempts.
    Absent(String),
    /// The run cannot go on.
    Fatal(BackendError),
}

impl<'a> Retry<'a> {
    fn new(pauses: Pauses, sender: &'a mpsc::Sender<Message>) -> Self {
        Self { pauses, pause: pauses.first / 2, not_found: 0, malformed: 0, sender }
    }

    /// A call succeeded.
    fn reset(&mut self) {
        (self.not_found, self.malformed, self.pause) = (0, 0, self.pauses.first / 2);
    }

    /// Reports an error, and waits if that may help.
    async fn after(&mut self, e: BackendError) -> Verdict {
        if e.kind == ErrorKind::NotFound {
            if self.not_found == 0 {
                // An earlier outage has lengthened the pauses: report the recovery.
                self.pause = self.pauses.first / 2;
            }
            self.not_found += 1;
            if self.not_found >= NOT_FOUND {
                return Verdict::Absent(e.with_causes());
            }
        } else if !e.is_transient() {
            self.malformed += 1;
            let hopeless = matches!(
                e.kind,
                ErrorKind::Unauthorised
                    | ErrorKind::UnknownModel
                    | ErrorKind::QuotaExhausted
                    | ErrorKind::Io
            );
            if self.malformed >= MALFORMED_REPLIES || (hopeless && self.malformed > 1) {
                return Verdict::Fatal(e);
            }
        }
        let wait = self.pauses.for_error(&e, self.pause);
        let _ = self.sender.send(Message::Retrying(e.with_causes(), wait)).await;
        tokio::time::sleep(wait).await;
        if e.retry_after.is_none() {
            self.pause = self.pauses.after(self.pause);
        }
        Verdict::Again
    }
}

/// A job that is polled.
struct Polled<'a> {
    backend: &'a dyn BatchBackend,
    job: JobId,
    /// What it is searched by if its id is unknown.
    wanted: Wanted,
    /// Its requests that have no response yet.
    requests: HashSet<RequestId>,
    /// Received rows, and those of them that answer one of its requests.
    seen: (u64, u64),
    /// The start of the first row without an id, and whether it is JSON.
    first: String,
    first_is_json: bool,
    pauses: Pauses,
    sender: &'a mpsc::Sender<Message>,
}

impl Driver<'_, '_> {
    /// Polls a job in a task of its own until it ends, and sends its rows as they arrive.
    pub(super) fn poll(&self, job: JobId, reference: JobRef) -> Result<()> {
        let Some((open, queue)) =
            self.in_flight.job(job).and_then(|j| Some((j, self.queues.get(j.route)?)))
        else {
            return Ok(());
        };
        let backend = Arc::clone(&queue.route.backend);
        let sender = self.sender.clone();
        let pauses = self.pauses();
        let wanted = self.wanted(&open.tag, Some(&reference))?;
        let requests = if queue.keeps_jobs() {
            self.store.open_requests(job)?.into_iter().map(|(request, _)| request).collect()
        } else {
            HashSet::new()
        };
        tokio::spawn(async move {
            let mut polled = Polled {
                backend: &*backend,
                job,
                wanted,
                requests,
                seen: (0, 0),
                first: String::new(),
                first_is_json: false,
                pauses,
                sender: &sender,
            };
            let message = match poll_job(&mut polled, reference).await {
                Ok((end, reference)) => Message::Ended(job, end, reference),
                Err(e) => Message::Failed(job, e),
            };
            // The driver is gone if nobody receives: what is not ingested is fetched again.
            let _ = sender.send(message).await;
        });
        Ok(())
    }
}

/// How a job ended, and the provider's id of it.
type End = (JobEnd, JobRef);

/// Polls a job to its end and sends its rows. Waits out temporary errors, however long they last.
async fn poll_job(polled: &mut Polled<'_>, reference: JobRef) -> Result<End> {
    let (backend, pauses, sender) = (polled.backend, polled.pauses, polled.sender);
    let mut reference = reference;
    let mut pause = pauses.first / 20;
    let mut retry = Retry::new(pauses, sender);
    let mut listed_only = 0;
    let how = loop {
        match backend.poll(&reference).await {
            Ok(JobState::Ended(how)) => break how,
            Ok(JobState::Running { .. }) => retry.reset(),
            Err(e) => match retry.after(e).await {
                Verdict::Again => continue,
                Verdict::Fatal(e) => return Err(e.into()),
                Verdict::Absent(words) => match listed(polled, &mut retry).await? {
                    // The list contains it: it exists, and one replica of the provider does not know it yet.
                    Some(found) => {
                        listed_only += 1;
                        if found == reference && listed_only >= MALFORMED_REPLIES / 2 {
                            let message = format!("{words}, although the list of jobs has it");
                            let kind = ErrorKind::Protocol;
                            return Err(BackendError::new(kind, "poll job", message).into());
                        }
                        reference = found;
                        retry.not_found = 0;
                        continue;
                    }
                    None => return Ok((JobEnd::Lost(words), reference)),
                },
            },
        }
        tokio::time::sleep(pause).await;
        pause = pauses.after(pause);
    };
    if how == Ended::Lost {
        return Ok((JobEnd::Absent, reference));
    }
    read_rows(polled, reference, how.into()).await
}

/// Whether the list of jobs has one with its tag.
async fn listed(polled: &Polled<'_>, retry: &mut Retry<'_>) -> Result<Option<JobRef>> {
    loop {
        match polled.backend.find(&polled.wanted).await {
            Ok(found) => return Ok(found),
            Err(e) if e.kind == ErrorKind::NotFound => return Ok(None),
            Err(e) => match retry.after(e).await {
                Verdict::Again => {}
                Verdict::Absent(_) => return Ok(None),
                Verdict::Fatal(e) => return Err(e.into()),
            },
        }
    }
}

/// Reads the rows of an ended job.
async fn read_rows(polled: &mut Polled<'_>, reference: JobRef, end: JobEnd) -> Result<End> {
    let backend = polled.backend;
    let again = backend.capabilities().survives_process;
    let mut retry = Retry::new(polled.pauses, polled.sender);
    let mut cut: Option<(Option<u64>, u64)> = None;
    let mut pages = 0;
    loop {
        let rows = backend.rows(&reference);
        polled.seen = (0, 0);
        let e = match read(rows, again, polled).await? {
            // For example a gateway's page: the rows exist, and are paid for.
            None if again
                && polled.seen.0 > 0
                && polled.seen.1 == 0
                && pages < MALFORMED_REPLIES - 1 =>
            {
                pages += 1;
                no_rows(polled)
            }
            error => error,
        };
        let Some(e) = e else {
            // If rows are sent while they are generated, the job may have been cancelled meanwhile.
            let cancelled = !again
                && matches!(backend.poll(&reference).await, Ok(JobState::Ended(Ended::Cancelled)));
            return Ok((if cancelled { JobEnd::Cancelled } else { end }, reference));
        };
        if !again {
            // Its rows are sent once: what is missing is requested again. A backend that returns nothing but errors is
            // not waited for: one that waits internally has done so.
            if e.is_transient() && e.kind != ErrorKind::Server {
                return Ok((JobEnd::Failed(e.with_causes().into()), reference));
            }
            return Err(e.into());
        }
        if polled.requests.is_empty() {
            // Every row was received, whatever the length of the file should have been.
            return Ok((end, reference));
        }
        if e.kind == ErrorKind::Truncated {
            // The same twice is how long it is, and not a connection that broke. Rows tell where bytes are not counted.
            let length = (e.received, polled.seen.0);
            if cut == Some(length) {
                return Ok((end, reference));
            }
            cut = Some(length);
        }
        // Duplicate rows are recognized by their ids.
        match retry.after(e).await {
            Verdict::Again => {}
            Verdict::Absent(words) => return Ok((JobEnd::Lost(words), reference)),
            Verdict::Fatal(e) => return Err(e.into()),
        }
    }
}

/// The error of results that are not rows, such as a gateway's page. Rows without an id are rows.
fn no_rows(polled: &Polled<'_>) -> Option<BackendError> {
    (!polled.requests.is_empty() && !polled.first_is_json).then(|| {
        let message = format!("the results are no rows: {}", polled.first);
        BackendError::new(ErrorKind::Protocol, "fetch rows", message)
    })
}

/// When the current rows are passed on: at the same instant for all jobs, so that they are saved together.
fn next_flush() -> Instant {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let (now, interval) = (Instant::now(), FLUSH_INTERVAL.as_millis());
    let since = now.duration_since(*FIRST.get_or_init(|| now)).as_millis();
    let rest = u64::try_from(interval - since % interval).unwrap_or_default();
    now + Duration::from_millis(rest)
}

/// Passes on a job's rows; returns the error that interrupted them, if any. If they can be fetched `again`, it ends
/// there; if not, rows that still arrive are billed and taken.
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
        let flush = next_flush();
        while let Some(some) = row {
            match some {
                Ok(row) => good.push(row),
                Err(e) => broken = broken.or(Some(e)),
            }
            let full = good.len() >= ROWS_AT_ONCE || (again && broken.is_some());
            row = if full { None } else { timeout_at(flush, rows.next()).await.ok().flatten() };
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
            // The driver is gone if nobody receives: what is not ingested is fetched again.
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
