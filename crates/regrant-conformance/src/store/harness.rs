use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::store::TokenStore;

use crate::proxy::Proxy;

/// Access of the kit to a store.
///
/// ```
/// use regrant::MemoryStore;
/// use regrant_conformance::store::{Fixture, StoreHarness};
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

    /// Creates an empty store that no other case sees: a table, a key prefix or a file of its own. Called once for each
    /// case, from several threads at once.
    ///
    /// # Panics
    /// When the store cannot be created: the case has failed.
    async fn fresh(&self) -> Fixture<Self::Store>;

    /// Creates a fixture as [`fresh`](Self::fresh) does, of a store with the deadline that it has in production: two
    /// seconds, as the contract of [`TokenStore`] says. The groups about silence judge it. Needed only where `fresh`
    /// sets a longer deadline, so that a busy machine spoils no other case. The default is `fresh`.
    ///
    /// # Panics
    /// When the store cannot be created: the case has failed.
    async fn prompt(&self) -> Fixture<Self::Store> {
        self.fresh().await
    }
}

/// A store for one case, with its faults and guards.
#[expect(missing_debug_implementations, reason = "stores have nothing to show")]
pub struct Fixture<S> {
    store: Arc<S>,
    second: Option<Arc<S>>,
    outage: Option<Outage>,
    silence: Option<Outage>,
    lost_reply: Option<LostReply>,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

/// Makes the database unreachable for a store: refused connections, or silence.
pub type Outage = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Loses the reply to the next request that the store sends.
pub type LostReply = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl<S: Send + Sync> Fixture<S> {
    /// Creates a fixture of one handle to a store.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), second: None, outage: None, silence: None, lost_reply: None, guards: Vec::new() }
    }

    /// Sets a second handle to the same data, like that of another node of the application: a connection or a pool of
    /// its own.
    #[must_use]
    pub fn with_second_handle(mut self, store: S) -> Self {
        self.second = Some(Arc::new(store));
        self
    }

    /// Sets the faults of a link: an outage, a silence, and lost replies. All handles of this fixture, and no others,
    /// reach their server by this proxy.
    #[must_use]
    pub fn with_proxy(self, proxy: impl Into<Arc<Proxy>>) -> Self {
        let cut = proxy.into();
        let (silent, losing) = (Arc::clone(&cut), Arc::clone(&cut));
        self.with_outage(async move || cut.cut()).with_silence(async move || silent.swallow()).with_lost_reply(
            move || {
                losing.drop_next_reply();
                std::future::ready(())
            },
        )
    }

    /// Sets a function that makes the database unreachable for the handles of this fixture alone: connections are
    /// closed, and new ones are refused. [`with_proxy`](Self::with_proxy) sets it for a server behind a proxy.
    #[must_use]
    pub fn with_outage<F>(mut self, outage: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.outage = Some(Box::new(|| Box::pin(outage())));
        self
    }

    /// Sets a function that makes the database fall silent for the handles of this fixture alone: requests are
    /// swallowed, on open connections and on new ones, and no connection is closed.
    #[must_use]
    pub fn with_silence<F>(mut self, silence: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.silence = Some(Box::new(|| Box::pin(silence())));
        self
    }

    /// Sets a function that lets the next request of the store arrive and drops its reply, once for each call. A proxy
    /// may close that connection instead. Later connections work, so that a client library that repeats requests does
    /// so.
    #[must_use]
    pub fn with_lost_reply<F>(mut self, lose: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.lost_reply = Some(Arc::new(move || Box::pin(lose())));
        self
    }

    /// Adds a value that is dropped after the case, passed or failed: a temporary folder, a table that drops itself.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> Arc<S> {
        Arc::clone(&self.store)
    }

    /// Takes the store out, so that dropping it closes it. The second handle takes its place.
    ///
    /// # Panics
    /// When there is no second handle.
    #[must_use]
    pub fn take_store(&mut self) -> Arc<S> {
        let second = self.second_handle();
        std::mem::replace(&mut self.store, second)
    }

    /// Returns the second handle.
    ///
    /// # Panics
    /// When there is none: a case about two handles must not pass with one.
    #[must_use]
    #[expect(clippy::panic, reason = "a case that cannot be judged has failed")]
    pub fn second_handle(&self) -> Arc<S> {
        match &self.second {
            Some(second) => Arc::clone(second),
            None => panic!("the fixture has no second handle: give it one, or leave `second_handle` out with a reason"),
        }
    }

    /// Returns the second handle, or the first one where there is no second.
    #[must_use]
    pub fn other_handle(&self) -> Arc<S> {
        self.second.as_ref().map_or_else(|| self.store(), Arc::clone)
    }

    /// Returns the function that drops the reply to the next request.
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

    /// Makes the database fall silent.
    ///
    /// # Panics
    /// When the fixture does not know how.
    #[expect(clippy::panic, reason = "a case that cannot be judged has failed")]
    pub async fn silence(&mut self) {
        match self.silence.take() {
            Some(silence) => silence().await,
            None => panic!("the fixture has no silence: give it one, or leave `silence` out with a reason"),
        }
    }
}
