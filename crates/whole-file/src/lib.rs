//! Files that have their name only once they are complete.
//!
//! A [`WholeFile`] is written beside its place, as `.NAME.partial`, and renamed by [`WholeFile::finish`]. A process that is
//! killed leaves the previous file as it was, and a partial one that the next writer overwrites. One writer at a time: two of
//! the same path would write the same partial file.
//!
//! ```
//! use std::io::Write as _;
//!
//! use clinstruct_whole_file::WholeFile;
//!
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("rows.jsonl");
//! let mut file = WholeFile::create(&path)?;
//! writeln!(file, "{{}}")?;
//! assert!(!path.exists());
//! file.finish()?;
//! assert_eq!(std::fs::read_to_string(&path)?, "{}\n");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 18;

/// A file that is being written.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    partial: PathBuf,
    to: BufWriter<File>,
}

impl WholeFile {
    /// Begins the file at `path`, and makes its folder where there is none.
    ///
    /// # Errors
    /// A folder or file that cannot be made.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let partial = folder.join(format!(".{name}.partial"));
        let to = BufWriter::with_capacity(BUFFER, File::create(&partial)?);
        Ok(Self { path, partial, to })
    }

    /// Where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until what was written so far is on the disk, so that a power cut cannot take it.
    ///
    /// # Errors
    /// A disk that does not take it.
    pub fn sync(&mut self) -> io::Result<()> {
        self.to.flush()?;
        self.to.get_ref().sync_data()
    }

    /// Gives the file its name, over an earlier one.
    ///
    /// # Errors
    /// Bytes that cannot be written, or a name that cannot be given.
    pub fn finish(mut self) -> io::Result<()> {
        self.to.flush()?;
        fs::rename(&self.partial, &self.path)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes a whole file at once.
///
/// # Errors
/// A file that cannot be written; an earlier one at `path` is then as it was.
pub fn write(path: impl Into<PathBuf>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes.as_ref())?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_file_stays_until_the_new_one_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/a.txt");
        write(&path, "first").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        assert_eq!(file.path(), path);
        file.write_all(b"sec").unwrap();
        file.sync().unwrap();
        // As a kill leaves it.
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        write(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        let names = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["a.txt"]);
    }
}
