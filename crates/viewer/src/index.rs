//! The rows of a run, searchable.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use clinstruct_schema::{Constraint, Conversation, Rejected};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params, params_from_iter};
use serde::Serialize;

use crate::{Error, FOLDER, Result};

/// Raised when what is indexed changes.
const VERSION: &str = "2";
/// Rows of a page.
const PAGE: usize = 50;
/// Characters of a row's beginning that a list shows.
const OPENING: usize = 200;
/// Values of a facet that are told.
const MOST_VALUES: usize = 40;
/// Status of a row that is in the dataset.
const IN_DATASET: &str = "in dataset";
/// What rows can be chosen by, as columns.
pub(crate) const FACETS: [&str; 10] = [
    "status",
    "part",
    "mode",
    "language",
    "turns",
    "profession",
    "sex",
    "age",
    "country",
    "setting",
];

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, and phrases in quotation marks.
    pub text: String,
    /// Facet and value; values of one facet are alternatives.
    pub facets: Vec<(String, String)>,
    /// `plan`, `random`, or `trouble` (rejected rows and those with many tries first).
    pub order: String,
    /// Of a random order.
    pub seed: u64,
    /// From 0.
    pub page: usize,
    /// Ids that are not wanted: those that the reviewer has seen.
    pub without: Vec<String>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Id.
    pub id: String,
    /// `in dataset`, or why it is not.
    pub status: String,
    /// Its part.
    pub part: String,
    /// Its beginning.
    pub opening: String,
}

/// What a search gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Rows in all.
    pub total: u64,
    /// Those of the page.
    pub rows: Vec<Hit>,
    /// Rows by facet and value.
    pub facets: BTreeMap<&'static str, Vec<(String, u64)>>,
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) rejected: bool,
}

/// What is held of every row, by its number less one: facets as numbers of their values, and the most tries of a turn.
///
/// Counting facets over tens of thousands of rows is then one pass over some hundred kilobytes.
#[derive(Debug, Default)]
struct Held {
    rows: Vec<([u16; FACETS.len()], u8)>,
    values: [Vec<String>; FACETS.len()],
}

/// The rows of a run, searchable.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    connection: Connection,
    files: Vec<(PathBuf, bool)>,
    held: Held,
}

/// The files of a run, or one file of rows; whether each holds rejected rows.
fn files_of(run: &Path) -> Result<Vec<(PathBuf, bool)>> {
    if run.is_file() {
        return Ok(vec![(run.to_owned(), false)]);
    }
    let mut files = Vec::new();
    for (kind, rejected) in [("conversations", false), ("rejected", true)] {
        let dir = run.join(kind);
        let Ok(items) = fs::read_dir(&dir) else { continue };
        let mut some: Vec<PathBuf> = items
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        some.sort();
        files.extend(some.into_iter().map(|p| (p, rejected)));
    }
    if files.iter().all(|f| f.1) {
        return Err(Error::Nothing(run.to_owned()));
    }
    Ok(files)
}

/// What tells whether the files are as they were.
fn fingerprint(files: &[(PathBuf, bool)]) -> Result<String> {
    let mut all = VERSION.to_owned();
    for (path, _) in files {
        let failed = |source| Error::Io { path: path.clone(), source };
        let meta = fs::metadata(path).map_err(failed)?;
        let changed = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |d| d.as_nanos());
        let _ = write!(all, "\n{} {} {changed}", path.display(), meta.len());
    }
    Ok(all)
}

