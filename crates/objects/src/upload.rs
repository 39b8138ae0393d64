use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path as FilePath, PathBuf};

use object_store::path::Path;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Entry, Manifest, hex, is_below};
use crate::parts::{PART, Sent};
use crate::state::{Arrived, State};
use crate::storage::{Listed, Storage};

/// Bytes that are read at once for a digest.
const BUFFER: usize = 1 << 20;
/// How often files are sent again that the server has lost, or that somebody has replaced, since they were sent.
const ROUNDS: u32 = 2;

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Its path below the address, with `/` between names.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A finished run to upload. Nothing may change its files meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// All of its files.
    pub files: &'a [LocalFile],
    /// Facts for its manifest.
    pub run: &'a serde_json::Value,
    /// File that remembers what has arrived. It belongs to the run, so that the next call resumes.
    pub state: &'a FilePath,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that have arrived, of those that were missing.
    pub bytes: u64,
    /// Bytes that were missing.
    pub of: u64,
}

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    /// Files of the run.
    pub files: usize,
    /// Files that were sent; the others were there.
    pub sent: usize,
    /// Bytes of the files that were sent.
    pub bytes: u64,
    /// Files of earlier uploads that were removed.
    pub removed: usize,
}

/// What is known about an address before an upload.
struct There {
    manifest: Option<Manifest>,
    listed: HashMap<Path, Listed>,
    /// The upload that the state is about.
    id: String,
}

impl Storage {
    /// Makes the run at this address the given one, and returns once it is complete there.
    ///
    /// A call that fails or is killed leaves a run that no reader accepts, or the earlier one if nothing was written yet. The
    /// next call sends only what is missing. `progress` is called whenever something has arrived.
    ///
    /// # Errors
    /// A file that cannot be read, a server that refuses, does not answer or loses files, another upload to this address.
    pub async fn upload(
        &self,
        upload: &Upload<'_>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Uploaded> {
        self.upload_in_parts_of(PART, upload, progress).await
    }

