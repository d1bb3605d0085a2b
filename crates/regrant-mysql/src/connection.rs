//! Connections of the store and their pool.

use std::time::Duration;

use deadpool::managed::{self, Metrics, QueueMode, RecycleError, RecycleResult};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row, ServerError};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::open_error::OpenError;
use crate::queries::READ_ONLY;

pub(crate) type Pool = managed::Pool<Manager>;
pub(crate) type Session = managed::Object<Manager>;

/// A connection that was idle for longer is asked for a sign of life before it is used. Under load none is.
const IDLE: Duration = Duration::from_secs(1);

/// A packet for the largest record, with space to spare. The driver would ask each new connection for the server's own
/// limit, which [`open`](crate::MysqlStoreBuilder::open) has checked.
const PACKET: usize = 16 << 20;

/// Creates a pool of at most `size` connections, opened on demand, whose statements end after `statement`.
pub(crate) fn pool(hosts: &[Opts], size: usize, deadline: Duration, statement: Duration) -> Result<Pool, OpenError> {
    let manager = Manager {
        hosts: hosts.iter().map(tuned).collect(),
        // If the first of two hosts is silent, the second still gets its turn within the deadline.
        share: deadline / u32::try_from(hosts.len().max(1)).unwrap_or(u32::MAX),
        settings: settings(statement),
    };
    Pool::builder(manager)
        .max_size(size.max(1))
        // The thread of the last used connection still has warm caches.
        .queue_mode(QueueMode::Lifo)
        .build()
        .map_err(|error| OpenError::Other(error.into()))
}

/// Sets the options that the store relies on.
fn tuned(opts: &Opts) -> Opts {
    let keepalive = opts.tcp_keepalive().unwrap_or(Duration::from_secs(10));
    OptsBuilder::from_opts(opts.clone())
        // An update reports the rows that its condition has found.
        .client_found_rows(true)
        // The path of the server's socket leads nowhere if there is a proxy or a container in between.
        .prefer_socket(false)
        .max_allowed_packet(Some(PACKET))
        .wait_timeout(Some(0))
        .stmt_cache_size(64)
        .tcp_keepalive(Some(keepalive))
        .into()
}

/// Settings of a session. Bytes stay as they are, and too long ones are refused. A statement that no caller waits for
/// ends, and soon releases its locks: MariaDB ends every statement in time, MySQL reads and waits for locks. Each
/// statement reads committed rows and locks no gaps between them, in a transaction of its own.
fn settings(statement: Duration) -> [String; 2] {
    // Zero would mean no limit.
    let (whole, millis) = (statement.as_secs().max(1), statement.as_millis().max(1));
    let seconds = statement.as_secs_f64().max(0.001);
    // Each server runs only its own comment.
    let timeouts =
        format!("/*M!100101 , max_statement_time = {seconds:.3} */ /*!50708 , max_execution_time = {millis} */");
    [
        format!(
            "SET NAMES binary, autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
             innodb_lock_wait_timeout = {whole} {timeouts}"
        ),
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
    ]
}

/// A node of a Galera cluster answers a read or a conditional write only when it has applied what the other nodes have
/// acknowledged. Otherwise a refresh at one node would look like a replay at the next.
const CAUSAL: &str = "SET SESSION wsrep_sync_wait = 3";

/// The server knows no such variable: it was built without Galera.
const UNKNOWN_VARIABLE: u16 = 1193;

/// Connects to the first host that accepts writes.
pub(crate) struct Manager {
    hosts: Vec<Opts>,
    /// Longest time for one host.
    share: Duration,
    settings: [String; 2],
}

impl Manager {
    async fn connect(&self, opts: &Opts) -> Result<Conn, Failure> {
        let mut conn = Conn::new(opts.clone()).await?;
        for setting in &self.settings {
            conn.query_drop(setting).await?;
        }
        match conn.query_drop(CAUSAL).await {
            Ok(()) | Err(mysql_async::Error::Server(ServerError { code: UNKNOWN_VARIABLE, .. })) => {}
            Err(error) => return Err(error.into()),
        }
        let found: Option<Row> = conn.query_first(format!("SELECT {READ_ONLY}")).await?;
        match found.and_then(|row| row.get_opt::<i64, _>(0)) {
            Some(Ok(0)) => Ok(conn),
            _ => Err(Failure::ReadOnly),
        }
    }
}

impl managed::Manager for Manager {
    type Type = Conn;
    type Error = Failure;

    async fn create(&self) -> Result<Conn, Failure> {
        let mut last = Failure::NoConnection;
        for opts in &self.hosts {
            match timeout(self.share, self.connect(opts)).await {
                Ok(Ok(conn)) => return Ok(conn),
                Ok(Err(failure)) => last = failure,
                Err(_) => last = Failure::NoConnection,
            }
        }
        Err(last)
    }

    async fn recycle(&self, conn: &mut Conn, metrics: &Metrics) -> RecycleResult<Failure> {
        if conn.is_disconnected() {
            return Err(RecycleError::message("it is closed"));
        }
        if metrics.last_used() > IDLE {
            conn.ping().await.map_err(|error| RecycleError::Backend(error.into()))?;
        }
        Ok(())
    }
}
