use std::error::Error;

use crate::failure::Failure;

type Source = Box<dyn Error + Send + Sync>;

/// Reason that a store could not be opened or its table not be created. Never contains a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// An option is invalid.
    #[error("the option `{name}` {why}")]
    #[expect(missing_docs, reason = "the message names them")]
    Option { name: &'static str, why: &'static str },
    /// There was no answer in time, or there are no credentials to ask with. The source tells which.
    #[error("DynamoDB cannot be reached")]
    Unreachable(#[source] Source),
    /// The credentials are wrong or expired, or the clock is.
    #[error("the credentials are not accepted")]
    Refused(#[source] Source),
    /// The credentials lack rights that the store needs.
    #[error("the credentials lack rights on the table {table}: {missing}")]
    MissingPermission {
        /// The name of the table.
        table: String,
        /// The missing actions, as an IAM policy names them.
        missing: String,
    },
    /// There is no such table in this account and region.
    #[error("there is no table {table} in this account and region")]
    MissingTable {
        /// The name of the table.
        table: String,
    },
    /// The table is being created, archived or deleted.
    #[error("the table {table} cannot be used: it is {status}")]
    NotReady {
        /// The name of the table.
        table: String,
        /// The status of the table, as AWS names it.
        status: String,
    },
    /// The primary key of the table is another one.
    #[error("the primary key of the table {table} must be the strings `pk` (partition key) and `sk` (sort key)")]
    OtherKey {
        /// The name of the table.
        table: String,
    },
    /// Nothing would ever be deleted.
    #[error("time to live of the table {table} is not enabled for the attribute `ttl`")]
    NoTimeToLive {
        /// The name of the table.
        table: String,
    },
    /// Another error; the source has the message of the service.
    #[error("DynamoDB refused")]
    Other(#[source] Source),
}

impl OpenError {
    pub(crate) fn from_failure(failure: Failure, table: &str) -> Self {
        if failure.is_missing_table() {
            Self::MissingTable { table: table.to_owned() }
        } else if failure.is_login() {
            Self::Refused(failure.into())
        } else if failure.is_transient() {
            Self::Unreachable(failure.into())
        } else {
            Self::Other(failure.into())
        }
    }
}
