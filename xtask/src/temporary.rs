//! A temporary folder, removed on drop.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// An empty folder of this process, removed on drop.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Creates it, for `purpose`.
    pub(crate) fn new(purpose: &str) -> Result<Self> {
        let name = format!("clinstruct-{purpose}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Left by an earlier process with the same id.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(Failure::io(format!("make {}", path.display())))?;
        Ok(Self(path))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