impl Index {
    /// Opens the index of the run in `run`, made anew where its files have changed.
    ///
    /// # Errors
    /// No rows, a row that is none of ours, or an index that cannot be written.
    pub fn open(run: &Path) -> Result<Self> {
        let files = files_of(run)?;
        let home = if run.is_file() { run.parent().unwrap_or(Path::new(".")) } else { run };
        let dir = home.join(FOLDER);
        fs::create_dir_all(&dir).map_err(|source| Error::Io { path: dir.clone(), source })?;
        let path = dir.join("index.sqlite");
        let print = fingerprint(&files)?;
        if let Some(connection) = still_good(&path, &print) {
            return Self { path, connection, files, held: Held::default() }.hold();
        }
        // It is a copy of what the files say: an old or broken one is simply made anew.
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(dir.join(format!("index.sqlite{end}")));
        }
        let failed = |source| Error::Database { path: path.clone(), source };
        let connection = Connection::open(&path).map_err(failed)?;
        let index = Self { path: path.clone(), connection, files, held: Held::default() };
        index.fill(&print)?;
        index.hold()
    }

    /// Reads what is held in memory.
    fn hold(mut self) -> Result<Self> {
        let sql = format!("SELECT tries, {} FROM row ORDER BY n", FACETS.join(", "));
        let mut held = Held::default();
        let mut known: [HashMap<String, u16>; FACETS.len()] = Default::default();
        self.connection
            .prepare(&sql)
            .and_then(|mut s| {
                let mut rows = s.query([])?;
                while let Some(row) = rows.next()? {
                    let mut facets = [0; FACETS.len()];
                    for (i, facet) in facets.iter_mut().enumerate() {
                        let value: String = row.get(i + 1)?;
                        let next = u16::try_from(held.values[i].len()).unwrap_or(u16::MAX);
                        *facet = *known[i].entry(value.clone()).or_insert_with(|| {
                            held.values[i].push(value);
                            next
                        });
                    }
                    let tries: i64 = row.get(0)?;
                    held.rows.push((facets, u8::try_from(tries).unwrap_or(u8::MAX)));
                }
                Ok(())
            })
            .map_err(self.failed())?;
        self.held = held;
        Ok(self)
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Database { path: self.path.clone(), source }
    }

    fn fill(&self, print: &str) -> Result<()> {
        let facets: Vec<String> = FACETS.iter().map(|f| format!("{f} TEXT NOT NULL")).collect();
        let schema = format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             CREATE TABLE meta (print TEXT NOT NULL);
             CREATE TABLE row (n INTEGER PRIMARY KEY, id TEXT NOT NULL, base TEXT NOT NULL, file INTEGER NOT NULL,
                 start INTEGER NOT NULL, length INTEGER NOT NULL, tries INTEGER NOT NULL, opening TEXT NOT NULL, {});
             CREATE VIRTUAL TABLE text USING fts5(body, content='', detail=full, prefix='2 3', tokenize='unicode61 remove_diacritics 2');
             BEGIN;",
            facets.join(", ")
        );
        self.connection.execute_batch(&schema).map_err(self.failed())?;
        let mut number = 0_i64;
        for (file, (path, rejected)) in self.files.iter().enumerate() {
            let unreadable = |source| Error::Io { path: path.clone(), source };
            let mut reader =
                BufReader::with_capacity(1 << 20, File::open(path).map_err(unreadable)?);
            let (mut start, mut line, mut text) = (0_u64, 0_u64, String::new());
            loop {
                text.clear();
                line += 1;
                let length = reader.read_line(&mut text).map_err(unreadable)? as u64;
                if length == 0 {
                    break;
                }
                let row = Indexed::of(&text, *rejected).map_err(|e| Error::Row {
                    path: path.clone(),
                    line,
                    why: e.to_string(),
                })?;
                number += 1;
                self.insert(number, file, start, length, &row).map_err(self.failed())?;
                start += length;
            }
        }
        self.connection
            .execute("INSERT INTO meta VALUES (?1)", [print])
            .and_then(|_| {
                self.connection.execute_batch(
                    "COMMIT; CREATE INDEX row_id ON row (id); CREATE INDEX row_base ON row (base);",
                )
            })
            .map_err(self.failed())
    }

    fn insert(
        &self,
        number: i64,
        file: usize,
        start: u64,
        length: u64,
        row: &Indexed,
    ) -> rusqlite::Result<()> {
        let marks = vec!["?"; 8 + FACETS.len()].join(", ");
        let mut values: Vec<Sql> = vec![
            number.into(),
            row.id.clone().into(),
            row.base.clone().into(),
            (file as i64).into(),
            (start as i64).into(),
            (length as i64).into(),
            row.tries.into(),
            row.opening.clone().into(),
        ];
        values.extend(row.facets.iter().map(|f| Sql::from(f.clone())));
        self.connection
            .prepare_cached(&format!("INSERT INTO row VALUES ({marks})"))?
            .execute(params_from_iter(values))?;
        self.connection
            .prepare_cached("INSERT INTO text (rowid, body) VALUES (?1, ?2)")?
            .execute(params![number, row.body])?;
        Ok(())
    }

    /// Looks for rows.
    pub fn search(&self, query: &Query) -> Result<Found> {
        let wanted = self.wanted(query)?;
        let chosen: [Option<HashSet<u16>>; FACETS.len()] = std::array::from_fn(|f| {
            let values = query.facets.iter().filter(|(name, _)| name == FACETS[f]);
            let numbers: Vec<Option<usize>> = values
                .map(|(_, v)| self.held.values[f].iter().position(|known| known == v))
                .collect();
            let of = |n: usize| u16::try_from(n).ok();
            (!numbers.is_empty()).then(|| numbers.into_iter().flatten().filter_map(of).collect())
        });
        let mut counts: [Vec<u64>; FACETS.len()] =
            std::array::from_fn(|f| vec![0; self.held.values[f].len()]);
        let mut rows: Vec<u32> = Vec::new();
        for (number, (facets, _)) in (0_u32..).zip(&self.held.rows) {
            if wanted.as_ref().is_some_and(|w| !w[number as usize]) {
                continue;
            }
            let not = |f: &usize| chosen[*f].as_ref().is_some_and(|c| !c.contains(&facets[*f]));
            let mut against = (0..FACETS.len()).filter(not);
            // Its own choice does not narrow a facet: one more value can be added to it.
            match (against.next(), against.next()) {
                (None, _) => {
                    rows.push(number);
                    (0..FACETS.len()).for_each(|f| counts[f][facets[f] as usize] += 1);
                }
                (Some(f), None) => counts[f][facets[f] as usize] += 1,
                _ => {}
            }
        }
        let total = rows.len() as u64;
        self.sort(&mut rows, query);
        let page = rows.into_iter().skip(query.page.saturating_mul(PAGE)).take(PAGE);
        let rows = page.map(|n| self.hit(n)).collect::<Result<_>>()?;
        let facets = FACETS.iter().enumerate().map(|(f, name)| {
            let values = self.held.values[f].iter().cloned().zip(counts[f].iter().copied());
            let mut values: Vec<(String, u64)> = values.filter(|(_, n)| *n > 0).collect();
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values.truncate(MOST_VALUES);
            (*name, values)
        });
        Ok(Found { total, rows, facets: facets.collect() })
    }

    /// Which rows have the words and are not left out; `None` where all are wanted.
    fn wanted(&self, query: &Query) -> Result<Option<Vec<bool>>> {
        let text = fts(&query.text);
        if text.is_empty() && query.without.is_empty() {
            return Ok(None);
        }
        let mut wanted = vec![text.is_empty(); self.held.rows.len()];
        let mut mark = |sql: &str, value: &str, as_wanted: bool| {
            let mut s = self.connection.prepare_cached(sql)?;
            let mut rows = s.query([value])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                if let Some(place) = wanted.get_mut((number - 1).max(0) as usize) {
                    *place = as_wanted;
                }
            }
            rusqlite::Result::Ok(())
        };
        if !text.is_empty() {
            mark("SELECT rowid FROM text WHERE text MATCH ?1", &text, true)
                .map_err(self.failed())?;
        }
        if !query.without.is_empty() {
            let ids = serde_json::to_string(&query.without).unwrap_or_default();
            mark("SELECT n FROM row WHERE id IN (SELECT value FROM json_each(?1))", &ids, false)
                .map_err(self.failed())?;
        }
        Ok(Some(wanted))
    }

    fn sort(&self, rows: &mut [u32], query: &Query) {
        match query.order.as_str() {
            // Multiplicative hashing spreads neighbours; the seed moves all of them.
            "random" => {
                let seed = query.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                rows.sort_by_key(|n| {
                    let mixed = (u64::from(*n) ^ seed).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb)
                });
            }
            "trouble" => rows.sort_by_key(|n| {
                let (facets, tries) = &self.held.rows[*n as usize];
                let status = &self.held.values[0][facets[0] as usize];
                (status == IN_DATASET, std::cmp::Reverse(*tries), *n)
            }),
            _ => {}
        }
    }

    fn hit(&self, number: u32) -> Result<Hit> {
        self.connection
            .prepare_cached("SELECT id, status, part, opening FROM row WHERE n = ?1")
            .and_then(|mut s| {
                s.query_row([i64::from(number) + 1], |r| {
                    Ok(Hit {
                        id: r.get(0)?,
                        status: r.get(1)?,
                        part: r.get(2)?,
                        opening: r.get(3)?,
                    })
                })
            })
            .map_err(self.failed())
    }

    /// Where the row of an id stands.
    pub(crate) fn place(&self, id: &str) -> Result<Option<Place>> {
        let found = self
            .connection
            .prepare_cached("SELECT file, start, length FROM row WHERE id = ?1")
            .and_then(|mut s| {
                s.query_map([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
                    .collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()
            })
            .map_err(self.failed())?;
        Ok(found.first().and_then(|(file, start, length)| {
            let (path, rejected) = self.files.get(*file as usize)?.clone();
            Some(Place { path, start: *start as u64, length: *length as u64, rejected })
        }))
    }

    /// The other rows of the same base prompt.
    pub(crate) fn twins(&self, id: &str) -> Result<Vec<String>> {
        self.connection
            .prepare_cached(
                "SELECT id FROM row WHERE base = (SELECT base FROM row WHERE id = ?1) AND id <> ?1
                 AND base <> '' ORDER BY n LIMIT 20",
            )
            .and_then(|mut s| s.query_map([id], |r| r.get(0))?.collect())
            .map_err(self.failed())
    }
}

impl Place {
    /// The row's line.
    pub(crate) fn read(&self) -> Result<String> {
        let failed = |source| Error::Io { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.start)).map_err(failed)?;
        let mut text = String::new();
        file.take(self.length).read_to_string(&mut text).map_err(failed)?;
        Ok(text)
    }
}

