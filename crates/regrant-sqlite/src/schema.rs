use rusqlite::OptionalExtension as _;

use crate::connection::retry_while_busy;
use crate::db::Db;
use crate::deadline::Deadline;
use crate::open_error::OpenError;

/// "rgrt": identifies a file of this crate, or the table `schema` of a prefix.
const APPLICATION_ID: i32 = 0x7267_7274;

/// Migrations from each schema version to the next. The version of a store is the number of migrations applied to it.
/// Names begin with `regrant_`, which stands for the [prefix](crate::TablePrefix), as in every statement.
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

/// Creates the schema in a new file, or under a new prefix, or migrates an older one.
pub(crate) fn prepare(db: &Db, deadline: Deadline) -> Result<(), OpenError> {
    // Before any change: the file, or the tables of the prefix, may belong to another application.
    let version = retry_while_busy(deadline, || Identity::read(db))?.version()?;
    let mode: String =
        retry_while_busy(deadline, || db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)))?;
    if mode != "wal" {
        return Err(OpenError::WalUnsupported);
    }
    if version < MIGRATIONS.len() { migrate(db, deadline) } else { Ok(()) }
}

fn migrate(db: &Db, deadline: Deadline) -> Result<(), OpenError> {
    retry_while_busy(deadline, || db.execute_batch("BEGIN IMMEDIATE"))?;
    // Read again under the lock: two processes may have found the same new file.
    let version = Identity::read(db)?.version()?;
    for migration in MIGRATIONS.iter().skip(version) {
        db.execute_batch(migration)?;
    }
    write_version(db, MIGRATIONS.len().cast_signed())?;
    db.execute_batch("COMMIT")?;
    Ok(())
}

/// Records the version. In a file of the application's, its two numbers are the application's own, so the version is in
/// a table.
fn write_version(db: &Db, version: isize) -> rusqlite::Result<()> {
    if db.is_shared() {
        db.execute_batch(
            "CREATE TABLE IF NOT EXISTS regrant_schema (application_id INTEGER NOT NULL, version INTEGER NOT NULL) STRICT;
            DELETE FROM regrant_schema;",
        )?;
        let insert = "INSERT INTO regrant_schema (application_id, version) VALUES (?1, ?2)";
        db.prepare_cached(insert)?.execute((APPLICATION_ID, version)).map(drop)
    } else {
        db.pragma_update(None, "application_id", APPLICATION_ID)?;
        db.pragma_update(None, "user_version", version)
    }
}

/// Properties by which a file of this crate, or a prefix, is recognised.
#[derive(Clone, Copy)]
enum Identity {
    /// A file of its own.
    File { application_id: i32, user_version: i32, objects: i64 },
    /// Tables of a prefix, and the version that they record.
    Tables { tables: i64, version: Option<i64> },
}

impl Identity {
    fn read(db: &Db) -> rusqlite::Result<Self> {
        if db.is_shared() {
            return Self::of_tables(db);
        }
        db.query_one(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) \
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| Ok(Self::File { application_id: row.get(0)?, user_version: row.get(1)?, objects: row.get(2)? }),
        )
    }

    fn of_tables(db: &Db) -> rusqlite::Result<Self> {
        // Names of tables ignore case.
        let (tables, columns): (i64, i64) = db
            .prepare_cached(
                "SELECT (SELECT count(*) FROM sqlite_schema WHERE name COLLATE NOCASE IN \
                 ('regrant_schema', 'regrant_grants', 'regrant_marks', 'regrant_clients')), \
                 (SELECT count(*) FROM pragma_table_info('regrant_schema') WHERE name IN ('application_id', 'version'))",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let version = if columns == 2 {
            db.prepare_cached("SELECT version FROM regrant_schema WHERE application_id = ?1")?
                .query_row([APPLICATION_ID], |row| row.get(0))
                .optional()?
        } else {
            None
        };
        Ok(Self::Tables { tables, version })
    }

    /// Schema version; 0 where there is nothing yet.
    fn version(self) -> Result<usize, OpenError> {
        let known = MIGRATIONS.len();
        let recorded = match self {
            Self::File { application_id: 0, user_version: 0, objects: 0 } | Self::Tables { tables: 0, .. } => Some(0),
            Self::File { application_id: APPLICATION_ID, user_version, .. } => usize::try_from(user_version).ok(),
            Self::File { .. } => None,
            Self::Tables { version, .. } => version.and_then(|version| usize::try_from(version).ok()),
        };
        match (recorded, self) {
            (Some(found), _) if found > known => Err(OpenError::NewerSchema { found, known }),
            (Some(version), _) => Ok(version),
            (None, Self::File { .. }) => Err(OpenError::OtherApplication),
            (None, Self::Tables { .. }) => Err(OpenError::OtherTables),
        }
    }
}
