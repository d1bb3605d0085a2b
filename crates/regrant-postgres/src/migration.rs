//! The tables, made and changed by numbered steps; those that were run are written down beside them.

use deadpool_postgres::Client;

use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::table::Table;

/// The steps, oldest first. A released one never changes; what comes later is a new one behind it.
const STEPS: [fn(&Table) -> Vec<String>; 2] = [create, add_marks];

/// How often a step begins anew because another node was making the same table.
const MAX_ATTEMPTS: usize = 32;

impl Table {
    /// What [`migrate`](crate::PostgresStoreBuilder::migrate) would run on an empty database, for those who migrate with a
    /// tool of their own: statements that end with a semicolon, each of which may be run twice.
    #[must_use]
    pub fn ddl(&self) -> String {
        all(self).join(";\n") + ";\n"
    }
}

/// Runs the steps that were not run yet.
pub(crate) async fn run(client: &Client, table: &Table) -> Result<(), OpenError> {
    let installed = installed(client, table).await?.unwrap_or(0);
    if installed > latest() {
        return Err(OpenError::NewerSchema { found: installed, known: latest() });
    }
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > installed) {
        let mut attempt = 1;
        while let Err(failure) = apply(client, &statements(table, version, step)).await {
            if attempt == MAX_ATTEMPTS || !is_race(&failure) {
                return Err(OpenError::from_failure(failure));
            }
            attempt += 1;
        }
    }
    Ok(())
}

/// Whether the table is the one that this crate knows.
pub(crate) async fn check(client: &Client, table: &Table) -> Result<(), OpenError> {
    let known = latest();
    match installed(client, table).await? {
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

async fn installed(client: &Client, table: &Table) -> Result<Option<i32>, OpenError> {
    let sql = format!("SELECT max(version) FROM {}", table.beside("schema"));
    let row = client.query_one(&sql, &[]).await.and_then(|row| row.try_get(0)).map_err(Failure::from);
    match row {
        Err(failure) if failure.is_missing_table() => Ok(None),
        row => row.map_err(OpenError::from_failure),
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
    // Last: a step that was cut off half-way is run again, and each of its statements may be.
    statements.push(format!("INSERT INTO {schema} (version) VALUES ({version}) ON CONFLICT (version) DO NOTHING"));
    statements
}

async fn apply(client: &Client, statements: &[String]) -> Result<(), Failure> {
    for statement in statements {
        client.batch_execute(statement).await?;
    }
    Ok(())
}

/// `IF NOT EXISTS` looks first and creates then: of two nodes that both found nothing, one fails at the catalogue's own
/// unique key, or at the partition that is there by now.
fn is_race(failure: &Failure) -> bool {
    matches!(failure.code(), Some("23505" | "40001" | "40P01" | "42710" | "42P07" | "42P17"))
}

/// Ids and texts compare by bytes, as they do in memory. The primary key begins with the id: it is random, so the lookup of
/// a token touches one row. `purge_at` is a lower bound of `expires_at` that only a purge moves up: a refresh moves the end
/// away and need not touch an index for it.
fn create(table: &Table) -> Vec<String> {
    // Room on each page for the next version of its rows: what makes a HOT update possible.
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

/// Not partitioned: a mark lives for minutes, so they are few.
fn add_marks(table: &Table) -> Vec<String> {
    let marks = table.marks();
    vec![
        format!("CREATE TABLE IF NOT EXISTS {marks} (id BYTEA PRIMARY KEY, expires_at BIGINT NOT NULL)"),
        format!("CREATE INDEX IF NOT EXISTS {} ON {marks} (expires_at)", table.index("marks_end")),
    ]
}

fn partition(table: &Table, count: u16, n: u16) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} PARTITION OF {table} \
         FOR VALUES WITH (MODULUS {count}, REMAINDER {n}) WITH (fillfactor = 75)",
        table.beside(format_args!("p{n}"))
    )
}
