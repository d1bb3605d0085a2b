//! A store that keeps a copy of each written record.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, SingleUse, StoreError, StoredGrant, Swap, TokenStore, Use,
    UseId,
};
use regrant::token::Realm;

use crate::witness::Witness;

/// A store in which each case has records of its own, although all cases draw the same grant ids.
#[derive(Clone)]
pub struct Copying<S> {
    inner: S,
    realm: String,
    witness: Witness,
    written: Arc<Mutex<Vec<u8>>>,
}

impl<S> Copying<S> {
    pub fn new(inner: S, witness: Witness) -> Self {
        Self { inner, realm: String::new(), witness, written: Arc::default() }
    }

    /// The same store, with records of its own.
    #[must_use]
    pub fn in_realm(&self, realm: usize) -> Self
    where
        S: Clone,
    {
        Self { realm: format!("case-{realm} "), ..self.clone() }
    }

    /// Returns every record and mark that was ever written.
    pub fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn key(&self, key: &GrantKey) -> GrantKey {
        GrantKey { realm: self.own(&key.realm), id: key.id }
    }

    fn own(&self, realm: &Realm) -> Realm {
        Realm::new(format!("{}{}", self.realm, realm.as_str()).trim()).expect("a realm")
    }

    fn note(&self, key: &GrantKey, bytes: &[u8]) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(format!("{key:?} ").as_bytes());
        written.extend_from_slice(bytes);
    }

    fn watched<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| self.witness.error(error))
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Copying<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.watched(self.inner.load(&self.key(key)).await)
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let key = self.key(key);
        self.note(&key, &record.payload);
        self.note(&key, format!("{record:?}").as_bytes());
        self.watched(self.inner.compare_and_swap(&key, expect, record).await)
    }
}

#[async_trait]
impl<S: GrantIndex> GrantIndex for Copying<S> {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        self.watched(self.inner.page(&self.own(realm), owner, after, limit).await)
    }
}

#[async_trait]
impl<S: SingleUse> SingleUse for Copying<S> {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(id.as_bytes());
        self.watched(self.inner.use_once(id, expires_at).await)
    }
}
