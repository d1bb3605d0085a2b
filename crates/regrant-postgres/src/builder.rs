use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use tokio::time::timeout;
use tokio_postgres::Config;

use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::queries::{ClientQueries, Queries, Query};
use crate::runner::Runner;
use crate::store::PostgresStore;
use crate::table::Table;
use crate::{connection, migration, url};

/// Longest time of a migration.
const MIGRATION: Duration = Duration::from_secs(60);

/// Options of a [`PostgresStore`]: opens the store and creates its tables.
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
    /// Opens the store at a connection URL, with the default options of a [`builder`](Self::builder).
    ///
    /// # Errors
    /// Same as [`PostgresStoreBuilder::open`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::builder(url)?.open().await
    }

    /// Options for the store at a connection URL, in the form that [`tokio_postgres::Config`] describes. The URL may
    /// name several hosts; the store uses the one that accepts writes.
    ///
    /// A URL with a password and a remote host implies `sslmode=require` unless it names a mode. Under `prefer`, the
    /// default of libpq, an attacker on the path only has to claim that the server has no TLS to receive the password.
    /// `verify-full` and `verify-ca` mean the same as `require`, because the certificate and its name are always
    /// verified. `sslrootcert` names a file, which is read now, or is `system`; see
    /// [`root_certificate`](PostgresStoreBuilder::root_certificate).
    ///
    /// # Errors
    /// [`OpenError::InvalidUrl`] for an invalid URL or one without a host, [`OpenError::UnsupportedOption`], and
    /// [`OpenError::UnreadableRootCertificate`].
    pub fn builder(url: impl AsRef<str>) -> Result<PostgresStoreBuilder, OpenError> {
        PostgresStoreBuilder::from_url(url.as_ref())
    }
}

impl PostgresStoreBuilder {
    fn from_url(url: &str) -> Result<Self, OpenError> {
        let (config, root_certificate) = url::parse(url)?;
        Ok(Self { root_certificate, ..Self::from_config(config) })
    }

    /// Options for the store at this configuration. It is used as it is, including `ssl_mode`, which is `Prefer` unless
    /// set. The store sets `target_session_attrs`. It sets `connect_timeout`, `tcp_user_timeout` and keepalives unless
    /// they are set.
    #[must_use]
    pub fn from_config(config: Config) -> Self {
        Self::new(Source::Config(Box::new(config)))
    }

    /// Options for a store that uses a pool of the application. Its connections must not be inside a transaction when
    /// the pool returns them.
    #[must_use]
    pub fn from_pool(pool: Pool) -> Self {
        Self::new(Source::Pool(pool))
    }

    fn new(source: Source) -> Self {
        let deadline = Duration::from_secs(2);
        Self { source, table: Table::default(), deadline, max_connections: 16, root_certificate: None }
    }

    /// Table of the grants. Default: `public.regrant_grants`.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.table = table;
        self
    }

    /// Longest time of a call: the wait for a connection, connecting, and all statements with their repetitions.
    /// Default: 2 seconds. A purge that misses the deadline is an error too, and the rows that it deleted stay deleted:
    /// purge some thousand rows at a time.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Most connections in the pool of the store; at least 1. Default: 16. A pool of the application has its own size.
    #[must_use]
    pub const fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Trusts only server certificates signed by one of these, in PEM. By default the roots of the system are trusted.
    /// A pool of the application has its own TLS settings.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Opens the store: connects and checks that everything it needs exists.
    ///
    /// # Errors
    /// Anything that would make every call fail, with its cause.
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
        Ok(PostgresStore::new(Runner { pool, deadline: self.deadline }, queries, self.table.clone()))
    }

    /// Creates the tables or updates them to this release. Needs a role that may create tables in the schema; needs no
    /// right if there is nothing to do. May run on several nodes at once. An index on a large table takes time:
    /// connecting must finish within the deadline, the rest within a minute (or the deadline, if that is longer).
    ///
    /// # Errors
    /// Same as [`open`](Self::open).
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let limit = self.deadline.max(MIGRATION);
        let pool = self.pool(limit)?;
        let client = within(self.deadline, connect(&pool)).await?;
        within(limit, migration::run(&client, &self.table)).await
    }

    /// Returns a pool whose statements end after `statement`.
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
    /// Omits the source, which holds a password.
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

/// Sessions of the store's own pool always pass; those of an application's pool may not.
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
        check_privileges(client, &table, &["SELECT", "INSERT", "UPDATE", "DELETE"]).await?;
    }
    prepare(client, &queries.all()).await
}

/// Checks what the directory of clients needs. A role that serves no directory needs no privilege on its table.
pub(crate) async fn check_clients(runner: &Runner, table: &Table, queries: &ClientQueries) -> Result<(), OpenError> {
    within(runner.deadline, async {
        let client = connect(&runner.pool).await?;
        check_privileges(&client, &table.clients(), &["SELECT", "INSERT", "UPDATE"]).await?;
        prepare(&client, &queries.all()).await
    })
    .await
}

async fn check_privileges(client: &Client, table: &str, needed: &[&str]) -> Result<(), OpenError> {
    let mut missing = Vec::new();
    for right in needed {
        let row = client.query_one("SELECT has_table_privilege($1, $2)", &[&table, right]).await;
        if !row.and_then(|row| row.try_get(0)).map_err(failed)? {
            missing.push(*right);
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(OpenError::MissingPermission { missing: format!("{} on {table}", missing.join(", ")) })
    }
}

/// Prepares the statements, which looks up every column.
async fn prepare(client: &Client, queries: &[&Query]) -> Result<(), OpenError> {
    for query in queries {
        client.prepare_cached(&query.sql).await.map_err(failed)?;
    }
    Ok(())
}

fn failed(error: tokio_postgres::Error) -> OpenError {
    OpenError::from_failure(error.into())
}
