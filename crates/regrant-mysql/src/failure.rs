//! Failures of a call and their consequences.

use std::error::Error;
use std::io;

use deadpool::managed::PoolError;
use mysql_async::{DriverError, IoError, ServerError};
use regrant::store::StoreError;

/// A failed call. It keeps the number, SQLSTATE and message of a server error. An error of the driver is kept as text
/// or as its cause, because its debug output may have a packet or a row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer within the deadline")]
    Deadline,
    #[error("no connection within the deadline: all are in use, or the server does not answer")]
    NoConnection,
    #[error("the server accepts no writes: it is a replica, or it is read-only")]
    ReadOnly,
    #[error("{message} (error {code}, SQLSTATE {state})")]
    Server { code: u16, state: String, message: String },
    /// The server offers no TLS, or its certificate is not trusted.
    #[error("TLS failed")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// The server asks for an authentication that the driver does not know, or that shows the password.
    #[error("the login failed: {0}")]
    Login(String),
    #[error("the connection failed")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    #[error("the connection pool cannot be used: {0}")]
    Pool(&'static str),
}

/// Consequence of a failure for the write, the session and the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server rolled the statement back in favour of another transaction: not applied; retry.
    Repeat,
    /// This session cannot run the statement: not applied; retry on another session.
    RepeatElsewhere,
    /// The session is lost and the outcome of the statement unknown.
    Lost,
    /// The deadline passed, or the server lacks a resource.
    Busy,
    /// The server will refuse a retry, too.
    Refused,
}

impl Failure {
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Server { code, state, .. } => verdict_of(*code, state),
            Self::ReadOnly => Verdict::RepeatElsewhere,
            Self::Connection(_) => Verdict::Lost,
            Self::Deadline | Self::NoConnection => Verdict::Busy,
            Self::Tls(_) | Self::Login(_) | Self::Pool(_) => Verdict::Refused,
        }
    }

    /// The number of a server error.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Server { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub(crate) fn is_missing_table(&self) -> bool {
        self.code() == Some(1146)
    }
}

/// Classifies an error number (MySQL Server Error Reference; MariaDB Error Codes). No number ever means that a grant is
/// absent.
fn verdict_of(code: u16, state: &str) -> Verdict {
    match code {
        // A deadlock, or a conflict with a write at another node of a Galera cluster: rolled back. The row has changed
        // since it was read, the table since the statement was prepared: not begun.
        1213 | 1020 | 1412 | 1615 => Verdict::Repeat,
        // Writes are refused: `read_only` (1290, with MySQL also `super_read_only`), a read-only transaction (1792),
        // and a read-only InnoDB (1836, 1874). A Galera node that is not in the primary component (1047). A proxy that
        // has lost a prepared statement (1243). A session that the server has closed for its idleness (4031).
        1290 | 1792 | 1836 | 1874 | 1047 | 1243 | 4031 => Verdict::RepeatElsewhere,
        // Shutdown; a killed connection.
        1053 | 1927 => Verdict::Lost,
        // A lock not granted in time; the statement killed, or out of time: rolled back. A failed commit.
        1205 | 1317 | 1969 | 3024 | 1180 => Verdict::Busy,
        // No connections, memory, disk, locks or prepared statements left. A purge frees space, and sessions end.
        1040 | 1203 | 1226 | 1037 | 1038 | 1041 | 1135 | 1021 | 1026 | 1030 | 1114 | 1206 | 1461 | 1637 => {
            Verdict::Busy
        }
        _ => match state.get(..2) {
            Some("08") => Verdict::Lost,
            Some("40") => Verdict::Repeat,
            _ => Verdict::Refused,
        },
    }
}

/// Errors whose messages quote a value of a row: a duplicate entry, an incorrect or truncated value, a value without
/// partition.
const QUOTING: [u16; 7] = [1062, 1292, 1366, 1411, 1525, 1526, 1586];

impl From<ServerError> for Failure {
    fn from(ServerError { code, state, message }: ServerError) -> Self {
        let message = if QUOTING.contains(&code) { "the message quotes a value".to_owned() } else { message };
        Self::Server { code, state, message }
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(error) => error.into(),
            mysql_async::Error::Io(IoError::Tls(error)) => Self::Tls(error.into()),
            mysql_async::Error::Io(IoError::Io(error)) if is_tls(&error) => Self::Tls(error.into()),
            mysql_async::Error::Io(IoError::Io(error)) => Self::Connection(error.into()),
            mysql_async::Error::Driver(error) => match error {
                DriverError::NoClientSslFlagFromServer => Self::Tls(error.to_string().into()),
                DriverError::CleartextPluginDisabled
                | DriverError::MysqlOldPasswordDisabled
                | DriverError::UnknownAuthPlugin { .. } => Self::Login(error.to_string()),
                // The conversation is out of step, so the outcome is unknown.
                error => Self::Connection(error.to_string().into()),
            },
            error => Self::Connection(error.to_string().into()),
        }
    }
}

/// True if a handshake failed because of TLS and not because of the connection.
fn is_tls(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(cause) if cause.is::<rustls::Error>())
}

impl From<PoolError<Self>> for Failure {
    fn from(error: PoolError<Self>) -> Self {
        match error {
            PoolError::Backend(failure) => failure,
            PoolError::Timeout(_) => Self::NoConnection,
            PoolError::Closed => Self::Pool("it is closed"),
            PoolError::NoRuntimeSpecified => Self::Pool("it has timeouts but no runtime"),
            PoolError::PostCreateHook(_) => Self::Pool("its hook refused a new connection"),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.verdict() {
            Verdict::Refused => Self::rejected(failure),
            Verdict::Repeat | Verdict::RepeatElsewhere | Verdict::Lost | Verdict::Busy => Self::unavailable(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: u16, state: &str) -> Failure {
        ServerError { code, state: state.to_owned(), message: "said".to_owned() }.into()
    }

    /// Errors of Galera, MySQL and Aurora that no server of the tests reports.
    #[test]
    fn errors_of_servers_that_cannot_be_started_here_have_their_consequence() {
        for (code, state, expected) in [
            (1047, "08S01", Verdict::RepeatElsewhere),
            (1836, "HY000", Verdict::RepeatElsewhere),
            (3024, "HY000", Verdict::Busy),
            (4031, "HY000", Verdict::RepeatElsewhere),
            (1040, "08004", Verdict::Busy),
            (1158, "08S01", Verdict::Lost),
            (1614, "XA102", Verdict::Refused),
            (1045, "28000", Verdict::Refused),
        ] {
            assert_eq!(failure(code, state).verdict(), expected, "{code}");
        }
    }

    #[test]
    fn a_message_that_quotes_a_value_is_left_out() {
        for code in QUOTING {
            assert!(!failure(code, "23000").to_string().contains("said"), "{code}");
        }
        assert_eq!(failure(1146, "42S02").to_string(), "said (error 1146, SQLSTATE 42S02)");
    }
}
