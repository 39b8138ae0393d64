//! Raw responses on disk: append-only segments of frames.
//!
//! A frame is a zstd skippable frame with a JSON header, then a zstd frame with the rows, each followed by a line feed.
//! `zstdcat raw/*.zst` prints all rows; the headers are for recovery after a crash. Format of skippable frames: RFC
//! 8878, section 3.1.2.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clinstruct_schema::RowFormat;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::types::{JobId, RawFrame, RowLocation};

/// First of the sixteen magic numbers of skippable frames.
const MAGIC: u32 = 0x184D_2A50;
/// Size at which a new segment is started.
const SEGMENT_BYTES: u64 = 256 << 20;
/// zstd's fastest ordinary level: raw responses are written once and rarely read.
const LEVEL: i32 = 1;
/// Decompressed frames held by a reader.
const CACHE_BYTES: usize = 24 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    job: i64,
    format: RowFormat,
    bytes: u64,
    lengths: Vec<u32>,
}

/// Compressed rows, ready to be appended.
#[derive(Debug)]
pub struct EncodedFrame {
    pub(crate) job: JobId,
    pub(crate) rows: usize,
    bytes: Vec<u8>,
}

/// Compresses rows into a frame; can run on any thread.
pub fn encode_frame(job: JobId, format: RowFormat, rows: &[Vec<u8>]) -> Result<EncodedFrame> {
    let path = Path::new("raw");
    let failed = |e| Error::io("compress rows for", path, e);
    let mut plain = Vec::with_capacity(rows.iter().map(|r| r.len() + 1).sum());
    for row in rows {
        plain.extend_from_slice(row);
        plain.push(b'\n');
    }
    let packed = zstd::bulk::compress(&plain, LEVEL).map_err(failed)?;
    let lengths = rows.iter().map(|r| u32::try_from(r.len()).unwrap_or(u32::MAX)).collect();
    let header = Header { job: job.0, format, bytes: packed.len() as u64, lengths };
    let header = serde_json::to_vec(&header).map_err(|e| failed(e.into()))?;
    let mut bytes = Vec::with_capacity(8 + header.len() + packed.len());
    bytes.extend_from_slice(&MAGIC.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&packed);
    Ok(EncodedFrame { job, rows: rows.len(), bytes })
}

/// Splits a frame's bytes into its header and rows.
fn decode_frame(bytes: &[u8]) -> Option<(Header, Vec<Vec<u8>>)> {
    let (header, packed_at) = header_of(bytes)?;
    let plain_length: usize = header.lengths.iter().map(|l| *l as usize + 1).sum();
    let end = packed_at.checked_add(usize::try_from(header.bytes).ok()?)?;
    let packed = bytes.get(packed_at..end)?;
    let plain = zstd::bulk::decompress(packed, plain_length).ok()?;
    let mut rows = Vec::with_capacity(header.lengths.len());
    let mut at = 0;
    for length in &header.lengths {
        let end = at + *length as usize;
        rows.push(plain.get(at..end)?.to_vec());
        at = end + 1;
    }
    Some((header, rows))
}

/// The header at the start of `bytes`, and the offset of the compressed rows.
fn header_of(bytes: &[u8]) -> Option<(Header, usize)> {
    let word = |at: usize| -> Option<u32> {
        bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    };
    if word(0)? != MAGIC {
        return None;
    }
    let length = word(4)? as usize;
    let header = serde_json::from_slice(bytes.get(8..8_usize.checked_add(length)?)?).ok()?;
    Some((header, 8 + length))
}

pub(crate) fn path_of(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("segment-{segment:06}.zst"))
}

/// Appends frames to the newest segment.
#[derive(Debug)]
pub(crate) struct Appender {
    dir: PathBuf,
    segment: u32,
    file: File,
    length: u64,
    sync: bool,
    /// Whether a frame was written without a committed transaction.
    uncommitted: bool,
    /// Whether frames may not be on disk yet.
    unsynced: bool,
}

impl Appender {
    /// Opens the newest segment for appending.
    ///
    /// `known` is the end of the last frame in the journal: segment and offset. Complete frames after it are returned;
    /// a torn one at the end is copied to `torn-NNNNNN.bin` and truncated.
    pub(crate) fn open(dir: &Path, known: (u32, u64), sync: bool) -> Result<(Self, Vec<RawFrame>)> {
        fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))?;
        let mut found = Vec::new();
        let (mut segment, mut from) = (known.0.max(1), known.1);
        loop {
            let path = path_of(dir, segment);
            let whole = scan(dir, &path, segment, from, &mut found)?;
            if !path_of(dir, segment + 1).exists() {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&path)
                    .map_err(|e| Error::io("open", &path, e))?;
                let appender = Self {
                    dir: dir.to_owned(),
                    segment,
                    file,
                    length: whole,
                    sync,
                    uncommitted: false,
                    unsynced: false,
                };
                return Ok((appender, found));
            }
            (segment, from) = (segment + 1, 0);
        }
    }

    /// Marks all frames written so far as committed.
    pub(crate) fn committed(&mut self) {
        self.uncommitted = false;
    }

    /// Whether a transaction failed after its frame was written: only the next opening finds that frame.
    pub(crate) fn has_uncommitted(&self) -> bool {
        self.uncommitted
    }

    /// Writes a frame; returns segment, offset and length. It is durable after [`Self::flush`].
    pub(crate) fn append(&mut self, frame: &EncodedFrame) -> Result<(u32, u64, u64)> {
        if self.length >= SEGMENT_BYTES {
            self.flush()?;
            let path = path_of(&self.dir, self.segment + 1);
            self.file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(|e| Error::io("open", &path, e))?;
            self.segment += 1;
            self.length = 0;
        }
        if let Err(e) = self.file.write_all(&frame.bytes) {
            let path = path_of(&self.dir, self.segment);
            // Removes the partial frame; if that fails too, the next opening truncates it.
            let _ = self.file.set_len(self.length);
            return Err(Error::io("append to", &path, e));
        }
        (self.uncommitted, self.unsynced) = (true, true);
        let at = self.length;
        self.length += frame.bytes.len() as u64;
        Ok((self.segment, at, frame.bytes.len() as u64))
    }

    /// Waits until the frames so far are on disk, if durability requires it.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.sync && self.unsynced {
            let failed = |e| Error::io("append to", &path_of(&self.dir, self.segment), e);
            self.file.sync_data().map_err(failed)?;
        }
        self.unsynced = false;
        Ok(())
    }
}

