//! The files of a folder, with their checksums.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clinstruct_batch_client::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

/// The folder's own list of checksums.
const SUMS: &str = "SHA256SUMS";
/// Bytes from which the hub guesses a file's type.
const SAMPLE: usize = 512;

/// A file to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path in the folder and at the hub, with forward slashes.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Its first bytes.
    pub sample: Vec<u8>,
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |e| {
        let what = format!("{} cannot be read", path.display());
        Error::new(ErrorKind::Io, "read the dataset folder", what).caused_by(e)
    }
}

fn entry(root: &Path, path: PathBuf) -> Result<Entry> {
    let mut file = File::open(&path).map_err(unreadable(&path))?;
    let (mut hash, mut size, mut sample) = (Sha256::new(), 0, Vec::new());
    let mut bytes = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut bytes).map_err(unreadable(&path))?;
        if read == 0 {
            break;
        }
        hash.update(&bytes[..read]);
        size += read as u64;
        let room = SAMPLE.saturating_sub(sample.len()).min(read);
        sample.extend_from_slice(&bytes[..room]);
    }
    let digest = hash.finalize();
    let sha256 =
        digest.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(n.into(), 16));
    let below = path.strip_prefix(root).unwrap_or(&path);
    let parts: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    Ok(Entry { name: parts.join("/"), sha256: sha256.collect(), path, size, sample })
}

fn walk(root: &Path, dir: &Path, into: &mut Vec<Entry>) -> Result<()> {
    for item in fs::read_dir(dir).map_err(unreadable(dir))? {
        let path = item.map_err(unreadable(dir))?.path();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, into)?;
        } else {
            into.push(entry(root, path)?);
        }
    }
    Ok(())
}

/// All files of a dataset folder by name, without hidden ones.
///
/// # Errors
/// A file that cannot be read, or does not match `SHA256SUMS`.
pub fn entries(root: &Path) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    walk(root, root, &mut all)?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let path = root.join(SUMS);
    let sums = fs::read_to_string(&path).map_err(unreadable(&path))?;
    let known: BTreeMap<&str, &str> =
        sums.lines().filter_map(|l| l.split_once("  ")).map(|(sum, name)| (name, sum)).collect();
    let wrong = |what: String| Error::new(ErrorKind::Refused, "check the dataset folder", what);
    for (name, sum) in &known {
        match all.iter().find(|e| e.name == *name) {
            None => return Err(wrong(format!("{name} is missing"))),
            Some(e) if e.sha256 != *sum => return Err(wrong(format!("{name} has changed"))),
            Some(_) => {}
        }
    }
    if let Some(e) = all.iter().find(|e| e.name != SUMS && !known.contains_key(e.name.as_str())) {
        return Err(wrong(format!("{} is not in the list of checksums", e.name)));
    }
    Ok(all)
}
