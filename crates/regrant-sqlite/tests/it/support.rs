//! A database file for one test, and records to put into it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use regrant::ClientId;
use regrant::clock::Timestamp;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, Swap, TokenStore};
use regrant_sqlite::{OpenError, SqliteStore, TablePrefix};
use rusqlite::Connection;
use tempfile::TempDir;
use testbed::LONG;
pub(crate) use testbed::record;

/// Environment variable that names the file to a child process.
const FILE: &str = "REGRANT_SQLITE_FILE";

pub(crate) struct Database {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Database {
    /// A path for a database; there is no file yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let path = folder.path().join("grants.db");
        Self { folder, path }
    }

    /// A file of a store that no connection has open.
    pub(crate) fn closed() -> Self {
        let database = Self::new();
        let store = database.open();
        let path = database.folder.path().join("closed.db");
        database.connection().execute("VACUUM INTO ?1", [path.to_str()]).expect("the file can be copied");
        drop(store);
        let copy = Self { path, ..database };
        copy.execute("PRAGMA journal_mode = wal");
        copy
    }

    pub(crate) fn open(&self) -> SqliteStore {
        // Generous, because tests about the deadline set one of their own.
        SqliteStore::builder().deadline(LONG).open(&self.path).expect("the file can be opened")
    }

    /// A store in the tables of this prefix.
    pub(crate) fn open_under(&self, prefix: &str) -> SqliteStore {
        self.try_open_under(prefix).expect("the file can be opened")
    }

    pub(crate) fn try_open_under(&self, prefix: &str) -> Result<SqliteStore, OpenError> {
        SqliteStore::builder().deadline(LONG).table_prefix(TablePrefix::new(prefix)?).open(&self.path)
    }

    /// A connection of another application to the same file.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(&self.path).expect("the file can be opened")
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connection().execute_batch(sql).expect("valid statements");
    }

    /// A connection that holds the write lock until it is dropped.
    pub(crate) fn locked(&self) -> Connection {
        let other = self.connection();
        other.execute_batch("BEGIN IMMEDIATE").expect("the file is not locked");
        other
    }

    /// Number of transactions in the write-ahead log. The last frame of each transaction has the number of pages of the
    /// database in bytes 4 to 8 of its header; the other frames have zero there
    /// (<https://www.sqlite.org/fileformat.html>, section 4.1).
    pub(crate) fn commits(&self) -> usize {
        const HEADER: usize = 32;
        const FRAME: usize = 24 + 4096;
        let wal = std::fs::read(self.wal()).expect("the store is open");
        wal[HEADER..].chunks(FRAME).filter(|frame| frame[4..8] != [0; 4]).count()
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.folder.path().join("grants.db-wal")
    }
}

pub(crate) fn key(number: u8) -> GrantKey {
    testbed::key(number.into())
}

pub(crate) fn record_until(end: Option<i64>) -> GrantRecord {
    GrantRecord { expires_at: end.map(Timestamp::from_millis), ..record(b"expires") }
}

pub(crate) fn record_of(client_id: &str) -> GrantRecord {
    GrantRecord { client_id: ClientId::new(client_id).unwrap(), ..record(b"client") }
}

pub(crate) async fn create(store: &impl TokenStore, number: u8, record: GrantRecord) -> Result<Swap, StoreError> {
    store.compare_and_swap(&key(number), Expect::Absent, record).await
}

pub(crate) async fn payload(store: &impl TokenStore, number: u8) -> Option<Arc<[u8]>> {
    store.load(&key(number)).await.unwrap().map(|stored| stored.record.payload)
}

/// Adds one to the number in the payload, against other writers, and returns the new number.
pub(crate) async fn count_up(store: &SqliteStore, number: u8) -> u64 {
    loop {
        let stored = store.load(&key(number)).await.unwrap().expect("the counter was created");
        let count = parse(&stored.record.payload) + 1;
        let next = GrantRecord { payload: count.to_string().into_bytes().into(), ..stored.record };
        let swap = store.compare_and_swap(&key(number), Expect::Version(stored.version), next).await.unwrap();
        if swap == Swap::Stored {
            return count;
        }
    }
}

pub(crate) async fn count(store: &SqliteStore, number: u8) -> u64 {
    parse(&payload(store, number).await.expect("the counter was created"))
}

fn parse(payload: &[u8]) -> u64 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Opens a file that cannot be opened and returns the kind of error.
pub(crate) fn inaccessible(path: &Path) -> std::io::ErrorKind {
    match SqliteStore::open(path) {
        Err(OpenError::Inaccessible(cause)) => cause.kind(),
        other => panic!("{other:?}"),
    }
}

/// Command that runs an ignored test of this binary, or of a copy of it, as a child process.
pub(crate) fn child(binary: &Path, test: &str, file: &Path) -> Command {
    let mut command = Command::new(binary);
    command.args(["--ignored", "--exact", "--nocapture", test]).env(FILE, file);
    command
}

/// In the child process: the file of its parent.
pub(crate) fn file_of_parent() -> PathBuf {
    std::env::var_os(FILE).expect("started by the test that needs it").into()
}
