//! A file of rows that was written before, read at the places of single rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clinstruct_schema::Json;
use serde::Deserialize;

use crate::{Error, Result};

/// The id of a row.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// A file with an object per line, each with an id. A file that does not exist has no rows.
pub(super) struct OldFile {
    path: PathBuf,
    file: Option<Mutex<File>>,
    /// Offset and length of each row.
    places: HashMap<String, (u64, usize)>,
}

impl OldFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), file: None, places: HashMap::new() });
            }
            Err(e) => return Err(failed(e)),
        };
        let mut places = HashMap::new();
        let (mut reader, mut line, mut offset) = (BufReader::new(&file), Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if length == 0 {
                break;
            }
            // What is no row has no place, and counts as missing.
            if let Ok(Id { id }) = serde_json::from_slice(&line) {
                places.insert(id.into_owned(), (offset, length));
            }
            offset += length as u64;
        }
        drop(reader);
        Ok(Self { path: path.to_owned(), file: Some(Mutex::new(file)), places })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The row with this id; `None` where the file has none that can be read.
    pub(super) fn get<T: Json>(&self, id: &str) -> Option<T> {
        T::of_json(&self.line(id)?).ok()
    }

    /// Its line.
    pub(super) fn line(&self, id: &str) -> Option<String> {
        let (offset, length) = *self.places.get(id)?;
        let mut bytes = vec![0; length];
        {
            let mut file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(offset)).ok()?;
            file.read_exact(&mut bytes).ok()?;
        }
        String::from_utf8(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Rejected;

    use super::*;

    #[test]
    fn rows_are_read_by_their_ids_and_what_is_no_row_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, "{\"id\":\"a\",\"n\":1}\nnonsense\n{\"id\":\"b\\u0063\",\"n\":2}")
            .unwrap();
        let old = OldFile::open(&path).unwrap();
        let line = |id: &str| old.line(id).map(|line| line.trim_end().to_owned());
        assert_eq!(line("a").as_deref(), Some("{\"id\":\"a\",\"n\":1}"));
        assert_eq!(line("bc").as_deref(), Some("{\"id\":\"b\\u0063\",\"n\":2}"));
        assert_eq!(line("c"), None);
        assert_eq!(old.get::<Rejected>("a"), None);
        let none = OldFile::open(&dir.path().join("none.jsonl")).unwrap();
        assert_eq!(none.line("a"), None);
    }
}
