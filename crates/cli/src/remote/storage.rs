//! Uploads and downloads.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clinstruct_app::{
    Card, Context as _, Error, Inputs, Settings, finished_files, raw_files, remote,
};
use clinstruct_objects::{
    ErrorKind, LocalFile, Location, Manifest, Patience, Progress, Storage, Upload, Uploaded,
};
use clinstruct_schema::{Summary, counted};
use serde_json::{Value, json};

use super::{Fetched, Wanted, is_file};
use crate::commands::print_err;
use crate::exit::Code;
use crate::progress::Terminal;
use crate::terminal;

/// Name of a run's journal.
pub(super) const JOURNAL: &str = "run.sqlite";
/// Folder of a run with the state of its upload.
const UPLOAD: &str = "upload";
/// Time between two lines about a long upload.
const INTERVAL: Duration = Duration::from_secs(30);
/// Attempts of what somebody waits for.
const BRIEF: u32 = 5;

/// The patience of a command that only reads: somebody waits for it.
fn brief(settings: Option<&Settings>) -> Patience {
    Patience { attempts: BRIEF, ..patience(settings) }
}

fn patience(settings: Option<&Settings>) -> Patience {
    let pause = settings.and_then(|settings| settings.pause).map(Duration::from_millis);
    let patience = Patience::default();
    Patience { pause: pause.unwrap_or(patience.pause), ..patience }
}

fn runtime() -> clinstruct_app::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")
}

fn open(address: &str, patience: Patience) -> clinstruct_app::Result<Storage> {
    Ok(Storage::open(Location::parse(address)?, patience, terminal::line)?)
}

/// Checks an address that a command names.
///
/// # Errors
/// An address of something else.
pub(crate) fn ensure_known(address: &str) -> clinstruct_app::Result<()> {
    Location::parse(address)?;
    Ok(())
}

/// Finds out whether the address that a run is uploaded to can be reached, before anything is spent.
///
/// # Errors
/// A wrong address, and whatever the server reports.
pub(crate) fn ensure_reachable(settings: &Settings) -> clinstruct_app::Result<()> {
    let Some(address) = &settings.remote else { return Ok(()) };
    let storage = open(address, brief(Some(settings)))?;
    runtime()?.block_on(storage.manifest())?;
    Ok(())
}

