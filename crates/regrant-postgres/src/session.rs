//! Sessions of a pool, whichever driver it has.

use std::time::Duration;

use deadpool_postgres::{Client, Object};
#[cfg(feature = "sqlx")]
use sqlx_core::{
    connection::Connection as _, executor::Executor as _, pool::PoolConnection, query::query, raw_sql::raw_sql,
    sql_str::AssertSqlSafe, sql_str::SqlSafeStr as _,
};
#[cfg(feature = "sqlx")]
use sqlx_postgres::{PgPool, Postgres};
use tokio_postgres::types::ToSql;

use crate::failure::{Failure, Unanswered};
use crate::param::Param;
use crate::row::Row;

/// A pool of connections: that of the store, or one of the application.
#[derive(Clone)]
pub(crate) enum Pool {
    Deadpool(deadpool_postgres::Pool),
    #[cfg(feature = "sqlx")]
    Sqlx(PgPool),
}

/// A connection of a pool. It returns to the pool when it is dropped.
pub(crate) enum Session {
    Deadpool(Client),
    #[cfg(feature = "sqlx")]
    Sqlx(PoolConnection<Postgres>),
}

impl Pool {
    pub(crate) async fn get(&self) -> Result<Session, Failure> {
        match self {
            Self::Deadpool(pool) => Ok(Session::Deadpool(pool.get().await?)),
            #[cfg(feature = "sqlx")]
            Self::Sqlx(pool) => Ok(Session::Sqlx(pool.acquire().await?)),
        }
    }

    /// Most connections at a time.
    pub(crate) fn max_size(&self) -> usize {
        match self {
            Self::Deadpool(pool) => pool.status().max_size,
            #[cfg(feature = "sqlx")]
            Self::Sqlx(pool) => usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX),
        }
    }
}

impl Session {
    /// Runs a query and returns its rows. The statement is prepared once in each session.
    pub(crate) async fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Unanswered> {
        match self {
            Self::Deadpool(client) => {
                let prepared = client.prepare_cached(sql).await.map_err(Unanswered::not_sent)?;
                let rows = client.query(&prepared, &dynamic(params)).await.map_err(Unanswered::sent)?;
                Ok(rows.into_iter().map(Row::Tokio).collect())
            }
            #[cfg(feature = "sqlx")]
            Self::Sqlx(connection) => {
                let rows = bound(sql, params).fetch_all(&mut **connection).await.map_err(Unanswered::sent)?;
                Ok(rows.into_iter().map(Row::Sqlx).collect())
            }
        }
    }

    /// Runs a write and returns the number of changed rows.
    pub(crate) async fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, Unanswered> {
        match self {
            Self::Deadpool(client) => {
                let prepared = client.prepare_cached(sql).await.map_err(Unanswered::not_sent)?;
                client.execute(&prepared, &dynamic(params)).await.map_err(Unanswered::sent)
            }
            #[cfg(feature = "sqlx")]
            Self::Sqlx(connection) => {
                let done = bound(sql, params).execute(&mut **connection).await.map_err(Unanswered::sent)?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Prepares a statement, which looks up its tables and columns.
    pub(crate) async fn prepare(&mut self, sql: &str) -> Result<(), Failure> {
        match self {
            Self::Deadpool(client) => drop(client.prepare_cached(sql).await?),
            #[cfg(feature = "sqlx")]
            Self::Sqlx(connection) => drop(connection.prepare(AssertSqlSafe(sql).into_sql_str()).await?),
        }
        Ok(())
    }

    /// Runs statements without parameters, as one message and not prepared.
    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), Failure> {
        match self {
            Self::Deadpool(client) => client.batch_execute(sql).await.map_err(Failure::from),
            #[cfg(feature = "sqlx")]
            Self::Sqlx(connection) => {
                let done = raw_sql(AssertSqlSafe(sql)).execute(&mut **connection).await;
                done.map(|_| ()).map_err(Failure::from)
            }
        }
    }

    /// True as soon as the server has replied to everything sent so far.
    pub(crate) async fn is_settled(&mut self) -> bool {
        match self {
            Self::Deadpool(client) => client.check_connection().await.is_ok(),
            #[cfg(feature = "sqlx")]
            Self::Sqlx(connection) => connection.ping().await.is_ok(),
        }
    }

    /// Closes the connection; the pool opens another one when it needs one.
    pub(crate) fn discard(self) {
        match self {
            Self::Deadpool(client) => drop(Object::take(client)),
            #[cfg(feature = "sqlx")]
            Self::Sqlx(connection) => drop(connection.detach()),
        }
    }

    /// Closes the connection of a server that was silent, and idle connections that were last used longer than `age`
    /// ago: they may be dead, too, and each would cost its next user a deadline. Connecting again takes a few
    /// milliseconds. (A pool of sqlx tests each idle connection before it is used.)
    pub(crate) fn discard_with_idle(self, age: Duration) {
        if let Self::Deadpool(client) = &self
            && let Some(pool) = Object::pool(client)
        {
            pool.retain(|_, metrics| metrics.last_used() < age);
        }
        self.discard();
    }
}

fn dynamic<'a>(params: &'a [Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

/// A statement with its parameters. The text is one of the store, and has no value of a client in it.
#[cfg(feature = "sqlx")]
fn bound<'a>(sql: &str, params: &[Param<'_>]) -> sqlx_core::query::Query<'a, Postgres, sqlx_postgres::PgArguments> {
    params.iter().fold(query(AssertSqlSafe(sql)), |query, param| match *param {
        Param::Bytes(bytes) | Param::Payload(bytes) => query.bind(bytes),
        Param::Text(text) => query.bind(text),
        Param::Int(number) => query.bind(number),
    })
}
