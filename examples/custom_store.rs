//! A store of your own: two methods. This one keeps records in a map behind a lock; a database does the same with
//! `UPDATE ... WHERE key = $1 AND version = $2`. Needs no network:
//!
//! ```text
//! cargo run --example custom_store
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, RefreshRequest,
    Subject, SystemEntropy, TokenService,
};

#[derive(Default)]
struct MapStore(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    records: HashMap<GrantKey, StoredGrant>,
    /// Only ever counts up, so that no version is used twice, not even for a key whose record was deleted.
    versions: u64,
}

#[async_trait]
impl TokenStore for MapStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(inner.records.get(key).cloned())
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        // The condition and the write under one lock: between the two nobody else may write.
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = match (expect, inner.records.get(key)) {
            (Expect::Absent, None) => true,
            (Expect::Version(version), Some(current)) => current.version == version,
            _ => false,
        };
        if !holds {
            return Ok(Swap::Conflict);
        }
        inner.versions += 1;
        let stored = StoredGrant { version: Version(inner.versions), record };
        inner.records.insert(key.clone(), stored);
        Ok(Swap::Stored)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MapStore::default(), ClientRegistry::new(), keys).build()?;
    let client = Client::new(ClientId::new("app")?).with_grant_types([GrantType::Password, GrantType::RefreshToken]);
    let client = AuthenticatedClient::assertion(client.into());

    let request = IssueRequest::new(GrantType::Password, Approval::of(Subject::new("demo")?));
    let first = service.issue(&client, request).await?;
    println!("issued    grant {}", first.grant_id);
    let refresh_token = first.refresh_token.ok_or("no refresh token")?;
    let second = service.refresh(&client, &RefreshRequest::new(refresh_token)).await?;
    println!("refreshed grant {}: one record, written twice", second.grant_id);
    Ok(())
}
