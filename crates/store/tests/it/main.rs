//! The store from outside: records, raw responses, kills at bad moments, foreign files.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod journal;
mod merge;
mod opening;
mod plan;
mod previous;
mod raw;

use std::path::{Path, PathBuf};

use clinstruct_schema::{RequestId, RowFormat};
use clinstruct_store::{
    Durability, EncodedFrame, Error, ErrorKind, JobId, NewJob, Store, TaskKey, encode_frame,
};
use tempfile::TempDir;

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir, Durability::Fast).unwrap()
}

pub(crate) fn request(n: u8) -> RequestId {
    RequestId([n; 16])
}

pub(crate) fn base(n: u32) -> TaskKey {
    TaskKey::seed_row(0, n).unwrap()
}

pub(crate) fn frame(job: JobId, rows: &[&[u8]]) -> EncodedFrame {
    let rows: Vec<_> = rows.iter().map(|r| r.to_vec()).collect();
    encode_frame(job, RowFormat::OpenaiBatch, &rows).unwrap()
}

/// A job that costs nothing.
pub(crate) fn new_job(tag: &str, rows: usize) -> NewJob<'_> {
    NewJob { tag, rows, route: "a way", queued_tokens: 0, reserved: 0 }
}

/// An error that aborts a transaction.
pub(crate) fn stop() -> Error {
    Error {
        kind: ErrorKind::Io,
        operation: "test",
        path: PathBuf::from("nowhere"),
        message: "stopped".into(),
        source: None,
    }
}

pub(crate) fn segment(dir: &Path) -> PathBuf {
    dir.join("raw/segment-000001.zst")
}

/// The row that answers a request.
pub(crate) fn row(store: &Store, request: RequestId) -> Option<Vec<u8>> {
    let at = store.locate(request).unwrap()?;
    let (format, row) = store.reader().read(&at).unwrap();
    assert_eq!(format, RowFormat::OpenaiBatch);
    Some(row)
}

/// A job whose requests `first`, `first + 1`, .. are answered with `rows`, as one frame.
pub(crate) fn answered_job(store: &mut Store, tag: &str, first: u8, rows: &[&[u8]]) -> JobId {
    store
        .write(|tx| {
            let job = tx.new_job(&new_job(tag, rows.len()), 1)?;
            let id = tx.append(&frame(job, rows))?;
            for (i, n) in (first..).take(rows.len()).enumerate() {
                tx.send_request(request(n), base(u32::from(n)), job)?;
                tx.set_response(request(n), id, i)?;
            }
            Ok(job)
        })
        .unwrap()
}

/// A job with `requests`; its rows are written to the file, and then the process ends.
pub(crate) fn killed_job(store: &mut Store, tag: &str, requests: &[u8], rows: &[&[u8]]) -> JobId {
    let job = store
        .write(|tx| {
            let job = tx.new_job(&new_job(tag, requests.len()), 1)?;
            for n in requests {
                tx.send_request(request(*n), base(u32::from(*n)), job)?;
            }
            tx.job_sent(job, "at the provider", 2)?;
            Ok(job)
        })
        .unwrap();
    let killed = store.write(|tx| {
        let id = tx.append(&frame(job, rows))?;
        tx.set_response(request(requests[0]), id, 0)?;
        Err::<(), _>(stop())
    });
    assert_eq!(killed.unwrap_err().message, "stopped");
    job
}
