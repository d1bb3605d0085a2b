use std::error::Error;

use crate::failure::Failure;

/// Why a store could not be opened, or its table not be made. It never holds the URL or the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The connection URL cannot be read, or has a parameter that is not known. Not which: it may be a piece of a password.
    #[error("the connection URL is not valid")]
    InvalidUrl,
    /// The connection URL has an option of libpq that the driver does not take, or not with this value. For
    /// `sslrootcert` there is [`root_certificate`](crate::PostgresStoreBuilder::root_certificate).
    #[error("the connection URL has an option that is not supported, or not with its value: `{name}`")]
    UnsupportedOption {
        /// The name of the option.
        name: &'static str,
    },
    /// The name of a table or schema is not 1 to 48 ASCII letters, digits and underscores, no digit first.
    #[error("a table or schema name must be 1 to 48 ASCII letters, digits and underscores, no digit first")]
    InvalidName,
    /// The root certificate is not PEM, or is none.
    #[error("the root certificate is not a certificate in PEM")]
    InvalidRootCertificate,
    /// No server answered within the deadline, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Source),
    /// There is no TLS with this server: it offers none, or its certificate is not trusted. On a network that is
    /// trusted instead, say `sslmode=disable` in the URL.
    #[error("TLS failed: the server offers none (`sslmode=disable` does without), or its certificate is not trusted")]
    Tls(#[source] Source),
    /// The server did not let this user in: a wrong password, or none, or a role that may not log in.
    #[error("the server refused the login")]
    Login(#[source] Source),
    /// A pooler in between gives each transaction another session, and does not follow prepared statements: PgBouncer
    /// before 1.21, or with `max_prepared_statements = 0`, in transaction mode.
    #[error("a pooler in between does not follow prepared statements")]
    Pooler(#[source] Source),
    /// The server takes no writes: it is a replica, or the role or database is set to read-only.
    #[error("the server takes no writes: it is a replica, or the session is read-only")]
    ReadOnly,
    /// The sessions of the application's pool have `synchronous_commit = off`: what was acknowledged could be lost in a
    /// crash.
    #[error("synchronous_commit is off: what was acknowledged could be lost in a crash")]
    AsynchronousCommit,
    /// The role lacks a right.
    #[error("a permission is missing: {missing}")]
    MissingPermission {
        /// What is missing, on what.
        missing: String,
    },
    /// There is no table: [`migrate`](crate::PostgresStoreBuilder::migrate) was not run.
    #[error("the table {table} is missing, or was not made by a migration")]
    MissingTable {
        /// Its name, quoted.
        table: String,
    },
    /// The table was made by an older release: [`migrate`](crate::PostgresStoreBuilder::migrate) was not run.
    #[error("the table has schema version {found}, this release needs {known}: migrate first")]
    OlderSchema {
        /// The version of the table.
        found: i32,
        /// The version this release works with.
        known: i32,
    },
    /// The table was made by a newer release, which may keep what this one would destroy.
    #[error("the table has schema version {found}, this release knows {known}: it is too old for this database")]
    NewerSchema {
        /// The version of the table.
        found: i32,
        /// The version this release works with.
        known: i32,
    },
    /// Something else; the source says what.
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

    /// Errors that PgBouncer 1.18 in transaction mode leads to, sooner or later.
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
