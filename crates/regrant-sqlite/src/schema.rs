use rusqlite::Connection;

use crate::connection::retry_while_busy;
use crate::deadline::Deadline;
use crate::open_error::OpenError;

/// "rgrt": identifies a file of this crate.
const APPLICATION_ID: i32 = 0x7267_7274;

/// Migrations from each schema version to the next. The version of a file is the number of migrations applied to it.
///
/// `purge_at` is never later than `expires_at`; null means never. A refresh moves the expiry of its grant later and
/// leaves `purge_at` and its index alone; a purge catches up.
///
/// A mark is little more than its id, so the table is stored in the index of that id (`WITHOUT ROWID`).
///
/// A deleted client keeps its row, without metadata, for its registration number.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE regrant_grants (
        id         BLOB    NOT NULL,
        realm      TEXT    NOT NULL,
        version    INTEGER NOT NULL,
        client_id  TEXT    NOT NULL,
        subject    TEXT,
        expires_at INTEGER,
        purge_at   INTEGER,
        payload    BLOB    NOT NULL,
        PRIMARY KEY (id, realm)
    ) STRICT;
    CREATE INDEX regrant_grants_by_subject ON regrant_grants (realm, subject, id) WHERE subject IS NOT NULL;
    CREATE INDEX regrant_grants_by_client_id ON regrant_grants (realm, client_id, id);
    CREATE INDEX regrant_grants_by_purge_at ON regrant_grants (purge_at) WHERE purge_at IS NOT NULL;
    ",
    "
    CREATE TABLE regrant_marks (
        id         BLOB    NOT NULL PRIMARY KEY,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX regrant_marks_by_expires_at ON regrant_marks (expires_at);
    ",
    "
    CREATE TABLE regrant_clients (
        realm        TEXT    NOT NULL,
        client_id    TEXT    NOT NULL,
        registration INTEGER NOT NULL,
        metadata     TEXT,
        secrets      TEXT,
        features     TEXT,
        PRIMARY KEY (realm, client_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX regrant_clients_by_features ON regrant_clients (realm, features) WHERE features IS NOT NULL;
    ",
];

/// Creates the schema in a new file, or migrates an older one.
pub(crate) fn prepare(db: &Connection, deadline: Deadline) -> Result<(), OpenError> {
    // Before any change: the file may belong to another application.
    let version = retry_while_busy(deadline, || Identity::read(db))?.version()?;
    let mode: String =
        retry_while_busy(deadline, || db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)))?;
    if mode != "wal" {
        return Err(OpenError::WalUnsupported);
    }
    if version < MIGRATIONS.len() { migrate(db, deadline) } else { Ok(()) }
}

fn migrate(db: &Connection, deadline: Deadline) -> Result<(), OpenError> {
    retry_while_busy(deadline, || db.execute_batch("BEGIN IMMEDIATE"))?;
    // Read again under the lock: two processes may have found the same new file.
    let version = Identity::read(db)?.version()?;
    for migration in MIGRATIONS.iter().skip(version) {
        db.execute_batch(migration)?;
    }
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", MIGRATIONS.len().cast_signed())?;
    db.execute_batch("COMMIT")?;
    Ok(())
}

/// Properties by which a file of this crate is recognised.
#[derive(Clone, Copy)]
struct Identity {
    application_id: i32,
    user_version: i32,
    objects: i64,
}

impl Identity {
    fn read(db: &Connection) -> rusqlite::Result<Self> {
        db.query_one(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) \
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| Ok(Self { application_id: row.get(0)?, user_version: row.get(1)?, objects: row.get(2)? }),
        )
    }

    /// Schema version; 0 for a new file.
    fn version(self) -> Result<usize, OpenError> {
        let known = MIGRATIONS.len();
        match (self.application_id, usize::try_from(self.user_version)) {
            (0, Ok(0)) if self.objects == 0 => Ok(0),
            (APPLICATION_ID, Ok(found)) if found > known => Err(OpenError::NewerSchema { found, known }),
            (APPLICATION_ID, Ok(version)) => Ok(version),
            _ => Err(OpenError::OtherApplication),
        }
    }
}
