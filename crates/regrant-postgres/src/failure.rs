//! What goes wrong in a call, and what follows from it.

use std::error::Error;
use std::io;

use deadpool_postgres::{HookError, PoolError};
use regrant::store::StoreError;

/// A failed call. Of what the server said it keeps the code and the message: the detail may quote a row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer within the deadline")]
    Deadline,
    #[error("no connection within the deadline: all are in use, or the server does not answer")]
    NoConnection,
    #[error("the server takes no writes: it is a replica, or the session is read-only")]
    ReadOnly,
    #[error("{message} (SQLSTATE {code})")]
    Server { code: String, message: String },
    /// The server offers no TLS, or nobody trusts its certificate.
    #[error("TLS failed")]
    Tls(#[source] tokio_postgres::Error),
    /// It never came to a login: there is no password, or the server wants one in a way that is not known.
    #[error("the login failed")]
    Login(#[source] tokio_postgres::Error),
    #[error("the connection failed")]
    Connection(#[source] tokio_postgres::Error),
    #[error("the connection pool is of no use: {0}")]
    Pool(&'static str),
}

/// What a failure means for the write, for the session, and for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server rolled it back to let another one go first: not applied, and worth repeating.
    Repeat,
    /// This session cannot do it: not applied, and worth repeating on another one.
    RepeatElsewhere,
    /// The session is gone, and what became of the statement is unknown.
    Lost,
    /// There was no time, or the server has no room.
    Busy,
    /// The server will say the same again.
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

/// By SQLSTATE (PostgreSQL documentation, appendix A). Nothing here is ever an absence.
fn verdict_of(code: &str) -> Verdict {
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Verdict::Repeat,
        // A statement that was prepared here and is unknown now, or known already: a pooler stands in between.
        "26000" | "42P05" => Verdict::RepeatElsewhere,
        // Cancelled, a lock not granted: the session is as good as before.
        "57014" | "55P03" => Verdict::Busy,
        _ => match code.get(..2) {
            // Connection exceptions; shutdown, crash, not started yet, idle too long.
            Some("08" | "57") => Verdict::Lost,
            // The transaction is not what it should be: read-only, on a replica for instance, or somebody's failed one.
            Some("25") => Verdict::RepeatElsewhere,
            // Rolled back, or outcome unknown (40003); out of connections, memory, disk; trouble below the server. A
            // full disk is not for ever: a purge frees space, an archive takes the log.
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
            // The driver tells by its words alone which part of connecting failed.
            None => match error.to_string().as_str() {
                "error performing TLS handshake" if !is_cut(&error) => Self::Tls(error),
                "authentication error" | "invalid configuration" => Self::Login(error),
                _ => Self::Connection(error),
            },
        }
    }
}

/// Tells whether a handshake failed because the connection did, and not because of TLS itself.
fn is_cut(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| !matches!(cause.get_ref(), Some(said) if said.is::<rustls::Error>()))
}

/// What tokio-postgres makes of `target_session_attrs=read-write` that is not met: a permission that no system denied.
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

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.verdict() {
            Verdict::Refused => Self::rejected(failure),
            Verdict::Repeat | Verdict::RepeatElsewhere | Verdict::Lost | Verdict::Busy => Self::unavailable(failure),
        }
    }
}
