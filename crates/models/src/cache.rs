//! The weights cache.

use std::fs;
use std::path::{Path, PathBuf};

use clinstruct_schema::Model;

/// A folder of weights.
#[derive(Debug, Clone)]
pub struct ModelCache {
    pub(crate) folder: PathBuf,
}

impl ModelCache {
    /// A cache in this folder, which is created when a file is stored.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of a model's file, existing or not.
    pub fn path(&self, model: &Model) -> PathBuf {
        self.folder.join(&model.file)
    }

    /// The cached file with this name, with or without extension.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let plain = Path::new(name).file_name().is_some_and(|n| n == name);
        [name.to_owned(), format!("{name}.gguf")]
            .into_iter()
            .filter(|_| plain)
            .map(|name| self.folder.join(name))
            .find(|path| path.is_file())
    }

    /// Names of the cached files, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|name| has_ending(Path::new(name), "gguf"))
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}
