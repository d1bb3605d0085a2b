//! Creates and changes the tables in numbered steps; the schema table records the completed ones.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};

use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::row;
use crate::table::Table;

/// Steps, oldest first. A released step never changes; a change is a new step at the end.
const STEPS: [fn(&Table) -> Vec<String>; 1] = [create];

impl Table {
    /// Statements that [`migrate`](crate::MysqlStoreBuilder::migrate) would run on an empty database, for use with
    /// another migration tool. Each ends with a semicolon and may run twice.
    #[must_use]
    pub fn ddl(&self) -> String {
        let all = (1..).zip(STEPS).flat_map(|(version, step)| statements(self, version, step));
        all.collect::<Vec<_>>().join(";\n") + ";\n"
    }
}

/// Runs the steps that have not been run, one node at a time.
pub(crate) async fn run(conn: &mut Conn, table: &Table, limit: Duration) -> Result<(), OpenError> {
    if is_up_to_date(conn, table).await? {
        return Ok(());
    }
    // The hash is a short name for any database and table. The server frees the lock when the connection ends.
    let lock = format!("SHA1(CONCAT(DATABASE(), '.{}'))", table.beside("schema"));
    let taken = conn.query_first(format!("SELECT GET_LOCK({lock}, {})", limit.as_secs().max(1))).await;
    let taken: Option<Row> = taken.map_err(failed)?;
    if !matches!(taken.and_then(|row| row.get_opt::<i64, _>(0)), Some(Ok(1))) {
        return Err(OpenError::from_failure(Failure::Deadline));
    }
    let migrated = run_alone(conn, table).await;
    conn.query_drop(format!("DO RELEASE_LOCK({lock})")).await.map_err(failed)?;
    migrated
}

async fn run_alone(conn: &mut Conn, table: &Table) -> Result<(), OpenError> {
    let installed = installed(conn, table).await?.unwrap_or(0);
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > installed) {
        for statement in statements(table, version, step) {
            conn.query_drop(statement).await.map_err(failed)?;
        }
    }
    Ok(())
}

async fn is_up_to_date(conn: &mut Conn, table: &Table) -> Result<bool, OpenError> {
    match check(conn, table).await {
        Ok(()) => Ok(true),
        Err(OpenError::MissingTable { .. } | OpenError::OlderSchema { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Checks that the table has the schema version of this release.
pub(crate) async fn check(conn: &mut Conn, table: &Table) -> Result<(), OpenError> {
    let known = latest();
    match installed(conn, table).await? {
        None => Err(OpenError::MissingTable { table: table.to_string() }),
        Some(found) if found > known => Err(OpenError::NewerSchema { found, known }),
        Some(found) if found < known => Err(OpenError::OlderSchema { found, known }),
        Some(_) => Ok(()),
    }
}

const fn latest() -> i64 {
    #[expect(clippy::cast_possible_wrap, reason = "a handful")]
    let latest = STEPS.len() as i64;
    latest
}

async fn installed(conn: &mut Conn, table: &Table) -> Result<Option<i64>, OpenError> {
    let sql = format!("SELECT MAX(version) FROM {}", table.beside("schema"));
    let found: Result<Option<Row>, Failure> = conn.exec_first(sql, ()).await.map_err(Failure::from);
    match found {
        Err(failure) if failure.is_missing_table() => Ok(None),
        Err(failure) => Err(OpenError::from_failure(failure)),
        Ok(None) => Ok(None),
        Ok(Some(found)) => row::integer(&found, 0).map_err(|error| OpenError::Other(error.into())),
    }
}

fn statements(table: &Table, version: i64, step: fn(&Table) -> Vec<String>) -> Vec<String> {
    let schema = table.beside("schema");
    let mut statements = vec![format!("CREATE TABLE IF NOT EXISTS {schema} (version INT PRIMARY KEY) {STORAGE}")];
    statements.extend(step(table));
    // Last: an interrupted step is run again, and each of its statements may be.
    statements
        .push(format!("INSERT INTO {schema} (version) VALUES ({version}) ON DUPLICATE KEY UPDATE version = {version}"));
    statements
}

/// A server whose default is another engine or row format is told. An index entry may have 3072 bytes with it.
const STORAGE: &str = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC";

/// Creates the tables. Columns of bytes compare by bytes, whatever the collation of the database. A payload of 64 KiB
/// needs a `MEDIUMBLOB`.
///
/// InnoDB keeps a row in its primary key. `purge_at` is a lower bound of `expires_at` that only a purge raises: a
/// refresh moves the expiry later and need not touch an index. A deleted client keeps its row, without metadata, for
/// its registration number. Features are found by a key of their text, because a scope may be longer than an entry of
/// an index.
fn create(table: &Table) -> Vec<String> {
    let (marks, clients) = (table.marks(), table.clients());
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (\
             realm VARBINARY(128) NOT NULL, \
             id VARBINARY(16) NOT NULL, \
             version BIGINT NOT NULL, \
             client_id VARBINARY(255) NOT NULL, \
             subject VARBINARY(255), \
             expires_at BIGINT, \
             purge_at BIGINT, \
             payload MEDIUMBLOB NOT NULL, \
             PRIMARY KEY (realm, id), \
             KEY by_subject (realm, subject, id), \
             KEY by_client (realm, client_id, id), \
             KEY by_end (purge_at)) {STORAGE}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {marks} (\
             id VARBINARY(32) NOT NULL, \
             expires_at BIGINT NOT NULL, \
             PRIMARY KEY (id), \
             KEY by_end (expires_at)) {STORAGE}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {clients} (\
             realm VARBINARY(128) NOT NULL, \
             client_id VARBINARY(255) NOT NULL, \
             registration BIGINT NOT NULL, \
             metadata MEDIUMBLOB, \
             secrets MEDIUMBLOB, \
             features MEDIUMBLOB, \
             features_key BIGINT, \
             PRIMARY KEY (realm, client_id), \
             KEY by_features (realm, features_key)) {STORAGE}"
        ),
    ]
}

fn failed(error: mysql_async::Error) -> OpenError {
    OpenError::from_failure(error.into())
}
