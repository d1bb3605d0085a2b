use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use regrant::store::{Expect, GrantIndex, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};
use regrant::{GrantId, GrantOwner, MemoryStore, Realm};

/// A [`MemoryStore`] that counts what is asked of it, keeps all that was ever written, and fails when told to.
#[derive(Clone, Default)]
pub(crate) struct WatchedStore {
    inner: MemoryStore,
    log: Arc<Mutex<Log>>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and did nothing.
    Before,
    /// It did its work; the answer is lost, and the store cannot be asked until [`WatchedStore::calm`].
    After,
}

type Rival = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Log {
    calls: usize,
    faults: BTreeMap<usize, Fault>,
    in_between: Option<Rival>,
    written: Vec<(GrantKey, GrantRecord)>,
    content: BTreeMap<GrantKey, GrantRecord>,
    is_down: bool,
    rejects: bool,
}

impl WatchedStore {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no panic under the lock")
    }

    /// How often it was asked for anything.
    pub(crate) fn calls(&self) -> usize {
        self.log().calls
    }

    /// How many writes it stored.
    pub(crate) fn writes(&self) -> usize {
        self.log().written.len()
    }

    /// All records ever stored.
    pub(crate) fn written(&self) -> Vec<(GrantKey, GrantRecord)> {
        self.log().written.clone()
    }

    /// What it holds now, and how many writes led there: equal snapshots mean that nothing was written in between.
    pub(crate) fn snapshot(&self) -> (usize, BTreeMap<GrantKey, GrantRecord>) {
        let log = self.log();
        (log.written.len(), log.content.clone())
    }

    /// From now on every call fails, or none does.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.log().is_down = is_down;
    }

    /// From now on it answers every call with an error that trying again does not mend.
    pub(crate) fn reject(&self) {
        self.log().rejects = true;
    }

    /// Puts something else in the place of every record, behind the back of every service.
    pub(crate) fn overwrite(&self, change: impl Fn(&GrantKey, GrantRecord) -> GrantRecord) {
        for key in self.log().content.keys() {
            let stored = super::ready(self.inner.load(key)).expect("memory").expect("a record");
            let (expect, record) = (Expect::Version(stored.version), change(key, stored.record));
            let swapped = super::ready(self.inner.compare_and_swap(key, expect, record)).expect("memory");
            assert_eq!(swapped, Swap::Stored);
        }
    }

    /// Lets the `k`th call from now on go wrong, counted from 0.
    pub(crate) fn fail(&self, k: usize, fault: Fault) {
        let mut log = self.log();
        let call = log.calls + k;
        log.faults.insert(call, fault);
    }

    /// Everything works again.
    pub(crate) fn calm(&self) {
        let mut log = self.log();
        log.faults.clear();
        log.is_down = false;
        log.rejects = false;
    }

    /// Lets `rival` run between the load of the next call that writes and its write.
    pub(crate) fn before_next_write(&self, rival: impl FnOnce() + Send + 'static) {
        self.log().in_between = Some(Box::new(rival));
    }

    /// `Ok(true)` when the call shall do its work and then fail.
    fn called(&self) -> Result<bool, StoreError> {
        let mut log = self.log();
        log.calls += 1;
        if log.rejects {
            return Err(StoreError::rejected("permission denied for table grants"));
        }
        let call = log.calls - 1;
        match log.faults.remove(&call) {
            Some(Fault::After) if !log.is_down => {
                log.is_down = true;
                Ok(true)
            }
            None if !log.is_down => Ok(false),
            _ => Err(outage()),
        }
    }
}

fn outage() -> StoreError {
    StoreError::unavailable("connection refused")
}

#[async_trait]
impl TokenStore for WatchedStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        if self.called()? {
            return Err(outage());
        }
        self.inner.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let rival = self.log().in_between.take();
        if let Some(rival) = rival {
            rival();
        }
        let is_lost = self.called()?;
        let swap = self.inner.compare_and_swap(key, expect, record.clone()).await?;
        if swap == Swap::Stored {
            let mut log = self.log();
            log.written.push((key.clone(), record.clone()));
            log.content.insert(key.clone(), record);
        }
        if is_lost { Err(outage()) } else { Ok(swap) }
    }
}

#[async_trait]
impl GrantIndex for WatchedStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        if self.called()? {
            return Err(outage());
        }
        self.inner.page(realm, owner, after, limit).await
    }
}