/// Finds complete frames starting at `from`, and truncates a torn one; returns the length of the complete part.
fn scan(
    dir: &Path,
    path: &Path,
    segment: u32,
    from: u64,
    found: &mut Vec<RawFrame>,
) -> Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if from > 0 {
                let message = "the journal refers to rows in it, but the file is missing";
                return Err(Error::new(ErrorKind::Corrupt, "read", path, message));
            }
            return Ok(0);
        }
        Err(e) => return Err(Error::io("read", path, e)),
    };
    let failed = |e| Error::io("read", path, e);
    let length = file.metadata().map_err(failed)?.len();
    if length < from {
        let message = format!("the journal expects {from} bytes, but it has {length}");
        return Err(Error::new(ErrorKind::Corrupt, "read", path, message));
    }
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest).map_err(failed)?;
    let mut at = 0;
    while at < rest.len() {
        let bytes = rest.get(at..).unwrap_or_default();
        let Some((header, rows)) = decode_frame(bytes) else { break };
        let Some((_, packed_at)) = header_of(bytes) else { break };
        let size = packed_at + usize::try_from(header.bytes).unwrap_or(0);
        found.push(RawFrame {
            job: JobId(header.job),
            format: header.format,
            rows,
            segment,
            offset: from + at as u64,
            length: size as u64,
        });
        at += size;
    }
    let whole = from + at as u64;
    if whole < length {
        let name = |n: u32| dir.join(format!("torn-{segment:06}-{whole}-{n}.bin"));
        let torn = (1..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0));
        fs::write(&torn, rest.get(at..).unwrap_or_default())
            .map_err(|e| Error::io("write", &torn, e))?;
        OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|f| f.set_len(whole))
            .map_err(|e| Error::io("cut", path, e))?;
    }
    Ok(whole)
}

type Frame = Arc<(RowFormat, Vec<Vec<u8>>)>;

#[derive(Debug, Default)]
struct Cache {
    frames: HashMap<(u32, u64), (Frame, usize, u64)>,
    files: HashMap<u32, Arc<File>>,
    bytes: usize,
    clock: u64,
}

/// Reads raw responses; can be shared by threads.
#[derive(Debug, Clone)]
pub struct RawReader {
    dir: PathBuf,
    cache: Arc<Mutex<Cache>>,
}

impl RawReader {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, cache: Arc::default() }
    }

    /// The row at a location, with its format.
    pub fn read(&self, at: &RowLocation) -> Result<(RowFormat, Vec<u8>)> {
        let frame = self.frame(at)?;
        let row = frame.1.get(at.row as usize).cloned();
        let path = path_of(&self.dir, at.segment);
        row.map(|row| (frame.0, row)).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "read", &path, "the frame has fewer rows")
        })
    }

    fn frame(&self, at: &RowLocation) -> Result<Frame> {
        let key = (at.segment, at.offset);
        let path = path_of(&self.dir, at.segment);
        let file = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.clock += 1;
            let clock = cache.clock;
            if let Some((frame, _, used)) = cache.frames.get_mut(&key) {
                *used = clock;
                return Ok(Arc::clone(frame));
            }
            match cache.files.get(&at.segment) {
                Some(file) => Arc::clone(file),
                None => {
                    let file =
                        Arc::new(File::open(&path).map_err(|e| Error::io("read", &path, e))?);
                    cache.files.insert(at.segment, Arc::clone(&file));
                    file
                }
            }
        };
        let mut bytes = vec![0; usize::try_from(at.length).unwrap_or(0)];
        read_at(&file, &mut bytes, at.offset).map_err(|e| Error::io("read", &path, e))?;
        let (header, rows) = decode_frame(&bytes)
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "read", &path, "a frame is damaged"))?;
        let size: usize = rows.iter().map(|r| r.len() + 24).sum();
        let frame = Arc::new((header.format, rows));
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.bytes += size;
        let clock = cache.clock;
        if let Some((_, old, _)) = cache.frames.insert(key, (Arc::clone(&frame), size, clock)) {
            cache.bytes -= old;
        }
        while cache.bytes > CACHE_BYTES && cache.frames.len() > 1 {
            let oldest = cache.frames.iter().min_by_key(|(_, (_, _, used))| *used).map(|(k, _)| *k);
            let Some(oldest) = oldest else { break };
            if let Some((_, size, _)) = cache.frames.remove(&oldest) {
                cache.bytes -= size;
            }
        }
        Ok(frame)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
