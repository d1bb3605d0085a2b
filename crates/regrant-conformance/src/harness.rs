use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::store::TokenStore;

/// How the kit gets at a store.
///
/// ```
/// use regrant::MemoryStore;
/// use regrant_conformance::{Fixture, StoreHarness};
///
/// struct Memory;
///
/// #[async_trait::async_trait]
/// impl StoreHarness for Memory {
///     type Store = MemoryStore;
///
///     async fn fresh(&self) -> Fixture<MemoryStore> {
///         let store = MemoryStore::new();
///         Fixture::new(store.clone()).with_second_handle(store)
///     }
/// }
/// ```
#[async_trait]
pub trait StoreHarness: Send + Sync {
    /// The store that is judged.
    type Store: TokenStore + 'static;

    /// A store that holds nothing and that no other case sees: a table, a key prefix or a file of its own. Called once
    /// for each case, from several threads at once.
    ///
    /// # Panics
    /// When there is no such store: the case has failed.
    async fn fresh(&self) -> Fixture<Self::Store>;
}

/// A store for one case, and what belongs to it.
#[expect(missing_debug_implementations, reason = "stores have nothing to show")]
pub struct Fixture<S> {
    store: Arc<S>,
    second: Option<Arc<S>>,
    outage: Option<Outage>,
    lost_reply: Option<LostReply>,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

/// Cuts the store off from what lies behind it.
pub type Outage = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Loses the reply to the next request that the store sends.
pub type LostReply = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl<S: Send + Sync> Fixture<S> {
    /// A fixture of this store alone.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), second: None, outage: None, lost_reply: None, guards: Vec::new() }
    }

    /// A second handle to the same data, as another node of the application has one: a connection, a pool of its own.
    #[must_use]
    pub fn with_second_handle(mut self, store: S) -> Self {
        self.second = Some(Arc::new(store));
        self
    }

    /// What makes the database unreachable for the handles of this fixture, and for them alone: a proxy that is shut,
    /// for instance.
    #[must_use]
    pub fn with_outage<F>(mut self, outage: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.outage = Some(Box::new(|| Box::pin(outage())));
        self
    }

    /// Sets a function that lets the next request of the store arrive and loses its reply, once for each call: a proxy
    /// that closes the connection instead, for instance. The link lives on, so that a client library which repeats
    /// requests by itself does so.
    #[must_use]
    pub fn with_lost_reply<F>(mut self, lose: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.lost_reply = Some(Arc::new(move || Box::pin(lose())));
        self
    }

    /// What is dropped after the case, whether it passed or not: a temporary folder, a table that drops itself.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<S> {
        Arc::clone(&self.store)
    }

    /// The store itself, so that dropping it closes it; the second handle stays in its place.
    ///
    /// # Panics
    /// When there is no second handle.
    #[must_use]
    pub fn take_store(&mut self) -> Arc<S> {
        let second = self.second_handle();
        std::mem::replace(&mut self.store, second)
    }

    /// The second handle, for cases that are about it.
    ///
    /// # Panics
    /// When there is none: a case about two handles must not pass on one.
    #[must_use]
    #[expect(clippy::panic, reason = "a case that cannot be judged has failed")]
    pub fn second_handle(&self) -> Arc<S> {
        match &self.second {
            Some(second) => Arc::clone(second),
            None => panic!("the fixture has no second handle: give it one, or leave `second_handle` out with a reason"),
        }
    }

    /// The second handle, or the first where there is none, for cases that are sharper on two.
    #[must_use]
    pub fn other_handle(&self) -> Arc<S> {
        self.second.as_ref().map_or_else(|| self.store(), Arc::clone)
    }

    /// Loses the reply to the next request.
    ///
    /// # Panics
    /// When the fixture does not know how.
    #[must_use]
    #[expect(clippy::panic, reason = "a case that cannot be judged has failed")]
    pub fn lost_reply(&self) -> LostReply {
        match &self.lost_reply {
            Some(lose) => Arc::clone(lose),
            None => panic!("the fixture loses no reply: let it, or leave `lost_reply` out with a reason"),
        }
    }

    /// Makes the database unreachable.
    ///
    /// # Panics
    /// When the fixture does not know how.
    #[expect(clippy::panic, reason = "a case that cannot be judged has failed")]
    pub async fn cut_off(&mut self) {
        match self.outage.take() {
            Some(outage) => outage().await,
            None => panic!("the fixture has no outage: give it one, or leave `outage` out with a reason"),
        }
    }
}
