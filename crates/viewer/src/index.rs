//! The rows of a run, searchable.

mod fill;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clinstruct_curate::Dropped;
use clinstruct_schema::Json;
use rusqlite::Connection;
use serde::Serialize;

use self::fill::{fingerprint, still_good};
use crate::facets::FACETS;
use crate::files::files_of;
use crate::row::{IN_DATASET, Place, StoredRow};
use crate::text::{TextHash, Texts};
use crate::words::fts;
use crate::{Error, FOLDER, Result};

/// Rows per page.
const PAGE: usize = 50;
/// Distinguishes the indexes that this process creates.
static PARTIAL: AtomicU64 = AtomicU64::new(0);
/// Most values per facet in a result.
const MOST_VALUES: usize = 40;
/// A search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, and phrases in quotation marks.
    pub text: String,
    /// Facet and value; values of one facet are alternatives.
    pub facets: Vec<(String, String)>,
    /// `plan`, `random`, or `trouble` (rejected rows and those with many attempts first).
    pub order: String,
    /// For a random order.
    pub seed: u64,
    /// From 0.
    pub page: usize,
    /// Excluded ids: those that the reviewer has seen.
    pub without: Vec<String>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Id.
    pub id: String,
    /// `in dataset`, `dropped: REASON`, or the reason of rejection.
    pub status: String,
    /// Its part.
    pub part: String,
    /// Its beginning.
    pub opening: String,
}

/// Result of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Number of rows.
    pub total: u64,
    /// Rows of the page.
    pub rows: Vec<Hit>,
    /// Counts by facet and value.
    pub facets: BTreeMap<&'static str, Vec<(String, u64)>>,
}

/// The neighbours of a row, in the order of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Neighbors {
    /// The row before it, even if [`Query::without`] excludes it: the way back to the last reviewed row.
    pub previous: Option<String>,
    /// The next row that is not excluded.
    pub next: Option<String>,
    /// Number of rows before it that are not excluded.
    pub position: u64,
    /// Number of rows that are not excluded.
    pub total: u64,
    /// The page of the list on which it is, or would be, from 0.
    pub page: u64,
}

/// Data in memory for every row, by its number minus one: facet values as numbers, and the most attempts of a turn.
///
/// Counting facets over tens of thousands of rows is then one pass over some hundred kilobytes.
#[derive(Debug, Default)]
struct Held {
    rows: Vec<([u16; FACETS.len()], u8)>,
    values: [Vec<String>; FACETS.len()],
}

/// Sort key of a row: in the dataset or not, most attempts first, then a unique number.
type Rank = (bool, Reverse<u8>, u64);

/// The rows of a run, searchable.
#[derive(Debug)]
pub struct Index {
    /// The folder of a run, or a file.
    run: PathBuf,
    /// State of its files at indexing time.
    print: String,
    path: PathBuf,
    connection: Connection,
    files: Vec<(PathBuf, bool)>,
    held: Held,
    rehearsal: bool,
}

impl Index {
    /// Opens the index of the run in `run`; rebuilds it if the files have changed.
    ///
    /// # Errors
    /// No rows, a row that is not one of ours, or an index that cannot be written.
    pub fn open(run: &Path) -> Result<Self> {
        let files = files_of(run)?;
        let home = if run.is_file() { run.parent().unwrap_or(Path::new(".")) } else { run };
        let dir = home.join(FOLDER);
        fs::create_dir_all(&dir).map_err(|source| Error::Io { path: dir.clone(), source })?;
        let path = dir.join("index.sqlite");
        let print = fingerprint(run, &files)?;
        let (held, rehearsal) = (Held::default(), false);
        let run = run.to_owned();
        if let Some(connection) = still_good(&path, &print) {
            return Self { run, print, path, connection, files, held, rehearsal }.hold();
        }
        // It only copies the files' content: an old or broken one is rebuilt. It gets its name once it is complete,
        // since another viewer of the same run may be building it too.
        for end in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(dir.join(format!("index.sqlite{end}")));
        }
        let number = PARTIAL.fetch_add(1, Ordering::Relaxed);
        let partial = dir.join(format!("index.sqlite.{}-{number}.partial", std::process::id()));
        let _ = fs::remove_file(&partial);
        let failed = |source| Error::Database { path: path.clone(), source };
        let connection = Connection::open(&partial).map_err(failed)?;
        let index = Self { run, print, path: partial.clone(), connection, files, held, rehearsal };
        if let Err(e) = index.fill() {
            let _ = fs::remove_file(&partial);
            return Err(e);
        }
        let Self { run, print, connection, files, held, rehearsal, .. } = index;
        connection.close().map_err(|(_, e)| failed(e))?;
        fs::rename(&partial, &path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let connection = Connection::open(&path).map_err(failed)?;
        Self { run, print, path, connection, files, held, rehearsal }.hold()
    }