/// An index whose files are as they were.
fn still_good(path: &Path, print: &str) -> Option<Connection> {
    if !path.exists() {
        return None;
    }
    let connection = Connection::open(path).ok()?;
    let known: String = connection.query_row("SELECT print FROM meta", [], |r| r.get(0)).ok()?;
    (known == print).then_some(connection)
}

/// What is written by a person as a query that FTS5 takes: every word and every phrase in quotation marks, so
/// that nothing in it is an operator. The last word is a beginning, where it is not in a phrase.
fn fts(text: &str) -> String {
    let mut parts = Vec::new();
    for (i, piece) in text.split('"').enumerate() {
        let within = i % 2 == 1;
        if within {
            parts.extend(Some(piece.trim().to_owned()).filter(|p| !p.is_empty()));
        } else {
            parts.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    // What has no letter or digit is no word, and would match nothing.
    parts.retain(|p| p.chars().any(char::is_alphanumeric));
    let open = text.matches('"').count().is_multiple_of(2) && !text.ends_with(['"', ' ']);
    let last = parts.len().saturating_sub(1);
    let quoted = parts.iter().enumerate().map(|(i, p)| {
        // A single letter begins too many words to be of use.
        let end = if open && i == last && p.chars().count() > 1 { "*" } else { "" };
        format!("\"{}\"{end}", p.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// The beginning of a text, with a sign that there is more.
fn opening(text: &str) -> String {
    match text.char_indices().nth(OPENING) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// What the index has of a row.
struct Indexed {
    id: String,
    base: String,
    tries: i64,
    opening: String,
    body: String,
    facets: [String; FACETS.len()],
}

impl Indexed {
    fn of(line: &str, rejected: bool) -> serde_json::Result<Self> {
        if rejected {
            let row: Rejected = serde_json::from_str(line)?;
            let mut facets: [String; FACETS.len()] = Default::default();
            facets[0] = row.reason;
            facets[1] = row.part.to_string();
            return Ok(Self {
                id: row.id.to_string(),
                base: String::new(),
                tries: 0,
                opening: row.detail.clone(),
                body: row.detail,
                facets,
            });
        }
        let row: Conversation = serde_json::from_str(line)?;
        let (situation, patient) = (&row.attributes.situation, &row.attributes.card.patient);
        let language = situation.constraints().find_map(|c| match c {
            Constraint::Language { language } => Some(language.code()),
            _ => None,
        });
        let texts: Vec<&str> = row.messages.iter().map(|m| m.content.as_str()).collect();
        let tries = row.provenance.turns.iter().map(|t| t.tries).max().unwrap_or(1);
        Ok(Self {
            id: row.id.to_string(),
            base: row.attributes.base.to_string(),
            tries: tries.into(),
            opening: opening(texts.first().unwrap_or(&"")),
            body: texts.join("\n"),
            facets: [
                IN_DATASET.to_owned(),
                row.part.to_string(),
                situation.mode.as_str().to_owned(),
                language.unwrap_or("en").to_owned(),
                situation.turns.to_string(),
                situation.profession.clone(),
                patient.sex.as_str().to_owned(),
                patient.age_band.to_string(),
                patient.country.clone(),
                patient.setting.to_string(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_never_an_operator() {
        assert_eq!(fts("chest pain"), "\"chest\" \"pain\"*");
        assert_eq!(fts("chest pain "), "\"chest\" \"pain\"");
        assert_eq!(fts("\"chest pain\" NOT"), "\"chest pain\" \"NOT\"*");
        assert_eq!(fts("\"open phrase"), "\"open phrase\"");
        assert_eq!(fts("a* (b) - OR col:x"), "\"a*\" \"(b)\" \"OR\" \"col:x\"*");
        assert_eq!(fts(" \"\" * "), "");
    }
}
