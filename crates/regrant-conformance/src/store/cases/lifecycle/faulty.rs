//! A store that counts its calls and fails on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore};

use crate::store::harness::LostReply;

/// A fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::cases) enum Fault {
    /// The call fails and does nothing.
    Before,
    /// The call does its work. The answer is lost.
    After,
    /// The call fails now and does its work when [`Faulty::deliver`] is called.
    Late,
}

/// The judged store behind a layer of faults.
pub(in crate::store::cases) struct Faulty<S> {
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
    repeats_writes: bool,
    loses: Option<(usize, LostReply)>,
    late: Vec<(GrantKey, Expect, GrantRecord)>,
}

impl<S: TokenStore> Faulty<S> {
    pub(in crate::store::cases) fn new(store: Arc<S>) -> Self {
        Self { store, state: Arc::default() }
    }

    /// Makes the `k`th call from now on fail, counted from 0.
    pub(in crate::store::cases) fn fail(&self, k: usize, fault: Fault) {
        let mut state = self.state();
        let call = state.calls + k;
        state.faults.insert(call, fault);
    }

    /// Drops the reply to the first request of the `k`th call from now on, behind the store.
    pub(in crate::store::cases) fn lose_reply(&self, k: usize, lose: LostReply) {
        let mut state = self.state();
        state.loses = Some((state.calls + k, lose));
    }

    /// Ends all faults.
    pub(in crate::store::cases) fn calm(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.loses = None;
    }

    /// From now on sends each write twice and returns the second answer, like a client library that lost the first
    /// reply.
    pub(in crate::store::cases) fn repeat_writes(&self) {
        self.state().repeats_writes = true;
    }

    /// Applies the late writes whose condition still holds.
    pub(in crate::store::cases) async fn deliver(&self) {
        let late = std::mem::take(&mut self.state().late);
        for (key, expect, record) in late {
            let _: Swap = self.store.compare_and_swap(&key, expect, record).await.unwrap();
        }
    }

    /// Returns the number of writes stored so far.
    pub(in crate::store::cases) fn writes(&self) -> usize {
        self.state().stored
    }

    async fn next_call(&self) -> Option<Fault> {
        let (lose, fault) = {
            let mut state = self.state();
            state.calls += 1;
            let call = state.calls - 1;
            (state.loses.take_if(|(k, _)| *k == call), state.faults.remove(&call))
        };
        if let Some((_, lose)) = lose {
            lose().await;
        }
        fault
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
        match self.next_call().await {
            None => self.store.load(key).await,
            Some(_) => Err(lost()),
        }
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        match self.next_call().await {
            Some(Fault::Before) => return Err(lost()),
            Some(Fault::Late) => {
                self.state().late.push((key.clone(), expect, record));
                return Err(lost());
            }
            fault => {
                let mut swap = self.store.compare_and_swap(key, expect, record.clone()).await?;
                self.state().stored += usize::from(swap == Swap::Stored);
                if self.state().repeats_writes {
                    swap = self.store.compare_and_swap(key, expect, record).await?;
                }
                if fault.is_some() { Err(lost()) } else { Ok(swap) }
            }
        }
    }
}
