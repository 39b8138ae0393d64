//! Stores reviews of conversations.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior, params};

use crate::matching::MatchedReviews;
use crate::review::{Decision, Review};
use crate::text::{TextHash, Texts};
use crate::{Error, Result};

/// Maximum length of a reviewer's name and of a comment, in bytes.
const LONGEST: [usize; 2] = [200, 20_000];

/// Application id that identifies a file of reviews: `clrv`.
const APPLICATION_ID: u32 = 0x636c_7276;
/// Migrations by version; append only.
///
/// Files of version 0 come from programs without versions. Such a program can still append to a newer file: columns
/// that it does not know must accept `NULL`.
const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS review (
         n INTEGER PRIMARY KEY, id TEXT NOT NULL, reviewer TEXT NOT NULL, decision TEXT NOT NULL,
         comment TEXT NOT NULL, scores TEXT NOT NULL, at INTEGER NOT NULL
     );
     CREATE INDEX IF NOT EXISTS review_of ON review (id, reviewer);",
    "ALTER TABLE review ADD COLUMN text_hash TEXT;
     ALTER TABLE review ADD COLUMN confirmed_at INTEGER;",
];
const NEWEST: u32 = MIGRATIONS.len() as u32;
/// First version in which reviews have the hash of their text.
const WITH_TEXT: u32 = 2;

/// The reviews of a run, in a separate file.
#[derive(Debug)]
pub struct Reviews {
    path: PathBuf,
    connection: Connection,
    /// Version of the file; a read-only one may be older than [`NEWEST`], and 0 if it is empty.
    version: u32,
    empty: bool,
}

fn review(row: &Row<'_>) -> rusqlite::Result<Review> {
    let decision = match row.get::<_, String>(2)?.as_str() {
        "accept" => Decision::Accept,
        "reject" => Decision::Reject,
        _ => Decision::Unsure,
    };
    let scores: String = row.get(4)?;
    Ok(Review {
        id: row.get(0)?,
        reviewer: row.get(1)?,
        decision,
        comment: row.get(3)?,
        scores: serde_json::from_str(&scores).unwrap_or_default(),
        at: row.get(5)?,
        text_hash: row.get::<_, Option<String>>(6)?.map(TextHash::stored),
        confirmed_at: row.get(7)?,
    })
}

/// Refuses a file that is not ours or of a newer version, without touching it.
///
/// Without SQLite, which would roll back an interrupted change, or move a write-ahead log into the file. Offsets as in
/// <https://sqlite.org/fileformat2.html>, section 1.3.
fn check_head(path: &Path) -> Result<()> {
    let read = || {
        let mut head = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(100).read_to_end(&mut head).map(|_| head),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(head),
            Err(e) => Err(e),
        }
    };
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let mut head = read().map_err(failed)?;
    // No lock is held, so another program may be writing it.
    for _ in 0..10 {
        let again = read().map_err(failed)?;
        if again == head {
            break;
        }
        head = again;
    }
    if head.is_empty() {
        return Ok(());
    }
    let number = |at: usize| {
        let bytes = head.get(at..at + 4)?;
        Some(bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
    };
    match (head.starts_with(b"SQLite format 3\0"), number(60), number(68)) {
        (true, Some(version), Some(application)) => check_version(path, version, application),
        _ => Err(Error::NotReviews(path.to_owned())),
    }
}

fn check_version(path: &Path, version: u32, application: u32) -> Result<()> {
    // Files of version 0 have no application id.
    if application != APPLICATION_ID && (application != 0 || version != 0) {
        return Err(Error::NotReviews(path.to_owned()));
    }
    if version > NEWEST {
        return Err(Error::NewerReviews { path: path.to_owned(), found: version, known: NEWEST });
    }
    Ok(())
}

