use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use tokio::time::timeout;
use tokio_postgres::Config;

use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::queries::Queries;
use crate::runner::Runner;
use crate::store::PostgresStore;
use crate::table::Table;
use crate::{connection, migration, url};

/// How long a migration may take.
const MIGRATION: Duration = Duration::from_secs(60);

/// Opens a store, or makes its tables.
///
/// ```no_run
/// use std::time::Duration;
///
/// use regrant_postgres::{PostgresStore, Table};
///
/// # async fn example() -> Result<(), regrant_postgres::OpenError> {
/// let builder = PostgresStore::builder("postgres://app:secret@db.example/auth?sslmode=require")?
///     .table(Table::new("auth", "grants")?)
///     .max_connections(32)
///     .deadline(Duration::from_secs(1));
/// builder.migrate().await?;
/// let store = builder.open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStoreBuilder {
    source: Source,
    table: Table,
    deadline: Duration,
    max_connections: usize,
    root_certificate: Option<Vec<u8>>,
}

#[derive(Clone)]
enum Source {
    Config(Box<Config>),
    Pool(Pool),
}

impl PostgresStore {
    /// Opens the store behind a connection URL, with the defaults of a [`builder`](Self::builder).
    ///
    /// # Errors
    /// As [`PostgresStoreBuilder::open`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::builder(url)?.open().await
    }

    /// A store behind a connection URL, in the form that [`tokio_postgres::Config`] describes: several hosts may be named, of
    /// which the one that takes writes is chosen.
    ///
    /// A URL with a password and a host that is not this machine is `sslmode=require` unless it names another one:
    /// under libpq's default, `prefer`, whoever sits in between only has to say that there is no TLS to be sent the
    /// password. `verify-full` and `verify-ca` are taken for `require`, since the certificate and its name are verified
    /// in any case.
    ///
    /// # Errors
    /// [`OpenError::InvalidUrl`], also when it names no host, and [`OpenError::UnsupportedOption`].
    pub fn builder(url: impl AsRef<str>) -> Result<PostgresStoreBuilder, OpenError> {
        PostgresStoreBuilder::from_url(url.as_ref())
    }
}

impl PostgresStoreBuilder {
    fn from_url(url: &str) -> Result<Self, OpenError> {
        url::parse(url).map(Self::from_config)
    }

    /// Connects as configured, `ssl_mode` included: it is `Prefer` if nobody set it. What is not set in it and matters
    /// is set by the store: `target_session_attrs` in any case, `connect_timeout`, `tcp_user_timeout` and keepalives if
    /// they are not.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        Self::new(Source::Config(Box::new(config)))
    }

    /// Works on connections of the application's own pool. They must come from it outside a transaction.
    #[must_use]
    pub fn from_pool(pool: Pool) -> Self {
        Self::new(Source::Pool(pool))
    }

    fn new(source: Source) -> Self {
        let deadline = Duration::from_secs(2);
        Self { source, table: Table::default(), deadline, max_connections: 16, root_certificate: None }
    }

    /// Where the grants are. `public.regrant_grants` by default.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.table = table;
        self
    }

    /// How long any call of the store may take: the wait for a connection, connecting, all its statements and their
    /// repetitions together. 2 seconds by default. A purge that does not end by then is an error too, and what it
    /// deleted is deleted: ask for some thousand rows at a time.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many connections the store keeps at most; 16 by default, at least 1. An application's pool has a size of its own.
    #[must_use]
    pub const fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Trusts a server whose certificate one of these has signed, in PEM, and no other. Without it, those that the system
    /// trusts. An application's pool has a TLS of its own.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Opens the store: connects, and looks whether everything is there that it needs.
    ///
    /// # Errors
    /// Whatever would make each call fail, with its cause.
    pub async fn open(&self) -> Result<PostgresStore, OpenError> {
        let pool = self.pool(self.deadline)?;
        let queries = Queries::of(&self.table);
        within(self.deadline, async {
            let client = connect(&pool).await?;
            check_session(&client).await?;
            migration::check(&client, &self.table).await?;
            check_tables(&client, &self.table, &queries).await
        })
        .await?;
        Ok(PostgresStore::new(Runner { pool, deadline: self.deadline }, queries))
    }

    /// Makes the tables, or brings them up to date. Needs a role that may create tables in the schema; does nothing, and needs
    /// nothing, where there is nothing to do. May run on several nodes at once. An index on a large table takes its
    /// time: connecting must be done within the deadline, the rest within a minute (or the deadline, if that is
    /// longer).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let patience = self.deadline.max(MIGRATION);
        let pool = self.pool(patience)?;
        let client = within(self.deadline, connect(&pool)).await?;
        within(patience, migration::run(&client, &self.table)).await
    }

    /// A pool on which no statement takes longer than `statement`.
    fn pool(&self, statement: Duration) -> Result<Pool, OpenError> {
        match &self.source {
            Source::Pool(pool) => Ok(pool.clone()),
            Source::Config(config) => {
                let root = self.root_certificate.as_deref();
                connection::pool(config, self.max_connections, self.deadline, statement, root)
            }
        }
    }
}

impl fmt::Debug for PostgresStoreBuilder {
    /// Without the source: it holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("table", &self.table)
            .field("deadline", &self.deadline)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(OpenError::from_failure(Failure::Deadline)))
}

async fn connect(pool: &Pool) -> Result<Client, OpenError> {
    pool.get().await.map_err(|error| OpenError::from_failure(error.into()))
}

/// The store's own sessions pass by construction; those of an application's pool are as the application made them.
async fn check_session(client: &Client) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('transaction_read_only'), current_setting('synchronous_commit')";
    let row = client.query_one(sql, &[]).await.map_err(failed)?;
    match (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?) {
        ("on", _) => Err(OpenError::ReadOnly),
        (_, "off") => Err(OpenError::AsynchronousCommit),
        _ => Ok(()),
    }
}

async fn check_tables(client: &Client, table: &Table, queries: &Queries) -> Result<(), OpenError> {
    for table in [table.to_string(), table.marks()] {
        let mut missing = Vec::new();
        for right in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            let row = client.query_one("SELECT has_table_privilege($1, $2)", &[&table, &right]).await;
            if !row.and_then(|row| row.try_get(0)).map_err(failed)? {
                missing.push(right);
            }
        }
        if !missing.is_empty() {
            return Err(OpenError::MissingPermission { missing: format!("{} on {table}", missing.join(", ")) });
        }
    }
    // Preparing looks up every column.
    for query in queries.all() {
        client.prepare_cached(&query.sql).await.map_err(failed)?;
    }
    Ok(())
}

fn failed(error: tokio_postgres::Error) -> OpenError {
    OpenError::from_failure(error.into())
}
