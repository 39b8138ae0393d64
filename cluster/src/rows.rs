//! Where the conversations of a run are, so that any process that sees their files finds each text again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use clinstruct_curate::Chat;
use clinstruct_curate::contamination::EvalItems;
use clinstruct_schema::summary::TextKind;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Bytes that are read at first where a line starts: more than most lines have.
const LINE: usize = 16 << 10;
/// Runs whose files a process keeps open.
const OPEN: usize = 4;

/// Place of a text in a run: its kind, where the line of its conversation starts, and its message.
///
/// Places of one kind are in the order of the texts, which is the order in which near duplicates are compared. They stay
/// below 2^63, since literals in queries are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u64);

impl Place {
    const MESSAGE_BITS: u32 = 16;
    const KIND_SHIFT: u32 = 61;
    /// The most bytes that the conversations of a run can have.
    pub const MOST: u64 = 1 << (Self::KIND_SHIFT - Self::MESSAGE_BITS);

    /// The place of message `message` of the line at `chat`, in bytes from the first file.
    pub fn new(kind: TextKind, chat: u64, message: u16) -> Self {
        Self((kind as u64) << Self::KIND_SHIFT | chat << Self::MESSAGE_BITS | u64::from(message))
    }

    /// What the text is.
    pub fn kind(self) -> TextKind {
        TextKind::ALL[(self.0 >> Self::KIND_SHIFT) as usize % TextKind::ALL.len()]
    }

    /// Where the line of its conversation starts, in bytes from the first file.
    pub fn chat(self) -> u64 {
        (self.0 >> Self::MESSAGE_BITS) % Self::MOST
    }

    /// Index of its message.
    pub fn message(self) -> usize {
        usize::from(self.0 as u16)
    }
}

/// What all processes read: the files of a run and the evaluation items.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Conversations, one file per part, in order.
    pub files: Vec<Stored>,
    /// Evaluation items.
    pub evaluation: Evaluation,
}

/// A file of conversations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stored {
    /// Path, the same on all machines.
    pub path: PathBuf,
    /// Bytes of the files before it.
    pub start: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Items of evaluation sets that must not be in the dataset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Evaluation {
    /// Names of the sets.
    pub sets: Vec<String>,
    /// Sets, by index, and texts.
    pub items: Vec<(usize, String)>,
}

impl Evaluation {
    /// The items, indexed; too short ones are left out.
    pub fn items(&self) -> EvalItems {
        let mut all = EvalItems::new();
        let sets: Vec<u32> = self.sets.iter().map(|name| all.add_set(name)).collect();
        for (set, text) in &self.items {
            if let Some(set) = sets.get(*set) {
                all.add(*set, text);
            }
        }
        all
    }
}

/// Some lines of a file that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Where the first one starts, in bytes from the first file.
    pub start: u64,
    /// Bytes of all.
    pub bytes: u64,
}

