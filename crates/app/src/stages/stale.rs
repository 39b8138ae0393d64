//! Files that no longer belong to the rows beside them: named, and moved aside instead of deleted.

use std::path::Path;
use std::{fs, io};

use crate::{Context as _, Host};

/// Folder of a run that such files are moved to.
const STALE: &str = "stale";

/// Moves files or folders of a run, named from its folder, to [`STALE`], in place of earlier ones of that name; those that
/// do not exist are passed over. Names what was moved, and `why`.
pub(super) fn set_aside(out: &Path, names: &[String], why: &str, host: &Host) -> crate::Result<()> {
    let mut moved = Vec::new();
    for name in names {
        let (from, to) = (out.join(name), out.join(STALE).join(name));
        if fs::symlink_metadata(&from).is_err() {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        let cleared = if to.is_dir() { fs::remove_dir_all(&to) } else { fs::remove_file(&to) };
        match cleared {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("cannot remove {}", to.display()));
            }
            _ => {}
        }
        fs::rename(&from, &to)
            .with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
        moved.push(name.trim_end_matches('/'));
    }
    if !moved.is_empty() {
        let to = out.join(STALE);
        (host.notify)(&format!("{why}: moved {} to {}", moved.join(", "), to.display()));
    }
    Ok(())
}
