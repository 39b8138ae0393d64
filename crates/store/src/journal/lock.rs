//! The lock on a run's folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Prevents other processes from writing to a run until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io("open", &path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let message = "another clinstruct process is working on this run";
                Err(Error::new(ErrorKind::Locked, "open", dir, message))
            }
            Err(TryLockError::Error(e)) => Err(Error::io("lock", &path, e)),
        }
    }
}

impl Drop for Lock {
    /// Unlocks explicitly: a child process that another thread is just starting has a copy of the file descriptor until
    /// it calls `exec`, and closing ours would leave the lock with that copy.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}
