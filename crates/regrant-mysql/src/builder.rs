use std::fmt;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row};
use tokio::time::timeout;

use crate::connection::{self, Pool, Session};
use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::queries::{ClientQueries, Queries, Query};
use crate::runner::Runner;
use crate::store::MysqlStore;
use crate::table::Table;
use crate::url::Servers;
use crate::{migration, row, tls, url};

/// Longest time of a migration.
const MIGRATION: Duration = Duration::from_secs(60);

/// Smallest `max_allowed_packet` of the server.
const SMALLEST_PACKET: usize = 1 << 20;

/// Largest payload: it fits into the smallest packet with the other values of its row.
pub(crate) const LARGEST_PAYLOAD: usize = SMALLEST_PACKET - (64 << 10);

/// Options of a [`MysqlStore`]: opens the store and creates its tables.
///
/// ```no_run
/// use std::time::Duration;
///
/// use regrant_mysql::{MysqlStore, Table};
///
/// # async fn example() -> Result<(), regrant_mysql::OpenError> {
/// let builder = MysqlStore::builder("mysql://app:secret@db.example/auth")?
///     .table(Table::new("auth_grants")?)
///     .max_connections(32)
///     .deadline(Duration::from_secs(1));
/// builder.migrate().await?;
/// let store = builder.open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MysqlStoreBuilder {
    hosts: Vec<Opts>,
    tls: bool,
    table: Table,
    deadline: Duration,
    max_connections: usize,
    relaxed_durability: bool,
    root_certificate: Option<Vec<u8>>,
}

impl MysqlStore {
    /// Opens the store at a connection URL, with the default options of a [`builder`](Self::builder).
    ///
    /// # Errors
    /// Same as [`MysqlStoreBuilder::open`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::builder(url)?.open().await
    }

    /// Options for the store at a connection URL: `mysql://user:password@host:port/database`, or `mariadb://`. The URL
    /// may name several hosts, separated by commas; the store uses the first one that accepts writes. User, password
    /// and database are percent-encoded.
    ///
    /// | parameter | value |
    /// |---|---|
    /// | `ssl-mode` | `DISABLED`, the default if all hosts are on this machine; or `REQUIRED`, otherwise the default |
    /// | `socket` | path of a Unix socket, instead of the hosts |
    ///
    /// `VERIFY_CA` and `VERIFY_IDENTITY` mean the same as `REQUIRED`, because the certificate and its name are always
    /// verified.
    ///
    /// # Errors
    /// [`OpenError::InvalidUrl`] for an invalid URL or one without a host or database, and
    /// [`OpenError::UnsupportedOption`].
    pub fn builder(url: impl AsRef<str>) -> Result<MysqlStoreBuilder, OpenError> {
        let Servers { hosts, tls } = url::parse(url.as_ref())?;
        Ok(MysqlStoreBuilder { tls, ..MysqlStoreBuilder::new(hosts) })
    }
}

impl MysqlStoreBuilder {
    /// Options for the store at this server. The options of the driver are used as they are, including those for TLS,
    /// which is off unless set. The store sets those that its statements rely on, and has its own pool.
    #[must_use]
    pub fn from_opts(opts: impl Into<Opts>) -> Self {
        Self::new(vec![opts.into()])
    }

    fn new(hosts: Vec<Opts>) -> Self {
        Self {
            hosts,
            tls: false,
            table: Table::default(),
            deadline: Duration::from_secs(2),
            max_connections: 16,
            relaxed_durability: false,
            root_certificate: None,
        }
    }

    /// Table of the grants. Default: `regrant_grants`.
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

    /// Most connections in the pool of the store; at least 1. Default: 16.
    #[must_use]
    pub const fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Accepts a server with `innodb_flush_log_at_trx_commit = 0` or `2`, which acknowledges writes before they are on
    /// disk: a crash of the machine, and with 0 of the server, loses those of the last second. Default: false. A Galera
    /// cluster has them on its other nodes.
    #[must_use]
    pub const fn relaxed_durability(mut self, relaxed_durability: bool) -> Self {
        self.relaxed_durability = relaxed_durability;
        self
    }

    /// Trusts only server certificates signed by one of these, in PEM. By default the roots of the system are trusted.
    /// Without effect unless the URL asks for TLS.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Opens the store: connects and checks that everything it needs exists.
    ///
    /// # Errors
    /// Anything that would make every call fail, with its cause.
    pub async fn open(&self) -> Result<MysqlStore, OpenError> {
        let pool = self.pool(self.deadline)?;
        let queries = Queries::of(&self.table);
        within(self.deadline, async {
            let mut session = connect(&pool).await?;
            check_settings(&mut session, self.relaxed_durability).await?;
            migration::check(&mut session, &self.table).await?;
            prepare(&mut session, &queries.all()).await?;
            check_table(&mut session, &self.table.to_string(), "realm, id").await?;
            check_table(&mut session, &self.table.marks(), "id").await
        })
        .await?;
        Ok(MysqlStore::new(Runner { pool, deadline: self.deadline }, queries, self.table.clone()))
    }

