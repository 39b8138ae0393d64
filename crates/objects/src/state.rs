use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::manifest::Entry;

/// Version of the format. A state of another version is passed over: then more is sent than necessary.
const VERSION: u32 = 1;

/// What has arrived at an address so far.
///
/// It is only a memory of what was sent: whether it is still there, the server is asked.
#[derive(Debug)]
pub(crate) struct State {
    file: PathBuf,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// The address.
    location: String,
    /// Manifest of the upload that the files were sent for.
    id: String,
    /// Manifests of all uploads that this run began.
    #[serde(default)]
    begun: BTreeSet<String>,
    files: BTreeMap<String, Arrived>,
    /// The file that is being sent in parts.
    pending: Option<Pending>,
}

/// A file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrived {
    #[serde(flatten)]
    pub(crate) entry: Entry,
    /// What the server calls these contents.
    pub(crate) tag: Option<String>,
}

/// A file of which some parts have arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) entry: Entry,
    /// Size of each part but the last.
    pub(crate) part: u64,
    /// What the server calls the upload.
    pub(crate) upload: String,
    /// What the server calls each part that has arrived.
    pub(crate) parts: Vec<Option<String>>,
}

impl State {
    /// Reads the state of uploads to `location`. One of another address, or one that cannot be read, is as good as none.
    pub(crate) fn read(file: &Path, location: &str) -> Self {
        let text = fs::read(file).unwrap_or_default();
        let kept: Kept = serde_json::from_slice(&text).unwrap_or_default();
        let kept = if kept.version == VERSION && kept.location == location {
            kept
        } else {
            Kept { version: VERSION, location: location.to_owned(), ..Kept::default() }
        };
        Self { file: file.to_owned(), kept }
    }

    fn save(&self) -> Result<()> {
        let failed = |e| Error::local(format!("cannot write {}", self.file.display()), e);
        let text = serde_json::to_vec(&self.kept).map_err(|e| failed(e.into()))?;
        clinstruct_whole_file::write(&self.file, text).map_err(failed)
    }

    /// The manifest that the last upload was for.
    pub(crate) fn id(&self) -> &str {
        &self.kept.id
    }

    /// Whether a manifest is one that this run has written, in this upload or an earlier one.
    pub(crate) fn has_begun(&self, id: &str) -> bool {
        self.kept.begun.contains(id)
    }

    /// Begins an upload to an address that has some of its files already.
    pub(crate) fn begin(
        &mut self,
        id: &str,
        there: impl IntoIterator<Item = (String, Arrived)>,
    ) -> Result<()> {
        id.clone_into(&mut self.kept.id);
        self.kept.begun.insert(id.to_owned());
        self.kept.files.extend(there);
        self.save()
    }

    /// The files that have arrived.
    pub(crate) fn arrived(&self, path: &str) -> Option<&Arrived> {
        self.kept.files.get(path)
    }

    /// The file that is being sent in parts.
    pub(crate) fn pending(&self) -> Option<&Pending> {
        self.kept.pending.as_ref()
    }

    /// Begins to send a file in parts, or forgets the one that was being sent.
    pub(crate) fn set_pending(&mut self, pending: Option<Pending>) -> Result<()> {
        self.kept.pending = pending;
        self.save()
    }

    /// Notes that a part of the pending file has arrived.
    pub(crate) fn part_arrived(&mut self, number: usize, part: String) -> Result<()> {
        let parts = self.kept.pending.as_mut().map(|pending| &mut pending.parts);
        if let Some(place) = parts.and_then(|parts| parts.get_mut(number)) {
            *place = Some(part);
        }
        self.save()
    }

    /// Notes that a file has arrived.
    pub(crate) fn file_arrived(&mut self, path: &str, arrived: Arrived) -> Result<()> {
        if self.kept.pending.as_ref().is_some_and(|pending| pending.path == path) {
            self.kept.pending = None;
        }
        self.kept.files.insert(path.to_owned(), arrived);
        self.save()
    }

    /// Forgets all files but these.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(&str) -> bool) -> Result<()> {
        self.kept.files.retain(|path, _| is_kept(path));
        self.save()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_outlives_its_process_and_belongs_to_one_address() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("upload.json");
        let entry = Entry { size: 20, sha256: "ab".into() };
        let mut state = State::read(&file, "s3://bucket/run");
        state.begin("id", []).unwrap();
        let pending = Pending {
            path: "a".into(),
            entry: entry.clone(),
            part: 8,
            upload: "u".into(),
            parts: vec![None; 3],
        };
        state.set_pending(Some(pending)).unwrap();
        state.part_arrived(1, "second".into()).unwrap();
        state.part_arrived(9, "none of it".into()).unwrap();

        let mut state = State::read(&file, "s3://bucket/run");
        assert_eq!(state.id(), "id");
        let parts = &state.pending().unwrap().parts;
        assert_eq!(*parts, [None, Some("second".to_owned()), None]);
        let arrived = Arrived { entry, tag: Some("t".into()) };
        state.file_arrived("b", arrived.clone()).unwrap();
        assert!(state.pending().is_some());
        state.file_arrived("a", arrived.clone()).unwrap();
        assert!(state.pending().is_none());
        state.keep(|path| path == "a").unwrap();

        state.begin("other", []).unwrap();

        let state = State::read(&file, "s3://bucket/run");
        assert_eq!(["id", "other", "theirs"].map(|id| state.has_begun(id)), [true, true, false]);
        assert_eq!((state.arrived("a"), state.arrived("b")), (Some(&arrived), None));
        assert!(State::read(&file, "s3://bucket/other").arrived("a").is_none());
        std::fs::write(&file, "{\"version\"").unwrap();
        assert_eq!(State::read(&file, "s3://bucket/run").id(), "");
    }
}
