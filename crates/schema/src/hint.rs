//! What to do about an error, stated by the error itself.

use std::{error, io};

/// Whose part it is to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// Wrong use or wrong input: the command has to be changed.
    Usage,
    /// The provider or the environment: the command is right.
    Environment,
}

/// An error that knows what to do about it.
///
/// It is implemented in the file of the error, so that what went wrong and what to do about it are read, and changed,
/// together. A new variant does not compile without an answer.
pub trait Hint: error::Error {
    /// What to do, as one sentence without a full stop; `None` where nothing can be said.
    fn hint(&self) -> Option<String>;

    /// Whose part it is to do it.
    fn blame(&self) -> Blame;
}

impl Hint for io::Error {
    fn hint(&self) -> Option<String> {
        let hint = match self.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some disk space, then rerun the same command"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "check the permissions, or use --out to name a folder that you can write to"
            }
            io::ErrorKind::NotFound => "check the path",
            _ => "fix it, then rerun the same command",
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        Blame::Environment
    }
}

impl Hint for serde_json::Error {
    fn hint(&self) -> Option<String> {
        None
    }

    fn blame(&self) -> Blame {
        Blame::Environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_errors_have_hints() {
        use io::ErrorKind as Kind;
        let kinds = [
            Kind::StorageFull,
            Kind::PermissionDenied,
            Kind::ReadOnlyFilesystem,
            Kind::NotFound,
            Kind::BrokenPipe,
        ];
        let hints: Vec<String> = kinds
            .into_iter()
            .map(|kind| format!("{kind}: {}", io::Error::from(kind).hint().unwrap_or_default()))
            .collect();
        insta::assert_snapshot!(hints.join("\n"), @"
        no storage space: free some disk space, then rerun the same command
        permission denied: check the permissions, or use --out to name a folder that you can write to
        read-only filesystem or storage medium: check the permissions, or use --out to name a folder that you can write to
        entity not found: check the path
        broken pipe: fix it, then rerun the same command
        ");
    }
}