    /// Creates the tables or updates them to this release. Needs a user that may create tables in the database; needs
    /// no right if there is nothing to do. May run on several nodes at once. Connecting must finish within the
    /// deadline, the rest within a minute (or the deadline, if that is longer).
    ///
    /// # Errors
    /// Same as [`open`](Self::open).
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let limit = self.deadline.max(MIGRATION);
        let pool = self.pool(limit)?;
        let mut session = within(self.deadline, connect(&pool)).await?;
        within(limit, migration::run(&mut session, &self.table, limit)).await
    }

    /// Returns a pool whose statements end after `statement`.
    fn pool(&self, statement: Duration) -> Result<Pool, OpenError> {
        if self.hosts.iter().any(|opts| opts.ssl_opts().is_some()) {
            tls::choose_cryptography();
        }
        if !self.tls {
            return connection::pool(&self.hosts, self.max_connections, self.deadline, statement);
        }
        let settings = tls::settings(self.root_certificate.as_deref())?;
        let secure = |opts: &Opts| OptsBuilder::from_opts(opts.clone()).ssl_opts(settings.clone()).into();
        let hosts: Vec<Opts> = self.hosts.iter().map(secure).collect();
        connection::pool(&hosts, self.max_connections, self.deadline, statement)
    }
}

impl fmt::Debug for MysqlStoreBuilder {
    /// Omits the hosts, which hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStoreBuilder")
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
    pool.get().await.map_err(|error| OpenError::from_failure(error.into()))
}

/// Checks the variables of the server that decide whether records are kept as they are. A proxy in between may not keep
/// what a session has set.
async fn check_settings(conn: &mut Conn, relaxed_durability: bool) -> Result<(), OpenError> {
    let sql = "SHOW VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'max_allowed_packet', \
               'sql_mode', 'log_bin', 'binlog_format')";
    let rows: Vec<Row> = conn.query(sql).await.map_err(failed)?;
    let found = |name: &str| {
        let is_it = |row: &&Row| matches!(row::text(row, 0), Ok(Some(found)) if found == name);
        rows.iter().find(is_it).and_then(|row| row::text(row, 1).ok().flatten()).unwrap_or_default()
    };
    let refuse = |name: &'static str, needed| Err(OpenError::Setting { name, value: found(name).to_owned(), needed });
    if found("max_allowed_packet").parse().is_ok_and(|bytes: usize| bytes < SMALLEST_PACKET) {
        return refuse("max_allowed_packet", "a record needs 1 MiB");
    }
    if !found("sql_mode").contains("STRICT_ALL_TABLES") {
        return refuse("sql_mode", "the session has set STRICT_ALL_TABLES, and lost it: a value could be cut");
    }
    if !relaxed_durability && !matches!(found("innodb_flush_log_at_trx_commit"), "1" | "3") {
        return refuse("innodb_flush_log_at_trx_commit", "only with 1 an acknowledged write survives a crash");
    }
    if found("log_bin") == "ON" && found("binlog_format") == "STATEMENT" {
        return refuse("binlog_format", "a replica needs the changed rows: ROW or MIXED");
    }
    Ok(())
}

/// Checks that a crash does not take rows of the table, and that one key has one row.
async fn check_table(conn: &mut Conn, table: &str, key: &'static str) -> Result<(), OpenError> {
    let name = table.trim_matches('`');
    let sql = "SELECT engine, (SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', ') \
               FROM information_schema.statistics keys_ WHERE keys_.table_schema = DATABASE() \
               AND keys_.table_name = ? AND keys_.index_name = 'PRIMARY') \
               FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?";
    let found: Option<Row> = conn.exec_first(sql, (name, name)).await.map_err(failed)?;
    let found = found.ok_or_else(|| OpenError::MissingTable { table: table.to_owned() })?;
    let text = |column| row::text(&found, column).map_err(|error| OpenError::Other(error.into()));
    let (engine, columns) = (text(0)?.unwrap_or_default(), text(1)?.unwrap_or_default());
    if !engine.eq_ignore_ascii_case("InnoDB") {
        return Err(OpenError::Engine { table: table.to_owned(), engine: engine.to_owned() });
    }
    if columns == key { Ok(()) } else { Err(OpenError::MissingKey { table: table.to_owned(), key }) }
}

/// Checks what the directory of clients needs. A user that serves no directory needs no privilege on its table.
pub(crate) async fn check_clients(runner: &Runner, table: &Table, queries: &ClientQueries) -> Result<(), OpenError> {
    within(runner.deadline, async {
        let mut session = connect(&runner.pool).await?;
        prepare(&mut session, &queries.all()).await?;
        check_table(&mut session, &table.clients(), "realm, client_id").await
    })
    .await
}

/// Prepares the statements, which looks up every column and privilege.
async fn prepare(conn: &mut Conn, queries: &[&Query]) -> Result<(), OpenError> {
    for query in queries {
        conn.prep(query.sql.as_str()).await.map_err(failed)?;
    }
    Ok(())
}

fn failed(error: mysql_async::Error) -> OpenError {
    OpenError::from_failure(error.into())
}
