//! A store in memory that counts, fails and forgets on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, StoreError, StoredGrant, Swap, TokenStore,
};
use regrant::token::Realm;
use regrant::{GrantId, MemoryStore};

use crate::lifecycle::world::run;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and did nothing.
    Before,
    /// It did its work; the answer is lost.
    After,
    /// It fails now and does its work later, when [`Probe::deliver`] is called.
    Late,
}

#[derive(Clone, Default)]
pub(crate) struct Probe {
    pub(crate) grants: MemoryStore,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    calls: usize,
    stored: usize,
    faults: BTreeMap<usize, Fault>,
    conflicts_always: bool,
    repeats_writes: bool,
    waits: bool,
    late: Vec<(GrantKey, Expect, GrantRecord)>,
    in_between: Option<Box<dyn FnOnce() + Send>>,
}

impl Probe {
    /// Lets the `k`th call from now on go wrong, counted from 0.
    pub(crate) fn fail(&self, k: usize, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        let call = state.calls + k;
        state.faults.insert(call, fault);
    }

    /// Everything works again.
    pub(crate) fn calm(&self) {
        let mut state = self.state.lock().unwrap();
        state.faults.clear();
        state.conflicts_always = false;
        state.repeats_writes = false;
        state.waits = false;
    }

    pub(crate) fn conflict_always(&self) {
        self.state.lock().unwrap().conflicts_always = true;
    }

    /// Every write that is stored is made once more, and the second one's outcome is told: what client libraries do
    /// that retry by themselves.
    pub(crate) fn repeat_writes(&self) {
        self.state.lock().unwrap().repeats_writes = true;
    }

    /// Every call waits once before its work and once behind it.
    pub(crate) fn wait(&self) {
        self.state.lock().unwrap().waits = true;
    }

    async fn waited(&self) {
        let mut waits = self.state.lock().unwrap().waits;
        std::future::poll_fn(|_| if std::mem::take(&mut waits) { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    /// Lets `rival` run between the load of the next call that writes and its write.
    pub(crate) fn before_next_write(&self, rival: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().in_between = Some(Box::new(rival));
    }

    /// Applies the writes that were late, if their condition still holds.
    pub(crate) fn deliver(&self) {
        let late = std::mem::take(&mut self.state.lock().unwrap().late);
        for (key, expect, record) in late {
            let _: Swap = run(self.grants.compare_and_swap(&key, expect, record)).unwrap();
        }
    }

    /// Calls of any kind so far.
    pub(crate) fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// Writes that were stored so far.
    pub(crate) fn writes(&self) -> usize {
        self.state.lock().unwrap().stored
    }

    /// The record of a grant of the default realm.
    pub(crate) fn record(&self, id: GrantId) -> Option<GrantRecord> {
        run(self.grants.load(&key(id))).unwrap().map(|stored| stored.record)
    }

    /// Puts `record` in the place of what is stored, behind the back of every service.
    pub(crate) fn overwrite(&self, id: GrantId, record: GrantRecord) {
        let current = run(self.grants.load(&key(id))).unwrap();
        let expect = current.map_or(Expect::Absent, |stored| Expect::Version(stored.version));
        assert_eq!(run(self.grants.compare_and_swap(&key(id), expect, record)).unwrap(), Swap::Stored);
    }

    fn next_call(&self) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let call = state.calls - 1;
        state.faults.remove(&call)
    }
}

fn key(id: GrantId) -> GrantKey {
    GrantKey { realm: Realm::default(), id }
}

fn outage() -> StoreError {
    StoreError::unavailable("injected")
}

#[async_trait]
impl TokenStore for Probe {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.waited().await;
        let answer = match self.next_call() {
            None => self.grants.load(key).await,
            Some(_) => Err(outage()),
        };
        self.waited().await;
        answer
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        self.waited().await;
        let rival = self.state.lock().unwrap().in_between.take();
        if let Some(rival) = rival {
            rival();
        }
        let fault = self.next_call();
        if self.state.lock().unwrap().conflicts_always {
            return Ok(Swap::Conflict);
        }
        match fault {
            Some(Fault::Before) => return Err(outage()),
            Some(Fault::Late) => {
                self.state.lock().unwrap().late.push((key.clone(), expect, record));
                return Err(outage());
            }
            Some(Fault::After) | None => {}
        }
        let mut swap = self.grants.compare_and_swap(key, expect, record.clone()).await?;
        if swap == Swap::Stored {
            self.state.lock().unwrap().stored += 1;
            let repeats = self.state.lock().unwrap().repeats_writes;
            if repeats {
                swap = self.grants.compare_and_swap(key, expect, record).await?;
            }
        }
        self.waited().await;
        if fault.is_some() { Err(outage()) } else { Ok(swap) }
    }
}

#[async_trait]
impl GrantIndex for Probe {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        match self.next_call() {
            None => self.grants.page(realm, owner, after, limit).await,
            Some(_) => Err(outage()),
        }
    }
}

#[async_trait]
impl PurgeExpired for Probe {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        match self.next_call() {
            None => self.grants.purge_expired(now, limit).await,
            Some(_) => Err(outage()),
        }
    }
}
