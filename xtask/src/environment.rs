//! The one place where the environment is read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Inputs of the commands besides their arguments.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// The cargo that started this program.
    pub(crate) cargo: OsString,
    /// Root of the repository.
    pub(crate) root: PathBuf,
    /// Whether to install tools and run all tests.
    pub(crate) ci: bool,
    /// Where cargo keeps the sources of crates.
    pub(crate) cargo_home: PathBuf,
    /// The directories of programs.
    pub(crate) path: OsString,
    /// The default backend of a build.
    pub(crate) backend: Option<String>,
}

impl Environment {
    /// An environment of tests: nothing is installed, and nothing is set.
    #[cfg(test)]
    pub(crate) fn of_test(root: PathBuf, ci: bool) -> Self {
        Self {
            cargo: "cargo".into(),
            root,
            ci,
            cargo_home: PathBuf::new(),
            path: OsString::new(),
            backend: None,
        }
    }

    /// Reads it.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub(crate) fn read() -> Self {
        let folder = std::env::var("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let folder = PathBuf::from(folder);
        Self {
            cargo: std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()).into(),
            root: folder.parent().map_or_else(|| folder.clone(), Path::to_owned),
            backend: std::env::var("CLINSTRUCT_BACKEND").ok(),
            cargo_home: std::env::var_os("CARGO_HOME").map_or_else(
                || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
                PathBuf::from,
            ),
            path: std::env::var_os("PATH").unwrap_or_default(),
            ci: std::env::var("CI").is_ok_and(|value| value == "true"),
        }
    }
}
