//! Downloads one file, resuming where it was interrupted.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use clinstruct_batch_client::{Error as Remote, ErrorKind};
use clinstruct_provider_http::Client;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// Consecutive attempts without progress before giving up.
const TRIES: u32 = 5;
/// Buffer size when reading a file, in bytes.
const PIECE: usize = 1 << 20;

/// Progress callback: bytes so far, and the total if known.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// Downloads `path` from `client` into `to`, which may already contain the beginning. `pause` is the first pause before
/// a retry.
pub(crate) async fn download(
    client: &Client,
    path: &str,
    to: &Path,
    pause: Duration,
    progress: Progress<'_>,
) -> Result<()> {
    let mut file =
        OpenOptions::new().create(true).append(true).open(to).map_err(Error::io("open", to))?;
    let mut attempts = 0;
    loop {
        let before = file.metadata().map_err(Error::io("read", to))?.len();
        let trouble = match once(client, path, &mut file, to, before, progress).await {
            Ok(()) => return Ok(()),
            Err(Error::Remote(e)) => e,
            Err(other) => return Err(other),
        };
        let passes = trouble.is_transient();
        let now = file.metadata().map_err(Error::io("read", to))?.len();
        attempts = if now > before { 0 } else { attempts + 1 };
        if !passes || attempts >= TRIES {
            if now == 0 {
                let _ = std::fs::remove_file(to);
            }
            return Err(trouble.into());
        }
        let wait = trouble.retry_after.unwrap_or(pause * 2_u32.pow(attempts));
        tokio::time::sleep(wait).await;
    }
}

async fn once(
    client: &Client,
    path: &str,
    file: &mut File,
    to: &Path,
    here: u64,
    progress: Progress<'_>,
) -> Result<()> {
    const WHAT: &str = "fetch a model";
    let mut request = client.request(Method::GET, path);
    if here > 0 {
        request = request.header(RANGE, format!("bytes={here}-"));
    }
    let response = request.send().await.map_err(|e| client.broken(WHAT, e))?;
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
    // "bytes */1234": there is nothing beyond the local bytes, so the file is complete, or too long and not a prefix.
    if status == StatusCode::RANGE_NOT_SATISFIABLE && here > 0 {
        let whole = header(CONTENT_RANGE).and_then(|r| r.rsplit('/').next()?.parse::<u64>().ok());
        if whole == Some(here) {
            return Ok(());
        }
        file.set_len(0).map_err(Error::io("empty", to))?;
        return Err(
            Remote::new(ErrorKind::Unavailable, WHAT, "the partial file does not match").into()
        );
    }
    if !status.is_success() {
        let headers = response.headers().clone();
        let body = response.bytes().await.unwrap_or_default();
        let kind = client.refusal(WHAT, status, &headers, &body).kind;
        let mut hint = client.shown(&String::from_utf8_lossy(&body));
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            hint = "its terms may have to be accepted at the hub first, with a token in HF_TOKEN"
                .into();
        }
        let at = format!("{}{path}", client.base());
        let message = format!("{at} returned {}: {hint}", status.as_u16());
        return Err(Remote::new(kind, WHAT, message).into());
    }
    let mut have = here;
    if status != StatusCode::PARTIAL_CONTENT && here > 0 {
        // The server does not support ranges and starts over.
        file.set_len(0).map_err(Error::io("empty", to))?;
        have = 0;
    }
    let length = header(CONTENT_LENGTH).and_then(|l| l.parse::<u64>().ok());
    let whole = length.map(|l| l + have);
    let mut response = response;
    progress(have, whole);
    while let Some(piece) = response.chunk().await.map_err(|e| client.broken(WHAT, e))? {
        file.write_all(&piece).map_err(Error::io("write", to))?;
        have += piece.len() as u64;
        progress(have, whole);
    }
    if whole.is_some_and(|whole| have < whole) {
        return Err(
            Remote::new(ErrorKind::Unavailable, WHAT, "the connection was interrupted").into()
        );
    }
    file.sync_all().map_err(Error::io("write", to))
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sum_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    file.seek(SeekFrom::Start(0)).map_err(Error::io("read", path))?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => hasher.update(&piece[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("read", path)(e)),
        }
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    }))
}