/// Finds the lines of some files: where each starts, and groups of about `group` bytes.
///
/// # Errors
/// A file that cannot be read, and too many bytes.
pub(crate) fn find_lines(
    paths: &[PathBuf],
    group: u64,
) -> Result<(Vec<Stored>, Vec<u64>, Vec<Group>)> {
    let (mut files, mut starts, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    for path in paths {
        let failed = Error::file(path);
        let path = fs::canonicalize(path).map_err(&failed)?;
        let mut from = BufReader::with_capacity(1 << 20, File::open(&path).map_err(&failed)?);
        let (start, mut first, mut at_line) = (at, at, true);
        loop {
            let some = from.fill_buf().map_err(&failed)?;
            if some.is_empty() {
                break;
            }
            let bytes = some.len();
            for (i, byte) in some.iter().enumerate() {
                if at_line {
                    let line = at + i as u64;
                    if line - first >= group {
                        groups.push(Group { start: first, bytes: line - first });
                        first = line;
                    }
                    starts.push(line);
                }
                at_line = *byte == b'\n';
            }
            at += bytes as u64;
            from.consume(bytes);
        }
        if at > first {
            groups.push(Group { start: first, bytes: at - first });
        }
        files.push(Stored { path, start, bytes: at - start });
    }
    if at >= Place::MOST {
        return Err(Error::TooLarge { bytes: at, most: Place::MOST });
    }
    Ok((files, starts, groups))
}

/// The files of a run, open.
#[derive(Debug)]
pub(crate) struct Rows {
    files: Vec<(Stored, File)>,
    /// Evaluation items.
    pub(crate) eval_items: EvalItems,
}

/// Those that this process read from, by the path of the manifest.
static OPENED: LazyLock<Mutex<HashMap<String, Arc<Rows>>>> = LazyLock::new(Mutex::default);

impl Rows {
    /// Opens the files of a manifest; a process does so once.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn open(manifest: &str) -> Result<Arc<Self>> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = opened.get(manifest) {
            return Ok(Arc::clone(rows));
        }
        let path = Path::new(manifest);
        let text = fs::read(path).map_err(Error::file(path))?;
        let read = serde_json::from_slice(&text);
        let Manifest { files, evaluation } =
            read.map_err(|source| Error::Row { path: path.to_owned(), offset: 0, source })?;
        let open = |stored: Stored| {
            let file = File::open(&stored.path).map_err(Error::file(&stored.path))?;
            Ok((stored, file))
        };
        let files = files.into_iter().map(open).collect::<Result<_>>()?;
        let rows = Arc::new(Self { files, eval_items: evaluation.items() });
        if opened.len() >= OPEN {
            opened.clear();
        }
        opened.insert(manifest.to_owned(), Arc::clone(&rows));
        Ok(rows)
    }

    /// The file of an offset, and the offset there.
    fn file(&self, at: u64) -> Option<(&Stored, &File, u64)> {
        let number = self.files.partition_point(|(stored, _)| stored.start <= at);
        // Blank files have the same start as the next one, which is the last of them.
        let (stored, file) = self.files.get(number.checked_sub(1)?)?;
        Some((stored, file, at - stored.start))
    }

    /// Passes on the conversations of a group, with where each starts.
    ///
    /// # Errors
    /// Lines that cannot be read.
    pub(crate) fn each(&self, group: Group, mut each: impl FnMut(u64, &Chat)) -> Result<()> {
        let Some((stored, _, offset)) = self.file(group.start) else { return Ok(()) };
        let failed = Error::file(&stored.path);
        // Another handle: reading moves the position of a file.
        let mut file = File::open(&stored.path).map_err(&failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(&failed)?;
        let mut from = BufReader::with_capacity(1 << 20, file.take(group.bytes));
        let mut at = group.start;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = from.read_until(b'\n', &mut line).map_err(&failed)?;
            if read == 0 {
                return Ok(());
            }
            let chat = chat(stored, at, &line)?;
            each(at, &chat);
            at += read as u64;
        }
    }

    /// The conversation whose line starts at `at`.
    ///
    /// # Errors
    /// A line that cannot be read.
    pub(crate) fn chat(&self, at: u64) -> Result<Chat> {
        let Some((stored, file, offset)) = self.file(at) else {
            return Err(Error::TooLarge { bytes: at, most: 0 });
        };
        let mut line = vec![0; LINE];
        let mut filled = 0;
        loop {
            let read = file.read_at(&mut line[filled..], offset + filled as u64);
            let read = read.map_err(Error::file(&stored.path))?;
            let end = line[filled..filled + read].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                return chat(stored, at, &line[..filled + end]);
            }
            filled += read;
            if read == 0 {
                return chat(stored, at, &line[..filled]);
            }
            if filled == line.len() {
                line.resize(2 * filled, 0);
            }
        }
    }
}

fn chat(stored: &Stored, at: u64, line: &[u8]) -> Result<Chat> {
    Chat::of_json(line).map_err(|source| Error::Row {
        path: stored.path.clone(),
        offset: at - stored.start,
        source,
    })
}
