//! Sends a file, in parts if it is large.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use object_store::PutPayload;
use object_store::multipart::PartId;

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Entry;
use crate::state::{Arrived, Pending, State};
use crate::storage::{Storage, tag};

/// Size of a part in bytes. S3 takes no part below 5 MiB but the last; R2 wants all others equal.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub const PART: u64 = 8 << 20;
/// Parts in flight.
pub const PARTS_AT_ONCE: usize = 4;
/// Most parts of a file; S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;
/// How often a file is begun again whose upload the server has forgotten.
const STARTS: u32 = 3;

/// A file that is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// Path below the address.
    pub(crate) name: &'a str,
    /// The local file.
    pub(crate) file: &'a Path,
    pub(crate) entry: &'a Entry,
}

/// Size of the parts of a file, of equal size but the last.
fn part_size(size: u64, smallest: u64) -> u64 {
    size.div_ceil(MOST_PARTS).max(smallest)
}

/// Reads a part of a file.
async fn read(file: &Path, from: u64, length: u64) -> Result<Bytes> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            Ok(Bytes::from(bytes))
        } else {
            Err(io::Error::other("it has become shorter while it was sent"))
        }
    });
    let read = read.await.unwrap_or_else(|e| Err(io::Error::other(e)));
    read.map_err(|e| Error::local(format!("cannot read {}", file.display()), e))
}

impl Storage {
    /// Sends a file, or what is missing of it, and notes that in the state. `sent` is told how many bytes arrived.
    pub(crate) async fn send(
        &self,
        file: Sent<'_>,
        smallest: u64,
        state: &mut State,
        sent: &mut (dyn FnMut(u64) + Send),
    ) -> Result<()> {
        let size = file.entry.size;
        let tag = if size <= smallest {
            let bytes = read(file.file, 0, size).await?;
            let tag = self.put(file.name, bytes).await?;
            sent(size);
            tag
        } else {
            let mut starts = 1;
            loop {
                match self.send_parts(file, smallest, state, sent).await {
                    Err(e) if e.may_be_unknown_upload() && starts < STARTS => {
                        starts += 1;
                        self.forget_pending(state).await?;
                    }
                    done => break done?,
                }
            }
        };
        state.file_arrived(file.name, Arrived { entry: file.entry.clone(), tag })
    }

    /// Sends the missing parts, then makes the file of them.
    async fn send_parts(
        &self,
        file: Sent<'_>,
        smallest: u64,
        state: &mut State,
        sent: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Option<String>> {
        let Sent { name, file: path, entry } = file;
        let key = self.location.key(name);
        let place = self.location.join(name);
        let operation = || format!("cannot write {place}");
        let part = part_size(entry.size, smallest);
        let is_same = |p: &Pending| p.path == name && p.entry == *entry && p.part == part;
        let pending = match state.pending().filter(|pending| is_same(pending)) {
            Some(pending) => pending.clone(),
            None => {
                self.forget_pending(state).await?;
                let upload =
                    self.patiently(operation(), || self.parts.create_multipart(&key)).await?;
                let parts = vec![None; entry.size.div_ceil(part) as usize];
                let (path, entry) = (name.to_owned(), entry.clone());
                let pending = Pending { path, entry, part, upload, parts };
                state.set_pending(Some(pending.clone()))?;
                pending
            }
        };
        let length = |number: usize| part.min(entry.size - number as u64 * part);
        let has = |number: &usize| pending.parts.get(*number).is_some_and(Option::is_some);
        let (there, missing): (Vec<usize>, Vec<usize>) =
            (0..pending.parts.len()).partition(|number| has(number));
        sent(there.into_iter().map(length).sum());

        let mut sending = stream::iter(missing)
            .map(|number| async move {
                (number, read(path, number as u64 * part, length(number)).await)
            })
            .map(|reading| async {
                let (number, bytes) = reading.await;
                let payload = PutPayload::from(bytes?);
                let put = || self.parts.put_part(&key, &pending.upload, number, payload.clone());
                let id = self.patiently(operation(), put).await?;
                Ok((number, id.content_id))
            })
            .buffer_unordered(PARTS_AT_ONCE);
        while let Some(arrived) = sending.next().await {
            let (number, id) = arrived?;
            state.part_arrived(number, id)?;
            sent(length(number));
        }
        drop(sending);

        let all = state.pending().map(|pending| pending.parts.clone()).unwrap_or_default();
        let ids: Option<Vec<PartId>> =
            all.into_iter().map(|part| Some(PartId { content_id: part? })).collect();
        // A file that is made of fewer parts would be a shorter one.
        let Some(ids) = ids.filter(|ids| ids.len() == pending.parts.len()) else {
            return Err(Error::new(ErrorKind::Changed, operation()).because("a part is missing"));
        };
        let complete = || self.parts.complete_multipart(&key, &pending.upload, ids.clone());
        let done = self.patiently(operation(), complete).await?;
        Ok(tag(done.e_tag))
    }

    /// Forgets the file that was being sent in parts, and lets the server forget it.
    pub(crate) async fn forget_pending(&self, state: &mut State) -> Result<()> {
        let Some(pending) = state.pending() else { return Ok(()) };
        let key = self.location.key(&pending.path);
        // The server may have forgotten it, and keeps nothing that would be read.
        let _ = self.parts.abort_multipart(&key, &pending.upload).await;
        state.set_pending(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_neither_too_small_nor_too_many() {
        for size in [1, PART, PART + 1, 100 << 30, 5 << 40] {
            let part = part_size(size, PART);
            assert!(part >= 5 << 20 && size.div_ceil(part) <= 10_000, "{size}: {part}");
        }
    }
}
