//! A folder that is gone when its owner is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// An empty folder of this process, removed on drop.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes it, for `purpose`.
    pub(crate) fn new(purpose: &str) -> Result<Self> {
        let name = format!("clinstruct-{purpose}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // What an earlier process of the same number left.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(Failure::io(format!("make {}", path.display())))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
