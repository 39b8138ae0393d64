//! Runs in object storage: uploads of finished runs, and local copies for commands that read them.

#[cfg(feature = "object-storage")]
mod storage;

use std::path::{Path, PathBuf};

#[cfg(feature = "object-storage")]
pub(crate) use storage::{ensure_known, ensure_reachable, fetch, upload};
#[cfg(not(feature = "object-storage"))]
pub(crate) use without::{ensure_known, ensure_reachable, fetch, upload};

/// Endings of files that hold a dataset.
const DATASETS: [&str; 4] = ["jsonl", "json", "csv", "parquet"];

/// Local copies of what addresses name, for as long as this lives.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// A path for each that was given: that of the copy for an address, the same for anything else.
    pub(crate) paths: Vec<PathBuf>,
    /// What the manifest of each run says about it; null for anything else.
    pub(crate) runs: Vec<serde_json::Value>,
    #[cfg(feature = "object-storage")]
    folder: Option<tempfile::TempDir>,
}

/// What a command reads of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What its dataset is made of; an address may also be that of a single file.
    RowsOrFile,
    /// What its dataset is made of.
    Rows,
    /// Journal and raw responses of a shard.
    Answers,
}

#[cfg(feature = "object-storage")]
impl Wanted {
    /// Whether the command reads this file of a run.
    fn is_read(self, name: &str) -> bool {
        match self {
            Self::Rows | Self::RowsOrFile => {
                let folders = ["conversations/", "annotations/"];
                name == "summary.json" || folders.iter().any(|folder| name.starts_with(folder))
            }
            Self::Answers => name == storage::JOURNAL || name.starts_with("raw/"),
        }
    }
}

/// Whether an address is that of a single file with a dataset, and not of a run.
#[cfg_attr(not(feature = "object-storage"), expect(dead_code, reason = "nothing is fetched"))]
fn is_file(address: &Path) -> bool {
    address
        .extension()
        .is_some_and(|e| DATASETS.iter().any(|ending| e.eq_ignore_ascii_case(ending)))
}

/// The commands of a program without object storage: an address is an error.
#[cfg(not(feature = "object-storage"))]
mod without {
    use std::path::PathBuf;

    use clinstruct_app::{Error, Inputs, Settings, remote, usage};
    use clinstruct_schema::Summary;

    use super::{Fetched, Wanted};
    use crate::exit::Code;

    fn left_out() -> Error {
        usage(
            "this clinstruct was built without object storage",
            "the wheel of the release page has it, and so has `cargo install --path crates/cli`; `cargo xtask build-dataset` compiles it \
             in where a flag has an address",
        )
    }

    pub(crate) fn ensure_known(_: &str) -> clinstruct_app::Result<()> {
        Err(left_out())
    }

    pub(crate) fn ensure_reachable(settings: &Settings) -> clinstruct_app::Result<()> {
        if settings.remote.is_some() { Err(left_out()) } else { Ok(()) }
    }

    pub(crate) fn upload(inputs: &Inputs<'_>, _: &Summary) -> clinstruct_app::Result<Option<Code>> {
        ensure_reachable(&inputs.setup.settings).map(|()| None)
    }

    pub(crate) fn fetch(given: &[PathBuf], _: Wanted) -> clinstruct_app::Result<Fetched> {
        if given.iter().any(|path| remote::is_address(path)) {
            return Err(left_out());
        }
        let runs = vec![serde_json::Value::Null; given.len()];
        Ok(Fetched { paths: given.to_owned(), runs })
    }
}

#[cfg(all(test, feature = "object-storage"))]
mod tests {
    use super::*;

    #[test]
    fn a_command_fetches_what_it_reads() {
        for name in ["summary.json", "conversations/a.jsonl", "annotations/a.jsonl"] {
            assert!(Wanted::Rows.is_read(name) && Wanted::RowsOrFile.is_read(name), "{name}");
            assert!(!Wanted::Answers.is_read(name), "{name}");
        }
        for name in ["run.sqlite", "raw/000001.zst"] {
            assert!(Wanted::Answers.is_read(name) && !Wanted::Rows.is_read(name), "{name}");
        }
        assert!(!Wanted::Rows.is_read("dataset/README.md"));
        assert!(is_file(Path::new("s3://b/chats.JSONL")) && !is_file(Path::new("s3://b/v1.2")));
    }
}