/// Whether an interrupted change needs a writable connection to be rolled back.
fn cut_off(e: &rusqlite::Error) -> bool {
    e.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

impl Reviews {
    /// Opens the reviews for writing, creating or migrating the file if needed.
    ///
    /// # Errors
    /// A file that is not ours, is of a newer version, or cannot be written. It is left unchanged.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(dir) = path.parent() {
            let failed = |source| Error::Io { path: dir.to_owned(), source };
            fs::create_dir_all(dir).map_err(failed)?;
        }
        let mut reviews = Self::connect(path, OpenFlags::default())?;
        let failed = |source| Error::Database { path: path.to_owned(), source };
        reviews.connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        reviews.migrate()?;
        Ok(reviews)
    }

    /// Opens reviews read-only: nothing is changed, not even an older version.
    ///
    /// # Errors
    /// No file, one that is not ours, or one of a newer version.
    pub fn read(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match Self::connect(path, flags) {
            Err(Error::Database { source, .. }) if cut_off(&source) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Self::connect(path, flags)
            }
            opened => opened,
        }
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self> {
        check_head(path)?;
        let failed = |source| Error::Database { path: path.to_owned(), source };
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        // Two windows may write at the same time: one waits for the other. A change to WAL would not wait: SQLite
        // reports "busy" to a second opener at once. Reviews are few, and the rollback journal, the default of every
        // file, suffices.
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        let mut reviews = Self { path: path.to_owned(), connection, version: 0, empty: true };
        reviews.look()?;
        Ok(reviews)
    }

    /// Reads the file's identification through SQLite, and refuses one that is not ours.
    fn look(&mut self) -> Result<()> {
        let failed = |source| Error::Database { path: self.path.clone(), source };
        // In one transaction, since another program may be migrating it.
        let tx = self.connection.transaction().map_err(failed)?;
        let number = |sql: &str| tx.query_row(sql, [], |r| r.get::<_, u32>(0)).map_err(failed);
        let tables = number("SELECT count(*) FROM sqlite_master WHERE type = 'table'")?;
        let ours =
            number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'review'")?;
        let version = number("PRAGMA user_version")?;
        check_version(&self.path, version, number("PRAGMA application_id")?)?;
        if tables > 0 && ours == 0 {
            return Err(Error::NotReviews(self.path.clone()));
        }
        (self.version, self.empty) = (version, tables == 0);
        Ok(())
    }

    fn migrate(&mut self) -> Result<()> {
        let (path, version) = (&self.path, self.version);
        let failed = |source| Error::Database { path: path.clone(), source };
        if version == NEWEST {
            return Ok(());
        }
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        // Another program may have been faster.
        let version: u32 = tx.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(failed)?;
        if version > NEWEST {
            return Err(Error::NewerReviews { path: path.clone(), found: version, known: NEWEST });
        }
        for step in MIGRATIONS.iter().skip(version as usize) {
            tx.execute_batch(step).map_err(failed)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)
            .and_then(|()| tx.pragma_update(None, "user_version", NEWEST))
            .and_then(|()| tx.commit())
            .map_err(failed)?;
        (self.version, self.empty) = (NEWEST, false);
        Ok(())
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Database { path: self.path.clone(), source }
    }

    /// A viewer runs for days: a newer program may have changed the file meanwhile.
    fn check_still_known(&self) -> Result<()> {
        let version = self.connection.query_row("PRAGMA user_version", [], |r| r.get(0));
        check_version(&self.path, version.map_err(self.failed())?, APPLICATION_ID)
    }

    /// Saves a review; it is durable when this returns. The same review saved twice in a row counts once.
    ///
    /// # Errors
    /// A review without a reviewer's name or an id, with invalid scores, or one that cannot be saved.
    pub fn add(&self, review: &Review) -> Result<()> {
        let bad = |what: &str| Err(Error::Review(what.to_owned()));
        let name = review.reviewer.trim();
        if name.is_empty() || name.len() > LONGEST[0] {
            return bad("enter your name first, at most 200 bytes");
        }
        if review.id.is_empty() || review.comment.len() > LONGEST[1] {
            return bad("a review needs an id, and a comment of at most 20000 bytes");
        }
        if review.scores.len() > 20 || review.scores.values().any(|s| !(1..=5).contains(s)) {
            return bad("scores are from 1 to 5");
        }
        self.check_still_known()?;
        let scores = serde_json::to_string(&review.scores).unwrap_or_default();
        let text = review.text_hash.as_ref().map(TextHash::as_str);
        self.connection
            .execute(
                "INSERT INTO review (id, reviewer, decision, comment, scores, at, text_hash)
                 SELECT ?1, ?2, ?3, ?4, ?5, unixepoch(), ?6 WHERE NOT EXISTS (
                     SELECT 1 FROM review
                     WHERE n = (SELECT max(n) FROM review WHERE id = ?1 AND reviewer = ?2)
                       AND decision = ?3 AND comment = ?4 AND scores = ?5 AND text_hash IS ?6
                 )",
                params![review.id, name, review.decision.as_str(), review.comment, scores, text],
            )
            .map_err(self.failed())?;
        Ok(())
    }

    /// All reviews, in the order of saving; of one conversation, if an id is given.
    pub fn all(&self, id: Option<&str>) -> Result<Vec<Review>> {
        if self.empty {
            return Ok(Vec::new());
        }
        let text = if self.version < WITH_TEXT { "NULL, NULL" } else { "text_hash, confirmed_at" };
        self.connection
            .prepare_cached(&format!(
                "SELECT id, reviewer, decision, comment, scores, at, {text} FROM review
                 WHERE ?1 IS NULL OR id = ?1 ORDER BY n"
            ))
            .and_then(|mut s| s.query_map([id], review)?.collect())
            .map_err(self.failed())
    }

    /// All reviews, matched with the current texts.
    pub fn matched(&self, texts: &Texts) -> Result<MatchedReviews> {
        Ok(MatchedReviews::new(self.all(None)?, texts))
    }

    /// Confirms that all reviews of unknown texts are of the current text of their row, and returns their number.
    ///
    /// # Errors
    /// Reviews that were opened read-only, or that cannot be saved.
    pub fn confirm(&mut self, texts: &Texts) -> Result<u64> {
        self.check_still_known()?;
        let path = self.path.clone();
        let failed = |source| Error::Database { path: path.clone(), source };
        // Superseded reviews are unchanged: their row may have another text by now.
        let matched = self.matched(texts)?;
        let rows = matched.rows(crate::matching::TextStatus::Unknown);
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut confirmed = 0;
        for id in rows {
            let Some(text) = texts.get(id) else { continue };
            confirmed += tx
                .prepare_cached(
                    "UPDATE review SET text_hash = ?2, confirmed_at = unixepoch()
                     WHERE id = ?1 AND text_hash IS NULL AND NOT EXISTS (
                         SELECT 1 FROM review AS later
                         WHERE later.id = review.id AND later.reviewer = review.reviewer AND later.n > review.n
                     )",
                )
                .and_then(|mut s| s.execute(params![id, text.as_str()]))
                .map_err(failed)?;
        }
        tx.commit().map_err(failed)?;
        Ok(confirmed as u64)
    }
}
