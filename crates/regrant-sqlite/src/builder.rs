use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::MAIN_DB;

use crate::connection::connect;
use crate::deadline::Deadline;
use crate::file::create_private;
use crate::open_error::OpenError;
use crate::overdue::Overdue;
use crate::schema;
use crate::store::SqliteStore;
use crate::synchronous::Synchronous;
use crate::threads::{spawn_readers, spawn_writer};

/// How a [`SqliteStore`] is opened.
///
/// ```
/// use std::time::Duration;
///
/// use regrant_sqlite::{SqliteStore, Synchronous};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("grants.db");
/// let store = SqliteStore::builder()
///     .synchronous(Synchronous::Normal)
///     .deadline(Duration::from_secs(1))
///     .readers(4)
///     .open(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteStoreBuilder {
    synchronous: Synchronous,
    deadline: Duration,
    readers: usize,
}

impl SqliteStore {
    /// Opens the store in this file with the defaults of a [`builder`](Self::builder); see [`SqliteStoreBuilder::open`].
    ///
    /// # Errors
    /// When the file cannot serve as a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder().open(path)
    }

    /// What is not set has the default named at each setter.
    pub fn builder() -> SqliteStoreBuilder {
        SqliteStoreBuilder::default()
    }
}

impl Default for SqliteStoreBuilder {
    fn default() -> Self {
        Self { synchronous: Synchronous::default(), deadline: Duration::from_secs(2), readers: 2 }
    }
}

impl SqliteStoreBuilder {
    /// What a commit waits for. Default: [`Synchronous::Full`].
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long a call may take: the wait for its turn, for locks of other processes and for the disk together; more
    /// than zero. Then it fails as transient. What has not begun by then is never done; what has begun is finished,
    /// however slow the disk, and a write may turn out to be stored. [`open`](Self::open) itself waits so long for
    /// locks. Default: 2 seconds.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many threads read, each on a connection of its own; one is the least. Default: 2.
    pub const fn readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Opens the store in this file, which is created if it does not exist; its folder must. Blocks meanwhile. On Unix
    /// a new file, and its companions `-wal` and `-shm`, can be read and written by their owner alone (0600); one that
    /// exists keeps its mode, and its companions take it.
    ///
    /// # Errors
    /// When the file cannot serve as a store.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        // Absolute, since to SQLite `:memory:` and the empty path are private databases, one for each connection, and what
        // begins with `file:` is a URL.
        let path = std::path::absolute(path).map_err(OpenError::Inaccessible)?;
        self.open_file(&path).map_err(|error| error.with_cause(&path))
    }

    fn open_file(&self, path: &Path) -> Result<SqliteStore, OpenError> {
        let deadline = Deadline::after(self.deadline);
        create_private(path);
        let connect = || connect(path, self.synchronous, deadline);
        let writer = connect()?;
        if writer.is_readonly(MAIN_DB)? {
            return Err(OpenError::ReadOnly);
        }
        schema::prepare(&writer, deadline)?;
        let readers = (0..self.readers.max(1)).map(|_| connect()).collect::<Result<_, _>>()?;
        let writer = spawn_writer(writer).map_err(OpenError::Thread)?;
        let readers = spawn_readers(readers).map_err(OpenError::Thread)?;
        let overdue = Arc::new(Overdue::spawn().map_err(OpenError::Thread)?);
        Ok(SqliteStore { writer, readers, overdue, deadline: self.deadline, path: path.into() })
    }
}