    /// The same with parts of another size, for tests.
    pub(crate) async fn upload_in_parts_of(
        &self,
        part: u64,
        upload: &Upload<'_>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Uploaded> {
        let mut paths: BTreeMap<&str, &FilePath> = BTreeMap::new();
        let mut files = BTreeMap::new();
        for LocalFile { name, path } in upload.files {
            if !is_below(name) {
                let what = format!("cannot upload {} as {name}", path.display());
                return Err(Error::new(ErrorKind::Refused, what).because("the name is reserved"));
            }
            files.insert(name.clone(), entry(path).await?);
            paths.insert(name, path);
        }
        let mut manifest = Manifest::begun(upload.run.clone(), files);
        let mut state = State::read(upload.state, &self.location.to_string());
        let there = There {
            manifest: self.manifest().await?,
            listed: self.list().await?,
            id: state.id().to_owned(),
        };
        manifest.leftover = leftover(&manifest, there.manifest.as_ref());
        let mut missing: Vec<&str> = paths.keys().copied().collect();
        missing.retain(|name| {
            let entry = manifest.files.get(*name);
            entry.is_some_and(|entry| !self.is_there(name, entry, &there, &state))
        });
        let mut done = Uploaded {
            files: paths.len(),
            sent: missing.len(),
            bytes: 0,
            removed: manifest.leftover.len(),
        };
        if missing.is_empty()
            && there.manifest.as_ref().is_some_and(|m| *m == manifest.clone().completed())
        {
            state.keep(|name| manifest.files.contains_key(name))?;
            return Ok(done);
        }

        // From here on no reader accepts the run, until all of it is there.
        let kept = manifest.files.iter().filter(|(name, _)| !missing.contains(&name.as_str()));
        let kept = kept.map(|(name, entry)| {
            let tag = there.listed.get(&self.location.key(name)).and_then(|l| l.tag.clone());
            (name.clone(), Arrived { entry: entry.clone(), tag })
        });
        state.begin(&manifest.id, kept)?;
        if there.manifest.as_ref() != Some(&manifest) {
            self.write_manifest(&manifest).await?;
        }
        if state.pending().is_some_and(|pending| !missing.contains(&pending.path.as_str())) {
            self.forget_pending(&mut state).await?;
        }
        let size = |names: &[&str]| -> u64 {
            names.iter().filter_map(|name| manifest.files.get(*name)).map(|e| e.size).sum()
        };
        let of = size(&missing);
        done.bytes = of;
        let mut bytes = 0;
        let mut arrived = |more: u64| {
            // A file that is begun again is counted again.
            bytes = (bytes + more).min(of);
            progress(Progress { bytes, of });
        };
        let mut rounds = 0;
        while !missing.is_empty() {
            if rounds == ROUNDS {
                let place = self.location.join(missing.first().copied().unwrap_or_default());
                let what = format!("{place} is not as it was sent");
                return Err(Error::new(ErrorKind::Changed, what).because(
                    "the server has lost it, or another command uploads to the same address",
                ));
            }
            rounds += 1;
            for name in &missing {
                if let (Some(file), Some(entry)) = (paths.get(name), manifest.files.get(*name)) {
                    let file = Sent { name, file, entry };
                    self.send(file, part, &mut state, &mut arrived).await?;
                }
            }
            let listed = self.list().await?;
            let now = There { manifest: Some(manifest.clone()), listed, id: manifest.id.clone() };
            missing = paths.keys().copied().collect();
            missing.retain(|name| {
                let entry = manifest.files.get(*name);
                entry.is_some_and(|entry| !self.is_there(name, entry, &now, &state))
            });
        }
        for name in &manifest.leftover {
            self.remove(name).await?;
        }
        // Somebody who began later has written another manifest, and may have replaced files since they were compared.
        // One of ours, and the one that was there before, are those of a server that has lost the last: killed, Azurite comes
        // back with the objects of some seconds ago.
        let now = self.manifest().await?;
        let is_ours = now.as_ref().is_none_or(|now| state.has_begun(&now.id));
        if !is_ours && now != there.manifest {
            let what = format!("another command has begun to upload to {}", self.location);
            return Err(Error::new(ErrorKind::Overtaken, what));
        }
        let manifest = manifest.completed();
        self.write_manifest(&manifest).await?;
        state.keep(|name| manifest.files.contains_key(name))?;
        Ok(done)
    }

    /// Whether a file is at the address already.
    ///
    /// The server says what size it has, and with what tag. If both sides have a tag, it decides. Otherwise the file has to be
    /// listed in a complete manifest, or was sent for the upload that is under way.
    fn is_there(&self, name: &str, entry: &Entry, there: &There, state: &State) -> bool {
        let Some(listed) = there.listed.get(&self.location.key(name)) else { return false };
        if listed.size != entry.size {
            return false;
        }
        let sent = state.arrived(name).filter(|arrived| arrived.entry == *entry);
        match (sent.and_then(|arrived| arrived.tag.as_ref()), &listed.tag) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => there.manifest.as_ref().is_some_and(|manifest| {
                if manifest.complete {
                    manifest.files.get(name) == Some(entry)
                } else {
                    sent.is_some() && manifest.id == there.id
                }
            }),
        }
    }
}

/// What earlier uploads may have left that is no longer part of the run.
fn leftover(new: &Manifest, before: Option<&Manifest>) -> BTreeSet<String> {
    let names = before.into_iter().flat_map(|m| m.files.keys().chain(&m.leftover));
    names.filter(|name| !new.files.contains_key(*name)).cloned().collect()
}

/// Size and digest of a file.
async fn entry(path: &FilePath) -> Result<Entry> {
    let file = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut file = File::open(file)?;
        let (mut digest, mut buffer, mut size) = (Sha256::new(), vec![0; BUFFER], 0);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Entry { size, sha256: hex(&digest.finalize()) }),
                read => {
                    size += read as u64;
                    digest.update(buffer.get(..read).unwrap_or_default());
                }
            }
        }
    });
    let read = read.await.unwrap_or_else(|e| Err(io::Error::other(e)));
    read.map_err(|e| Error::local(format!("cannot read {}", path.display()), e))
}
