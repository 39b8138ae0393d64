use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clinstruct_whole_file::WholeFile;
use futures::StreamExt as _;
use object_store::{GetOptions, GetRange, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::manifest::{Entry, Manifest, hex};
use crate::storage::Storage;

/// Folders above a file in which a run may be: `RUN/dataset/data/FILE`.
const ABOVE: usize = 3;

impl Storage {
    /// Downloads the files of a complete run that `is_wanted` names into a folder, under their own names. Each is compared with
    /// its digest before it has its name.
    ///
    /// # Errors
    /// A file that is not the one that the manifest lists, a server that does not answer or refuses, a full disk.
    pub async fn download(
        &self,
        manifest: &Manifest,
        is_wanted: impl Fn(&str) -> bool,
        into: &Path,
    ) -> Result<()> {
        for (name, entry) in manifest.files.iter().filter(|(name, _)| is_wanted(name)) {
            let to = name.split('/').fold(into.to_owned(), |path, part| path.join(part));
            self.fetch(name, Some(entry), &to).await?;
        }
        Ok(())
    }

    /// Downloads the object at this address into a folder; returns the file.
    ///
    /// If it is a file of a run, the run has to be complete and the file the one that the manifest lists.
    ///
    /// # Errors
    /// As [`download`](Self::download), and [`finished`](Self::finished) for the run.
    pub async fn download_file(&self, into: &Path) -> Result<PathBuf> {
        let failed = || Error::new(ErrorKind::Address, format!("{} names no file", self.location));
        let name = self.location.name().ok_or_else(failed)?.to_owned();
        let to = into.join(&name);
        let mut below = name;
        let mut folder = self.location.parent();
        for _ in 0..ABOVE {
            let Some(place) = folder else { break };
            let run = self.at(place.clone());
            // Somebody else's file of that name is no manifest of a run.
            let manifest = match run.manifest().await {
                Err(e) if matches!(e.kind, ErrorKind::Manifest | ErrorKind::Permission) => None,
                manifest => manifest?,
            };
            if let Some(manifest) = manifest {
                let listed = if manifest.complete {
                    manifest.files.get(&below).cloned()
                } else {
                    run.finished().await?.files.get(&below).cloned()
                };
                if let Some(entry) = listed {
                    run.fetch(&below, Some(&entry), &to).await?;
                    return Ok(to);
                }
            }
            below = format!("{}/{below}", place.name().unwrap_or_default());
            folder = place.parent();
        }
        let Some(parent) = self.location.parent() else { return Err(failed()) };
        let name = self.location.name().unwrap_or_default();
        self.at(parent).fetch(name, None, &to).await?;
        Ok(to)
    }

    /// Downloads an object, and continues where an interrupted response ended.
    async fn fetch(&self, name: &str, expected: Option<&Entry>, to: &Path) -> Result<()> {
        let local = |e| Error::local(format!("cannot write {}", to.display()), e);
        if let Some(expected) = expected
            && is_same(to, expected).map_err(local)?
        {
            return Ok(());
        }
        let place = self.location.join(name);
        let mut file = WholeFile::create(to).map_err(local)?;
        let mut digest = Sha256::new();
        let (mut at, mut failed, mut version) = (0, 0, None);
        loop {
            let before = at;
            let read = self
                .read_on(name, &mut at, &mut version, |bytes| {
                    digest.update(bytes);
                    file.write_all(bytes)
                })
                .await;
            match read {
                Ok(()) => break,
                Err(Stopped::Local(e)) => return Err(local(e)),
                Err(Stopped::Changed) => return Err(changed(&place)),
                Err(Stopped::Store(e)) => {
                    let e = Error::of_store(format!("cannot read {place}"), &e);
                    // Progress restarts patience.
                    failed = if at > before { 1 } else { failed + 1 };
                    self.wait(e, failed).await?;
                }
            }
            if expected.is_some_and(|expected| at > expected.size) {
                return Err(changed(&place));
            }
        }
        let found = Entry { size: at, sha256: hex(&digest.finalize()) };
        if expected.is_some_and(|expected| *expected != found) {
            return Err(changed(&place));
        }
        file.finish().map_err(local)
    }

    /// Reads an object from `at` on, and moves `at`.
    async fn read_on(
        &self,
        name: &str,
        at: &mut u64,
        version: &mut Option<String>,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> std::result::Result<(), Stopped> {
        let key = self.location.key(name);
        let mut options = GetOptions::default();
        if *at > 0 {
            if self.objects.head(&key).await?.size == *at {
                // All of it is here: only the end of the response was lost.
                return Ok(());
            }
            options.range = Some(GetRange::Offset(*at));
        }
        let got = self.objects.get_opts(&key, options).await?;
        // The rest of another version does not belong to what is here.
        if *at > 0 && got.meta.e_tag != *version {
            return Err(Stopped::Changed);
        }
        version.clone_from(&got.meta.e_tag);
        let mut stream = got.into_stream();
        while let Some(bytes) = stream.next().await {
            let bytes = bytes?;
            take(&bytes).map_err(Stopped::Local)?;
            *at += bytes.len() as u64;
        }
        Ok(())
    }
}

/// Why a response was not read to its end.
enum Stopped {
    Store(object_store::Error),
    Local(io::Error),
    Changed,
}

impl From<object_store::Error> for Stopped {
    fn from(e: object_store::Error) -> Self {
        Self::Store(e)
    }
}

fn changed(place: &Location) -> Error {
    Error::new(ErrorKind::Changed, format!("{place} is not the file that the run's manifest lists"))
        .because("its size or its SHA-256 digest differs")
}

/// Whether a file was downloaded before.
fn is_same(file: &Path, expected: &Entry) -> io::Result<bool> {
    match file.metadata() {
        Ok(found) if found.len() == expected.size => {}
        _ => return Ok(false),
    }
    let (mut file, mut digest, mut buffer) = (File::open(file)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize()) == expected.sha256),
            read => digest.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