    /// Reindexes the run if its files have changed since, as after a rebuild.
    ///
    /// # Errors
    /// As in [`Index::open`]; the index is then unchanged.
    pub fn refresh(&mut self) -> Result<()> {
        if fingerprint(&self.run, &files_of(&self.run)?)? != self.print {
            *self = Self::open(&self.run)?;
        }
        Ok(())
    }

    /// Whether a grammar wrote some of the rows instead of a model.
    pub(crate) fn rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// Loads the data in memory.
    fn hold(mut self) -> Result<Self> {
        let sql = format!("SELECT attempts, {} FROM row ORDER BY n", FACETS.join(", "));
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
                    let attempts: i64 = row.get(0)?;
                    held.rows.push((facets, u8::try_from(attempts).unwrap_or(u8::MAX)));
                }
                Ok(())
            })
            .map_err(self.failed())?;
        self.rehearsal = self
            .connection
            .query_row("SELECT EXISTS (SELECT 1 FROM row WHERE rehearsal)", [], |r| r.get(0))
            .map_err(self.failed())?;
        self.held = held;
        Ok(self)
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Database { path: self.path.clone(), source }
    }

    /// Searches for rows.
    pub fn search(&self, query: &Query) -> Result<Found> {
        let left_out = self.left_out(query)?;
        let wanted = self.with_words(query)?;
        let chosen = self.chosen(query);
        let mut counts: [Vec<u64>; FACETS.len()] =
            std::array::from_fn(|f| vec![0; self.held.values[f].len()]);
        let mut rows: Vec<u32> = Vec::new();
        for (number, (facets, _)) in (0_u32..).zip(&self.held.rows) {
            if wanted.as_ref().is_some_and(|w| !w.contains(&number)) || left_out.contains(&number) {
                continue;
            }
            let not = |f: &usize| chosen[*f].as_ref().is_some_and(|c| !c.contains(&facets[*f]));
            let mut against = (0..FACETS.len()).filter(not);
            // A facet's own selection does not narrow it: another value can be added to it.
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
        rows.sort_by_key(|n| self.rank(*n, query));
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

    /// The neighbours of a row, in the order of a search; `None` if there is no such row.
    ///
    /// The row itself need not match the search: one that was just reviewed is excluded from the rows to review, and
    /// the next of these is still the next one. Counting pages would skip as many rows as were reviewed meanwhile.
    pub fn neighbors(&self, query: &Query, id: &str) -> Result<Option<Neighbors>> {
        let Some(here) = self.number(id)? else { return Ok(None) };
        let here = self.rank(here, query);
        let left_out = self.left_out(query)?;
        let wanted = self.with_words(query)?;
        let chosen = self.chosen(query);
        let (mut previous, mut next) = (None, None);
        let mut neighbors = Neighbors::default();
        for (number, (facets, _)) in (0_u32..).zip(&self.held.rows) {
            let fits =
                chosen.iter().zip(facets).all(|(c, f)| c.as_ref().is_none_or(|c| c.contains(f)));
            if !fits || wanted.as_ref().is_some_and(|w| !w.contains(&number)) {
                continue;
            }
            let left_out = left_out.contains(&number);
            let rank = self.rank(number, query);
            neighbors.total += u64::from(!left_out);
            if rank < here {
                neighbors.position += u64::from(!left_out);
                previous = previous.max(Some((rank, number)));
            } else if rank > here && !left_out && next.is_none_or(|n| (rank, number) < n) {
                next = Some((rank, number));
            }
        }
        let id_of =
            |row: Option<(Rank, u32)>| row.map(|(_, n)| self.hit(n).map(|hit| hit.id)).transpose();
        neighbors.page = neighbors.position / PAGE as u64;
        neighbors.previous = id_of(previous)?;
        neighbors.next = id_of(next)?;
        Ok(Some(neighbors))
    }

    /// The selected values of each facet; `None` if all are.
    fn chosen(&self, query: &Query) -> [Option<HashSet<u16>>; FACETS.len()] {
        std::array::from_fn(|f| {
            let values = query.facets.iter().filter(|(name, _)| name == FACETS[f]);
            let numbers: Vec<Option<usize>> = values
                .map(|(_, v)| self.held.values[f].iter().position(|known| known == v))
                .collect();
            let of = |n: usize| u16::try_from(n).ok();
            (!numbers.is_empty()).then(|| numbers.into_iter().flatten().filter_map(of).collect())
        })
    }

    /// The rows that match the words of a search; `None` if it has none.
    fn with_words(&self, query: &Query) -> Result<Option<HashSet<u32>>> {
        let text = fts(&query.text);
        if text.is_empty() {
            return Ok(None);
        }
        self.numbers("SELECT rowid FROM text WHERE text MATCH ?1", &text).map(Some)
    }

    /// The excluded rows.
    fn left_out(&self, query: &Query) -> Result<HashSet<u32>> {
        if query.without.is_empty() {
            return Ok(HashSet::new());
        }
        let ids = serde_json::to_string(&query.without).unwrap_or_default();
        self.numbers("SELECT n FROM row WHERE id IN (SELECT value FROM json_each(?1))", &ids)
    }

    /// The row with this id; rows are counted from 0 in memory, from 1 in SQLite.
    fn number(&self, id: &str) -> Result<Option<u32>> {
        let found = self.numbers("SELECT n FROM row WHERE id = ?1", id)?;
        Ok(found.into_iter().min())
    }

    fn numbers(&self, sql: &str, value: &str) -> Result<HashSet<u32>> {
        let number = |r: &rusqlite::Row<'_>| r.get::<_, u32>(0).map(|n| n.saturating_sub(1));
        self.connection
            .prepare_cached(sql)
            .and_then(|mut s| s.query_map([value], number)?.collect())
            .map_err(self.failed())
    }

    /// The sort key of a row in a search.
    fn rank(&self, number: u32, query: &Query) -> Rank {
        match query.order.as_str() {
            // Multiplicative hashing spreads neighbours; the seed shifts all of them. Keys are unique.
            "random" => {
                let seed = query.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mixed = (u64::from(number) ^ seed).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (false, Reverse(0), mixed)
            }
            "trouble" => {
                let in_dataset = self.held.rows.get(number as usize).is_some_and(|(facets, _)| {
                    self.held.values[0].get(facets[0] as usize).is_some_and(|s| s == IN_DATASET)
                });
                let attempts = self.held.rows.get(number as usize).map_or(0, |r| r.1);
                (in_dataset, Reverse(attempts), number.into())
            }
            _ => (false, Reverse(0), number.into()),
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

    /// The current row with this id in its file; `None` if there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or that keeps changing meanwhile.
    pub(crate) fn row(&mut self, id: &str) -> Result<Option<StoredRow>> {
        // A rebuild may replace the file between indexing and reading.
        for _ in 0..3 {
            self.refresh()?;
            let Some(place) = self.place(id)? else { return Ok(None) };
            let row = place.read()?;
            if row.as_ref().is_some_and(|row| row.id() == id) {
                return Ok(row);
            }
        }
        Err(Error::Rebuilding(self.run.clone()))
    }

    /// Location of the row with this id.
    fn place(&self, id: &str) -> Result<Option<Place>> {
        let found = self
            .connection
            .prepare_cached("SELECT file, start, length FROM row WHERE id = ?1 ORDER BY n")
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

    /// The current texts of those of these rows that the run has.
    pub(crate) fn texts(&self, ids: &[&str]) -> Result<Texts> {
        let ids = serde_json::to_string(ids).unwrap_or_default();
        let text = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, TextHash::stored(r.get(1)?)));
        // From last to first, so that the first of several rows with the same id counts.
        self.connection
            .prepare_cached(
                "SELECT id, text_hash FROM row WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY n DESC",
            )
            .and_then(|mut s| s.query_map([ids], text)?.collect())
            .map_err(self.failed())
    }

    /// The other rows of the same base prompt.
    pub(crate) fn variants(&self, id: &str) -> Result<Vec<String>> {
        self.texts_of(
            "SELECT id FROM row WHERE base = (SELECT base FROM row WHERE id = ?1) AND id <> ?1
             AND base <> '' ORDER BY n LIMIT 20",
            id,
        )
    }

    /// The pass that dropped a row, with reason and detail; `None` if it is in the dataset or was rejected.
    pub(crate) fn dropped(&self, id: &str) -> Result<Option<Dropped>> {
        let found =
            self.texts_of("SELECT dropped FROM row WHERE id = ?1 ORDER BY n LIMIT 1", id)?;
        Ok(found.first().and_then(|json| Dropped::of_json(json).ok()))
    }

    fn texts_of(&self, sql: &str, id: &str) -> Result<Vec<String>> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut s| s.query_map([id], |r| r.get(0))?.collect())
            .map_err(self.failed())
    }
}
