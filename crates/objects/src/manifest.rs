use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Name of the manifest, beside the files of the run.
pub const MANIFEST: &str = "clinstruct.json";
/// Version of its format.
const VERSION: u32 = 1;

/// What the run at an address consists of, and whether all of it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub version: u32,
    /// Whether all files have arrived. If not, nothing of the run may be read.
    pub complete: bool,
    /// Identifies these contents: a digest of all that follows.
    pub id: String,
    /// Facts about the run, for those who read it.
    pub run: serde_json::Value,
    /// The files, by their paths below the address.
    pub files: BTreeMap<String, Entry>,
    /// Files of earlier uploads that are no longer part of the run and may still be there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub leftover: BTreeSet<String>,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 digest, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of an upload that has begun.
    pub(crate) fn begun(run: serde_json::Value, files: BTreeMap<String, Entry>) -> Self {
        let mut digest = Sha256::new();
        digest.update(run.to_string());
        for (path, Entry { size, sha256 }) in &files {
            digest.update(format!("\n{path}\n{size}\n{sha256}"));
        }
        let id = hex(&digest.finalize());
        Self { version: VERSION, complete: false, id, run, files, leftover: BTreeSet::new() }
    }

    /// The same once all files have arrived.
    pub(crate) fn completed(self) -> Self {
        Self { complete: true, leftover: BTreeSet::new(), ..self }
    }

    pub(crate) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads one, or says why it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let Head { version } = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if version != VERSION {
            return Err(format!("its version is {version}, and this clinstruct knows {VERSION}"));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        // Readers write files of these names.
        match manifest.files.keys().chain(&manifest.leftover).find(|path| !is_below(path)) {
            Some(path) => Err(format!("it names a file outside of its folder: {path}")),
            None => Ok(manifest),
        }
    }

    /// Size of all files together.
    pub fn size(&self) -> u64 {
        self.files.values().map(|entry| entry.size).sum()
    }
}

/// Whether a path leads to a file below its folder on every system.
pub(crate) fn is_below(path: &str) -> bool {
    let is_name =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    path.split('/').all(is_name) && path != MANIFEST
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(paths: &[&str]) -> Manifest {
        let entry = Entry { size: 3, sha256: "ab".into() };
        let files = paths.iter().map(|path| ((*path).to_owned(), entry.clone())).collect();
        Manifest::begun(json!({ "name": "large" }), files)
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let mut begun = manifest(&["summary.json", "dataset/data/train.parquet"]);
        begun.leftover.insert("dataset/old".into());
        assert!(!begun.complete);
        assert_eq!(Manifest::parse(&begun.to_bytes().unwrap()), Ok(begun.clone()));
        let complete = begun.clone().completed();
        assert!(complete.complete && complete.leftover.is_empty() && complete.id == begun.id);
        assert_eq!(Manifest::parse(&complete.to_bytes().unwrap()), Ok(complete));
        assert_ne!(manifest(&["summary.json"]).id, begun.id);
    }

    #[test]
    fn a_manifest_names_only_files_below_its_folder() {
        for path in ["/etc/passwd", "../x", "a/../b", "a//b", "", ".", "a\\..\\b", "c:/x", MANIFEST]
        {
            let bytes = manifest(&[path]).to_bytes().unwrap();
            assert!(Manifest::parse(&bytes).unwrap_err().contains("outside"), "{path}");
        }
        for text in ["{}", "{\"version\": 2}", "", "[]", "{\"version\": 1, \"complete\": true}"] {
            assert!(Manifest::parse(text.as_bytes()).is_err(), "{text}");
        }
        // Cut at any place, it is none.
        let bytes = manifest(&["summary.json"]).to_bytes().unwrap();
        for end in 0..bytes.len() - 1 {
            assert!(Manifest::parse(&bytes[..end]).is_err() || end == bytes.len() - 1, "{end}");
        }
    }
}
