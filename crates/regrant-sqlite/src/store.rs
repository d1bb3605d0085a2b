use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId,
};
use regrant::token::Realm;

use crate::db::Db;
use crate::deadline::Deadline;
use crate::direct::Direct;
use crate::error::Failure;
use crate::host_rows::HostRows;
use crate::overdue::Overdue;
use crate::task::{NewTask, task};
use crate::threads::Queue;
use crate::{grants, marks};

/// Rows that a purge examines in one transaction: a few milliseconds, so that swaps get their turn in between.
const PURGE_STEP: usize = 64;

/// Store for grants and single-use marks in a SQLite file. Clones share one set of threads.
///
/// ```
/// use regrant_sqlite::SqliteStore;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("grants.db");
/// let store = SqliteStore::open(path)?;
/// let same_grants = store.clone();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The store needs no async runtime: it has threads of its own. A load alone runs on the calling thread, see
/// [`direct_reads`](crate::SqliteStoreBuilder::direct_reads). The threads end, and close the file, when the last clone
/// is dropped.
#[derive(Clone)]
pub struct SqliteStore {
    /// Closed before the queues: a thread then closes the last connection, which moves the log into the file.
    pub(crate) direct: Arc<Direct>,
    pub(crate) writer: Queue,
    pub(crate) readers: Queue,
    pub(crate) overdue: Arc<Overdue>,
    pub(crate) deadline: Duration,
    pub(crate) path: Arc<Path>,
}

impl SqliteStore {
    /// Reads on the calling thread if nothing has to be waited for, as a load does, otherwise on a reader thread.
    pub(crate) async fn read<T, W>(&self, mut work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    {
        if let Some(found) = self.direct.try_read(&mut work) {
            return found.map_err(|error| Failure::from(error).at(&self.path));
        }
        self.ask(&self.readers, self.deadline(), work).await
    }

    /// Writes in the next commit.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    {
        self.ask(&self.writer, self.deadline(), work).await
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.deadline)
    }

    async fn ask<T, W>(&self, queue: &Queue, deadline: Deadline, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Db) -> rusqlite::Result<T> + Send + 'static,
    {
        let NewTask { task, waiting, result } = task(deadline, work);
        self.overdue.watch(deadline, waiting);
        let answer = match queue.send(task) {
            Ok(()) => result.await.unwrap_or(Err(Failure::ThreadEnded)),
            Err(_) => Err(Failure::ThreadEnded),
        };
        answer.map_err(|failure| failure.at(&self.path))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        if let Some(found) = self.direct.try_read(|db| grants::load(db, key)) {
            return found.map_err(|error| Failure::from(error).at(&self.path));
        }
        let key = key.clone();
        self.ask(&self.readers, self.deadline(), move |db| grants::load(db, &key)).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let key = key.clone();
        match HostRows::waiting_for(self, expect) {
            None => self.write(move |db| grants::swap(db, &key, expect, &record)).await,
            Some(rows) => {
                let swapped = self.write(move |db| rows.swap(db, &key, expect, &record)).await?;
                swapped.map_err(|failure| failure.at(&self.path))
            }
        }
    }
}

#[async_trait]
impl GrantIndex for SqliteStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let (realm, owner) = (realm.clone(), owner.clone());
        self.ask(&self.readers, self.deadline(), move |db| grants::page(db, &realm, &owner, after, limit)).await
    }
}

#[async_trait]
impl PurgeExpired for SqliteStore {
    /// Works in steps. A call that is dropped, or reaches its deadline, stops between two steps; rows deleted by then
    /// stay deleted.
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let deadline = self.deadline();
        let mut purged = 0;
        for purge in [grants::purge, marks::purge] {
            while purged < limit {
                let rows = PURGE_STEP.min(limit - purged);
                let step = self.ask(&self.writer, deadline, move |db| purge(db, now, rows)).await?;
                if step.is_last() {
                    break;
                }
                purged += step.deleted;
            }
        }
        Ok(purged)
    }
}

#[async_trait]
impl SingleUse for SqliteStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let id = *id;
        self.ask(&self.writer, self.deadline(), move |db| marks::use_once(db, &id, expires_at)).await
    }
}
