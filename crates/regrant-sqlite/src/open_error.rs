use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::file::create;

/// Why a file cannot serve as a store. Its text names the kind; the cause, if there is more to tell, is the
/// [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file, or one of its companions `-wal` and `-shm`, cannot be opened or created: no such folder, no permission,
    /// not a file.
    #[error("the database file cannot be opened or created")]
    Inaccessible(#[source] io::Error),
    /// The file can be read but not written.
    #[error("the database file is read-only")]
    ReadOnly,
    /// The file is something else than a SQLite database, or is encrypted.
    #[error("the file is no SQLite database")]
    NotADatabase,
    /// The file is a SQLite database, but not one of this crate. Nothing in it was changed.
    #[error("the file is the database of another application")]
    OtherApplication,
    /// A newer release of this crate has written the file. Nothing in it was changed.
    #[error("the database has version {found} of the schema; this release knows {known}")]
    NewerSchema {
        /// The version of the file.
        found: usize,
        /// The newest version that this release knows.
        known: usize,
    },
    /// Another connection held the file locked until the deadline.
    #[error("the database file is locked by another connection")]
    Locked,
    /// The file system has no shared memory between processes, which the write-ahead log needs: a network share, as a
    /// rule.
    #[error("the file system does not support a write-ahead log")]
    WalUnsupported,
    /// The database is damaged, or the machine failed.
    #[error("SQLite failed")]
    Sqlite(#[source] rusqlite::Error),
    /// The system has no thread left.
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// SQLite says only that it could not open a file; the system says why.
    pub(crate) fn with_cause(self, path: &Path) -> Self {
        match self {
            Self::Inaccessible(_) => Self::Inaccessible(why_inaccessible(path)),
            error => error,
        }
    }
}

/// An existing file is not opened here to learn more: on Unix, closing it again would take away the locks that other
/// connections of this process hold on it.
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
