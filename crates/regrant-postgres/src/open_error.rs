use std::error::Error;

use crate::failure::Failure;

/// Reason that a store could not be opened or its tables not be created. Never contains the URL or the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The connection URL is invalid.
    #[error("the connection URL is not valid")]
    InvalidUrl,
    /// The connection URL has a parameter that is not supported, or not with this value.
    #[error("the connection URL has a parameter that is not supported, or not with its value: `{name}`")]
    UnsupportedOption {
        /// Name of the parameter.
        name: String,
    },
    /// A table or schema name is not 1 to 48 ASCII letters, digits and underscores, or begins with a digit.
    #[error("a table or schema name must be 1 to 48 ASCII letters, digits and underscores, and not begin with a digit")]
    InvalidName,
    /// The root certificate is not a certificate in PEM.
    #[error("the root certificate is not a certificate in PEM")]
    InvalidRootCertificate,
    /// The file of `sslrootcert` cannot be read.
    #[error("the file of the root certificate cannot be read")]
    UnreadableRootCertificate(#[source] std::io::Error),
    /// No server answered within the deadline, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Source),
    /// TLS failed: the server offers none, or its certificate is not trusted. On a trusted network, `sslmode=disable`
    /// in the URL turns TLS off.
    #[error("TLS failed: the server offers none (`sslmode=disable` turns TLS off), or its certificate is not trusted")]
    Tls(#[source] Source),
    /// The server refused the login: the password is wrong or missing, or the role may not log in.
    #[error("the server refused the login")]
    Login(#[source] Source),
    /// A pooler runs each transaction on another session and does not track prepared statements: PgBouncer before 1.21,
    /// or with `max_prepared_statements = 0`, in transaction mode.
    #[error("a pooler in between does not track prepared statements")]
    Pooler(#[source] Source),
    /// The server accepts no writes: it is a replica, or the role or database is read-only.
    #[error("the server accepts no writes: it is a replica, or the session is read-only")]
    ReadOnly,
    /// Sessions of the application's pool have `synchronous_commit = off`: a crash could lose acknowledged writes.
    #[error("synchronous_commit is off: a crash could lose acknowledged writes")]
    AsynchronousCommit,
    /// The role lacks a privilege.
    #[error("a permission is missing: {missing}")]
    MissingPermission {
        /// Missing privileges and the table that they are missing on.
        missing: String,
    },
    /// The table does not exist: [`migrate`](crate::PostgresStoreBuilder::migrate) was not run.
    #[error("the table {table} is missing, or was not created by a migration")]
    MissingTable {
        /// Quoted name of the table.
        table: String,
    },
    /// An older release created the table: [`migrate`](crate::PostgresStoreBuilder::migrate) was not run.
    #[error("the table has schema version {found}, this release needs {known}: migrate first")]
    OlderSchema {
        /// Schema version of the table.
        found: i32,
        /// Schema version of this release.
        known: i32,
    },
    /// A newer release created the table. It may store data that this release would destroy.
    #[error(
        "the table has schema version {found}, this release knows {known}: the release is too old for this database"
    )]
    NewerSchema {
        /// Schema version of the table.
        found: i32,
        /// Schema version of this release.
        known: i32,
    },
    /// Another error; the source has the message of the server.
    #[error("the database refused")]
    Other(#[source] Source),
}

type Source = Box<dyn Error + Send + Sync>;

impl OpenError {
    pub(crate) fn from_failure(failure: Failure) -> Self {
        match &failure {
            Failure::ReadOnly => Self::ReadOnly,
            Failure::Tls(_) => Self::Tls(failure.into()),
            Failure::Login(_) => Self::Login(failure.into()),
            Failure::Connection(_) | Failure::Deadline | Failure::NoConnection => Self::Unreachable(failure.into()),
            Failure::Pool(_) => Self::Other(failure.into()),
            Failure::Server { code, message } => match (code.as_str(), code.get(..2)) {
                ("26000" | "42P05", _) => Self::Pooler(failure.into()),
                ("42501", _) => Self::MissingPermission { missing: message.clone() },
                (_, Some("28")) => Self::Login(failure.into()),
                (_, Some("08" | "57")) => Self::Unreachable(failure.into()),
                _ => Self::Other(failure.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors that PgBouncer 1.18 in transaction mode causes sooner or later.
    #[test]
    fn a_pooler_that_loses_prepared_statements_is_named() {
        for (code, message) in [
            ("26000", "prepared statement \"s22\" does not exist"),
            ("42P05", "prepared statement \"s22\" already exists"),
        ] {
            let failure = Failure::Server { code: code.to_owned(), message: message.to_owned() };
            let error = OpenError::from_failure(failure);
            assert!(matches!(error, OpenError::Pooler(_)), "{error:?}");
        }
    }
}
