use std::fmt;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Config;

use crate::failure::{Failure, Unanswered};
use crate::open_error::OpenError;
use crate::queries::{ClientQueries, Queries, Query};
use crate::row::{Column, Row};
use crate::runner::Runner;
use crate::session::{Pool, Session};
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
    pub fn from_pool(pool: deadpool_postgres::Pool) -> Self {
        Self::new(Source::Pool(Pool::Deadpool(pool)))
    }

    /// Options for a store that uses a pool of the application, an `sqlx::PgPool` of sqlx 0.9. Its connections must not
    /// be inside a transaction when the pool returns them. The store prepares its 16 statements in the statement cache
    /// of each connection, which must not be smaller (100 by default).
    ///
    /// Unlike the other pools, sqlx sends a ping before and after each use of a connection, which takes time. The first
    /// one can be turned off (`test_before_acquire`); then a call may fail as transient after the server was restarted.
    ///
    /// ```no_run
    /// use regrant_postgres::{OpenError, PostgresStore, PostgresStoreBuilder};
    ///
    /// async fn store(pool: sqlx_postgres::PgPool) -> Result<PostgresStore, OpenError> {
    ///     PostgresStoreBuilder::from_sqlx_pool(pool).open().await
    /// }
    /// ```
    #[cfg(feature = "sqlx")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlx")))]
    #[must_use]
    pub fn from_sqlx_pool(pool: sqlx_postgres::PgPool) -> Self {
        Self::new(Source::Pool(Pool::Sqlx(pool)))
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
            let mut session = connect(&pool).await?;
            check_session(&mut session).await?;
            migration::check(&mut session, &self.table).await?;
            check_tables(&mut session, &self.table, &queries).await?;
            check_pooler(session, &pool, self.deadline / 4).await
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
        let mut session = within(self.deadline, connect(&pool)).await?;
        within(limit, migration::run(&mut session, &self.table)).await
    }

    /// Returns a pool whose statements end after `statement`.
    fn pool(&self, statement: Duration) -> Result<Pool, OpenError> {
        match &self.source {
            Source::Pool(pool) => Ok(pool.clone()),
            Source::Config(config) => {
                let root = self.root_certificate.as_deref();
                connection::pool(config, self.max_connections, self.deadline, statement, root).map(Pool::Deadpool)
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

async fn connect(pool: &Pool) -> Result<Session, OpenError> {
    pool.get().await.map_err(OpenError::from_failure)
}

/// Sessions of the store's own pool always pass; those of an application's pool may not.
async fn check_session(session: &mut Session) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('transaction_read_only'), current_setting('synchronous_commit')";
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    match (value(&rows, 0)?, value(&rows, 1)?) {
        ("on", _) => Err(OpenError::ReadOnly),
        (_, "off") => Err(OpenError::AsynchronousCommit),
        _ => Ok(()),
    }
}

async fn check_tables(session: &mut Session, table: &Table, queries: &Queries) -> Result<(), OpenError> {
    for table in [table.to_string(), table.marks()] {
        check_privileges(session, &table, &["SELECT", "INSERT", "UPDATE", "DELETE"]).await?;
    }
    prepare(session, &queries.all()).await
}

/// Checks what the directory of clients needs. A role that serves no directory needs no privilege on its table.
pub(crate) async fn check_clients(runner: &Runner, table: &Table, queries: &ClientQueries) -> Result<(), OpenError> {
    within(runner.deadline, async {
        let mut session = connect(&runner.pool).await?;
        check_privileges(&mut session, &table.clients(), &["SELECT", "INSERT", "UPDATE"]).await?;
        prepare(&mut session, &queries.all()).await
    })
    .await
}

async fn check_privileges(session: &mut Session, table: &str, needed: &[&str]) -> Result<(), OpenError> {
    let mut missing = Vec::new();
    for right in needed {
        let sql = "SELECT has_table_privilege($1, $2)";
        let rows = session.query(sql, &[table.into(), (*right).into()]).await.map_err(failed)?;
        let is_granted: bool = value(&rows, 0)?;
        if !is_granted {
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
async fn prepare(session: &mut Session, queries: &[&Query]) -> Result<(), OpenError> {
    for query in queries {
        session.prepare(&query.sql).await.map_err(OpenError::from_failure)?;
    }
    Ok(())
}

/// Recognises a pooler that runs the transactions of one connection in several sessions and does not follow its
/// prepared statements. Otherwise calls would fail as soon as two of them meet. A second connection takes the session
/// in which the statement of the first one was prepared, which now needs another session.
///
/// The check is left out where it would need a connection that is not free in time.
async fn check_pooler(mut session: Session, pool: &Pool, limit: Duration) -> Result<(), OpenError> {
    if pool.max_size() < 2 {
        return Ok(());
    }
    let Ok(Ok(other)) = timeout(limit, pool.get()).await else { return Ok(()) };
    // The pool must not get a connection inside a transaction.
    let mut other = Discarded(Some(other));
    let checked = timeout(limit, async {
        session.query(SHARED, &[]).await?;
        if let Some(other) = &mut other.0 {
            other.batch("BEGIN; SELECT 1").await?;
        }
        session.query(SHARED, &[]).await.map(drop).map_err(Failure::from)
    });
    match checked.await {
        Err(_) => {
            session.discard();
            Ok(())
        }
        Ok(answer) => answer.map_err(OpenError::from_failure),
    }
}

/// A session that is closed when it is dropped.
struct Discarded(Option<Session>);

impl Drop for Discarded {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.discard();
        }
    }
}

/// Statement that two sessions are asked to know.
const SHARED: &str = "SELECT 1";

/// Returns a column of the first row.
fn value<'a, T: Column<'a>>(rows: &'a [Row], index: usize) -> Result<T, OpenError> {
    let row = rows.first().ok_or_else(|| OpenError::Other("an answer has no row".into()))?;
    row.get(index).map_err(OpenError::Other)
}

fn failed(unanswered: Unanswered) -> OpenError {
    OpenError::from_failure(unanswered.failure)
}