/// Uploads a finished run to its address, if it has one. The code says that the user stopped it.
///
/// # Errors
/// A file that cannot be read, and whatever the server reports. The next call resumes.
pub(crate) fn upload(
    inputs: &Inputs<'_>,
    summary: &Summary,
) -> clinstruct_app::Result<Option<Code>> {
    let settings = &inputs.setup.settings;
    let Some(address) = &settings.remote else { return Ok(None) };
    if summary.in_progress() > 0 {
        print_err(&format!("the run is not finished: nothing is uploaded to {address}"));
        return Ok(None);
    }
    let out = &inputs.setup.out;
    let mut files = finished_files(out, &settings.host)?;
    if settings.shard.is_some() {
        // `merge` makes the whole run of these.
        let copy = out.join(UPLOAD).join(JOURNAL);
        inputs.store.copy_journal(&copy)?;
        files.push((JOURNAL.to_owned(), copy));
        files.extend(raw_files(out)?);
    }
    let files: Vec<LocalFile> =
        files.into_iter().map(|(name, path)| LocalFile { name, path }).collect();
    let run = json!({
        "rehearsal": summary.rehearsal,
        "shard": settings.shard.map(|shard| shard.to_string()),
        "card": Card::of(settings, out, summary)?,
    });
    let state = out.join(UPLOAD).join("state.json");
    let storage = open(address, patience(Some(settings)))?;
    let began = Instant::now();
    let mut progress = Terminal::start(UPLOAD, began);
    let mut said = began;
    let mut tell = |Progress { bytes, of }: Progress| {
        if said.elapsed() >= INTERVAL {
            said = Instant::now();
            print_err(&format!("{} of {} are uploaded", size(bytes), size(of)));
        }
    };
    let upload = Upload { files: &files, run: &run, state: &state };
    let done = runtime()?.block_on(async {
        tokio::select! {
            done = storage.upload(&upload, &mut tell) => Some(done),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let Some(done) = done else {
        progress.finish();
        print_err(
            "stopped: the run is finished, and its upload is not; rerun the same command to resume it",
        );
        return Ok(Some(Code::Interrupted));
    };
    if let Ok(done) = &done {
        progress.phase(None, &told(done, storage.location()));
    }
    progress.finish();
    match done {
        Ok(_) => Ok(None),
        Err(e) if e.kind == ErrorKind::Unreachable => {
            let hint = format!(
                "the run is finished and saved in {}: check the network, then rerun the same command to resume the upload",
                out.display()
            );
            Err(Error::from(e).with_hint(hint))
        }
        Err(e) => Err(e.into()),
    }
}

/// What an upload did.
fn told(done: &Uploaded, to: &Location) -> String {
    let files = counted(done.files as u64, "file");
    let sent = match done.sent {
        0 => format!("{to} has all of its {files}"),
        sent if sent == done.files => format!("{files} sent to {to}, {}", size(done.bytes)),
        sent => {
            format!("{sent} of {files} sent to {to}, {}; the others were there", size(done.bytes))
        }
    };
    match done.removed {
        0 => sent,
        removed => {
            format!("{sent}; {} of an earlier upload removed", counted(removed as u64, "file"))
        }
    }
}

/// A number of bytes for display.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => counted(bytes, "byte"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Local copies of what addresses name; any other path stays as it is.
///
/// # Errors
/// A run whose upload has not finished, a file that is not the one that its run lists, and whatever the server reports.
pub(crate) fn fetch(given: &[PathBuf], wanted: Wanted) -> clinstruct_app::Result<Fetched> {
    let mut fetched = Fetched::default();
    for path in given {
        let Some(address) = path.to_str().filter(|_| remote::is_address(path)) else {
            fetched.paths.push(path.clone());
            fetched.runs.push(Value::Null);
            continue;
        };
        let folder = match &fetched.folder {
            Some(folder) => folder.path().to_owned(),
            None => {
                let folder = tempfile::Builder::new().prefix("clinstruct-").tempdir();
                let folder = folder.context("cannot make a temporary folder")?;
                fetched.folder.insert(folder).path().to_owned()
            }
        };
        let storage = open(address, brief(None))?;
        let to = folder.join(remote::as_path(address));
        let is_single = wanted == Wanted::RowsOrFile && is_file(path);
        let (path, run) = if is_single {
            let into = to.parent().unwrap_or(&folder);
            (runtime()?.block_on(storage.download_file(into))?, Value::Null)
        } else {
            let manifest = runtime()?.block_on(copy(&storage, wanted, &to))?;
            (to, manifest.run)
        };
        fetched.paths.push(path);
        fetched.runs.push(run);
    }
    Ok(fetched)
}

/// Copies what is wanted of a complete run.
async fn copy(storage: &Storage, wanted: Wanted, to: &Path) -> clinstruct_app::Result<Manifest> {
    let manifest = storage.finished().await?;
    storage.download(&manifest, |name| wanted.is_read(name), to).await?;
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_says_what_it_did() {
        let to = Location::parse("s3://bucket/run").unwrap();
        let of =
            |sent, removed| told(&Uploaded { files: 12, sent, bytes: 3_400_000, removed }, &to);
        assert_eq!(of(12, 0), "12 files sent to s3://bucket/run, 3.4 MB");
        assert_eq!(
            of(2, 1),
            "2 of 12 files sent to s3://bucket/run, 3.4 MB; the others were there; 1 file of an earlier upload removed"
        );
        assert_eq!(of(0, 0), "s3://bucket/run has all of its 12 files");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(2_500), "2 kB");
    }
}
