//! Rows of the host in the transaction that creates a grant.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use regrant::store::{Expect, GrantKey, GrantRecord, Swap};
use rusqlite::Connection;

use crate::db::Db;
use crate::error::Failure;
use crate::grants;
use crate::store::SqliteStore;

impl SqliteStore {
    /// Runs a call of the service, and writes rows of the host in the transaction that stores the grant which the call
    /// creates. Both are committed, or neither.
    ///
    /// `rows` gets the key of the grant. It runs on the thread that writes, after the grant and before the commit, at
    /// most once. If it fails or panics, the grant is not stored either, and the call fails. It does not run when the
    /// call creates no grant: when it is refused, when the database cannot be reached, and for calls that change a
    /// grant which is there, such as a refresh. If the call fails after its grant was stored (an approval that lost
    /// against another one), the rows stay, as the grant does.
    ///
    /// All other writes wait meanwhile, so `rows` must be quick, and asks nothing but this database. It must not begin
    /// or end a transaction; savepoints are allowed. `call` runs in the task that awaits this future: the service has
    /// this store or a clone of it, and no layer in between spawns. What the application writes on a connection of its
    /// own is in a transaction of its own; the two cannot be joined.
    ///
    /// The [crate documentation](crate#in-the-applications-own-database) has an example.
    pub async fn write_together<W, F>(&self, rows: W, call: F) -> F::Output
    where
        W: FnOnce(&Connection, &GrantKey) -> rusqlite::Result<()> + Send + 'static,
        F: Future,
    {
        let rows = HostRows { store: Arc::clone(&self.path), rows: Arc::new(Mutex::new(Some(Box::new(rows)))) };
        let mut call = pin!(call);
        poll_fn(|context| {
            let _turn = Turn::begin(rows.clone());
            call.as_mut().poll(context)
        })
        .await
    }
}

type Rows = Box<dyn FnOnce(&Connection, &GrantKey) -> rusqlite::Result<()> + Send>;

/// Rows that wait for the creation of a grant; none after they were written.
#[derive(Clone)]
pub(crate) struct HostRows {
    /// The store that writes them: each has a path of its own, which its clones share.
    store: Arc<Path>,
    rows: Arc<Mutex<Option<Rows>>>,
}

thread_local! {
    /// The rows of the call that this thread polls at the moment.
    static WAITING: RefCell<Option<HostRows>> = const { RefCell::new(None) };
}

/// One poll of a call. Ends when it is dropped, also by a panic.
struct Turn {
    outer: Option<HostRows>,
}

impl Turn {
    fn begin(rows: HostRows) -> Self {
        Self { outer: WAITING.replace(Some(rows)) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        WAITING.set(self.outer.take());
    }
}

impl HostRows {
    /// Returns the rows that go with a write of this store, which is being polled on this thread.
    pub(crate) fn waiting_for(store: &SqliteStore, expect: Expect) -> Option<Self> {
        let waiting = WAITING.with_borrow(Clone::clone)?;
        (expect == Expect::Absent && Arc::ptr_eq(&waiting.store, &store.path)).then_some(waiting)
    }

    /// Creates the grant and the rows. The error of the rows is a value, since nothing is wrong with the transaction.
    pub(crate) fn swap(
        &self,
        db: &Db,
        key: &GrantKey,
        expect: Expect,
        record: &GrantRecord,
    ) -> rusqlite::Result<Result<Swap, Failure>> {
        // The other writes of the transaction stay.
        db.execute_batch("SAVEPOINT regrant_host_rows")?;
        let outcome = grants::swap(db, key, expect, record).map(|swap| match swap {
            Swap::Stored => self.write(db, key).map(|()| swap),
            Swap::Conflict => Ok(swap),
        });
        // SQLite, or the rows in breach of their contract, ended the transaction: every write of it fails.
        if db.is_autocommit() {
            return outcome;
        }
        if !matches!(outcome, Ok(Ok(_))) {
            db.execute_batch("ROLLBACK TO regrant_host_rows")?;
        }
        db.execute_batch("RELEASE regrant_host_rows")?;
        outcome
    }

    fn write(&self, db: &Db, key: &GrantKey) -> Result<(), Failure> {
        let Some(rows) = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        // A panic would end the thread that writes.
        match catch_unwind(AssertUnwindSafe(|| rows(db, key))) {
            Ok(written) => written.map_err(|error| Failure::HostRows(Arc::new(error))),
            Err(_) => Err(Failure::HostPanicked),
        }
    }
}
