//! The files of a run that is finished.

use std::path::{Path, PathBuf};

use super::stages;
use crate::{Context as _, Host};

/// The finished files of a run in `out`, by their paths there with `/` between names: whatever the stages of a program write.
///
/// # Errors
/// A folder that cannot be read.
pub fn finished_files(out: &Path, host: &Host) -> crate::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for name in stages(host).iter().flat_map(|stage| stage.writes.iter()) {
        below(out, name.trim_end_matches('/'), &mut files)?;
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Raw responses of a run, in the same form.
///
/// # Errors
/// A folder that cannot be read.
pub fn raw_files(out: &Path) -> crate::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    below(out, "raw", &mut files)?;
    Ok(files)
}

/// Adds a file, or all files in a folder, without those that are being written.
fn below(out: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> crate::Result<()> {
    let path = out.join(name);
    if path.is_file() {
        files.push((name.to_owned(), path));
    } else if path.is_dir() {
        let failed = || format!("cannot read {}", path.display());
        for entry in std::fs::read_dir(&path).with_context(failed)? {
            let entry = entry.with_context(failed)?.file_name();
            let entry = entry.to_string_lossy();
            if !entry.starts_with('.') {
                below(out, &format!("{name}/{entry}"), files)?;
            }
        }
    }
    Ok(())
}
