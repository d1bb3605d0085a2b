//! Creates and changes the tables in numbered steps; the schema table records the completed ones.

use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::session::Session;
use crate::table::Table;

/// Steps, oldest first. A released step never changes; a change is a new step at the end.
const STEPS: [fn(&Table) -> Vec<String>; 3] = [create, add_marks, add_clients];

/// Most attempts of a step while other nodes create the same table.
const MAX_ATTEMPTS: usize = 32;

impl Table {
    /// Statements that [`migrate`](crate::PostgresStoreBuilder::migrate) would run on an empty database, for use with
    /// another migration tool. Each ends with a semicolon and may run twice.
    #[must_use]
    pub fn ddl(&self) -> String {
        all(self).join(";\n") + ";\n"
    }
}

/// Runs the steps that have not been run.
pub(crate) async fn run(session: &mut Session, table: &Table) -> Result<(), OpenError> {
    let installed = installed(session, table).await?.unwrap_or(0);
    if installed > latest() {
        return Err(OpenError::NewerSchema { found: installed, known: latest() });
    }
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > installed) {
        let mut attempt = 1;
        while let Err(failure) = apply(session, &statements(table, version, step)).await {
            if attempt == MAX_ATTEMPTS || !is_race(&failure) {
                return Err(OpenError::from_failure(failure));
            }
            attempt += 1;
        }
    }
    Ok(())
}

/// Checks that the table has the schema version of this release.
pub(crate) async fn check(session: &mut Session, table: &Table) -> Result<(), OpenError> {
    let known = latest();
    match installed(session, table).await? {
        None => Err(OpenError::MissingTable { table: table.to_string() }),
        Some(found) if found > known => Err(OpenError::NewerSchema { found, known }),
        Some(found) if found < known => Err(OpenError::OlderSchema { found, known }),
        Some(_) => Ok(()),
    }
}

const fn latest() -> i32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a handful")]
    let latest = STEPS.len() as i32;
    latest
}

async fn installed(session: &mut Session, table: &Table) -> Result<Option<i32>, OpenError> {
    let sql = format!("SELECT max(version) FROM {}", table.beside("schema"));
    match session.query(&sql, &[]).await.map_err(Failure::from) {
        Err(failure) if failure.is_missing_table() => Ok(None),
        Err(failure) => Err(OpenError::from_failure(failure)),
        Ok(rows) => rows.first().map_or(Ok(None), |row| row.get(0)).map_err(OpenError::Other),
    }
}

/// All statements of all steps.
fn all(table: &Table) -> Vec<String> {
    (1..).zip(STEPS).flat_map(|(version, step)| statements(table, version, step)).collect()
}

fn statements(table: &Table, version: i32, step: fn(&Table) -> Vec<String>) -> Vec<String> {
    let schema = table.beside("schema");
    let mut statements = vec![format!("CREATE TABLE IF NOT EXISTS {schema} (version INTEGER PRIMARY KEY)")];
    statements.extend(step(table));
    // Last: an interrupted step is run again, and each of its statements may be.
    statements.push(format!("INSERT INTO {schema} (version) VALUES ({version}) ON CONFLICT (version) DO NOTHING"));
    statements
}

async fn apply(session: &mut Session, statements: &[String]) -> Result<(), Failure> {
    for statement in statements {
        session.batch(statement).await?;
    }
    Ok(())
}

/// True for errors of concurrent migrations: `IF NOT EXISTS` checks first and creates later. If two nodes find nothing,
/// one of them fails at a unique key of the catalogue or at a partition that exists by then.
fn is_race(failure: &Failure) -> bool {
    matches!(failure.code(), Some("23505" | "40001" | "40P01" | "42710" | "42P07" | "42P17"))
}

/// Creates the grants table. Ids and texts compare by bytes, as in memory. The primary key begins with the id: ids are
/// random, so the lookup of a token touches one row. `purge_at` is a lower bound of `expires_at` that only a purge
/// raises: a refresh moves the expiry later and need not touch an index.
fn create(table: &Table) -> Vec<String> {
    // Free space on each page for the next version of its rows, which HOT updates need.
    let storage = "WITH (fillfactor = 75)";
    let (layout, partitions) = match table.partitions() {
        None => (storage, Vec::new()),
        Some(count) => ("PARTITION BY HASH (id)", (0..count.get()).map(|n| partition(table, count.get(), n)).collect()),
    };
    let mut statements = vec![format!(
        "CREATE TABLE IF NOT EXISTS {table} (\
         id BYTEA NOT NULL, \
         realm TEXT COLLATE \"C\" NOT NULL, \
         version BIGINT NOT NULL, \
         client_id TEXT COLLATE \"C\" NOT NULL, \
         subject TEXT COLLATE \"C\", \
         expires_at BIGINT, \
         purge_at BIGINT, \
         payload BYTEA NOT NULL, \
         PRIMARY KEY (id, realm)) {layout}"
    )];
    statements.extend(partitions);
    statements.extend([
        format!(
            "CREATE INDEX IF NOT EXISTS {} ON {table} (realm, subject, id) WHERE subject IS NOT NULL",
            table.index("subject")
        ),
        format!("CREATE INDEX IF NOT EXISTS {} ON {table} (realm, client_id, id)", table.index("client")),
        format!("CREATE INDEX IF NOT EXISTS {} ON {table} (purge_at) WHERE purge_at IS NOT NULL", table.index("purge")),
    ]);
    statements
}

/// Creates the marks table. It is not partitioned: a mark lives for minutes, so there are few.
fn add_marks(table: &Table) -> Vec<String> {
    let marks = table.marks();
    vec![
        format!("CREATE TABLE IF NOT EXISTS {marks} (id BYTEA PRIMARY KEY, expires_at BIGINT NOT NULL)"),
        format!("CREATE INDEX IF NOT EXISTS {} ON {marks} (expires_at)", table.index("marks_end")),
    ]
}

/// Creates the table of clients. A deleted client keeps its row, without metadata, for its registration number.
fn add_clients(table: &Table) -> Vec<String> {
    let clients = table.clients();
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {clients} (\
             realm TEXT COLLATE \"C\" NOT NULL, \
             client_id TEXT COLLATE \"C\" NOT NULL, \
             registration BIGINT NOT NULL, \
             metadata TEXT, \
             secrets TEXT, \
             features TEXT, \
             features_key BIGINT, \
             PRIMARY KEY (realm, client_id))"
        ),
        // By a key of the text: a scope may be longer than an entry of an index.
        format!(
            "CREATE INDEX IF NOT EXISTS {} ON {clients} (realm, features_key) WHERE features IS NOT NULL",
            table.index("clients_features")
        ),
    ]
}

fn partition(table: &Table, count: u16, n: u16) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} PARTITION OF {table} \
         FOR VALUES WITH (MODULUS {count}, REMAINDER {n}) WITH (fillfactor = 75)",
        table.beside(format_args!("p{n}"))
    )
}
