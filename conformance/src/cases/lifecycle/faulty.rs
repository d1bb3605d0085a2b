//! A store that counts its calls and fails on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails and did nothing.
    Before,
    /// It did its work; the answer is lost.
    After,
    /// It fails now and does its work when [`Faulty::deliver`] is called.
    Late,
}

/// The store under judgement, between the service and the faults.
pub(super) struct Faulty<S> {
    store: Arc<S>,
    state: Arc<Mutex<State>>,
}

impl<S> Clone for Faulty<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), state: Arc::clone(&self.state) }
    }
}

#[derive(Default)]
struct State {
    calls: usize,
    stored: usize,
    faults: BTreeMap<usize, Fault>,
    late: Vec<(GrantKey, Expect, GrantRecord)>,
}

impl<S: TokenStore> Faulty<S> {
    pub(super) fn new(store: Arc<S>) -> Self {
        Self { store, state: Arc::default() }
    }

    /// Lets the `k`th call from now on go wrong, counted from 0.
    pub(super) fn fail(&self, k: usize, fault: Fault) {
        let mut state = self.state();
        let call = state.calls + k;
        state.faults.insert(call, fault);
    }

    /// Everything works again.
    pub(super) fn calm(&self) {
        self.state().faults.clear();
    }

    /// Applies the writes that were late, if their condition still holds.
    pub(super) async fn deliver(&self) {
        let late = std::mem::take(&mut self.state().late);
        for (key, expect, record) in late {
            let _: Swap = self.store.compare_and_swap(&key, expect, record).await.unwrap();
        }
    }

    /// Writes that were stored so far.
    pub(super) fn writes(&self) -> usize {
        self.state().stored
    }

    fn next_call(&self) -> Option<Fault> {
        let mut state = self.state();
        state.calls += 1;
        let call = state.calls - 1;
        state.faults.remove(&call)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost() -> StoreError {
    StoreError::unavailable("the kit let this call fail")
}

#[async_trait]
impl<S: TokenStore> TokenStore for Faulty<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        match self.next_call() {
            None => self.store.load(key).await,
            Some(_) => Err(lost()),
        }
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        match self.next_call() {
            Some(Fault::Before) => return Err(lost()),
            Some(Fault::Late) => {
                self.state().late.push((key.clone(), expect, record));
                return Err(lost());
            }
            fault => {
                let swap = self.store.compare_and_swap(key, expect, record).await?;
                self.state().stored += usize::from(swap == Swap::Stored);
                if fault.is_some() { Err(lost()) } else { Ok(swap) }
            }
        }
    }
}
