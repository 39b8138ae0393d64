//! The journal's tables, and their migrations.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as ours: `clin` in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x636c_696e;

/// Migrations from an empty file to the current tables. Append only: a released one never changes.
pub(super) const MIGRATIONS: [&str; 5] = [
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE job (
        id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, provider_ref TEXT,
        state TEXT NOT NULL, ended TEXT, rows INTEGER NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL,
        answered INTEGER, errors INTEGER, duplicates INTEGER, unknown INTEGER, missing INTEGER
    );
    CREATE TABLE frame (
        id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, start INTEGER NOT NULL,
        length INTEGER NOT NULL, job INTEGER NOT NULL, rows INTEGER NOT NULL
    );
    CREATE TABLE request (
        id BLOB PRIMARY KEY, unit INTEGER NOT NULL, job INTEGER NOT NULL, state INTEGER NOT NULL,
        frame INTEGER, row INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX request_asked ON request (job) WHERE state = 0;
    CREATE TABLE unit (
        key INTEGER PRIMARY KEY, state INTEGER NOT NULL, waiting BLOB, tries INTEGER NOT NULL,
        infra_tries INTEGER NOT NULL, steps BLOB NOT NULL, stage TEXT, failed INTEGER, reason TEXT,
        detail TEXT
    );
    CREATE INDEX unit_waiting ON unit (key) WHERE state = 0;
",
    "
    ALTER TABLE job ADD COLUMN route TEXT NOT NULL DEFAULT '';
    ALTER TABLE job ADD COLUMN queued_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN completion_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
",
    "
    ALTER TABLE job ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN fault TEXT;
    ALTER TABLE unit ADD COLUMN unusable INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE given_up (
        request BLOB PRIMARY KEY, unit INTEGER NOT NULL, refused INTEGER NOT NULL,
        reason TEXT NOT NULL, detail TEXT NOT NULL
    ) WITHOUT ROWID;
",
    // Inputs of each row of the plan, to be compared with a changed plan.
    "
    CREATE TABLE planned (
        unit INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request BLOB NOT NULL, shape BLOB NOT NULL
    );
",
    // Units become tasks; kinds and states are stored by name.
    "
    CREATE TABLE task (
        key INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, waiting BLOB,
        attempts INTEGER NOT NULL, delivery_attempts INTEGER NOT NULL, unusable INTEGER NOT NULL,
        steps BLOB NOT NULL, stage TEXT, failed INTEGER, reason TEXT, detail TEXT
    );
    INSERT INTO task
    SELECT key, CASE WHEN key & 65535 = 0 THEN 'prompt' ELSE 'conversation' END,
        CASE state WHEN 0 THEN 'waiting' WHEN 1 THEN 'done' ELSE 'rejected' END, waiting,
        tries, infra_tries, unusable, steps, stage, failed, reason, detail
    FROM unit ORDER BY key;
    DROP TABLE unit;
    CREATE INDEX task_waiting ON task (key) WHERE state = 'waiting';

    ALTER TABLE request RENAME TO old_request;
    DROP INDEX request_asked;
    CREATE TABLE request (
        id BLOB PRIMARY KEY, task INTEGER NOT NULL, job INTEGER NOT NULL, state TEXT NOT NULL,
        frame INTEGER, row INTEGER
    ) WITHOUT ROWID;
    INSERT INTO request
    SELECT id, unit, job, CASE state WHEN 0 THEN 'sent' WHEN 1 THEN 'answered' ELSE 'released' END, frame, row
    FROM old_request ORDER BY id;
    DROP TABLE old_request;
    CREATE INDEX request_sent ON request (job) WHERE state = 'sent';

    ALTER TABLE given_up RENAME COLUMN unit TO task;
    ALTER TABLE planned RENAME COLUMN unit TO task;
",
];

/// The version of the journal that this build writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Migrates a journal to [`VERSION`], one transaction per step.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    for (i, step) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", i as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite's definitions of the tables and indices.
    fn schema(connection: &Connection) -> Vec<String> {
        connection
            .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
            .unwrap()
            .query_map([], |r| r.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap()
    }

    #[test]
    fn every_version_leads_to_the_same_tables() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        for version in 1..=MIGRATIONS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            for step in &MIGRATIONS[..version] {
                old.execute_batch(step).unwrap();
            }
            old.pragma_update(None, "user_version", version as i64).unwrap();
            migrate(&mut old).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {version}");
            let reached: i64 = old.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
            assert_eq!(reached, VERSION);
        }
    }
}
