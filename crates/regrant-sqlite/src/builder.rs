use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::MAIN_DB;

use crate::connection::connect;
use crate::deadline::Deadline;
use crate::direct::Direct;
use crate::file::create_private;
use crate::open_error::OpenError;
use crate::overdue::Overdue;
use crate::schema;
use crate::store::SqliteStore;
use crate::synchronous::Synchronous;
use crate::table_prefix::{TablePrefix, Tables};
use crate::threads::{spawn_readers, spawn_writer};

/// Options of a [`SqliteStore`].
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
    direct_reads: bool,
    tables: Tables,
}

impl SqliteStore {
    /// Opens the store in this file with the default options; see [`SqliteStoreBuilder::open`].
    ///
    /// # Errors
    /// If the file cannot be used as a store; the [`OpenError`] has the cause.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder().open(path)
    }

    /// Options for opening a store. Each setter names its default.
    pub fn builder() -> SqliteStoreBuilder {
        SqliteStoreBuilder::default()
    }
}

impl Default for SqliteStoreBuilder {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::default(),
            deadline: Duration::from_secs(2),
            readers: 2,
            direct_reads: true,
            tables: Tables::default(),
        }
    }
}

impl SqliteStoreBuilder {
    /// Durability of a commit. Default: [`Synchronous::Full`].
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Longest time of a call; more than zero. It covers the wait in the queue, for locks of other processes and for
    /// the disk. After it the call fails as transient. Work that has not begun by then is never done. Work that has
    /// begun is finished, however slow the disk, so a late write may still be stored. [`open`](Self::open) waits this
    /// long for locks. Default: 2 seconds.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Number of reader threads, each with its own connection; at least one. Default: 2.
    pub const fn readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Loads a grant on the calling thread. If the page is in memory, this takes some microseconds, and several times
    /// as long by way of a reader thread. If not, the disk blocks the calling thread, and the deadline does not hold:
    /// about 0.1 ms on a local SSD, and longer on a disk that does not answer. So turn this off if the file is much
    /// larger than the memory of the machine, or on a disk that may hang, and the thread serves other tasks. A load
    /// that would have to wait for a lock goes to a reader thread in any case. Default: `true`.
    pub const fn direct_reads(mut self, direct_reads: bool) -> Self {
        self.direct_reads = direct_reads;
        self
    }

    /// Keeps the grants in a database of the application, in tables and indexes whose names begin with `prefix`. The
    /// file may have any other tables, and other stores under other prefixes, which see nothing of each other. Nothing
    /// else of it is read or changed, except that [`open`](Self::open) switches it to a write-ahead log. The version of
    /// the schema is in the table `schema` of the prefix; `user_version` and `application_id` stay the application's.
    ///
    /// Default: none. The file is the store's own then, and any other database is refused.
    ///
    /// ```
    /// use regrant_sqlite::{SqliteStore, TablePrefix};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db");
    /// let app = rusqlite::Connection::open(&path)?;
    /// app.execute_batch("CREATE TABLE accounts (name TEXT)")?;
    /// let store = SqliteStore::builder().table_prefix(TablePrefix::new("oauth_")?).open(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn table_prefix(mut self, prefix: impl Into<Option<TablePrefix>>) -> Self {
        self.tables = Tables::under(prefix.into());
        self
    }

    /// Opens the store in this file. Creates the file if it does not exist; its folder must exist. Blocks the thread.
    /// On Unix a new file and its companions `-wal` and `-shm` are readable and writable by their owner alone (0600).
    /// An existing file keeps its mode, and its companions get the same mode. The umask of the process changes none of
    /// this.
    ///
    /// # Errors
    /// If the file cannot be used as a store; the [`OpenError`] has the cause.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        // SQLite treats `:memory:` and the empty path as private databases, and a name that begins with `file:` as a
        // URL. An absolute path is none of these.
        let path = std::path::absolute(path).map_err(OpenError::Inaccessible)?;
        self.open_file(&path).map_err(|error| error.with_cause(&path))
    }

    fn open_file(&self, path: &Path) -> Result<SqliteStore, OpenError> {
        let deadline = Deadline::after(self.deadline);
        create_private(path);
        let connect = || connect(path, &self.tables, self.synchronous, deadline);
        let writer = connect()?;
        if writer.is_readonly(MAIN_DB)? {
            return Err(OpenError::ReadOnly);
        }
        schema::prepare(&writer, deadline)?;
        let readers = (0..self.readers.max(1)).map(|_| connect()).collect::<Result<_, _>>()?;
        let direct = if self.direct_reads { Direct::open(connect)? } else { Direct::none() };
        let writer = spawn_writer(writer).map_err(OpenError::Thread)?;
        let readers = spawn_readers(readers).map_err(OpenError::Thread)?;
        let overdue = Arc::new(Overdue::spawn().map_err(OpenError::Thread)?);
        Ok(SqliteStore {
            direct: Arc::new(direct),
            writer,
            readers,
            overdue,
            deadline: self.deadline,
            path: path.into(),
        })
    }
}
