//! Failures of a call and their consequences.

use std::error::Error;
use std::io;

use deadpool_postgres::{HookError, PoolError};
use regrant::store::StoreError;

/// A failed call. It keeps only the code and message of a server error: the detail may quote a row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer within the deadline")]
    Deadline,
    #[error("no connection within the deadline: all are in use, or the server does not answer")]
    NoConnection,
    #[error("the server accepts no writes: it is a replica, or the session is read-only")]
    ReadOnly,
    #[error("{message} (SQLSTATE {code})")]
    Server { code: String, message: String },
    /// The server offers no TLS, or its certificate is not trusted.
    #[error("TLS failed")]
    Tls(#[source] Source),
    /// No password is configured, or the server asks for an unknown authentication method.
    #[error("the login failed")]
    Login(#[source] Source),
    #[error("the connection failed")]
    Connection(#[source] Source),
    #[error("the connection pool cannot be used: {0}")]
    Pool(&'static str),
}

type Source = Box<dyn Error + Send + Sync>;

/// Failure of a statement, and whether the server may have received it.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    pub(crate) was_sent: bool,
}

impl Unanswered {
    pub(crate) fn sent(failure: impl Into<Failure>) -> Self {
        Self { failure: failure.into(), was_sent: true }
    }

    pub(crate) fn not_sent(failure: impl Into<Failure>) -> Self {
        Self { failure: failure.into(), was_sent: false }
    }
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
            Self::Server { code, .. } => verdict_of(code),
            Self::ReadOnly => Verdict::RepeatElsewhere,
            Self::Connection(_) => Verdict::Lost,
            Self::Deadline | Self::NoConnection => Verdict::Busy,
            Self::Tls(_) | Self::Login(_) | Self::Pool(_) => Verdict::Refused,
        }
    }

    /// The SQLSTATE.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Server { code, .. } => Some(code),
            _ => None,
        }
    }

    pub(crate) fn is_missing_table(&self) -> bool {
        self.code() == Some("42P01")
    }
}

/// Classifies a SQLSTATE (PostgreSQL documentation, appendix A). No code ever means that a grant is absent.
fn verdict_of(code: &str) -> Verdict {
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Verdict::Repeat,
        // A statement prepared here is unknown, or exists already: there is a pooler in between.
        "26000" | "42P05" => Verdict::RepeatElsewhere,
        // Cancelled, or a lock not granted: the session can still be used.
        "57014" | "55P03" => Verdict::Busy,
        _ => match code.get(..2) {
            // Connection exceptions; shutdown, crash, start-up, idle timeout.
            Some("08" | "57") => Verdict::Lost,
            // Wrong transaction state: read-only, for example on a replica, or left failed by other code.
            Some("25") => Verdict::RepeatElsewhere,
            // Rolled back, or outcome unknown (40003); no connections, memory or disk left; system error. A full disk
            // recovers: a purge frees space, an archive takes the log.
            Some("40" | "53" | "58") => Verdict::Busy,
            _ => Verdict::Refused,
        },
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::Server { code: said.code().code().to_owned(), message: said.message().to_owned() },
            None if is_unwritable(&error) => Self::ReadOnly,
            // The driver identifies the failed step of connecting only by its message.
            None => match error.to_string().as_str() {
                "error performing TLS handshake" if !is_cut(&error) => Self::Tls(error.into()),
                "authentication error" | "invalid configuration" => Self::Login(error.into()),
                _ => Self::Connection(error.into()),
            },
        }
    }
}

/// True if a handshake failed because of the connection and not because of TLS.
fn is_cut(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| !matches!(cause.get_ref(), Some(said) if said.is::<rustls::Error>()))
}

/// True for the error of tokio-postgres when no host satisfies `target_session_attrs=read-write`: a permission error
/// without an OS error code.
fn is_unwritable(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied && cause.raw_os_error().is_none())
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            PoolError::Timeout(_) => Self::NoConnection,
            PoolError::Closed => Self::Pool("it is closed"),
            PoolError::NoRuntimeSpecified => Self::Pool("it has timeouts but no runtime"),
            PoolError::PostCreateHook(HookError::Message(_)) => Self::Pool("its hook refused a new connection"),
        }
    }
}

#[cfg(feature = "sqlx")]
impl From<sqlx_core::Error> for Failure {
    fn from(error: sqlx_core::Error) -> Self {
        match error {
            sqlx_core::Error::Database(said) => {
                Self::Server { code: said.code().unwrap_or_default().into_owned(), message: said.message().to_owned() }
            }
            sqlx_core::Error::PoolTimedOut => Self::NoConnection,
            sqlx_core::Error::PoolClosed => Self::Pool("it is closed"),
            sqlx_core::Error::Tls(_) => Self::Tls(error.into()),
            sqlx_core::Error::Configuration(_) => Self::Login(error.into()),
            _ => Self::Connection(error.into()),
        }
    }
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        unanswered.failure
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
