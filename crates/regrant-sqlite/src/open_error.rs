use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::file::create;

/// Reason that a file cannot be used as a store. The text names the kind of error; the cause, if known, is the
/// [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or one of its companions `-wal` and `-shm` cannot be opened or created: the folder is missing, the
    /// permission is missing, or the path is not a file.
    #[error("the database file cannot be opened or created")]
    Inaccessible(#[source] io::Error),
    /// The file can be read but not written.
    #[error("the database file is read-only")]
    ReadOnly,
    /// The file is not a SQLite database, or is encrypted.
    #[error("the file is not a SQLite database")]
    NotADatabase,
    /// The file is a SQLite database of another application. Nothing in it was changed.
    #[error("the file is a database of another application")]
    OtherApplication,
    /// The file has tables of this prefix that no store made. Nothing in it was changed.
    #[error("the file has tables with this prefix that are not those of a store")]
    OtherTables,
    /// A prefix of tables is 1 to 32 lower-case ASCII letters, digits and underscores, begins with a letter, and not
    /// with `sqlite_`.
    #[error(
        "a table prefix is 1 to 32 lower-case letters, digits and underscores, begins with a letter, and not with sqlite_"
    )]
    InvalidTablePrefix,
    /// A newer release of this crate wrote the file. Nothing in it was changed.
    #[error("the database has version {found} of the schema; this release knows {known}")]
    NewerSchema {
        /// Schema version of the file.
        found: usize,
        /// Newest schema version that this release knows.
        known: usize,
    },
    /// Another connection held the file locked until the deadline.
    #[error("the database file is locked by another connection")]
    Locked,
    /// The file system has no memory shared between processes, which the write-ahead log needs. Usually it is a network
    /// share.
    #[error("the file system does not support a write-ahead log")]
    WalUnsupported,
    /// The database is damaged, or the machine failed.
    #[error("SQLite failed")]
    Sqlite(#[source] rusqlite::Error),
    /// The system cannot start another thread.
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// Replaces the cause: SQLite reports only that it could not open the file; the system knows why.
    pub(crate) fn with_cause(self, path: &Path) -> Self {
        match self {
            Self::Inaccessible(_) => Self::Inaccessible(why_inaccessible(path)),
            error => error,
        }
    }
}

/// Does not open an existing file: on Unix, closing it again would drop the locks that other connections of this
/// process hold on it.
fn why_inaccessible(path: &Path) -> io::Error {
    match create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => error,
        _ if path.is_dir() => io::ErrorKind::IsADirectory.into(),
        _ => io::ErrorKind::PermissionDenied.into(),
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::Inaccessible(io::Error::other(error)),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Sqlite(error),
        }
    }
}
