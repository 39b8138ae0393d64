//! Whether a file may be opened: an empty one, or one of our journals of a known version.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::migrations::{APPLICATION_ID, VERSION};
use crate::error::{Error, ErrorKind, Result};

/// The purpose of opening a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Identification in a file's header.
#[derive(Debug, Default)]
struct Marks {
    application: i64,
    version: i64,
    tables: i64,
}

impl Marks {
    fn read(path: &Path, flags: OpenFlags) -> rusqlite::Result<Self> {
        let connection = Connection::open_with_flags(path, flags)?;
        let number = |sql: &str| connection.query_row(sql, [], |r| r.get(0));
        Ok(Self {
            application: number("PRAGMA application_id")?,
            version: number("PRAGMA user_version")?,
            tables: number("SELECT count(*) FROM sqlite_master")?,
        })
    }

    /// Reads it without SQLite, from a file whose last change was interrupted and must be rolled back.
    ///
    /// Offsets as in <https://sqlite.org/fileformat2.html>, sections 1.3 and 3.
    fn read_cut_off(path: &Path) -> Result<Self> {
        let mut head = [0; 72];
        let mut rollback = [0; 20];
        let beside = path.with_file_name("run.sqlite-journal");
        for (path, bytes) in [(path, &mut head[..]), (&beside, &mut rollback[..])] {
            File::open(path)
                .and_then(|mut f| f.read_exact(bytes))
                .map_err(|e| Error::io("read", path, e))?;
        }
        let number = |bytes: &[u8], at: usize| {
            bytes.iter().skip(at).take(4).fold(0, |n, b| n << 8 | i64::from(*b))
        };
        // Pages before the change: zero means that the file becomes empty again.
        let tables = i64::from(number(&rollback, 16) > 0);
        Ok(Self { application: number(&head, 68), version: number(&head, 60), tables })
    }

    /// Whether nothing was written yet.
    fn empty(&self) -> bool {
        self.tables == 0 && self.version == 0
    }

    /// An error if the file is not one of our journals, or is of a newer version.
    fn check(&self, path: &Path) -> Result<()> {
        if self.empty() {
            return Ok(());
        }
        if self.application != APPLICATION_ID {
            let message = "it is not a clinstruct journal";
            return Err(Error::new(ErrorKind::NotAJournal, "open", path, message));
        }
        let (found, known) = (self.version, VERSION);
        if found > known {
            let message =
                format!("the journal has version {found}, this build supports up to {known}");
            return Err(Error::new(
                ErrorKind::NewerJournal { found, known },
                "open",
                path,
                message,
            ));
        }
        Ok(())
    }
}

/// The same check, before anything is written.
///
/// A process that was killed while creating the journal leaves a change to be rolled back, which needs a writable
/// connection. Opening for writing rolls it back, but only in one of our files.
///
/// Returns the journal's version, 0 if there is none yet.
pub(super) fn check_version(path: &Path, access: Access) -> Result<i64> {
    let unfinished = || {
        let message = "the run was stopped before its journal existed";
        Error::new(ErrorKind::Unfinished, "open", path, message)
    };
    let failed = |e| Error::sql("open", path, e);
    let marks = match (fs::metadata(path).map(|m| m.len()), access) {
        (Ok(0), _) | (Err(_), Access::Write) => Marks::default(),
        _ => match Marks::read(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
            Err(e) if cut_off(&e) => {
                Marks::read_cut_off(path)?.check(path)?;
                if access == Access::Read {
                    return Err(unfinished());
                }
                Marks::read(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?
            }
            read => read.map_err(failed)?,
        },
    };
    marks.check(path)?;
    if marks.empty() && access == Access::Read { Err(unfinished()) } else { Ok(marks.version) }
}

/// Whether an interrupted change needs a writable connection to be rolled back.
fn cut_off(e: &rusqlite::Error) -> bool {
    e.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}
