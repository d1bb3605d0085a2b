use std::error::Error;

use crate::failure::Failure;

/// Reason that a store could not be opened or its tables not be created. Never contains the URL or the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The connection URL is invalid, names no host or no database, or has an unknown parameter. The parameter is not
    /// named: it may be part of a password.
    #[error("the connection URL is not valid")]
    InvalidUrl,
    /// The connection URL has a parameter of other clients that this store does not have, or not with this value.
    /// Instead of `ssl-ca` use [`root_certificate`](crate::MysqlStoreBuilder::root_certificate).
    #[error("the connection URL has a parameter that is not supported, or not with its value: `{name}`")]
    UnsupportedOption {
        /// Name of the parameter.
        name: &'static str,
    },
    /// A table name is not 1 to 48 lower-case ASCII letters, digits and underscores, or begins with a digit.
    #[error(
        "a table name must be 1 to 48 lower-case ASCII letters, digits and underscores, and not begin with a digit"
    )]
    InvalidName,
    /// The root certificate is not a certificate in PEM.
    #[error("the root certificate is not a certificate in PEM")]
    InvalidRootCertificate,
    /// No server answered within the deadline, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Source),
    /// TLS failed: the server offers none, or its certificate is not trusted. On a trusted network,
    /// `ssl-mode=DISABLED` in the URL turns TLS off.
    #[error(
        "TLS failed: the server offers none (`ssl-mode=DISABLED` turns TLS off), or its certificate is not trusted"
    )]
    Tls(#[source] Source),
    /// The server refused the login: the password is wrong or missing, the database does not exist, or the user may not
    /// use it.
    #[error("the server refused the login")]
    Login(#[source] Source),
    /// The server accepts no writes: it is a replica (`read_only`), or all hosts of the URL are.
    #[error("the server accepts no writes: it is a replica, or it is read-only")]
    ReadOnly,
    /// The server is a node of a Galera cluster that is not in the primary component.
    #[error("the Galera node is not in the primary component of its cluster")]
    NotInPrimaryComponent(#[source] Source),
    /// A setting of the server would lose, cut or refuse records.
    #[error("the server has {name} = {value}: {needed}")]
    Setting {
        /// Name of the server variable.
        name: &'static str,
        /// Value of the server.
        value: String,
        /// The values that the store needs, and the reason.
        needed: &'static str,
    },
    /// The table is of another storage engine than InnoDB: a crash could lose acknowledged writes.
    #[error("the table {table} has the engine {engine}: it must be InnoDB")]
    Engine {
        /// Quoted name of the table.
        table: String,
        /// Engine of the table.
        engine: String,
    },
    /// The table has no primary key or another one: two records with one key could be stored.
    #[error("the table {table} has no primary key ({key})")]
    MissingKey {
        /// Quoted name of the table.
        table: String,
        /// Columns of the key.
        key: &'static str,
    },
    /// The user lacks a privilege.
    #[error("a permission is missing: {missing}")]
    MissingPermission {
        /// Message of the server, which names the privilege and the table.
        missing: String,
    },
    /// The table does not exist: [`migrate`](crate::MysqlStoreBuilder::migrate) was not run.
    #[error("the table {table} is missing, or was not created by a migration")]
    MissingTable {
        /// Quoted name of the table.
        table: String,
    },
    /// An older release created the table: [`migrate`](crate::MysqlStoreBuilder::migrate) was not run.
    #[error("the table has schema version {found}, this release needs {known}: migrate first")]
    OlderSchema {
        /// Schema version of the table.
        found: i64,
        /// Schema version of this release.
        known: i64,
    },
    /// A newer release created the table. It may store data that this release would destroy.
    #[error(
        "the table has schema version {found}, this release knows {known}: the release is too old for this database"
    )]
    NewerSchema {
        /// Schema version of the table.
        found: i64,
        /// Schema version of this release.
        known: i64,
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
            Failure::Server { code, message, state } => match code {
                1290 | 1792 | 1836 | 1874 => Self::ReadOnly,
                1047 => Self::NotInPrimaryComponent(failure.into()),
                1142 | 1143 | 1227 => Self::MissingPermission { missing: message.clone() },
                // No right on the database, an unknown database, an unknown authentication plugin, a host that may not
                // connect, a password that has expired, a locked account.
                1044 | 1049 | 1129 | 1130 | 1251 | 1524 | 1820 | 1862 | 3118 | 4151 => Self::Login(failure.into()),
                1040 | 1053 | 1203 => Self::Unreachable(failure.into()),
                _ => match state.get(..2) {
                    Some("28") => Self::Login(failure.into()),
                    Some("08") => Self::Unreachable(failure.into()),
                    _ => Self::Other(failure.into()),
                },
            },
        }
    }
}
